/** An OCI image layout folder as a target: many repositories in one layout, told apart by full names. */
import { SallyportError, type Side } from '../errors/index.ts'
import { fallbackTag, isDigest, isTag, MANIFEST_CAP, verified, verifying } from '../oci/index.ts'
import type { Descriptor, Digest } from '../oci/index.ts'
import { bytesBody } from './bytes-body.ts'
import { fallbackEntries, readFallback, uniteFallback } from './layout-fallback.ts'
import { withoutManifest, withoutName } from './layout-delete.ts'
import { blobName } from './layout-file.ts'
import { LayoutGraph } from './layout-graph.ts'
import { entryNamed, indexEntry, type IndexEntry } from './layout-index.ts'
import { isFallbackTag, parseLayoutName } from './layout-name.ts'
import { readManifest, streamBlob } from './layout-read.ts'
import { LayoutStore } from './layout-store.ts'
import type { BlobBody, Target, TargetPlace } from './source.ts'

/**
 * The layout in a folder, made at the first write where there is none. The first write takes the folder's lock
 * (LAYOUT_LOCKED when another process has it) and `close` gives it back.
 * Duty of the caller: no call is under way when it closes.
 */
export function layoutTarget(dir: string, side: Side = 'target'): TargetPlace {
  return new LayoutPlace(dir, side)
}

class LayoutPlace implements TargetPlace {
  readonly name: string
  private readonly store: LayoutStore
  private readonly graph: LayoutGraph
  private readonly pushed = new Map<Digest, Descriptor>()

  constructor(dir: string, side: Side) {
    this.name = `oci:${dir}`
    this.store = new LayoutStore(dir, side)
    this.graph = new LayoutGraph(this.store.reader)
  }

  repository(path: string): Target {
    // A path that reads back as another name, or as none, would hide what is stored under it.
    if (parseLayoutName(`${path}:x`)?.tag === 'x')
      return new LayoutTarget(this.store, this.graph, this.pushed, `${this.name}:${path}`, path)
    throw new SallyportError('REFERENCE_INVALID', { side: this.store.side, subject: path.slice(0, 300) })
  }

  /** Gives manifests that nothing names an entry without a name, so that every reader finds them by digest. */
  private async nameRoots(): Promise<void> {
    if (this.pushed.size === 0) return
    await this.store.update(async (entries) => {
      const listed = new Set(entries.map((entry) => entry.descriptor.digest))
      const roots = [...this.pushed.values()].filter(({ digest }) => !listed.has(digest) && !this.graph.isChild(digest))
      return roots.length === 0 ? entries : [...entries, ...roots.map((root) => indexEntry(root))]
    })
    this.pushed.clear()
  }

  async close(): Promise<void> {
    try {
      await this.nameRoots()
    } finally {
      await this.store.close()
    }
  }
}

class LayoutTarget implements Target {
  readonly repository: string
  private readonly store: LayoutStore
  private readonly graph: LayoutGraph
  private readonly pushed: Map<Digest, Descriptor>
  private readonly path: string

  constructor(
    store: LayoutStore,
    graph: LayoutGraph,
    pushed: Map<Digest, Descriptor>,
    repository: string,
    path: string,
  ) {
    this.store = store
    this.graph = graph
    this.pushed = pushed
    this.repository = repository
    this.path = path
  }

  private name(digest: Digest): string {
    return `${this.repository}@${digest}`
  }

  /** A referrers list speaks for the whole layout: only under its bare tag do oras and regctl find it. */
  private refName(tag: string): string {
    return isFallbackTag(tag) ? tag : `${this.path}:${tag}`
  }

  async resolve(tagOrDigest: string): Promise<Descriptor | undefined> {
    await this.store.settle()
    const { entries } = this.store.index()
    if (isDigest(tagOrDigest)) {
      const pushed = this.pushed.get(tagOrDigest)
      if (pushed !== undefined) return pushed
      await this.graph.extend(entries.map((entry) => entry.descriptor))
      return this.graph.get(tagOrDigest)
    }
    const name = this.refName(tagOrDigest)
    return plain(entryNamed(entries, name)?.descriptor)
  }

  /** Throws MANIFEST_MISSING too for one whose bytes lie there but that nothing leads to, as a killed run may leave it. */
  async manifest(descriptor: Descriptor): Promise<Buffer> {
    const { digest } = descriptor
    if ((await this.resolve(digest)) === undefined)
      throw new SallyportError('MANIFEST_MISSING', { side: this.store.side, subject: this.name(digest) })
    return readManifest(this.store.reader, descriptor, this.name(digest))
  }

  private holds(descriptor: Descriptor): boolean {
    const file = this.store.reader.open(blobName(descriptor.digest))
    file?.close()
    return file?.size === descriptor.size
  }

  async hasBlob(descriptor: Descriptor): Promise<boolean> {
    await this.store.settle()
    return this.holds(descriptor)
  }

  async proveBlob(descriptor: Descriptor): Promise<void> {
    const subject = this.name(descriptor.digest)
    const body = streamBlob(this.store.reader, descriptor, 0, subject)
    for await (const _ of verifying(body, descriptor, this.store.side, subject)) continue
  }

  async pushBlob(descriptor: Descriptor, body: BlobBody, mountFrom?: string): Promise<'pushed' | 'mounted'> {
    // The repositories of a layout share their blobs, so a mount is a look. Without it the push is done: it heals.
    if (mountFrom !== undefined && this.holds(descriptor)) return 'mounted'
    await this.store.writeBlob(descriptor, body, this.name(descriptor.digest))
    return 'pushed'
  }

