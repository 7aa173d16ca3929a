/** What is told of one bundle of an inbox. */
import { detailOf, SallyportError } from '../errors/index.ts'
import type { Queued } from './watch-order.ts'
import type { Ended, WatchedBundle, WatchOutcome } from './watch-report.ts'

/** The bundle as it lies in the inbox; the caller knows where it goes. */
export function watchedBundle(
  { name, claim }: Queued,
  ended: Ended,
  outcome: WatchOutcome,
  time: string,
): WatchedBundle {
  const said = claim === undefined ? {} : { channel: claim.channel, sequence: claim.sequence }
  const base = { name, at: name, outcome, time, ...said }
  if (outcome === 'duplicate') return { ...base, exit: 0, why: 'it was imported before' }
  const { exit } = ended
  if ('error' in ended) {
    const { error } = ended
    const code = error instanceof SallyportError ? error.code : 'INTERNAL'
    return { ...base, exit, code, why: error instanceof Error ? error.message : String(error) }
  }
  const refused = (ended.report.artifacts ?? []).find(({ verdict }) => verdict !== 'trusted')
  if (refused === undefined) return { ...base, exit }
  return { ...base, exit, code: refused.code ?? 'POLICY_UNMET', why: `${refused.repository}: ${refused.why}` }
}

/** The error under the name that people know, instead of that of a descriptor. */
export function underName(error: unknown, name: string): unknown {
  if (!(error instanceof SallyportError) || error.subject?.startsWith('/proc/self/fd/') !== true) return error
  const subject = error.subject.replace(/^\/proc\/self\/fd\/\d+/, () => name)
  const { code, side, remedy } = error
  return new SallyportError(code, { side, subject, detail: detailOf(error), remedy, cause: error })
}

export function watchedSentence({ name, outcome, at, code, why }: WatchedBundle): string {
  const reason = code === undefined ? '' : `: ${code}${why === undefined ? '' : `, ${why}`}`
  if (outcome === 'waiting') return `${name} waits${reason}`
  const became = outcome === 'duplicate' ? 'was imported before' : outcome
  return `${name} ${became}${reason}${at === name ? '' : `; it is in ${at}`}`
}
