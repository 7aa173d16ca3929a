/** Looks again at every tag that a bundle was made by, when it is whole: bindings, signature tags and fallback tags. */
import type { Source } from '../../content/index.ts'
import { fallbackTag, type Digest } from '../../oci/index.ts'
import { allAtRest } from '../run/at-rest.ts'
import type { GatheredRepository } from './gather.ts'

interface Look {
  source: Source
  tag: string
  before: Digest
}

/** One at a time, since there may be some for each of a hundred thousand images. */
function* looks(repositories: readonly GatheredRepository[]): Generator<Look, void> {
  for (const { source, graph, bindings } of repositories) {
    for (const [tag, { digest }] of bindings) yield { source, tag, before: digest }
    // What the plan left out may move as it likes.
    for (const companions of graph.companions.values())
      for (const { tag, descriptor } of companions)
        if (graph.nodes.has(descriptor.digest)) yield { source, tag, before: descriptor.digest }
    if (source.fallbackOf === undefined) continue
    for (const [subject, referrers] of graph.listed) {
      const before = source.fallbackOf(subject)
      if (before !== undefined && referrers.some(({ digest }) => graph.nodes.has(digest)))
        yield { source, tag: fallbackTag(subject), before }
    }
  }
}

/** The tags that point elsewhere now than they did when they were resolved, sorted; each is asked for once. */
export async function movedTags(repositories: readonly GatheredRepository[], concurrency: number): Promise<string[]> {
  const left = looks(repositories)
  const moved: string[] = []
  const work = async (): Promise<void> => {
    // All workers take from one list; when one fails, the loop's end closes it for the others too.
    for (const { source, tag, before } of left) {
      const now = source.pointsTo === undefined ? (await source.resolve(tag))?.digest : await source.pointsTo(tag)
      if (now !== before) moved.push(`${source.repository}:${tag}`)
    }
  }
  await allAtRest(Array.from({ length: concurrency }, work))
  return moved.sort()
}
