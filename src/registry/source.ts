/** A repository to read from. */
import type { FileSlot, Source } from '../content/index.ts'
import { isFault } from '../errors/index.ts'
import { MANIFEST_CAP, type Descriptor, type Digest } from '../oci/index.ts'
import { SallyportError, unlessFault } from '../errors/index.ts'
import { readBlob } from './blob.ts'
import { findManifest } from './found-manifest.ts'
import { asPromised, getManifest, headDigest, subjectOf, type FetchedManifest } from './manifest.ts'
import { Referrers } from './referrer.ts'
import type { Repository } from './repository.ts'
import { listTags } from './tag.ts'

/** How large blobs get into files; the client sends them to its workers. */
export type FetchInto = (
  repository: Repository,
  descriptor: Descriptor,
  slot: FileSlot,
  onBytes: (count: number) => void,
  signal: AbortSignal | undefined,
) => Promise<void>

const KEPT = 16 * 1024 * 1024

export class RegistrySource implements Source {
  readonly repository: string
  readonly #repository: Repository
  readonly #fetchInto: FetchInto
  readonly #referrers: Referrers
  readonly #fallbacks = new Map<Digest, Digest>()
  #tags: Promise<string[]> | undefined
  #tagSet: Promise<ReadonlySet<string> | undefined> | undefined
  /** Manifests that a tag led to: proven, and asked for next. */
  readonly #kept = new Map<Digest, FetchedManifest>()
  #keptSize = 0

  constructor(repository: Repository, fetchInto: FetchInto) {
    this.repository = repository.name
    this.#repository = repository
    this.#fetchInto = fetchInto
    this.#referrers = new Referrers(repository, () => this.tagSet(), this.#fallbacks)
  }

  /** One GET, so that the manifest itself need not be asked for again. Throws REPOSITORY_MISSING. */
  async resolve(tagOrDigest: string): Promise<Descriptor | undefined> {
    const fetched = await findManifest(this.#repository, tagOrDigest)
    if (fetched !== undefined) this.#keep(fetched)
    return fetched?.descriptor
  }

  /** By a HEAD: Docker Hub, which lets a client pull so often and no more, does not count it. */
  pointsTo(tag: string): Promise<Digest | undefined> {
    return unlessFault(headDigest(this.#repository, tag), 'MANIFEST_MISSING')
  }

  #keep(fetched: FetchedManifest): void {
    const { digest, size } = fetched.descriptor
    if (this.#kept.has(digest)) return
    this.#kept.set(digest, fetched)
    this.#keptSize += size
    for (const [oldest, { descriptor }] of this.#kept) {
      if (this.#keptSize <= KEPT) break
      this.#kept.delete(oldest)
      this.#keptSize -= descriptor.size
    }
  }

  async tags(): Promise<string[]> {
    this.#tags ??= listTags(this.#repository)
    try {
      return [...(await this.#tags)]
    } catch (error) {
      this.#tags = undefined
      throw error
    }
  }

  /** Every tag; undefined where the list is denied, unknown or no list, so that each tag must be asked for by its name. */
  tagSet(): Promise<ReadonlySet<string> | undefined> {
    return (this.#tagSet ??= this.#listable())
  }

  async #listable(): Promise<ReadonlySet<string> | undefined> {
    try {
      return new Set(await this.tags())
    } catch (error) {
      const without = isFault(error, 'REGISTRY_DENIED', 'REPOSITORY_MISSING', 'REGISTRY_PROTOCOL', 'GRAPH_TOO_LARGE')
      if (without) return undefined
      this.#tagSet = undefined
      throw error
    }
  }

  async manifest(descriptor: Descriptor): Promise<Buffer> {
    const { digest, size } = descriptor
    const kept = this.#kept.get(digest)
    if (kept !== undefined) {
      this.#kept.delete(digest)
      this.#keptSize -= kept.descriptor.size
      return asPromised(this.#repository, kept, descriptor)
    }
    if (size > MANIFEST_CAP) {
      const subject = subjectOf(this.#repository, digest)
      throw new SallyportError('MANIFEST_TOO_LARGE', { side: this.#repository.side, subject })
    }
    return asPromised(this.#repository, await getManifest(this.#repository, digest), descriptor)
  }

  referrers(subject: Digest): Promise<Descriptor[]> {
    return this.#referrers.list(subject)
  }

  fallbackOf(subject: Digest): Digest | undefined {
    return this.#fallbacks.get(subject)
  }

  blob(descriptor: Descriptor, from = 0): AsyncIterable<Uint8Array> {
    return readBlob(this.#repository, descriptor, from)
  }

  blobInto(
    descriptor: Descriptor,
    slot: FileSlot,
    onBytes: (count: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    return this.#fetchInto(this.#repository, descriptor, slot, onBytes, signal)
  }
}
