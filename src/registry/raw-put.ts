/** One bare PUT over a raw socket: the body goes from buffers that are used again to the socket, without a stream between. */
import type { Timing } from './options.ts'
import { HeadReader, requestText, staysOpen, type RawHead } from './raw-head.ts'
import type { RawSocket } from './raw-socket.ts'

const CHUNK = 256 * 1024
/** While one is being sent the next is read and hashed. */
const BUFFERS = 2

/** Buffers of requests that have ended; no more than were ever in use at once. */
const spare: Buffer[] = []

/**
 * `answered`: the body had been sent whole before the answer came; `refused`: an answer came before that, or it had no
 * usable head; `lost`: the connection ended or kept still.
 */
export type PutEnd =
  | { kind: 'answered'; head: RawHead; stays: boolean }
  | { kind: 'refused'; head: RawHead | undefined }
  | { kind: 'lost'; silent: boolean }

export interface RawPut {
  /** Path and query. */
  target: string
  headers: Record<string, string>
  size: number
  /** `headersMs`: the longest stillness, of the peer's taking the body and of its thinking about it. */
  timing: Pick<Timing, 'connectMs' | 'headersMs'>
  /** Fills the buffer with the next bytes of the body. */
  fill: (buffer: Buffer) => void
  /** Told of bytes of the body that have left. */
  sent: (bytes: number) => void
  signal?: AbortSignal | undefined
}

/** True when nothing follows the head, so that the connection can carry another request. */
function ends(head: RawHead, rest: Buffer): boolean {
  const lengths = head.headers.get('content-length') ?? []
  const bodiless = head.status === 204 || (lengths.length === 1 && lengths[0] === '0')
  return bodiless && rest.length === 0 && !head.headers.has('transfer-encoding') && staysOpen(head)
}

/**
 * How the request ended; unless `stays` is true the socket is closed then. Rejects with what `fill` throws: what it was
 * asked for is not sent then, so that the body stays incomplete. Rejects with the signal's reason too.
 */
export function rawPut(raw: RawSocket, put: RawPut): Promise<PutEnd> {
  const { timing, size, fill, signal } = put
  const { socket } = raw
  const { promise, resolve, reject } = Promise.withResolvers<PutEnd>()
  const heads = new HeadReader()
  const free = Array.from({ length: BUFFERS }, () => spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK))
  let left = size
  let ended = false

  const finish = (settle: () => void, keep: boolean): void => {
    if (ended) return
    ended = true
    if (raw.holder === holder) raw.holder = undefined
    clearTimeout(clock)
    signal?.removeEventListener('abort', stop)
    // A buffer that is still being sent is left to the collector.
    spare.push(...free)
    if (!keep) socket.destroy()
    settle()
  }
  const end = (how: PutEnd): void => finish(() => resolve(how), how.kind === 'answered' && how.stays)
  const lost = (): void => end({ kind: 'lost', silent: heads.silent })
  const stop = (): void => finish(() => reject(signal?.reason), false)

  const pump = (): void => {
    for (let buffer = free.pop(); buffer !== undefined; buffer = free.pop()) {
      const whole = buffer
      const chunk = whole.subarray(0, Math.min(left, CHUNK))
      if (ended || chunk.length === 0) return void free.push(whole)
      try {
        fill(chunk)
      } catch (error) {
        return finish(() => reject(error), false)
      }
      left -= chunk.length
      socket.write(chunk, (error) => {
        if (ended) return
        if (error !== null && error !== undefined) return lost()
        free.push(whole)
        clock.refresh()
        put.sent(chunk.length)
        // Not at once: a peer that takes all there is would keep everything else in this thread waiting.
        if (left > 0) setImmediate(pump)
      })
    }
  }
  const holder = {
    lost,
    bytes: (chunk: Buffer): void => {
      const found = heads.add(chunk)
      if (found === undefined) return
      const { head, rest } = found
      const whole = left === 0 && free.length === BUFFERS
      // Whoever answers early wants no more: it is not sent the rest, and what it says is not about the whole.
      if (head === undefined || !whole) end({ kind: 'refused', head })
      else end({ kind: 'answered', head, stays: ends(head, rest) })
    },
  }

  let clock = setTimeout(lost, timing.connectMs)
  const sent = (): void => {
    clearTimeout(clock)
    if (ended) return
    clock = setTimeout(lost, timing.headersMs)
    pump()
  }
  socket.removeAllListeners('timeout')
  socket.setTimeout(0)
  raw.holder = holder
  signal?.addEventListener('abort', stop, { once: true })
  const text = requestText('PUT', put.target, put.headers)
  if (signal?.aborted === true) stop()
  else if (socket.destroyed) lost()
  else if (text === undefined) end({ kind: 'refused', head: undefined })
  else raw.send(text, sent)
  return promise
}
