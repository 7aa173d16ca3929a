/** A repository to write to. */
import type { BlobBody, Target } from '../content/index.ts'
import { isFault, SallyportError, unlessFault } from '../errors/index.ts'
import { MANIFEST_CAP, verified, type Descriptor, type Digest } from '../oci/index.ts'
import { headBlob, proveBlob } from './blob-held.ts'
import { readBlob } from './blob.ts'
import { deleteReference, deleteRefusal } from './delete.ts'
import { mergeFallback, settleFallback } from './fallback.ts'
import { asPromised, getManifest, headManifest, putManifest, subjectOf, type FetchedManifest } from './manifest.ts'
import { Referrers } from './referrer.ts'
import type { Repository } from './repository.ts'
import { pause, waitFor } from './retry.ts'
import { isAbsent, listTags } from './tag.ts'
import { Unsettled } from './unsettled.ts'

/** So many digests are remembered at most; beyond, the registry is asked again. */
const REMEMBERED = 100_000
/** How often a registry is asked again for what was stored a moment ago. */
const LOOKS = 4

/** Runs an upload, here or on another thread. */
export type PushBlob = (
  repository: Repository,
  descriptor: Descriptor,
  body: BlobBody,
  mountFrom: string | undefined,
  onBytes: (count: number) => void,
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
  /** What was listed under fallback tags since the last settling. */
  readonly #unsettled = new Unsettled()

  constructor(repository: Repository, push: PushBlob) {
    this.repository = repository.name
    this.#repository = repository
    this.#push = push
    this.#referrers = new Referrers(repository, () => Promise.resolve(undefined))
  }

  /** What the target says, by one HEAD; undefined too when the repository does not exist yet. */
  resolve(tagOrDigest: string): Promise<Descriptor | undefined> {
    return unlessFault(headManifest(this.#repository, tagOrDigest), 'MANIFEST_MISSING', 'REPOSITORY_MISSING')
  }

  isAbsent(): Promise<boolean> {
    return isAbsent(this.#repository)
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

  async pushBlob(
    descriptor: Descriptor,
    body: BlobBody,
    mountFrom?: string,
    onBytes: (count: number) => void = () => undefined,
  ): Promise<'pushed' | 'mounted'> {
    const done = await this.#push(this.#repository, descriptor, body, mountFrom, onBytes)
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
    await this.#settled(() => this.#pointsAt(tag, descriptor.digest))
  }

  /** What speaks against the tag having moved. A login page in front of the registry answers a PUT with 200 as well. */
  async #pointsAt(tag: string, digest: Digest): Promise<SallyportError | undefined> {
    const found = await this.resolve(tag)
    if (found?.digest === digest) return undefined
    return new SallyportError('READ_BACK_MISMATCH', {
      side: this.#repository.side,
      subject: subjectOf(this.#repository, tag),
      detail: `after the move it names ${found?.digest ?? 'nothing'}`,
    })
  }

  /** Looks a few times: several machines may stand behind one name. Throws what still speaks against it at the last look. */
  async #settled(look: () => Promise<SallyportError | undefined>): Promise<void> {
    const { registry, signal } = this.#repository
    for (let looks = 0; ; looks++) {
      const fault = await look()
      if (fault === undefined) return
      if (looks === LOOKS) throw fault
      await pause(waitFor(registry.settings, looks, undefined), signal)
    }
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
    let hasApi = true
    await this.#settled(async () => {
      const listed = await this.#referrers.fromApi(subject.digest)
      hasApi = listed !== undefined
      const there = new Set(listed?.map(({ digest }) => digest))
      const absent = hasApi ? referrers.find(({ digest }) => !there.has(digest)) : undefined
      if (absent === undefined) return undefined
      return new SallyportError('READ_BACK_MISMATCH', {
        side: this.#repository.side,
        subject: subjectOf(this.#repository, subject.digest),
        detail: `the Referrers API does not list ${absent.digest}`,
      })
    })
    if (hasApi) return 'api'
    // Two merges of one tag in this process would only undo each other.
    const before = this.#merging.get(subject.digest) ?? Promise.resolve()
    const wanted = this.#unsettled.add(subject.digest, referrers)
    const merge = before.catch(() => undefined).then(() => mergeFallback(this.#repository, subject.digest, wanted))
    this.#merging.set(subject.digest, merge)
    try {
      await merge
      this.#unsettled.weigh(subject.digest)
    } finally {
      if (this.#merging.get(subject.digest) === merge) this.#merging.delete(subject.digest)
    }
    return 'fallback'
  }

  async settleReferrers(looks: number, signal?: AbortSignal): Promise<void> {
    await settleFallback(this.#repository, this.#unsettled.take(), looks, signal)
  }

  referrers(subject: Digest): Promise<Descriptor[]> {
    return this.#referrers.list(subject)
  }
}
