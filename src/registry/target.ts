/** A repository to write to. */
import type { BlobBody, Target } from '../content/index.ts'
import { isFault, SallyportError } from '../errors/index.ts'
import { MANIFEST_CAP, verified, type Descriptor, type Digest } from '../oci/index.ts'
import { headBlob, proveBlob } from './blob-held.ts'
import { readBlob } from './blob.ts'
import { deleteReference, deleteRefusal } from './delete.ts'
import { mergeFallback, settleFallback, type Wanted } from './fallback.ts'
import { asPromised, getManifest, headManifest, putManifest, subjectOf, type FetchedManifest } from './manifest.ts'
import { Referrers } from './referrer.ts'
import type { Repository } from './repository.ts'
import { pause, waitFor } from './retry.ts'
import { listTags } from './tag.ts'

/** So many digests are remembered at most; beyond, the registry is asked again. */
const REMEMBERED = 100_000
/** Lists of so many subjects are looked at again at the end. */
const UNSETTLED = 10_000
/** How often a Referrers API is asked for what was pushed a moment ago. */
const LOOKS = 4

/** Runs an upload, here or on another thread. */
export type PushBlob = (
  repository: Repository,
  descriptor: Descriptor,
  body: BlobBody,
  mountFrom: string | undefined,
) => Promise<'pushed' | 'mounted'>

export class RegistryTarget implements Target {
  readonly repository: string
  readonly #repository: Repository
  readonly #push: PushBlob
  readonly #referrers: Referrers
  /** Blobs that the registry has said it holds. A push alone does not put one here: that is what read-back is for. */
  readonly #held = new Set<Digest>()
  readonly #pushed = new Set<Digest>()
  readonly #merging = new Map<Digest, Promise<unknown>>()
  /** What was listed under fallback tags since the last settling, the oldest first. */
  readonly #united = new Map<Digest, Wanted>()

  constructor(repository: Repository, push: PushBlob) {
    this.repository = repository.name
    this.#repository = repository
    this.#push = push
    this.#referrers = new Referrers(repository, () => Promise.resolve(undefined))
  }

