/** One small request and its whole answer over a raw socket: half of what undici takes for the same. */
import { codedError } from './errors.ts'
import { BodyReader } from './raw-body.ts'
import { HeadReader, type RawHead } from './raw-head.ts'
import type { RawSocket } from './raw-socket.ts'

export interface RawRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Its line and headers, as `requestText` gives them. */
  text: string
  body: Buffer | undefined
  timing: { connectMs: number; headersMs: number; idleMs: number }
  signal: AbortSignal
}

/**
 * `answered`: `failure` is set when the connection ended within the body. `unusual`: an answer that undici should see,
 * `large` when only for its length. `lost`: no answer, or not its whole head; `silent` when not a byte of one had come.
 */
export type RawOutcome =
  | { kind: 'answered'; head: RawHead; body: Buffer; failure: Error | undefined; stays: boolean }
  | { kind: 'unusual'; large: boolean }
  | { kind: 'lost'; silent: boolean; failure: Error }

/** So many heads may say that the answer is still to come. */
const EARLY = 8

/**
 * How the request ended; unless `stays` is true the socket is closed then. Rejects with the signal's reason.
 * Failures have undici's codes or those of the socket.
 */
export function rawExchange(raw: RawSocket, request: RawRequest): Promise<RawOutcome> {
  const { method, text, timing, signal, body } = request
  const { socket } = raw
  const { promise, resolve, reject } = Promise.withResolvers<RawOutcome>()
  let heads = new HeadReader()
  let early = 0
  let head: RawHead | undefined
  let reader: BodyReader | undefined
  let ended = false

  const finish = (settle: () => void, keep: boolean): void => {
    if (raw.holder === holder) raw.holder = undefined
    ended = true
    clearTimeout(clock)
    signal.removeEventListener('abort', abort)
    if (!keep) socket.destroy()
    settle()
  }
  const end = (how: RawOutcome): void => finish(() => resolve(how), how.kind === 'answered' && how.stays)
  const fail = (error: Error): void => {
    if (head === undefined || reader === undefined)
      end({ kind: 'lost', silent: early === 0 && heads.silent, failure: error })
    else end({ kind: 'answered', head, body: reader.body, failure: error, stays: false })
  }
  const lost = (): void => {
    if (head !== undefined && reader?.endless === true && raw.error === undefined)
      return end({ kind: 'answered', head, body: reader.body, failure: undefined, stays: false })
    fail(raw.error ?? codedError('UND_ERR_SOCKET'))
  }
  const abort = (): void => finish(() => reject(signal.reason), false)
  const within = (ms: number, code: string): void => {
    clearTimeout(clock)
    if (ended) return
    clock = setTimeout(() => fail(codedError(code)), ms)
  }

  const takeBody = (bytes: Buffer): void => {
    if (head === undefined || reader === undefined) return
    const state = reader.add(bytes)
    if (state === 'more') return within(timing.idleMs, 'UND_ERR_BODY_TIMEOUT')
    if (state === 'unusual') return end({ kind: 'unusual', large: reader.large })
    // Whoever answers early wants no more: what is left of the request would be read as the next one.
    const stays = reader.stays && socket.writableLength === 0
    end({ kind: 'answered', head, body: reader.body, failure: undefined, stays })
  }
  const holder = {
    lost,
    bytes: (bytes: Buffer): void => {
      if (reader !== undefined) return takeBody(bytes)
      const found = heads.add(bytes)
      if (found === undefined) return
      if (found.head === undefined) return end({ kind: 'unusual', large: false })
      if (found.head.status < 200) {
        if (found.head.status === 101 || early++ === EARLY) return end({ kind: 'unusual', large: false })
        heads = new HeadReader()
        if (found.rest.length > 0) holder.bytes(found.rest)
        return
      }
      head = found.head
      reader = new BodyReader(method, head)
      takeBody(found.rest)
    },
  }

  const answering = (): void => {
    if (head === undefined) within(timing.headersMs, 'UND_ERR_HEADERS_TIMEOUT')
  }
  const sent = (): void => {
    if (body === undefined || body.length === 0) return answering()
    // While a body leaves the signal alone ends it: a slow line takes it in its own time.
    clearTimeout(clock)
    socket.write(body, answering)
  }

  let clock = setTimeout(() => fail(codedError('UND_ERR_CONNECT_TIMEOUT')), timing.connectMs)
  socket.removeAllListeners('timeout')
  socket.setTimeout(0)
  raw.holder = holder
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  else if (socket.destroyed) lost()
  else raw.send(text, sent)
  return promise
}
