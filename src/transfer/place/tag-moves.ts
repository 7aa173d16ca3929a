/** Tags come last: journal the intent, move, journal the end. What a killed run left open is settled by asking the target. */
import PQueue from 'p-queue'
import type { Target } from '../../content/index.ts'
import type { Descriptor, Digest } from '../../oci/index.ts'
import type { Intent, State, TagDone } from '../../state/index.ts'
import type { Place } from './place.ts'
import { allAtRest } from '../run/at-rest.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'

export interface TagMoveReport {
  repository: string
  tag: string
  old: Digest | null
  new: Digest
  /** `kept`: it pointed there already. */
  outcome: 'moved' | 'kept'
  /** Another channel that is pinned here, which had brought what the tag named; of a kept one, until a run that was stopped. */
  takenFrom?: string
}

/** A tag that is to point at a manifest which is there and read back. */
export interface WantedTag {
  target: Target
  /** The repository's path at the place. */
  repository: string
  tag: string
  descriptor: Descriptor
  bytes: Uint8Array
}

// So many intents are journaled with one sync; a kill leaves at most these to be asked for.
const BATCH = 64

/** Points one tag where it belongs, between its two journal lines. */
export async function moveTag(state: State, place: Place, wanted: WantedTag): Promise<TagMoveReport> {
  const [report] = await moveTags(state, place, [wanted], 1, {})
  if (report === undefined) throw new TypeError('no tag')
  return report
}

/** Points every tag where it belongs; those that do already cost one question. */
export async function moveTags(
  state: State,
  place: Place,
  wanted: readonly WantedTag[],
  concurrency: number,
  options: RunOptions,
): Promise<TagMoveReport[]> {
  const queue = new PQueue({ concurrency })
  const reports: TagMoveReport[] = []
  const all = <T, R>(items: readonly T[], task: (item: T) => Promise<R>): Promise<R[]> =>
    allAtRest(items.map((item) => queue.add(() => task(item))))
  const ask = (at: number): Promise<{ item: WantedTag; old: Digest | null }[]> => {
    const asking = all(wanted.slice(at, at + BATCH), async (item) => ({
      item,
      old: (await item.target.resolve(item.tag))?.digest ?? null,
    }))
    // It may fail while something else is waited for, and is told of in its turn.
    asking.catch(() => undefined)
    return asking
  }
  let asked = ask(0)
  try {
    for (let at = 0; at < wanted.length; at += BATCH) {
      checkInterrupted(options)
      const present = await asked
      // The next are asked for while the journal, and the target's disk, are waited for.
      asked = ask(at + BATCH)
      const moves = present.filter(({ item, old }) => old !== item.descriptor.digest)
      const named = moves.map(({ item: { repository, tag, descriptor }, old }) => ({
        target: place.name,
        repository,
        tag,
        old,
        new: descriptor.digest,
      }))
      await state.intendTags(named)
      await all(moves, ({ item }) => item.target.tag(item.tag, item.descriptor, item.bytes))
      await state.settleTags(
        named.map(({ target, repository, tag }) => ({ target, repository, tag, outcome: 'moved' })),
      )
      for (const { item, old } of present) {
        const { repository, tag, descriptor } = item
        const outcome = old === descriptor.digest ? 'kept' : 'moved'
        reports.push({ repository, tag, old, new: descriptor.digest, outcome })
      }
    }
  } finally {
    // Nothing runs on behind an error.
    await asked.catch(() => undefined)
  }
  return reports
}

/** Settles the intents that a killed run left open at this place. Returns how many there were. */
export async function settleIntents(state: State, place: Place): Promise<number> {
  const open = state.openIntents(place.name)
  const settled: TagDone[] = []
  for (const intent of open) settled.push({ ...nameOf(intent), outcome: await outcomeOf(intent, place) })
  await state.settleTags(settled)
  return open.length
}

function nameOf({ target, repository, tag }: Intent): Pick<TagDone, 'target' | 'repository' | 'tag'> {
  return { target, repository, tag }
}

/** What became of a tag that was to move, as the target says. */
export async function outcomeOf(intent: Intent, place: Place): Promise<TagDone['outcome']> {
  const now = await place.at(intent.repository).resolve(intent.tag)
  return (now?.digest ?? null) === intent.new ? 'moved' : 'settled-old'
}
