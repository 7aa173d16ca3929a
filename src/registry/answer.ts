/** One answer of a registry: its head, and a body that is read under a cap or thrown away. */
import { SallyportError, type Code, type Side } from '../errors/index.ts'
import { networkFault } from './errors.ts'

const DRAIN = 64 * 1024

/** A body still to come, as undici has it, or one that is here already. */
export interface IncomingBody extends AsyncIterable<Buffer> {
  dump(options: { limit: number }): Promise<unknown>
  destroy(): unknown
  on(event: 'error', listener: () => void): unknown
}

export interface Incoming {
  statusCode: number
  headers: Record<string, string | string[] | undefined>
  body: IncomingBody
}

export class Answer {
  readonly status: number
  readonly url: URL
  /** True when the registry sent us elsewhere, so that this is not its own word. */
  readonly foreign: boolean
  readonly #data: Incoming
  readonly #side: Side
  readonly #subject: string
  #release: () => void = () => undefined

  constructor(data: Incoming, at: { url: URL; foreign: boolean; side: Side; subject: string }) {
    this.status = data.statusCode
    this.url = at.url
    this.foreign = at.foreign
    this.#data = data
    this.#side = at.side
    this.#subject = at.subject
    // A body that is given up must not end the process by an unheard error.
    data.body.on('error', () => undefined)
  }

  /** Calls back once the body has been read or given up. */
  onEnd(release: () => void): void {
    this.#release = release
  }

  header(name: string): string | string[] | undefined {
    return this.#data.headers[name]
  }

  /** `Content-Length`; undefined when it is absent. Throws REGISTRY_PROTOCOL when it is no number. */
  length(): number | undefined {
    const text = this.header('content-length')
    if (text === undefined) return undefined
    if (typeof text === 'string' && /^\d{1,15}$/.test(text)) return Number(text)
    throw new SallyportError('REGISTRY_PROTOCOL', {
      side: this.#side,
      subject: this.#subject,
      detail: 'Content-Length',
    })
  }

  /** The body as it comes. Duty of the caller: read it to its end or call `discard`. */
  stream(): AsyncIterable<Buffer> {
    return this.#data.body
  }

  /** The whole body. More than `cap` bytes: the rest is not read, and `tooLarge` is thrown; undefined cuts instead. */
  async bytes(cap: number, tooLarge: Code | undefined): Promise<Buffer> {
    const chunks: Buffer[] = []
    let size = 0
    try {
      for await (const chunk of this.#data.body) {
        chunks.push(chunk)
        size += chunk.length
        if (size <= cap) continue
        if (tooLarge === undefined) break
        throw new SallyportError(tooLarge, {
          side: this.#side,
          subject: this.#subject,
          detail: `more than ${cap} bytes`,
        })
      }
    } catch (error) {
      throw networkFault(error, this.#side, this.#subject)
    } finally {
      this.#release()
    }
    const [first] = chunks
    return chunks.length === 1 && first !== undefined ? first.subarray(0, cap) : Buffer.concat(chunks).subarray(0, cap)
  }

  /** Gives the body up; a short one is read so that its connection can be used again. */
  async discard(): Promise<void> {
    try {
      await this.#data.body.dump({ limit: DRAIN })
    } catch {
      // It was not wanted.
    } finally {
      this.#release()
    }
  }

  /** Gives up what is left of the body, with its connection; after the last byte the connection is kept. */
  abandon(): void {
    this.#data.body.destroy()
    this.#release()
  }
}
