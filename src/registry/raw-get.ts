/** One bare GET over a raw socket: the body goes from the socket's own buffer to the taker, without a stream between. */
import type { Timing } from './options.ts'
import { HeadReader, promises, requestText, staysOpen, type RawHead } from './raw-head.ts'
import type { RawSocket } from './raw-socket.ts'

/** `lost`: the connection ended or kept still, perhaps in the body; `refused`: another head than the one promised. */
export type RawEnd =
  { kind: 'whole'; stays: boolean } | { kind: 'lost'; silent: boolean } | { kind: 'refused'; head: RawHead | undefined }

export interface RawGet {
  /** Path and query. */
  target: string
  headers: Record<string, string>
  from: number
  size: number
  timing: Pick<Timing, 'connectMs' | 'headersMs' | 'idleMs'>
  signal: AbortSignal | undefined
  /** Given the body's bytes, `size - from` at most; they are valid during the call only. */
  take: (bytes: Buffer) => void
}

/**
 * How the request ended; unless `stays` is true the socket is closed then. Nothing is taken after that.
 * Rejects with what `take` throws, and with the signal's reason.
 */
export function rawGet(raw: RawSocket, get: RawGet): Promise<RawEnd> {
  const { timing, signal, from, size, take } = get
  const { socket } = raw
  const { promise, resolve, reject } = Promise.withResolvers<RawEnd>()
  let head: RawHead | undefined
  const heads = new HeadReader()
  let left = size - from

  const finish = (settle: () => void, keep: boolean): void => {
    if (raw.holder === holder) raw.holder = undefined
    clearTimeout(clock)
    socket.off('timeout', lost)
    signal?.removeEventListener('abort', abort)
    if (!keep) socket.destroy()
    settle()
  }
  const end = (how: RawEnd): void => finish(() => resolve(how), how.kind === 'whole' && how.stays)
  const lost = (): void => end({ kind: 'lost', silent: heads.silent })
  const abort = (): void => finish(() => reject(signal?.reason), false)

  const takeBody = (chunk: Buffer): void => {
    const fresh = chunk.length > left ? chunk.subarray(0, left) : chunk
    left -= fresh.length
    if (fresh.length > 0) take(fresh)
    // More than was promised: the rest is read by nobody, and the connection is not trusted again.
    if (left === 0)
      end({ kind: 'whole', stays: fresh.length === chunk.length && head !== undefined && staysOpen(head) })
  }
  const takeHead = (chunk: Buffer): void => {
    const found = heads.add(chunk)
    if (found === undefined) return
    head = found.head
    if (head === undefined || !promises(head, from, size)) return end({ kind: 'refused', head })
    clearTimeout(clock)
    socket.setTimeout(timing.idleMs)
    if (found.rest.length > 0) takeBody(found.rest)
  }
  const holder = {
    lost,
    bytes: (chunk: Buffer): void => {
      try {
        if (head === undefined) takeHead(chunk)
        else takeBody(chunk)
      } catch (error) {
        finish(() => reject(error), false)
      }
    },
  }

  // One clock over the whole head, so that a head that trickles in does not hold us.
  let clock = setTimeout(lost, timing.connectMs)
  const sent = (): void => {
    clearTimeout(clock)
    clock = setTimeout(lost, timing.headersMs)
  }
  socket.removeAllListeners('timeout')
  socket.setTimeout(0)
  socket.on('timeout', lost)
  raw.holder = holder
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted === true) abort()
  else if (socket.destroyed) lost()
  else {
    const text = requestText('GET', get.target, get.headers)
    if (text === undefined) end({ kind: 'refused', head: undefined })
    else raw.send(text, sent)
  }
  return promise
}
