/** `channel expect`: how often bundles of a channel have to come, so that silence is noticed. */
import { SallyportError } from '../../errors/index.ts'
import { State } from '../../state/index.ts'
import { nowOf } from '../run/run.ts'
import type { StateRunOptions } from './state-verbs.ts'

const SPAN = /^([1-9][0-9]{0,4})([smhd])$/
const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const

/** Seconds of a span as people write it: 7d, 12h, 30m, 45s. Throws USAGE. */
export function parseSpan(text: string, option: string): number {
  const [, count, unit] = SPAN.exec(text) ?? []
  if (count === undefined)
    throw new SallyportError('USAGE', {
      side: 'state',
      subject: option,
      detail: 'a span is a whole number of days, hours, minutes or seconds: 7d, 12h, 30m, 45s',
    })
  return Number(count) * SECONDS[unit as keyof typeof SECONDS]
}

/** A span as people write it, in the largest unit in which it is whole. */
export function spanOf(seconds: number): string {
  const units = Object.entries(SECONDS).toReversed()
  const [unit, length] = units.find(([, one]) => seconds % one === 0) ?? ['s', 1]
  return `${seconds / length}${unit}`
}

export interface ExpectReport {
  channel: string
  /** Null: it is expected no more. */
  everySeconds: number | null
  /** When the last bundle was accepted; null before the first. */
  last: string | null
  dryRun: boolean
}

/** Writes down how often the channel is expected; null ends that. Throws CHANNEL_NOT_PINNED. */
export async function channelExpect(
  options: StateRunOptions & { channel: string; every: number | null },
): Promise<ExpectReport> {
  const { channel, every, dryRun = false } = options
  const state = await State.open(options.state, { now: nowOf(options), write: !dryRun })
  try {
    if (state.channel(channel) === undefined)
      throw new SallyportError('CHANNEL_NOT_PINNED', { side: 'state', subject: channel })
    if (!dryRun) await state.expect(channel, every)
    return { channel, everySeconds: every, last: state.heard(channel) ?? null, dryRun }
  } finally {
    await state.close()
  }
}
