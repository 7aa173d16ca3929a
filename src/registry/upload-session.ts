/** The requests that every way of storing a blob is made of (OCI distribution spec, "Pushing blobs"). */
import { isFault, SallyportError } from '../errors/index.ts'
import { algorithmOf, isDigest, type Descriptor } from '../oci/index.ts'
import type { Answer } from './answer.ts'
import { blobSubject } from './blob.ts'
import { headBlob } from './blob-held.ts'
import { nextHop } from './redirect.ts'
import { callTo, type Repository } from './repository.ts'
import type { Call, Registry } from './request.ts'
import { pause } from './retry.ts'

/** What a registry says of a blob that is stored. */
export const STORED = [200, 201, 204]
const BODY_CAP = 64 * 1024
/** In bytes a millisecond: no line is slower that anybody waits for. */
const SLOWEST = 16
const CANCEL_MS = 5_000
const CANCEL_LOOKS = 4

export class UploadSession {
  readonly subject: string
  readonly #repository: Repository
  readonly #descriptor: Descriptor

  constructor(repository: Repository, descriptor: Descriptor) {
    this.#repository = repository
    this.#descriptor = descriptor
    this.subject = blobSubject(repository, descriptor)
  }

  call(method: Call['method'], to: string | URL): Call {
    return { ...callTo(this.#repository, method, '', 'push', this.subject), to }
  }

  /** `mounted`, the upload session a registry gives instead, or undefined when it does not want to hear of it. */
  async mount(from: string): Promise<'mounted' | URL | undefined> {
    const { registry, path, scopes } = this.#repository
    const query = new URLSearchParams({ mount: this.#descriptor.digest, from })
    const call: Call = {
      ...this.call('POST', `/v2/${path}/blobs/uploads/?${query.toString()}`),
      scopes: [...scopes, `repository:${from}:pull`],
      headers: { 'content-length': '0' },
    }
    try {
      const reply = await registry.ask(call, [201, 202], BODY_CAP)
      if (reply.status === 202) return await this.next(reply)
      // Some say 201 and have nothing; then the blob is pushed.
      return (await headBlob(this.#repository, this.#descriptor)) ? 'mounted' : undefined
    } catch (error) {
      const heals = isFault(error, 'REGISTRY_DENIED', 'REPOSITORY_MISSING', 'PUSH_REFUSED', 'REGISTRY_PROTOCOL')
      if (heals) return undefined
      throw error
    }
  }

  /** Where the upload goes on, as an answer says. Throws REDIRECT_REFUSED, REGISTRY_PROTOCOL. */
  async next(answer: Pick<Answer, 'url' | 'header'>): Promise<URL> {
    const { registry, side } = this.#repository
    return nextHop(answer.url, answer.header('location'), await registry.origin(), side, this.subject)
  }

  /** A new session. One attempt: throws {@link Transient} for what a repeat may heal. */
  async begin(): Promise<URL> {
    const { registry, path } = this.#repository
    const call: Call = { ...this.call('POST', `/v2/${path}/blobs/uploads/`), headers: { 'content-length': '0' } }
    const answer = await registry.exchange(call)
    await registry.demand(answer, call, [202])
    await answer.discard()
    return this.next(answer)
  }

  /** A request with so many bytes of the blob from `from` on; the registry may think of its answer for so long. */
  #carrying(call: Call, from: number, length: number, headersMs: number): Call {
    const { timing } = this.#repository.registry.settings
    const whole = length === 0 || (from === 0 && length === this.#descriptor.size)
    return {
      ...call,
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(length),
        ...(whole ? {} : { 'content-range': `${from}-${from + length - 1}` }),
      },
      headersMs,
      withinMs: timing.documentMs + headersMs + length / SLOWEST,
    }
  }

  /** The request that adds a part. */
  append(session: URL, from: number, bytes: Buffer): Call {
    const { headersMs } = this.#repository.registry.settings.timing
    return { ...this.#carrying(this.call('PATCH', session), from, bytes.length, headersMs), body: bytes }
  }

  /** The request that completes the blob, whose body is its last `length` bytes. */
  last(session: URL, length: number): Call {
    const { digest, size } = this.#descriptor
    const to = new URL(session)
    // Appended as text: URLSearchParams would write the registry's own parameters anew, and it may have signed them.
    to.search = `${to.search === '' ? '?' : `${to.search}&`}digest=${encodeURIComponent(digest)}`
    const { headersMs } = this.#repository.registry.settings.timing
    return this.#carrying(this.call('PUT', to), size - length, length, headersMs * 10)
  }

  /**
   * Sends a request of {@link last} with its body; kept when the blob is stored. One attempt, as {@link begin}; throws
   * READ_BACK_MISMATCH too.
   * @param demand - throws what another answer means; that of the registry by default
   */
  async complete(call: Call, demand?: Registry['demand']): Promise<void> {
    const { registry } = this.#repository
    const answer = await registry.exchange(call)
    await (demand?.(answer, call, STORED) ?? registry.demand(answer, call, STORED))
    await answer.discard()
    this.compare(answer.header('docker-content-digest'))
  }

  /** Throws READ_BACK_MISMATCH when the registry names another digest of the same kind for what it stored. */
  compare(named: string | string[] | undefined): void {
    const { digest } = this.#descriptor
    if (!isDigest(named) || algorithmOf(named) !== algorithmOf(digest) || named === digest) return
    const fault = { side: this.#repository.side, subject: this.subject, detail: `it says ${named}` }
    throw new SallyportError('READ_BACK_MISMATCH', fault)
  }

  /** Takes the session back so that the registry keeps no half of it; whether it listens is its own affair. */
  async cancel(session: URL | undefined): Promise<void> {
    const signal = AbortSignal.timeout(CANCEL_MS)
    const { registry } = this.#repository
    try {
      for (let at = session, look = 0; at !== undefined && look < CANCEL_LOOKS; look++) {
        if (look > 0) await pause(CANCEL_MS / 100, signal)
        const answer = await registry.exchange({ ...this.call('DELETE', at), signal })
        await answer.discard()
        // 416: distribution wants to be told how far it has got, and says it itself when it is asked.
        if (answer.status !== 416) return
        const status = await registry.exchange({ ...this.call('GET', at), signal })
        await status.discard()
        at = await this.next(status)
      }
    } catch {
      // The reason why the push ended is the one to be told.
    }
  }
}
