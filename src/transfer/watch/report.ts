/** What a watch tells of bundles: what became of each, and the sum. */
import { exitOf, SallyportError, type Code } from '../../errors/index.ts'
import type { ImportReport } from '../import/terms.ts'
import type { WatchedBundle, WatchOutcome, WatchRun } from '../status/watch-run.ts'
import type { Strange } from './inbox.ts'
import type { SiteStatus } from '../status/site.ts'

export interface WatchReport extends WatchRun {
  inbox: string
  target: string
  /** What was handled, in that order, and then what waits now: of each the first thousand. */
  bundles: WatchedBundle[]
  /** What lies in the inbox and is no bundle. The first hundred. */
  others: Strange[]
  /** Null when the state could not be read. */
  status: SiteStatus | null
  /** False when it looked once and ended by itself. */
  stopped: boolean
  /** What is told of bundles would be done; nothing was. */
  dryRun: boolean
  /** Over all bundles and alarms; 0 for a watch that was told to stop. */
  exit: number
}

/** How an import ended: with its report, or with what it threw. */
export type Ended = { report: ImportReport; exit: number } | { error: unknown; exit: number }

/** True for a code that a statement, a list or a plugin at the site takes away, with the bundle as it is. */
function isCurable(code: Code | undefined): boolean {
  return (
    code === 'POLICY_MISSING' || (code !== undefined && exitOf(new SallyportError(code, { side: 'bundle' })) === 16)
  )
}

/** True when the site could say nothing yet on all that it refused; one artifact that is judged and refused is enough to refuse all. */
export function isUndecided(ended: Ended): boolean {
  if ('error' in ended) return ended.error instanceof SallyportError && isCurable(ended.error.code)
  const refused = (ended.report.artifacts ?? []).filter(({ verdict }) => verdict !== 'trusted')
  return refused.length > 0 && refused.every(({ verdict, code }) => verdict === 'inconclusive' || isCurable(code))
}

/** True when it is this bundle that is wrong, whenever and wherever it is tried; else it waits. */
export function isRefused(error: unknown): boolean {
  if (!(error instanceof SallyportError) || error.side !== 'bundle') return false
  const exit = exitOf(error)
  // A drive or share that fails says nothing about what is on it.
  return error.code !== 'MEDIUM_UNREADABLE' && !isCurable(error.code) && exit >= 10 && exit <= 18
}

export function outcomeOfImport(ended: Ended): WatchOutcome {
  if ('error' in ended) return isRefused(ended.error) ? 'rejected' : 'waiting'
  const { verdict, counts, tags, repeat } = ended.report
  const brought = counts.manifestsPushed + counts.manifestsPresent + tags.length > 0
  if (verdict !== 'trusted' && !brought) return isUndecided(ended) ? 'waiting' : 'rejected'
  const changed = counts.manifestsPushed + counts.blobsPushed > 0 || tags.some(({ outcome }) => outcome !== 'kept')
  return repeat && !changed ? 'duplicate' : 'imported'
}
