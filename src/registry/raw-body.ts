/** The body behind the head of an answer to a bare request, of a length that is told or in chunks; RFC 9112 §6, narrower. */
import { staysOpen, type RawHead } from './raw-head.ts'

const LENGTH = /^\d{1,15}$/
const CHUNK_SIZE = /^[\dA-Fa-f]{1,7}$/
/** Beyond this a body is not gathered. */
export const BODY_CAP = 4 * 1024 * 1024

/** `more` must come, the body is `whole`, or it is framed in a way this reader leaves to undici. */
export type BodyState = 'more' | 'whole' | 'unusual'

interface Framing {
  add(bytes: Buffer): BodyState
}

/** Gathers a body as its bytes come, under {@link BODY_CAP}. */
export class BodyReader {
  readonly chunks: Buffer[] = []
  /** True when the connection may carry another request after this body. */
  stays: boolean
  /** True when `unusual` says no more than that it is longer than the cap. */
  large = false
  #size = 0
  readonly #framing: Framing | undefined

  constructor(method: string, head: RawHead) {
    this.stays = staysOpen(head)
    this.#framing = this.#framed(method, head)
  }

  #framed(method: string, { status, headers }: RawHead): Framing | undefined {
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
    if (codings?.length === 1 && codings[0]?.toLowerCase() === 'chunked') return this.#chunked()
    return undefined
  }

  #take(bytes: Buffer): void {
    this.#size += bytes.length
    // The socket's own buffer is read into again.
    if (bytes.length > 0) this.chunks.push(Buffer.from(bytes))
  }

  /** To be called with what came behind the head first, even when that is nothing. */
  add(bytes: Buffer): BodyState {
    return this.#framing?.add(bytes) ?? 'unusual'
  }

  #told(length: number): Framing {
    return {
      add: (bytes) => {
        const left = length - this.#size
        this.#take(bytes.subarray(0, left))
        // More than was promised: it is read by nobody, and the connection is not trusted again.
        if (bytes.length > left) this.stays = false
        return bytes.length < left ? 'more' : 'whole'
      },
    }
  }

  #chunked(): Framing {
    let line = ''
    let left = 0
    let next: 'size' | 'data' | 'break' | 'end' = 'size'
    const lineEnded = (): BodyState => {
      const text = line
      line = ''
      if (next === 'break' || next === 'end') {
        if (text !== '') return 'unusual'
        if (next === 'end') return 'whole'
        next = 'size'
        return 'more'
      }
      if (!CHUNK_SIZE.test(text)) return 'unusual'
      left = Number.parseInt(text, 16)
      next = left === 0 ? 'end' : 'data'
      this.large = this.#size + left > BODY_CAP
      return this.large ? 'unusual' : 'more'
    }
    const LONGEST = 16
    return {
      add: (bytes) => {
        for (let at = 0; at < bytes.length;) {
          if (next === 'data') {
            const piece = bytes.subarray(at, at + left)
            this.#take(piece)
            at += piece.length
            left -= piece.length
            if (left === 0) next = 'break'
            continue
          }
          const end = bytes.indexOf(0x0a, at)
          line += bytes.toString('latin1', at, end < 0 ? bytes.length : end)
          if (line.length > LONGEST) return 'unusual'
          if (end < 0) return 'more'
          if (!line.endsWith('\r')) return 'unusual'
          line = line.slice(0, -1)
          at = end + 1
          const state = lineEnded()
          if (state === 'whole' && at < bytes.length) this.stays = false
          if (state !== 'more') return state
        }
        return 'more'
      },
    }
  }
}
