/** Blobs to a registry: asked for, mounted or pushed whole, and never committed before they are proven. */
import { provenBody, readSpan, type BlobBody, type FileSpan } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import { verified, type Descriptor } from '../oci/index.ts'
import { headBlob } from './blob-held.ts'
import { Transient } from './errors.ts'
import type { Turn } from './line.ts'
import type { Repository } from './repository.ts'
import { repeating } from './retry.ts'
import { sendInParts } from './upload-parts.ts'
import { LARGE, putBare } from './upload-raw.ts'
import { STORED, UploadSession } from './upload-session.ts'

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
  /** Bytes of it that have been told of. */
  sent: number
}

interface BareWay {
  span: FileSpan
  turn: Turn
}

export class Upload {
  readonly #repository: Repository
  readonly #descriptor: Descriptor
  readonly #steps: UploadSession
  readonly #onBytes: (count: number) => void
  #body: BlobBody
  /** Set once a bare PUT has met what it does not judge. */
  #unusual = false

  /** @param onBytes - told of bytes that have left; of fewer than none when they have to be sent again */
  constructor(
    repository: Repository,
    descriptor: Descriptor,
    body: BlobBody,
    onBytes: (count: number) => void = () => undefined,
  ) {
    this.#repository = repository
    this.#descriptor = descriptor
    this.#body = body
    this.#onBytes = onBytes
    this.#steps = new UploadSession(repository, descriptor)
  }

  /** Stores the blob, by a mount from another repository of the same registry when it agrees. */
  async run(mountFrom: string | undefined): Promise<'pushed' | 'mounted'> {
    const mounted = mountFrom === undefined ? undefined : await this.#steps.mount(mountFrom)
    if (mounted === 'mounted') return 'mounted'
    let session = mounted
    if (this.#body.passes === true && this.#descriptor.size > LARGE) {
      const rest = await sendInParts(this.#repository, this.#descriptor, this.#body, session, this.#onBytes)
      if (rest === undefined) return 'pushed'
      this.#body = rest
      session = undefined
    }
    // A small body is proven before the registry is asked for anything.
    const whole = this.#descriptor.size <= LARGE ? await this.#whole() : undefined
    await repeating(this.#repository.registry.settings, this.#repository.signal, async (number) => {
      // The answer to the last attempt may have been lost, not its bytes.
      if (number > 0 && (await headBlob(this.#repository, this.#descriptor))) return
      const attempt: Attempt = { session, wrong: undefined, sent: 0 }
      session = undefined
      const way = whole === undefined ? await this.#bareWay() : undefined
      try {
        attempt.session ??= await this.#steps.begin()
        if (way !== undefined && (await this.#bare(attempt, attempt.session, way))) return
        way?.turn.end()
        await this.#put(attempt, attempt.session, whole)
      } catch (error) {
        this.#takeBack(attempt)
        await this.#steps.cancel(attempt.session)
        throw attempt.wrong ?? error
      } finally {
        way?.turn.end()
      }
    })
    return 'pushed'
  }

  #tell(attempt: Attempt, bytes: number): void {
    attempt.sent += bytes
    this.#onBytes(bytes)
  }

  #takeBack(attempt: Attempt): void {
    if (attempt.sent > 0) this.#onBytes(-attempt.sent)
    attempt.sent = 0
  }

  /** What a bare PUT takes, its turn on the line too: what goes another way never tells how far it has come. */
  async #bareWay(): Promise<BareWay | undefined> {
    const { span } = this.#body
    const { registry } = this.#repository
    if (span === undefined || this.#unusual || registry.indirect) return undefined
    return { span, turn: await registry.line.enter(this.#descriptor.size) }
  }

  /**
   * True when the blob was stored by a bare PUT; false when it has to go the other way, for which `attempt` then holds
   * a session that nothing was sent to.
   */
  async #bare(attempt: Attempt, session: URL, { span, turn }: BareWay): Promise<boolean> {
    const { side } = this.#repository
    const call = this.#steps.last(session, this.#descriptor.size)
    const told = {
      sent: (bytes: number): void => {
        turn.sent(bytes)
        this.#tell(attempt, bytes)
      },
    }
    const end = await putBare(this.#repository, this.#descriptor, span, call, told).catch((error: unknown) => {
      attempt.wrong = error
      throw error
    })
    if (end.kind === 'unasked') return false
    if (end.kind === 'answered' && STORED.includes(end.head.status)) {
      this.#steps.compare(end.head.headers.get('docker-content-digest')?.join())
      return true
    }
    this.#unusual = true
    const fault = { side, subject: this.#steps.subject, detail: 'the connection ended' }
    if (end.kind === 'lost') throw new Transient(new SallyportError('REGISTRY_UNREACHABLE', fault))
    const passing =
      end.kind === 'stale' || end.head === undefined ? undefined : this.#repository.registry.passing(end.head, call)
    if (passing !== undefined) throw passing
    this.#takeBack(attempt)
    // What all this was is for the other way to find out and to name. The session may hold a part of the blob by now.
    await this.#steps.cancel(session)
    attempt.session = undefined
    if (await headBlob(this.#repository, this.#descriptor)) return true
    attempt.session = await this.#steps.begin()
    return false
  }

  #put(attempt: Attempt, session: URL, whole: Buffer | undefined): Promise<void> {
    const call = this.#steps.last(session, this.#descriptor.size)
    return this.#steps.complete({ ...call, body: whole ?? (() => this.#stream(attempt)) })
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
      for await (const chunk of withheld(provenBody(this.#body, this.#descriptor, 'bundle'))) {
        yield chunk
        this.#tell(attempt, chunk.length)
      }
    } catch (error) {
      attempt.wrong = error
      throw error
    }
  }
}