  /** What the target says, by one HEAD; undefined too when the repository does not exist yet. */
  async resolve(tagOrDigest: string): Promise<Descriptor | undefined> {
    try {
      return await headManifest(this.#repository, tagOrDigest)
    } catch (error) {
      if (isFault(error, 'MANIFEST_MISSING', 'REPOSITORY_MISSING')) return undefined
      throw error
    }
  }

  /** By one request; false as well when the registry does not let its tags be listed. */
  async isAbsent(): Promise<boolean> {
    try {
      await listTags(this.#repository)
      return false
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      return error.code === 'REPOSITORY_MISSING'
    }
  }

  async manifest(descriptor: Descriptor): Promise<Buffer> {
    const { side } = this.#repository
    const subject = subjectOf(this.#repository, descriptor.digest)
    if (descriptor.size > MANIFEST_CAP) throw new SallyportError('MANIFEST_TOO_LARGE', { side, subject })
    let fetched: FetchedManifest
    try {
      fetched = await getManifest(this.#repository, descriptor.digest)
      return asPromised(this.#repository, fetched, descriptor)
    } catch (cause) {
      const lied =
        isFault(cause, 'DIGEST_MISMATCH', 'SIZE_MISMATCH', 'MANIFEST_AMBIGUOUS') ||
        (isFault(cause, 'MANIFEST_MISSING', 'REPOSITORY_MISSING') && this.#pushed.has(descriptor.digest))
      if (!lied) throw cause
      throw new SallyportError('READ_BACK_MISMATCH', { side, subject, detail: cause.message, cause })
    }
  }

  async hasBlob(descriptor: Descriptor): Promise<boolean> {
    if (this.#held.has(descriptor.digest)) return true
    const there = await headBlob(this.#repository, descriptor)
    if (there && this.#held.size < REMEMBERED) this.#held.add(descriptor.digest)
    return there
  }

  proveBlob(descriptor: Descriptor): Promise<void> {
    return proveBlob(this.#repository, descriptor)
  }

  async pushBlob(descriptor: Descriptor, body: BlobBody, mountFrom?: string): Promise<'pushed' | 'mounted'> {
    const done = await this.#push(this.#repository, descriptor, body, mountFrom)
    if (done === 'mounted' && this.#held.size < REMEMBERED) this.#held.add(descriptor.digest)
    return done
  }

  async pushManifest(descriptor: Descriptor, bytes: Uint8Array): Promise<void> {
    this.#refuseWrong(descriptor, bytes)
    await putManifest(this.#repository, descriptor.digest, descriptor, bytes)
    if (this.#pushed.size < REMEMBERED) this.#pushed.add(descriptor.digest)
  }

  #refuseWrong(descriptor: Descriptor, bytes: Uint8Array): void {
    const subject = subjectOf(this.#repository, descriptor.digest)
    if (bytes.length > MANIFEST_CAP)
      throw new SallyportError('MANIFEST_TOO_LARGE', { side: this.#repository.side, subject })
    // The bytes come out of the bundle: when they are wrong, that is not the registry's fault.
    verified(bytes, descriptor, 'bundle', descriptor.digest)
  }

  async tag(tag: string, descriptor: Descriptor, bytes: Uint8Array): Promise<void> {
    this.#refuseWrong(descriptor, bytes)
    await putManifest(this.#repository, tag, descriptor, bytes)
  }

  tags(): Promise<string[]> {
    return listTags(this.#repository)
  }

  blob(descriptor: Descriptor, from = 0): AsyncIterable<Uint8Array> {
    return readBlob(this.#repository, descriptor, from)
  }

  /** By a request to delete what can't be there. Throws what a registry that can't be asked throws. */
  probeDelete(what: 'manifest' | 'tag'): Promise<SallyportError | undefined> {
    return deleteRefusal(this.#repository, what)
  }

  untag(tag: string): Promise<void> {
    return deleteReference(this.#repository, tag)
  }

  async deleteManifest(digest: Digest): Promise<void> {
    await deleteReference(this.#repository, digest)
    this.#pushed.delete(digest)
  }

  /**
   * The answer of the API itself is the probe: `OCI-Subject` is sent by registries that have none (ECR).
   * Throws READ_BACK_MISMATCH when an API goes on without a referrer that was pushed.
   */
  async listReferrers(subject: Descriptor, referrers: readonly Descriptor[]): Promise<'api' | 'fallback'> {
    const { settings } = this.#repository.registry
    for (let look = 0; ; look++) {
      const listed = await this.#referrers.fromApi(subject.digest)
      if (listed === undefined) break
      const there = new Set(listed.map(({ digest }) => digest))
      const absent = referrers.find(({ digest }) => !there.has(digest))
      if (absent === undefined) return 'api'
      if (look === LOOKS) {
        throw new SallyportError('READ_BACK_MISMATCH', {
          side: this.#repository.side,
          subject: subjectOf(this.#repository, subject.digest),
          detail: `the Referrers API does not list ${absent.digest}`,
        })
      }
      await pause(waitFor(settings, look, undefined), this.#repository.signal)
    }
    // Two merges of one tag in this process would only undo each other.
    const before = this.#merging.get(subject.digest) ?? Promise.resolve()
    const wanted = this.#wanted(subject.digest, referrers)
    const merge = before.catch(() => undefined).then(() => mergeFallback(this.#repository, subject.digest, wanted))
    this.#merging.set(subject.digest, merge)
    try {
      await merge
    } finally {
      if (this.#merging.get(subject.digest) === merge) this.#merging.delete(subject.digest)
    }
    return 'fallback'
  }

  #wanted(subject: Digest, referrers: readonly Descriptor[]): Wanted {
    const wanted = this.#united.get(subject) ?? new Map<Digest, Descriptor>()
    for (const referrer of referrers) wanted.set(referrer.digest, referrer)
    this.#united.delete(subject)
    this.#united.set(subject, wanted)
    // What was listed so many subjects ago has been read back long after.
    const [oldest] = this.#united.size > UNSETTLED ? this.#united.keys() : []
    if (oldest !== undefined) this.#united.delete(oldest)
    return wanted
  }

  async settleReferrers(looks: number, signal?: AbortSignal): Promise<void> {
    const united = new Map(this.#united)
    this.#united.clear()
    await settleFallback(this.#repository, united, looks, signal)
  }

  referrers(subject: Digest): Promise<Descriptor[]> {
    return this.#referrers.list(subject)
  }
}
