/** What becomes of a layout's entries when a tag or a manifest is taken away. */
import { SallyportError } from '../errors/index.ts'
import type { Digest } from '../oci/index.ts'
import { blobName, type LayoutReader } from './layout-file.ts'
import { LayoutGraph } from './layout-graph.ts'
import { indexEntry, type IndexEntry } from './layout-index.ts'
import { isFallbackTag } from './layout-name.ts'

/** The entries without the one of this name; what it named keeps one without a name, so that no manifest is lost. */
export function withoutName(entries: readonly IndexEntry[], name: string): readonly IndexEntry[] {
  const old = entries.find((entry) => entry.name === name)
  if (old === undefined) return entries
  const kept = entries.filter((entry) => entry !== old)
  const { digest } = old.descriptor
  return kept.some((entry) => entry.descriptor.digest === digest) ? kept : [...kept, indexEntry(old.descriptor)]
}

function isThere(reader: LayoutReader, digest: Digest): boolean {
  const file = reader.open(blobName(digest))
  file?.close()
  return file !== undefined
}

/**
 * The entries that no longer lead to the manifest, its children that nothing else leads to with entries of their own;
 * undefined when none leads to it as it is. A layout has one store for all its repositories: what another repository's
 * tag, or another index, leads to can't go, nor what some manifest has for a blob.
 * Throws DELETE_DENIED then.
 */
export async function withoutManifest(
  entries: readonly IndexEntry[],
  digest: Digest,
  own: (tagged: string) => boolean,
  reader: LayoutReader,
  subject: string,
): Promise<readonly IndexEntry[] | undefined> {
  const goes = ({ name, descriptor }: IndexEntry): boolean =>
    descriptor.digest === digest && (name === undefined || isFallbackTag(name) || own(name))
  const kept = entries.filter((entry) => !goes(entry))
  const before = new LayoutGraph(reader)
  await before.extend(entries.map((entry) => entry.descriptor))
  const after = new LayoutGraph(reader, digest)
  await after.extend(kept.map((entry) => entry.descriptor))
  if (after.get(digest) !== undefined || after.isBlob)
    throw new SallyportError('DELETE_DENIED', {
      side: reader.side,
      subject,
      detail: 'another tag, index or manifest of the layout leads to it',
      remedy: 'take that away first',
    })
  if (before.get(digest) === undefined) return undefined
  const orphans = before.childrenOf(digest).filter((child) => after.get(child.digest) === undefined)
  return [...kept, ...orphans.filter((child) => isThere(reader, child.digest)).map((child) => indexEntry(child))]
}
