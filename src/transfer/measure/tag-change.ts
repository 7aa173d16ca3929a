/** Moves tags, or takes them away, because of what they name: never one that has come to name something else meanwhile. */
import PQueue from 'p-queue'
import type { Target } from '../../content/index.ts'
import { SallyportError, type Code } from '../../errors/index.ts'
import type { Descriptor, Digest } from '../../oci/index.ts'
import type { State, TagCause, TagDone } from '../../state/index.ts'
import type { Place } from '../place/place.ts'
import { outcomeOf } from '../place/tag-moves.ts'
import { allAtRest } from '../run/at-rest.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'

/** A manifest that is there and was read back. */
export interface Standing {
  descriptor: Descriptor
  bytes: Uint8Array
}

export interface TagChange {
  tag: string
  /** Null: it is taken away. */
  to: Standing | null
}

export interface TagChangeReport {
  tag: string
  old: Digest | null
  new: Digest | null
  /**
   * `kept`: it was so already. `elsewhere`: it names something that this change is not about, and stays.
   * `refused`: the target did not let it move.
   */
  outcome: 'moved' | 'kept' | 'elsewhere' | 'refused'
  code?: Code
}

export interface TagChangeTerms extends RunOptions {
  /** What a tag must name now to be changed. */
  from: (old: Digest | null, tag: string) => boolean | Promise<boolean>
  cause: TagCause
  /** Takes tags away otherwise than one by one: with the manifest they name. */
  untag?: ((tags: readonly string[]) => Promise<void>) | undefined
}

// As for imports: a kill leaves at most these to be asked for.
const BATCH = 64
const AT_ONCE = 8

/**
 * Changes each tag between its two journal lines. What the target refuses is reported, tag by tag.
 * Duty of the caller: intents that a killed run left open are settled. Throws what asking the target throws.
 */
export async function changeTags(
  state: State,
  place: Place,
  path: string,
  changes: readonly TagChange[],
  terms: TagChangeTerms,
): Promise<TagChangeReport[]> {
  const target = place.at(path)
  const queue = new PQueue({ concurrency: AT_ONCE })
  const reports: TagChangeReport[] = []
  // What goes with its manifest goes at one stroke.
  const size = terms.untag === undefined ? BATCH : changes.length
  for (let at = 0; at < changes.length; at += size) {
    checkInterrupted(terms)
    const batch = await queue.addAll(changes.slice(at, at + size).map((change) => () => look(target, change, terms)))
    const due = batch.filter(({ report }) => report.outcome === 'moved')
    const name = { target: place.name, repository: path }
    await state.intendTags(
      due.map(({ change: { tag }, report }) => ({
        ...name,
        tag,
        old: report.old,
        new: report.new,
        cause: terms.cause,
      })),
    )
    const refusals = await perform(
      target,
      due.map(({ change }) => change),
      terms,
      queue,
    )
    const settled: TagDone[] = []
    for (const { change, report } of due) {
      const intent = { ...name, tag: change.tag, old: report.old, new: report.new, n: 0 }
      const outcome = await outcomeOf(intent, place)
      settled.push({ ...name, tag: change.tag, outcome })
      if (outcome === 'moved') continue
      report.outcome = 'refused'
      report.code = refusals.get(change.tag)?.code ?? 'READ_BACK_MISMATCH'
    }
    await state.settleTags(settled)
    reports.push(...batch.map(({ report }) => report))
  }
  return reports
}

async function look(
  target: Target,
  change: TagChange,
  { from }: TagChangeTerms,
): Promise<{ change: TagChange; report: TagChangeReport }> {
  const old = (await target.resolve(change.tag))?.digest ?? null
  const wanted = change.to?.descriptor.digest ?? null
  const report = { tag: change.tag, old, new: wanted }
  if (old === wanted) return { change, report: { ...report, outcome: 'kept' } }
  if (await from(old, change.tag)) return { change, report: { ...report, outcome: 'moved' } }
  return { change, report: { ...report, new: old, outcome: 'elsewhere' } }
}

/** What was refused, by tag. Whatever else stops it is thrown, and leaves the intents for the next start to ask about. */
async function perform(
  target: Target,
  changes: readonly TagChange[],
  { untag }: TagChangeTerms,
  queue: PQueue,
): Promise<ReadonlyMap<string, SallyportError>> {
  const refusals = new Map<string, SallyportError>()
  const attempt = async (tags: readonly string[], task: () => Promise<void>): Promise<void> => {
    try {
      await task()
    } catch (error) {
      if (!(error instanceof SallyportError) || error.code === 'INTERRUPTED') throw error
      for (const tag of tags) refusals.set(tag, error)
    }
  }
  const gone = changes.filter(({ to }) => to === null).map(({ tag }) => tag)
  if (untag !== undefined && gone.length > 0) await attempt(gone, () => untag(gone))
  await allAtRest(
    changes
      .filter(({ to }) => to !== null || untag === undefined)
      .map(({ tag, to }) => {
        const task = (): Promise<void> => (to === null ? target.untag(tag) : target.tag(tag, to.descriptor, to.bytes))
        return queue.add(() => attempt([tag], task))
      }),
  )
  return refusals
}
