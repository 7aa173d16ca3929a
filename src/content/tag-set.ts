/** All tags of a source at once. */
import type { Source } from './source.ts'

/** The tags as {@link Source.tagSet} gives them, or out of {@link Source.tags} where a source has no more; throws as these do. */
export async function tagSetOf(source: Pick<Source, 'tags' | 'tagSet'>): Promise<ReadonlySet<string> | undefined> {
  return source.tagSet === undefined ? new Set(await source.tags()) : source.tagSet()
}
