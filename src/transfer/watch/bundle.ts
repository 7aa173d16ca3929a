/** What is told of one bundle of an inbox. */
import { detailOf, SallyportError } from '../../errors/index.ts'
import type { Left } from './hold.ts'
import type { Claim, Queued } from './order.ts'
import type { WatchedBundle, WatchOutcome } from '../status/watch-run.ts'
import { reasonOf } from './reason.ts'
import type { Ended } from './report.ts'

function said(claim: Claim | undefined): Pick<WatchedBundle, 'channel' | 'sequence'> {
  return claim === undefined ? {} : { channel: claim.channel, sequence: claim.sequence }
}

/** The bundle as it lies in the inbox; the caller knows where it goes. */
export function watchedBundle(
  { name, claim }: Queued,
  ended: Ended,
  outcome: WatchOutcome,
  time: string,
): WatchedBundle {
  const base = { name, at: name, outcome, time, ...said(claim) }
  if (outcome === 'duplicate') return { ...base, exit: 0, why: 'it was imported before' }
  const { exit } = ended
  if ('error' in ended) {
    const { error } = ended
    const code = error instanceof SallyportError ? error.code : 'INTERNAL'
    return { ...base, exit, code, why: error instanceof Error ? error.message : String(error) }
  }
  return { ...base, exit, ...reasonOf(ended.report, exit) }
}

/** Why a file waits that was not tried. */
export const UNREADY = {
  changing: 'it was changed within the last look: it is being written',
  endless:
    'it has no end as bundles have: it is being copied, or half a bundle, or none; an hour unchanged, and it is rejected',
  replaced: 'another file has its name by now',
  stopped: 'the watch was stopped before it',
} as const
export type Unready = keyof typeof UNREADY

export function unreadyBundle({ name, claim }: Queued, unready: Unready, time: string): WatchedBundle {
  return { name, at: name, outcome: 'waiting', exit: 0, why: UNREADY[unready], ...said(claim), time }
}

/** One that waits for an older one of its channel. */
export function heldBundle({ name, claim }: Queued, { queued, tried }: Left, time: string): WatchedBundle {
  const older = `${queued.name}, sequence ${queued.claim?.sequence ?? 0} of this channel`
  const why = tried
    ? `${older}, waits and comes first`
    : `${older}, is not whole yet and comes first, for an hour at most`
  return { name, at: name, outcome: 'waiting', exit: 0, waitsFor: queued.name, why, ...said(claim), time }
}

/** The error under the name that people know, instead of that of a descriptor. */
export function underName(error: unknown, name: string): unknown {
  if (!(error instanceof SallyportError) || error.subject?.startsWith('/proc/self/fd/') !== true) return error
  const subject = error.subject.replace(/^\/proc\/self\/fd\/\d+/, () => name)
  const { code, side, remedy } = error
  return new SallyportError(code, { side, subject, detail: detailOf(error), remedy, cause: error })
}

export function watchedSentence({ name, outcome, at, code, why }: WatchedBundle, dryRun: boolean): string {
  const told = outcome === 'duplicate' ? [] : [code, why].filter((word) => word !== undefined)
  const reason = told.length === 0 ? '' : `: ${told.join(', ')}`
  if (outcome === 'waiting') return `${name} waits${reason}`
  const became = outcome === 'duplicate' ? 'was imported before' : dryRun ? `would be ${outcome}` : outcome
  return `${name} ${became}${reason}${at === name ? '' : `; it is in ${at}`}`
}
