/** Repositories held in memory: for what must be judged before it is stored, and for tests. */
import { SallyportError, type Side } from '../errors/index.ts'
import {
  isDigest,
  MANIFEST_CAP,
  parseManifest,
  referrerDescriptor,
  verified,
  verifying,
  type Descriptor,
  type Digest,
} from '../oci/index.ts'
import { byDigest } from './graph.ts'
import { writeAt } from './layout-read.ts'
import type { BlobBody, FileSlot, Source, Target, TargetPlace } from './source.ts'

/** A place whose repositories list referrers by themselves, as a registry with the Referrers API does. */
export class MemoryPlace implements TargetPlace {
  readonly name: string
  private readonly side: Side
  private readonly repositories = new Map<string, MemoryRepository>()

  /** @param name - the host its repositories have */
  constructor(name: string, side: Side = 'target') {
    this.name = name
    this.side = side
  }

  /** The repository, always the same one for a path. */
  repository(path: string): MemoryRepository {
    let repository = this.repositories.get(path)
    if (repository === undefined) {
      const held = (other: string): Map<Digest, Buffer> | undefined => this.repositories.get(other)?.blobs
      repository = new MemoryRepository(`${this.name}/${path}`, this.side, held)
      this.repositories.set(path, repository)
    }
    return repository
  }

  async close(): Promise<void> {
    // Nothing is held open.
  }
}

interface Held {
  descriptor: Descriptor
  bytes: Buffer
}

export class MemoryRepository implements Source, Target {
  readonly repository: string
  /** For mounts from here. */
  readonly blobs = new Map<Digest, Buffer>()
  private readonly side: Side
  private readonly heldBy: (path: string) => Map<Digest, Buffer> | undefined
  private readonly manifests = new Map<Digest, Held>()
  private readonly tagged = new Map<string, Digest>()
  private readonly listed = new Map<Digest, Map<Digest, Descriptor>>()

  constructor(repository: string, side: Side, heldBy: (path: string) => Map<Digest, Buffer> | undefined) {
    this.repository = repository
    this.side = side
    this.heldBy = heldBy
  }

  private name(digest: Digest): string {
    return `${this.repository}@${digest}`
  }

  async resolve(tagOrDigest: string): Promise<Descriptor | undefined> {
    const digest = isDigest(tagOrDigest) ? tagOrDigest : this.tagged.get(tagOrDigest)
    return digest === undefined ? undefined : this.manifests.get(digest)?.descriptor
  }

  async tags(): Promise<string[]> {
    return [...this.tagged.keys()].sort()
  }

  async manifest(descriptor: Descriptor): Promise<Buffer> {
    const { side } = this
    const subject = this.name(descriptor.digest)
    if (descriptor.size > MANIFEST_CAP) throw new SallyportError('MANIFEST_TOO_LARGE', { side, subject })
    const held = this.manifests.get(descriptor.digest)
    if (held === undefined) throw new SallyportError('MANIFEST_MISSING', { side, subject })
    return verified(held.bytes, descriptor, side, subject)
  }

  async referrers(subject: Digest): Promise<Descriptor[]> {
    return [...(this.listed.get(subject)?.values() ?? [])].sort(byDigest)
  }

  private held(descriptor: Descriptor): Buffer {
    const bytes = this.blobs.get(descriptor.digest)
    if (bytes !== undefined) return bytes
    throw new SallyportError('BLOB_MISSING', { side: this.side, subject: this.name(descriptor.digest) })
  }

  async *blob(descriptor: Descriptor, from = 0): AsyncGenerator<Uint8Array> {
    const bytes = this.held(descriptor)
    if (from < bytes.length) yield bytes.subarray(from)
  }

  async blobInto(descriptor: Descriptor, slot: FileSlot, onBytes: (count: number) => void): Promise<void> {
    const subject = this.name(descriptor.digest)
    const bytes = verified(this.held(descriptor), descriptor, this.side, subject)
    await writeAt(slot.fd, bytes, slot.offset, subject)
    onBytes(bytes.length - Math.min(slot.have, bytes.length))
  }

  async hasBlob(descriptor: Descriptor): Promise<boolean> {
    return this.blobs.get(descriptor.digest)?.length === descriptor.size
  }

  async proveBlob(descriptor: Descriptor): Promise<void> {
    verified(this.held(descriptor), descriptor, this.side, this.name(descriptor.digest))
  }

  async pushBlob(descriptor: Descriptor, body: BlobBody, mountFrom?: string): Promise<'pushed' | 'mounted'> {
    const mounted = mountFrom === undefined ? undefined : this.heldBy(mountFrom)?.get(descriptor.digest)
    if (mounted?.length === descriptor.size) {
      this.blobs.set(descriptor.digest, mounted)
      return 'mounted'
    }
    const runs: Uint8Array[] = []
    const subject = this.name(descriptor.digest)
    for await (const run of verifying(body.open(0), descriptor, this.side, subject)) runs.push(Buffer.from(run))
    this.blobs.set(descriptor.digest, Buffer.concat(runs))
    return 'pushed'
  }

  async pushManifest(descriptor: Descriptor, bytes: Uint8Array): Promise<void> {
    const { mediaType, digest, size } = descriptor
    const subject = this.name(digest)
    if (size > MANIFEST_CAP) throw new SallyportError('MANIFEST_TOO_LARGE', { side: this.side, subject })
    const manifest = parseManifest(verified(bytes, descriptor, this.side, subject), mediaType, this.side, subject)
    this.manifests.set(digest, { descriptor: { mediaType, digest, size }, bytes: Buffer.from(bytes) })
    if (manifest.subject !== undefined) this.refer(manifest.subject.digest, referrerDescriptor(descriptor, manifest))
  }

  private refer(subject: Digest, referrer: Descriptor): void {
    const listed = this.listed.get(subject) ?? new Map<Digest, Descriptor>()
    listed.set(referrer.digest, referrer)
    this.listed.set(subject, listed)
  }

  async tag(tag: string, descriptor: Descriptor): Promise<void> {
    if (!this.manifests.has(descriptor.digest))
      throw new SallyportError('MANIFEST_MISSING', { side: this.side, subject: this.name(descriptor.digest) })
    this.tagged.set(tag, descriptor.digest)
  }

  async probeDelete(): Promise<undefined> {
    return undefined
  }

  async untag(tag: string): Promise<void> {
    if (this.tagged.delete(tag)) return
    throw new SallyportError('MANIFEST_MISSING', { side: this.side, subject: `${this.repository}:${tag}` })
  }

  async deleteManifest(digest: Digest): Promise<void> {
    if (!this.manifests.delete(digest))
      throw new SallyportError('MANIFEST_MISSING', { side: this.side, subject: this.name(digest) })
    for (const [tag, named] of this.tagged) if (named === digest) this.tagged.delete(tag)
    for (const listed of this.listed.values()) listed.delete(digest)
  }

  async listReferrers(subject: Descriptor, referrers: readonly Descriptor[]): Promise<'api'> {
    for (const referrer of referrers)
      if (this.listed.get(subject.digest)?.has(referrer.digest) !== true) this.refer(subject.digest, referrer)
    return 'api'
  }
}
