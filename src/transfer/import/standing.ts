/** What an import does about what lies at the target already, whatever becomes of its own artifacts. */
import { SallyportError } from '../../errors/index.ts'
import type { State } from '../../state/index.ts'
import type { TrustMaterial } from '../../trust/index.ts'
import { standsOver } from '../run/clock.ts'
import type { ImportOptions } from './terms.ts'
import type { Place } from '../place/place.ts'
import type { RejudgeReport } from '../rejudge/report.ts'

/**
 * Whatever became of the bundle's own artifacts, what lies there already is looked at. Null where nothing can have
 * changed, so that such a run starts without the code for it. A dry run judges by a state in memory, and takes no measure.
 */
export async function judgeStanding(
  { state, place }: { state: State; place: Place },
  now: Date,
  options: ImportOptions,
  material: TrustMaterial | undefined,
): Promise<RejudgeReport | null> {
  const { lists, denials } = state.pending()
  if (material === undefined && lists.length + denials.length === 0) return null
  // Stops a clock that runs ahead from taking away all that has expired by it.
  if (standsOver(state, now, options)) return null
  const { rejudgeSite } = await import('../rejudge/site-rejudge.ts')
  const { plugins, seal, signal, onEvent, dryRun } = options
  return rejudgeSite(state, place, { plugins, seal, signal, onEvent, now, material, dryRun })
}

/** Stops a bundle that is made to fail from keeping what is revoked by it where it lies. The failure is what is told. */
export async function failing(reason: unknown, standing: () => Promise<unknown>): Promise<never> {
  if (mayBeToldLater(reason)) await settled(standing())
  throw reason
}

export type Settled<T> = { value: T } | { reason: unknown }

/** How a promise ended, so that what it was for can wait. */
export async function settled<T>(promise: Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await promise }
  } catch (reason) {
    return { reason }
  }
}

/** True for a fault that may be told later; a stop is none. */
export function mayBeToldLater(reason: unknown): boolean {
  return reason instanceof SallyportError && reason.code !== 'INTERRUPTED'
}
