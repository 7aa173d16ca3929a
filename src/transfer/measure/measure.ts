/**
 * Measures against artifacts at a target that are trusted no more: `report`, `retag`, `remove`. Each is probed first, told
 * as done, impossible or failed, and journaled. Only `remove` keeps an artifact from being pulled by its digest.
 */
import type { Target } from '../../content/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { ArtifactPlace, Quarantine, Quarantined, State } from '../../state/index.ts'
import { obstacleOf, quarantineRow, sameRow, type Measure, type MeasureReport } from './report.ts'
import { remove } from './remove.ts'
import { retag } from './retag.ts'
import type { Place } from '../place/place.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'
import type { SealOptions } from '../sign/seal-target.ts'
import { StandingManifests } from './standing-manifests.ts'
import { settleIntents } from '../place/tag-moves.ts'
import type { MeasureWhy } from './tombstone.ts'

export interface MeasureOptions extends RunOptions {
  /** Signs tombstones; without it they are unsigned. */
  seal?: SealOptions | undefined
  /** Says what would be done, and writes nothing. */
  dryRun?: boolean | undefined
}

/** One measure that is under way. */
export interface MeasureCase {
  state: State
  place: Place
  artifact: ArtifactPlace
  why: MeasureWhy
  options: MeasureOptions
  target: Target
  /** Where its copy is kept. */
  kept: Target
  standing: StandingManifests
  before: Quarantined | undefined
  /** Journals that it has begun, with the tags as they were; before the first thing that changes the target. */
  begin: () => Promise<void>
}

/** Measures of one run at one place; what stands in a repository is asked for once. */
export class Measures {
  readonly #state: State
  readonly #place: Place
  readonly #options: MeasureOptions
  readonly #standing = new Map<string, StandingManifests>()

  /** Duty of the caller: nobody else changes tags at the place by this state meanwhile. */
  constructor(state: State, place: Place, options: MeasureOptions) {
    this.#state = state
    this.#place = place
    this.#options = options
  }

  #standingAt(path: string): StandingManifests {
    const standing = this.#standing.get(path) ?? new StandingManifests(this.#state, this.#place, path)
    this.#standing.set(path, standing)
    return standing
  }

  /**
   * Notes that the artifact was judged rejected where it lies, by these measures' own run: nothing stays for its sake.
   * What any other verdict says, a rejection at the door too, never counts against what an artifact needs.
   */
  condemn({ path, digest }: ArtifactPlace): void {
    this.#standingAt(path).condemn(digest)
  }

  /**
   * What became of the measure. Taken again, it completes what was left, and writes nothing when all is done.
   * Throws only what is not about the artifact: a stop, the state.
   */
  async apply(artifact: ArtifactPlace, measure: Measure, why: MeasureWhy): Promise<MeasureReport> {
    const place = this.#place
    const state = this.#state
    if (artifact.target !== place.name) throw new TypeError(`${artifact.target} is not ${place.name}`)
    checkInterrupted(this.#options)
    const { path, digest } = artifact
    const standing = this.#standingAt(path)
    const before = state.quarantinedAt(artifact)
    const kept = place.quarantineAt(place.quarantinePath(path))
    const target = place.at(path)
    const begin = (): Promise<void> => Promise.resolve()
    const one = { state, place, artifact, why, options: this.#options, target, kept, standing, before, begin }
    const base: MeasureReport = {
      target: artifact.target,
      path,
      digest,
      measure,
      outcome: 'done',
      detail: `${why.code}: ${why.detail}`,
      tags: [],
      tagsListed: false,
      tombstone: null,
      at: before?.at ?? null,
      removed: [],
      kept: [],
      reachable: true,
      dryRun: this.#options.dryRun === true,
    }
    try {
      return await measured(one, measure, base)
    } catch (error) {
      const report = { ...base, ...obstacleOf(error) }
      if (!report.dryRun && before === undefined) await state.recordQuarantine(quarantineRow(report, []))
      return report
    }
  }
}

/** One measure. Several at one place are cheaper by {@link Measures}. */
export function applyMeasure(
  state: State,
  place: Place,
  artifact: ArtifactPlace,
  measure: Measure,
  why: MeasureWhy,
  options: MeasureOptions = {},
): Promise<MeasureReport> {
  return new Measures(state, place, options).apply(artifact, measure, why)
}

function tagsAsTheyAre(tags: readonly string[], digest: Digest): MeasureReport['tags'] {
  return tags.map((tag) => ({ tag, old: digest, new: digest, outcome: 'kept' }))
}

/** Takes the measure; a weaker one where it can't be taken. */
async function taken(
  one: MeasureCase,
  measure: Measure,
  base: MeasureReport,
  pointing: readonly string[],
): Promise<MeasureReport> {
  const { artifact, target, standing, options } = one
  const removed = measure === 'remove' ? await remove(one, pointing) : undefined
  const left = removed !== undefined && removed.obstacle === undefined ? [] : await standing.tagsOf(artifact.digest, [])
  if (options.dryRun === true) return { ...base, tags: tagsAsTheyAre(pointing, artifact.digest), ...removed?.obstacle }
  const moved = await retag(one, left)
  return {
    ...base,
    ...(removed === undefined ? {} : { at: removed.at, removed: removed.removed, kept: removed.kept }),
    tags: [...(removed?.tags ?? []), ...moved.tags],
    tombstone: moved.tombstone,
    ...(removed === undefined ? moved.obstacle : removed.obstacle),
    reachable: (await target.resolve(artifact.digest)) !== undefined,
  }
}

async function measured(one: MeasureCase, measure: Measure, base: MeasureReport): Promise<MeasureReport> {
  const { artifact, options, state, place, target, standing, before } = one
  const { digest } = artifact
  if (options.dryRun !== true) await settleIntents(state, place)
  const pointing = await standing.tagsOf(digest, before?.tags ?? [])
  const reachable = (await target.resolve(digest)) !== undefined
  const started = { ...base, tagsListed: (await standing.tags()).listed, reachable }
  if (!reachable && pointing.length === 0 && before === undefined) return { ...started, detail: 'it is not there' }
  const tags = [...new Set([...(before?.tags ?? []), ...pointing])].sort()
  let last: Quarantine | undefined = before
  const record = async (report: MeasureReport): Promise<void> => {
    const row = quarantineRow(report, tags)
    if (options.dryRun === true || sameRow(row, last)) return
    last = row
    await state.recordQuarantine(row)
  }
  if (measure === 'report') {
    const report = { ...started, tags: tagsAsTheyAre(pointing, digest) }
    // A stronger measure that stands is not to be forgotten.
    if (before === undefined || before.measure === 'report') await record(report)
    return report
  }
  // What tags it had must outlast a kill between the first move and the last line.
  const begin = (): Promise<void> => record({ ...started, outcome: 'failed', detail: 'begun' })
  const report = await taken({ ...one, begin }, measure, started, pointing)
  await record(report)
  return report
}
