/** Blobs to a registry: asked for, mounted or pushed whole, and never committed before they are proven. */
import { provenBody, readSpan, type BlobBody, type FileSpan } from '../content/index.ts'
import { isFault, SallyportError } from '../errors/index.ts'
import { algorithmOf, isDigest, verified, type Descriptor } from '../oci/index.ts'
import { blobSubject } from './blob.ts'
import { headBlob } from './blob-held.ts'
import { Transient } from './errors.ts'
import type { Turn } from './line.ts'
import { nextHop } from './redirect.ts'
import { callTo, type Repository } from './repository.ts'
import type { Call } from './request.ts'
import { pause, repeating } from './retry.ts'
import { LARGE, putBare } from './upload-raw.ts'

const STORED = [200, 201, 204]
const BODY_CAP = 64 * 1024
const CANCEL_MS = 5_000
const CANCEL_LOOKS = 4

/** Holds the last bytes back until the stream has ended well: a body that is wrong never becomes complete. */
async function* withheld(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array | undefined
  for await (const chunk of stream) {
    // An empty chunk held back would let all real bytes go.
    if (chunk.length === 0) continue
    if (held !== undefined) yield held
    held = chunk
  }
  if (held !== undefined) yield held
}

/** What a push has come to know; `wrong` is set when our own body failed, which no repeat can heal. */
interface Attempt {
  session: URL | undefined
  wrong: unknown
}

interface BareWay {
  span: FileSpan
  turn: Turn
}

export class Upload {
  readonly #repository: Repository
  readonly #descriptor: Descriptor
  readonly #body: BlobBody
  readonly #subject: string
  /** Set once a bare PUT has met what it does not judge. */
  #unusual = false

  constructor(repository: Repository, descriptor: Descriptor, body: BlobBody) {
    this.#repository = repository
    this.#descriptor = descriptor
    this.#body = body
    this.#subject = blobSubject(repository, descriptor)
  }

