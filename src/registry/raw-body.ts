/** The body behind the head of an answer to a bare request, of a length that is told or in chunks; RFC 9112 §6, narrower. */
import { staysOpen, type RawHead } from './raw-head.ts'

const LENGTH = /^\d{1,15}$/
/** Extensions are passed over. */
const CHUNK_SIZE = /^([\dA-Fa-f]{1,7})[\t ]*(?:;|$)/
/** Of all lines between chunks, and of those behind the last. */
const LINES_CAP = 16 * 1024
/** Beyond this a body is not gathered. */
export const BODY_CAP = 4 * 1024 * 1024

/** `more` must come, the body is `whole`, or it is framed in a way this reader leaves to undici. */
export type BodyState = 'more' | 'whole' | 'unusual'

interface Framing {
  add(bytes: Buffer): BodyState
}

/** Gathers a body as its bytes come, under {@link BODY_CAP}. */
export class BodyReader {
  /** True when the connection may carry another request after this body. */
  stays: boolean
  /** True when the body ends with its connection. */
  endless = false
  /** True when `unusual` says no more than that it is longer than the cap. */
  large = false
  #held = Buffer.alloc(0)
  #size = 0
  readonly #framing: Framing | undefined

  constructor(method: string, head: RawHead) {
    this.stays = staysOpen(head)
    this.#framing = this.#framed(method, head)
  }

  #framed(method: string, { status, old, headers }: RawHead): Framing | undefined {
    const codings = headers.get('transfer-encoding')
    const lengths = headers.get('content-length')
    // Stops a body whose end two readers would see in two places (request smuggling).
    if (codings !== undefined && lengths !== undefined) return undefined
    if (lengths !== undefined && (lengths.length !== 1 || !LENGTH.test(lengths[0] ?? ''))) return undefined
    if (method === 'HEAD' || status === 204 || status === 304) return this.#told(0)
    if (lengths !== undefined) {
      const length = Number(lengths[0])
      this.large = length > BODY_CAP
      return this.large ? undefined : this.#told(length)
    }
    if (codings?.length === 1 && codings[0]?.toLowerCase() === 'chunked' && !old) return this.#chunked()
    if (codings !== undefined) return undefined
    this.stays = false
    this.endless = true
    return this.#toTheEnd()
  }

  /** What has come of it. */
  get body(): Buffer {
    return this.#held.subarray(0, this.#size)
  }

  // Into one piece: millions of chunks of a byte would take a hundred times their bytes.
  #take(bytes: Buffer, expected = 0): void {
    const size = this.#size + bytes.length
    if (size > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(BODY_CAP, Math.max(expected, size, 2 * this.#held.length)))
      this.#held.copy(grown, 0, 0, this.#size)
      this.#held = grown
    }
    bytes.copy(this.#held, this.#size)
    this.#size = size
  }

  /** To be called with what came behind the head first, even when that is nothing. */
  add(bytes: Buffer): BodyState {
    return this.#framing?.add(bytes) ?? 'unusual'
  }

  #told(length: number): Framing {
    return {
      add: (bytes) => {
        const left = length - this.#size
        this.#take(bytes.subarray(0, left), length)
        // More than was promised: it is read by nobody, and the connection is not trusted again.
        if (bytes.length > left) this.stays = false
        return bytes.length < left ? 'more' : 'whole'
      },
    }
  }

  #toTheEnd(): Framing {
    return {
      add: (bytes) => {
        this.large = this.#size + bytes.length >= BODY_CAP
        if (this.large) return 'unusual'
        this.#take(bytes)
        return 'more'
      },
    }
  }

  #chunked(): Framing {
    let line = ''
    let left = 0
    let lines = 0
    let next: 'size' | 'data' | 'break' | 'trailer' = 'size'
    const lineEnded = (text: string): BodyState => {
      if (next === 'trailer') return text === '' ? 'whole' : 'more'
      if (next === 'break') {
        next = 'size'
        return text === '' ? 'more' : 'unusual'
      }
      const size = CHUNK_SIZE.exec(text)?.[1]
      if (size === undefined) return 'unusual'
      left = Number.parseInt(size, 16)
      next = left === 0 ? 'trailer' : 'data'
      this.large = this.#size + left > BODY_CAP
      return this.large ? 'unusual' : 'more'
    }
    return {
      add: (bytes) => {
        for (let at = 0; at < bytes.length;) {
          if (next === 'data') {
            const piece = bytes.subarray(at, at + left)
            this.#take(piece)
            at += piece.length
            left -= piece.length
            if (left > 0) continue
            next = 'break'
            lines = 0
            continue
          }
          const end = bytes.indexOf(0x0a, at)
          const stop = end < 0 ? bytes.length : end
          lines += stop - at
          if (lines > LINES_CAP) return 'unusual'
          line += bytes.toString('latin1', at, stop)
          if (end < 0) return 'more'
          if (!line.endsWith('\r')) return 'unusual'
          const state = lineEnded(line.slice(0, -1))
          line = ''
          at = end + 1
          if (state === 'whole' && at < bytes.length) this.stays = false
          if (state !== 'more') return state
        }
        return 'more'
      },
    }
  }
}
