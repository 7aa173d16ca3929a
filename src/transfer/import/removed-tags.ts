/** Tags that the sender has no more and that this site had from it: told, and left to the operator. */
import PQueue from 'p-queue'
import type { Digest } from '../../oci/index.ts'
import type { State } from '../../state/index.ts'
import type { Passage } from '../passage/passage.ts'
import type { Place } from '../place/place.ts'
import { allAtRest } from '../run/at-rest.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'

export interface RemovedTag {
  /** The repository at the source. */
  name: string
  /** Its full path at the target, where the tag still is. */
  at: string
  tag: string
  /** What the tag names there now. */
  digest: Digest
}

/** Where each repository of a passage goes at the target of a site. */
interface Destination {
  state: State
  place: Place
  landing: ReadonlyMap<string, string>
}

/**
 * Of the tags that the bundle names as removed, those that this site moved once and that the target still has: a withdrawn
 * version is the operator's to judge, who may run it. One question for each; a tag that is taken away is told no more.
 */
export async function removedThere(
  { census }: Pick<Passage, 'census'>,
  { state, place, landing }: Destination,
  options: RunOptions & { concurrency: number },
): Promise<RemovedTag[]> {
  const queue = new PQueue({ concurrency: options.concurrency })
  const questions: (() => Promise<RemovedTag[]>)[] = []
  for (const { graph, removed } of census.repositories) {
    if (removed.length === 0) continue
    const name = graph.repository
    const at = place.path(landing.get(name) ?? name)
    const moved = new Set(await state.tagNames(place.name, at))
    for (const tag of removed.filter((one) => moved.has(one)))
      questions.push(async () => {
        checkInterrupted(options)
        const there = await place.at(at).resolve(tag)
        return there === undefined ? [] : [{ name, at, tag, digest: there.digest }]
      })
  }
  return (await allAtRest(questions.map((question) => queue.add(question)))).flat()
}