  /** Stores the blob, by a mount from another repository of the same registry when it agrees. */
  async run(mountFrom: string | undefined): Promise<'pushed' | 'mounted'> {
    const mounted = mountFrom === undefined ? undefined : await this.#mount(mountFrom)
    if (mounted === 'mounted') return 'mounted'
    let session = mounted
    // A small body is proven before the registry is asked for anything.
    const whole = this.#descriptor.size <= LARGE ? await this.#whole() : undefined
    await repeating(this.#repository.registry.settings, this.#repository.signal, async (number) => {
      // The answer to the last attempt may have been lost, not its bytes.
      if (number > 0 && (await headBlob(this.#repository, this.#descriptor))) return
      const attempt: Attempt = { session, wrong: undefined }
      session = undefined
      const way = whole === undefined ? await this.#bareWay() : undefined
      try {
        attempt.session ??= await this.#begin()
        if (way !== undefined && (await this.#bare(attempt, attempt.session, way))) return
        way?.turn.end()
        await this.#put(attempt, attempt.session, whole)
      } catch (error) {
        await this.#cancel(attempt.session)
        throw attempt.wrong ?? error
      } finally {
        way?.turn.end()
      }
    })
    return 'pushed'
  }

  /** What a bare PUT takes, its turn on the line too: what goes another way never tells how far it has come. */
  async #bareWay(): Promise<BareWay | undefined> {
    const { span } = this.#body
    const { registry } = this.#repository
    if (span === undefined || this.#unusual || registry.indirect) return undefined
    return { span, turn: await registry.line.enter(this.#descriptor.size) }
  }

  #call(method: Call['method'], to: string | URL): Call {
    return { ...callTo(this.#repository, method, '', 'push', this.#subject), to }
  }

  /** `mounted`, the upload session a registry gives instead, or undefined when it does not want to hear of it. */
  async #mount(from: string): Promise<'mounted' | URL | undefined> {
    const { registry, path, scopes } = this.#repository
    const query = new URLSearchParams({ mount: this.#descriptor.digest, from })
    const call: Call = {
      ...this.#call('POST', `/v2/${path}/blobs/uploads/?${query.toString()}`),
      scopes: [...scopes, `repository:${from}:pull`],
      headers: { 'content-length': '0' },
    }
    try {
      const reply = await registry.ask(call, [201, 202], BODY_CAP)
      if (reply.status === 202) return await this.#session(reply.url, reply.header('location'))
      // Some say 201 and have nothing; then the blob is pushed.
      return (await headBlob(this.#repository, this.#descriptor)) ? 'mounted' : undefined
    } catch (error) {
      const heals = isFault(error, 'REGISTRY_DENIED', 'REPOSITORY_MISSING', 'PUSH_REFUSED', 'REGISTRY_PROTOCOL')
      if (heals) return undefined
      throw error
    }
  }

  async #session(at: URL, location: string | string[] | undefined): Promise<URL> {
    const { registry, side } = this.#repository
    return nextHop(at, location, await registry.origin(), side, this.#subject)
  }

  async #begin(): Promise<URL> {
    const { registry, path } = this.#repository
    const call: Call = { ...this.#call('POST', `/v2/${path}/blobs/uploads/`), headers: { 'content-length': '0' } }
    const answer = await registry.exchange(call)
    await registry.demand(answer, call, [202])
    await answer.discard()
    return this.#session(answer.url, answer.header('location'))
  }

  #putCall(session: URL): Call {
    const { digest, size } = this.#descriptor
    const to = new URL(session)
    // Appended as text: URLSearchParams would write the registry's own parameters anew, and it may have signed them.
    to.search = `${to.search === '' ? '?' : `${to.search}&`}digest=${encodeURIComponent(digest)}`
    return {
      ...this.#call('PUT', to),
      headers: { 'content-type': 'application/octet-stream', 'content-length': String(size) },
      headersMs: this.#repository.registry.settings.timing.headersMs * 10,
    }
  }

  /**
   * True when the blob was stored by a bare PUT; false when it has to go the other way, for which `attempt` then holds
   * a session that nothing was sent to.
   */
  async #bare(attempt: Attempt, session: URL, { span, turn }: BareWay): Promise<boolean> {
    const { side } = this.#repository
    const call = this.#putCall(session)
    const end = await putBare(this.#repository, this.#descriptor, span, call, turn).catch((error: unknown) => {
      attempt.wrong = error
      throw error
    })
    if (end.kind === 'unasked') return false
    if (end.kind === 'answered' && STORED.includes(end.head.status)) {
      this.#compare(end.head.headers.get('docker-content-digest')?.join())
      return true
    }
    this.#unusual = true
    const fault = { side, subject: this.#subject, detail: 'the connection ended' }
    if (end.kind === 'lost') throw new Transient(new SallyportError('REGISTRY_UNREACHABLE', fault))
    const passing =
      end.kind === 'stale' || end.head === undefined ? undefined : this.#repository.registry.passing(end.head, call)
    if (passing !== undefined) throw passing
    // What all this was is for the other way to find out and to name. The session may hold a part of the blob by now.
    await this.#cancel(session)
    attempt.session = undefined
    if (await headBlob(this.#repository, this.#descriptor)) return true
    attempt.session = await this.#begin()
    return false
  }

  async #put(attempt: Attempt, session: URL, whole: Buffer | undefined): Promise<void> {
    const { registry } = this.#repository
    const call: Call = { ...this.#putCall(session), body: whole ?? (() => this.#stream(attempt)) }
    const answer = await registry.exchange(call)
    await registry.demand(answer, call, STORED)
    const named = answer.header('docker-content-digest')
    await answer.discard()
    this.#compare(named)
  }

  #compare(named: string | string[] | undefined): void {
    const { digest } = this.#descriptor
    if (!isDigest(named) || algorithmOf(named) !== algorithmOf(digest) || named === digest) return
    const fault = { side: this.#repository.side, subject: this.#subject, detail: `it says ${named}` }
    throw new SallyportError('READ_BACK_MISMATCH', fault)
  }

  // The body comes out of the bundle: when it is wrong, that is the bundle's fault and not the registry's.
  async #whole(): Promise<Buffer> {
    const { span } = this.#body
    if (span !== undefined) {
      // At once: a small read given to another thread takes ten times as long.
      const bytes = Buffer.allocUnsafeSlow(this.#descriptor.size)
      readSpan(span, 0, bytes)
      return verified(bytes, this.#descriptor, 'bundle')
    }
    const chunks: Uint8Array[] = []
    for await (const chunk of provenBody(this.#body, this.#descriptor, 'bundle')) chunks.push(chunk)
    const [only, ...more] = chunks
    // A second copy of each small blob would wait for the next full collection: 50 MiB more at the peak.
    return only !== undefined && more.length === 0
      ? Buffer.from(only.buffer, only.byteOffset, only.length)
      : Buffer.concat(chunks)
  }

  async *#stream(attempt: Attempt): AsyncGenerator<Uint8Array> {
    try {
      yield* withheld(provenBody(this.#body, this.#descriptor, 'bundle'))
    } catch (error) {
      attempt.wrong = error
      throw error
    }
  }

  /** Takes the session back so that the registry keeps no half of it; whether it listens is its own affair. */
  async #cancel(session: URL | undefined): Promise<void> {
    const signal = AbortSignal.timeout(CANCEL_MS)
    try {
      for (let at = session, look = 0; at !== undefined && look < CANCEL_LOOKS; look++) {
        if (look > 0) await pause(CANCEL_MS / 100, signal)
        const answer = await this.#repository.registry.exchange({ ...this.#call('DELETE', at), signal })
        await answer.discard()
        // 416: distribution wants to be told how far it has got, and says it itself when it is asked.
        if (answer.status !== 416) return
        const status = await this.#repository.registry.exchange({ ...this.#call('GET', at), signal })
        await status.discard()
        at = await this.#session(status.url, status.header('location'))
      }
    } catch {
      // The reason why the push ended is the one to be told.
    }
  }
}
