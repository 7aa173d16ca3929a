/** The manifests that can be reached from a layout's `index.json`, and what each one refers to. Built once, extended. */
import { setImmediate } from 'node:timers/promises'
import { SallyportError } from '../errors/index.ts'
import {
  blobsOf,
  isManifestType,
  parseManifest,
  referrerDescriptor,
  type Descriptor,
  type Digest,
  type Manifest,
} from '../oci/index.ts'
import { blobName, type LayoutReader } from './layout-file.ts'
import { readManifest } from './layout-read.ts'

// Stops a layout whose manifests exhaust memory; a bundle of a million blobs stays below it.
const MAX_MANIFESTS = 1_000_000
// Of all that indexes list, whether it is there or not: each stays in memory as an object.
const MAX_LISTED = 2_000_000
// Manifests read in one go before other work gets its turn.
const TURN = 64

export class LayoutGraph {
  private readonly reader: LayoutReader
  private readonly known = new Map<Digest, Descriptor>()
  private readonly read = new Set<Digest>()
  private readonly children = new Set<Digest>()
  private readonly below = new Map<Digest, readonly Descriptor[]>()
  private readonly bySubject = new Map<Digest, Map<Digest, Descriptor>>()
  private readonly watched: Digest | undefined
  private running: Promise<void> = Promise.resolve()
  private listed = 0
  /** True when a manifest has the watched digest among its blobs. */
  isBlob = false

  /** @param watched - a digest to look out for among blobs */
  constructor(reader: LayoutReader, watched?: Digest) {
    this.reader = reader
    this.watched = watched
  }

  /** The descriptor of a manifest that was reached or added. */
  get(digest: Digest): Descriptor | undefined {
    return this.known.get(digest)
  }

  /** True for a manifest that an index lists. */
  isChild(digest: Digest): boolean {
    return this.children.has(digest)
  }

  /** What an index lists. */
  childrenOf(digest: Digest): readonly Descriptor[] {
    return this.below.get(digest) ?? []
  }

  /** Forgets all, so that what was taken away is not found any more. */
  clear(): void {
    for (const part of [this.known, this.read, this.children, this.below, this.bySubject]) part.clear()
    this.listed = 0
  }

  /** The manifests that name the subject, in no order. */
  referrersOf(subject: Digest): Descriptor[] {
    return [...(this.bySubject.get(subject)?.values() ?? [])]
  }

  /** Takes in a manifest whose bytes are proven; the manifest. */
  add(descriptor: Descriptor, bytes: Uint8Array): Manifest {
    const { mediaType, digest, size } = descriptor
    const { place, side } = this.reader
    const manifest = parseManifest(bytes, mediaType, side, `${place}@${digest}`)
    if (this.known.size >= MAX_MANIFESTS)
      throw new SallyportError('GRAPH_TOO_LARGE', { side, subject: place, detail: `over ${MAX_MANIFESTS} manifests` })
    if (!this.below.has(digest)) this.listed += manifest.manifests.length
    if (this.listed > MAX_LISTED)
      throw new SallyportError('GRAPH_TOO_LARGE', {
        side,
        subject: place,
        detail: `indexes list over ${MAX_LISTED} manifests`,
      })
    this.known.set(digest, { mediaType, digest, size })
    for (const child of manifest.manifests) this.children.add(child.digest)
    if (manifest.manifests.length > 0) this.below.set(digest, manifest.manifests)
    if (this.watched !== undefined) this.isBlob ||= blobsOf(manifest).some((blob) => blob.digest === this.watched)
    if (manifest.subject !== undefined) this.refer(manifest.subject.digest, referrerDescriptor(descriptor, manifest))
    return manifest
  }

  private refer(subject: Digest, referrer: Descriptor): void {
    const listed = this.bySubject.get(subject) ?? new Map<Digest, Descriptor>()
    this.bySubject.set(subject, listed.set(referrer.digest, referrer))
  }

  /** Kept when all that can be reached from the roots is known. Throws MANIFEST_MISSING when a root is not there. */
  extend(roots: readonly Descriptor[]): Promise<void> {
    const run = this.running.then(() => this.walk(roots))
    this.running = run.catch(() => {
      // What was queued behind the failure is lost: the next walk starts anew.
      this.read.clear()
    })
    return run
  }

  private async walk(roots: readonly Descriptor[]): Promise<void> {
    const queue = roots.map((descriptor) => ({ descriptor, child: false }))
    let count = 0
    for (const { descriptor, child } of queue) {
      if (this.read.has(descriptor.digest)) continue
      if (++count % TURN === 0) await setImmediate()
      const manifests = this.visit(descriptor, child)
      this.read.add(descriptor.digest)
      for (const next of manifests) queue.push({ descriptor: next, child: true })
    }
  }

  private visit(descriptor: Descriptor, child: boolean): readonly Descriptor[] {
    const { mediaType, digest, size } = descriptor
    const subject = `${this.reader.place}@${digest}`
    const file = this.reader.open(blobName(digest))
    file?.close()
    if (file === undefined) {
      // A child may be left out by choice of platforms; the walk names it. A root that is not there is damage.
      if (child) return []
      throw new SallyportError('MANIFEST_MISSING', { side: this.reader.side, subject })
    }
    if (isManifestType(mediaType)) return this.add(descriptor, readManifest(this.reader, descriptor, subject)).manifests
    this.known.set(digest, { mediaType, digest, size })
    return []
  }
}
