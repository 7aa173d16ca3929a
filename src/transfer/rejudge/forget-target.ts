/** `state forget`: a target that is used no more keeps nothing waiting. */
import { SallyportError } from '../../errors/index.ts'
import { State, type JudgedPlace } from '../../state/index.ts'
import { placeName } from '../place/place.ts'
import { demandReason } from '../run/reason.ts'
import { nowOf } from '../run/run.ts'
import type { StateRunOptions } from '../site/state-verbs.ts'
import { affectedBy, strangeDenials } from './affected.ts'

export interface ForgetOptions extends StateRunOptions {
  /** `host[:port]`, or `oci:DIR`. */
  target: string
  reason: string
}

export interface ForgetReport {
  site: string
  target: string
  reason: string
  /** False when it was forgotten before. */
  added: boolean
  /** What the site knows to lie there, and looks after no more. */
  artifacts: number
  /** Lists and denials that wait to be judged by, at other targets. */
  pending: { lists: number; denials: number }
  dryRun: boolean
}

/** As the journal calls it. Throws REFERENCE_INVALID, USAGE for a part of a registry. */
function nameOf(target: string): string {
  const name = placeName(target)
  if (target.startsWith('oci:') || !target.includes('/')) return name
  const detail = 'a registry is forgotten whole: name host[:port]'
  throw new SallyportError('USAGE', { side: 'state', subject: target.slice(0, 300), detail })
}

function mayLieThere({ verdict, fell, absent }: JudgedPlace): boolean {
  return (verdict === 'trusted' || fell !== undefined) && absent !== true
}

/** True when what came touches nothing at the other targets, and no run has anything of them to tell of first. */
async function isSettledBut(state: State, target: string): Promise<boolean> {
  const others = [...state.judgedArtifacts()].filter((one) => one.target !== target && !state.isForgotten(one.target))
  const { denials } = state.pending()
  if (others.some((one) => mayLieThere(one) && strangeDenials(denials, one).size > 0)) return false
  if (others.some(({ verdict, fell = 0 }) => verdict !== 'trusted' && fell > state.rejudgedAt)) return false
  return (await affectedBy(state, state.pending())).every((one) => one.target === target)
}

/** True when the journal tells of the target, be it of an import that was begun there alone. */
async function isNamed(state: State, target: string): Promise<boolean> {
  for await (const row of state.rows()) if (row['target'] === target) return true
  return false
}

/**
 * Nothing at the target is judged again until the next import goes there, which looks at all of it. What the journal tells
 * of it stays, but for imports that are not finished there. Lists and denials that waited for it alone wait no more.
 * Throws TARGET_UNKNOWN, USAGE, REFERENCE_INVALID, and as `State.open`.
 */
export async function stateForget(options: ForgetOptions): Promise<ForgetReport> {
  const { reason } = options
  demandReason(reason)
  const target = nameOf(options.target)
  const dryRun = options.dryRun === true
  const state = await State.open(options.state, { now: nowOf(options), write: !dryRun })
  try {
    const here = [...state.judgedArtifacts()].filter((one) => one.target === target)
    if (here.length === 0 && !(await isNamed(state, target)))
      throw new SallyportError('TARGET_UNKNOWN', { side: 'state', subject: target })
    const through = state.head.n
    const { lists, denials, policy } = state.pending()
    const settles = lists.length + denials.length > 0 && (await isSettledBut(state, target))
    const added = !state.isForgotten(target)
    if (!dryRun && added) await state.forget({ target, reason })
    // A kill between the two leaves them waiting; the same command ends that.
    if (!dryRun && settles) await state.markRejudged(through, policy)
    const pending = settles ? { lists: 0, denials: 0 } : { lists: lists.length, denials: denials.length }
    const artifacts = here.filter(mayLieThere).length
    return { site: state.site, target, reason, added, artifacts, pending, dryRun }
  } finally {
    await state.close()
  }
}
