/** What became of a measure against an artifact, as reports and the journal have it. */
import { detailOf, SallyportError, type Code } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { ArtifactPlace, Quarantine } from '../../state/index.ts'
import type { TagChangeReport } from './tag-change.ts'

export type Measure = Quarantine['measure']
export type Outcome = Quarantine['outcome']

export interface MeasureReport extends ArtifactPlace {
  measure: Measure
  /** Of the measure that was asked for; where it was not done, the tags may have moved nonetheless. */
  outcome: Outcome
  /** What kept it from being done. */
  code?: Code
  detail: string
  /** The tags that named it. */
  tags: TagChangeReport[]
  /** False where the target does not let its tags be listed, so that some may name it unseen. */
  tagsListed: boolean
  /** What its tags name now, when they were not taken away. */
  tombstone: { digest: Digest; signature: Digest | null } | null
  /** Where its copy is kept, `path@digest`. */
  at: string | null
  /** Manifests that were taken away, its own among them. */
  removed: Digest[]
  /** Manifests of it that stay, since something else needs them or the target keeps them. */
  kept: { digest: Digest; why: string }[]
  /** It can still be pulled by its digest, where it was. */
  reachable: boolean
  dryRun: boolean
}

/** What was not done, and why. */
export interface Obstacle {
  outcome: Exclude<Outcome, 'done'>
  code: Code
  detail: string
}

/** Refusals for good: the same measure, taken again, will meet them again. */
const FOR_GOOD: readonly Code[] = [
  'DELETE_DENIED',
  'MANIFEST_SHARED',
  'PUSH_REFUSED',
  'REGISTRY_DENIED',
  'REPOSITORY_MISSING',
  'SPARSE_REFUSED',
  'TAG_IMMUTABLE',
]

/**
 * What an error means for a measure. Throws it when it is not about this artifact: a stop, our state, a fault of ours.
 * What is too much for our state is about it.
 */
export function obstacleOf(error: unknown): Obstacle {
  if (!(error instanceof SallyportError) || error.code === 'INTERRUPTED') throw error
  if (error.side === 'state' && error.code !== 'LIMIT_EXCEEDED') throw error
  const { code, message } = error
  return { outcome: FOR_GOOD.includes(code) ? 'impossible' : 'failed', code, detail: `${code}: ${message}` }
}

/**
 * What the task gives, in which our state has no part: a fault of our side is thrown as one of the target. Stops one copy that
 * fills a layout's disk, or a key that does not sign, from leaving all other artifacts as they are.
 */
export async function besideState<T>(task: Promise<T>): Promise<T> {
  try {
    return await task
  } catch (error) {
    if (!(error instanceof SallyportError) || error.side !== 'state' || error.code === 'INTERRUPTED') throw error
    const { code, subject, remedy } = error
    throw new SallyportError(code, { side: 'target', subject, remedy, detail: detailOf(error), cause: error })
  }
}

const DETAIL_CAP = 400

/** The journal's row for it. */
export function quarantineRow(
  { target, path, digest, measure, outcome, detail, at }: MeasureReport,
  tags: readonly string[],
): Quarantine {
  return {
    target,
    path,
    digest,
    measure,
    outcome,
    tags,
    detail: detail.slice(0, DETAIL_CAP).toWellFormed(),
    ...(at === null ? {} : { at }),
  }
}

/** True when the journal says so already. */
export function sameRow(row: Quarantine, held: Quarantine | undefined): boolean {
  if (held === undefined) return false
  const members = ['measure', 'outcome', 'detail', 'at'] as const
  return members.every((name) => row[name] === held[name]) && row.tags.join() === held.tags.join()
}
