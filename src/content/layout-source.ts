/** An OCI image layout as a source: its repositories by the names in `index.json`, read-only. */
import { basename, resolve } from 'node:path'
import { SallyportError, type Side } from '../errors/index.ts'
import { fallbackTag, isDigest, type Descriptor, type Digest } from '../oci/index.ts'
import { fallbackEntries } from './layout-fallback.ts'
import { FolderReader, type LayoutReader } from './layout-file.ts'
import { LayoutGraph } from './layout-graph.ts'
import { namedEntries, readIndex, readMarker, type LayoutIndex, type NamedEntries } from './layout-index.ts'
import { isFallbackTag, localRepository } from './layout-name.ts'
import { copyBlob, readManifest, streamBlob } from './layout-read.ts'
import type { FileSlot, Source } from './source.ts'

/** A layout that is open for reading. Its index is read once: what is written later is not seen. */
export interface Layout {
  /** Every repository that a name in the layout speaks of, sorted; `local/<folder>` for names without one. */
  repositories(): string[]
  /** Entries without a tag; {@link Source.resolve} finds them by digest in every repository. */
  readonly unnamed: readonly Descriptor[]
  /** The repository as a source. Throws REPOSITORY_MISSING. */
  source(repository: string): Source
  close(): void
}

interface Opened {
  reader: LayoutReader
  index: LayoutIndex
  graph: LayoutGraph
  names: NamedEntries
  local: string
}

/** The layout in a folder. Throws FILE_UNREADABLE, LAYOUT_MALFORMED, LIMIT_EXCEEDED, JSON_MALFORMED. */
export async function openLayout(dir: string, side: Side = 'source'): Promise<Layout> {
  const reader = new FolderReader(dir, side)
  reader.checkFolders()
  return layoutOver(reader, basename(resolve(dir)))
}

/** The layout behind a reader; `name` is what its nameless entries are called after. The layout closes the reader. */
export function layoutOver(reader: LayoutReader, name: string): Layout {
  const { place, side } = reader
  const missing = (file: string): SallyportError =>
    new SallyportError('LAYOUT_MALFORMED', { side, subject: place, detail: `no ${file}` })
  if (!readMarker(reader)) throw missing('oci-layout')
  const index = readIndex(reader)
  if (index === undefined) throw missing('index.json')
  const local = localRepository(name)
  const names = namedEntries(index, local, side)
  const opened = { reader, index, names, local, graph: new LayoutGraph(reader) }
  const repositories = listed(opened)
  return {
    repositories: () => [...repositories],
    unnamed: names.unnamed,
    source(repository) {
      if (repository === local || names.tags.has(repository)) return new LayoutSource(opened, repository)
      throw new SallyportError('REPOSITORY_MISSING', { side, subject: `${place} ${repository}` })
    },
    close: () => reader.close(),
  }
}

function listed({ names, local }: Opened): string[] {
  // Bare fallback tags speak for the whole layout: they alone make no repository, nor do moved tags' old manifests.
  const named = [...names.tags.keys()].filter((repository) => repository !== local)
  const tags = [...(names.tags.get(local)?.keys() ?? [])].some((tag) => !isFallbackTag(tag))
  if (tags || (named.length === 0 && names.unnamed.length > 0)) named.push(local)
  return named.sort()
}

class LayoutSource implements Source {
  readonly repository: string
  private readonly layout: Opened

  constructor(layout: Opened, repository: string) {
    this.layout = layout
    this.repository = repository
  }

  private name(descriptor: Descriptor): string {
    return `${this.repository}@${descriptor.digest}`
  }

  private named(tag: string): Descriptor | undefined {
    return this.layout.names.tags.get(this.repository)?.get(tag)
  }

  async resolve(tagOrDigest: string): Promise<Descriptor | undefined> {
    if (!isDigest(tagOrDigest)) return this.named(tagOrDigest)
    await this.layout.graph.extend(this.layout.index.entries.map((entry) => entry.descriptor))
    return this.layout.graph.get(tagOrDigest)
  }

  async tags(): Promise<string[]> {
    const tags = [...(this.layout.names.tags.get(this.repository)?.keys() ?? [])]
    return tags.filter((tag) => this.repository !== this.layout.local || !isFallbackTag(tag)).sort()
  }

  async manifest(descriptor: Descriptor): Promise<Buffer> {
    return readManifest(this.layout.reader, descriptor, this.name(descriptor))
  }

  async referrers(subject: Digest): Promise<Descriptor[]> {
    const { reader, graph, index, names, local } = this.layout
    await graph.extend(index.entries.map((entry) => entry.descriptor))
    const tag = fallbackTag(subject)
    const lists = [names.tags.get(local)?.get(tag), this.named(tag)].filter((list) => list !== undefined)
    return fallbackEntries(reader, lists, graph.referrersOf(subject))
  }

  blob(descriptor: Descriptor, from = 0): AsyncIterable<Uint8Array> {
    return streamBlob(this.layout.reader, descriptor, from, this.name(descriptor))
  }

  blobInto(
    descriptor: Descriptor,
    slot: FileSlot,
    onBytes: (count: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    return copyBlob(this.layout.reader, descriptor, slot, onBytes, signal, this.name(descriptor))
  }
}