  async pushManifest(descriptor: Descriptor, bytes: Uint8Array): Promise<void> {
    const subject = this.name(descriptor.digest)
    if (descriptor.size > MANIFEST_CAP)
      throw new SallyportError('MANIFEST_TOO_LARGE', { side: this.store.side, subject })
    verified(bytes, descriptor, this.store.side, subject)
    await this.store.writeBlob(descriptor, bytesBody(bytes), subject)
    const { mediaType, digest, size } = descriptor
    this.graph.add(descriptor, bytes)
    this.pushed.set(digest, { mediaType, digest, size })
  }

  async tag(tag: string, descriptor: Descriptor): Promise<void> {
    const { side } = this.store
    const name = this.refName(tag)
    if (!isTag(tag)) throw new SallyportError('REFERENCE_INVALID', { side, subject: name.slice(0, 300) })
    if (!this.holds(descriptor))
      throw new SallyportError('MANIFEST_MISSING', { side, subject: this.name(descriptor.digest) })
    await this.store.update(async (entries) =>
      withEntry(entries, indexEntry(descriptor, name, isFallbackTag(tag) ? undefined : name)),
    )
  }

  async listReferrers(subject: Descriptor, referrers: readonly Descriptor[]): Promise<'fallback'> {
    const name = fallbackTag(subject.digest)
    await this.store.update(async (entries) => {
      const list = entries.find((entry) => entry.name === name)?.descriptor
      const before = list === undefined ? [] : readFallback(this.store.reader, list)
      const united = uniteFallback(before, referrers, this.store.side, `${this.store.dir} ${name}`)
      if (united === undefined) return entries
      await this.store.writeBlob(united.descriptor, bytesBody(united.bytes), name)
      this.graph.add(united.descriptor, united.bytes)
      // The list that was there is no content of anybody's: its name moves on and nothing keeps it.
      return [...entries.filter((entry) => entry.name !== name), indexEntry(united.descriptor, name)]
    })
    return 'fallback'
  }

  /** Referrers lists are the layout's own, and are none of them. */
  async tags(): Promise<string[]> {
    const start = `${this.path}:`
    const names = this.store.index().entries.map(({ name = '' }) => name)
    return names
      .filter((name) => name.startsWith(start))
      .map((name) => name.slice(start.length))
      .filter(isTag)
      .sort()
  }

  blob(descriptor: Descriptor, from = 0): AsyncIterable<Uint8Array> {
    return streamBlob(this.store.reader, descriptor, from, this.name(descriptor.digest))
  }

  async probeDelete(): Promise<undefined> {
    return undefined
  }

  async untag(tag: string): Promise<void> {
    const name = this.refName(tag)
    let found = false
    await this.store.update(async (entries) => {
      const left = withoutName(entries, name)
      found = left !== entries
      return left
    })
    if (!found)
      throw new SallyportError('MANIFEST_MISSING', { side: this.store.side, subject: `${this.repository}:${tag}` })
  }

  /** Takes the manifest's file too. Throws DELETE_DENIED while another repository or index of the layout leads to it. */
  async deleteManifest(digest: Digest): Promise<void> {
    const subject = this.name(digest)
    const pushed = this.pushed.get(digest)
    const own = (name: string): boolean => name.startsWith(`${this.path}:`)
    let found = false
    await this.store.update(async (entries) => {
      // What was pushed in this run has its entry at the end of it.
      const all = pushed === undefined ? entries : [...entries, indexEntry(pushed)]
      const left = await withoutManifest(all, digest, own, this.store.reader, subject)
      found = left !== undefined
      return left ?? entries
    })
    this.pushed.delete(digest)
    // Also what a killed run left behind, and nothing leads to.
    await this.store.dropManifest(digest)
    this.graph.clear()
    for (const descriptor of this.pushed.values())
      this.graph.add(descriptor, readManifest(this.store.reader, descriptor, subject))
    if (!found) throw new SallyportError('MANIFEST_MISSING', { side: this.store.side, subject })
  }

  async referrers(subject: Digest): Promise<Descriptor[]> {
    await this.store.settle()
    const { entries } = this.store.index()
    await this.graph.extend(entries.map((entry) => entry.descriptor))
    const names = new Set([fallbackTag(subject), `${this.path}:${fallbackTag(subject)}`])
    const lists = entries.filter((entry) => names.has(entry.name ?? '')).map((entry) => entry.descriptor)
    return fallbackEntries(this.store.reader, lists, this.graph.referrersOf(subject))
  }
}

function plain(descriptor: Descriptor | undefined): Descriptor | undefined {
  if (descriptor === undefined) return undefined
  const { mediaType, digest, size } = descriptor
  return { mediaType, digest, size }
}

/** The entries with one under its name; what had the name before stays, without one, so that no manifest is lost. */
function withEntry(entries: readonly IndexEntry[], added: IndexEntry): readonly IndexEntry[] {
  const { digest } = added.descriptor
  const old = entries.find((entry) => entry.name === added.name)
  const kept = entries.filter(
    (entry) => entry.name !== added.name && !(entry.name === undefined && entry.descriptor.digest === digest),
  )
  if (old?.descriptor.digest === digest && kept.length === entries.length - 1) return entries
  const lost = old !== undefined && old.descriptor.digest !== digest ? old.descriptor : undefined
  if (lost !== undefined && kept.every((entry) => entry.descriptor.digest !== lost.digest)) kept.push(indexEntry(lost))
  return [...kept, added]
}
