/** Which tags that sites have from earlier bundles a source has no more. */
import PQueue from 'p-queue'
import type { PackedRepository } from '../../bundle/index.ts'
import { tagSetOf, type Source } from '../../content/index.ts'
import type { ExportLog } from '../channel/export-log.ts'
import type { GatheredRepository } from '../place/gather.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'

/** Repository → tags, sorted; without those that have none. */
export type Removed = Record<string, string[]>

export interface RemovedOptions extends RunOptions {
  concurrency: number
}

/** What the repositories of a bundle name as removed. */
export function removedIn(repositories: readonly PackedRepository[]): Removed {
  const some = repositories.filter(({ removed }) => removed.length > 0)
  return Object.fromEntries(some.map(({ graph, removed }) => [graph.repository, removed]))
}

/** Asks the source's list, which the walk has read too; where it gives out none, for each tag. */
async function goneOf(source: Source, tags: readonly string[], concurrency: number): Promise<string[]> {
  const listed = await tagSetOf(source)
  if (listed !== undefined) return tags.filter((tag) => !listed.has(tag))
  const queue = new PQueue({ concurrency })
  const answers = await queue.addAll(tags.map((tag) => async () => [tag, await source.resolve(tag)] as const))
  return answers.filter(([, there]) => there === undefined).map(([tag]) => tag)
}

/**
 * Of the repositories that go into a bundle for these sites, the tags that one of them was sent below `sequence` and that
 * the source has no more. A tag that went to other sites alone is none of theirs to know. Throws what the sources throw.
 */
export async function removedTags(
  repositories: readonly GatheredRepository[],
  log: ExportLog,
  { audience, sequence }: { audience: readonly string[]; sequence: number },
  options: RemovedOptions,
): Promise<Removed> {
  const removed: Record<string, string[]> = {}
  for (const { source, bindings } of repositories) {
    checkInterrupted(options)
    const { repository } = source
    const sent = log.tagsBrought(audience, repository, sequence)
    const unbound = [...sent].filter((tag) => !bindings.has(tag))
    const gone = unbound.length === 0 ? [] : await goneOf(source, unbound, options.concurrency)
    if (gone.length > 0) removed[repository] = gone.toSorted()
  }
  return removed
}
