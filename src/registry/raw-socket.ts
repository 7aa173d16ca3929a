/** Sockets to one registry's own origin, each read into one buffer that is used again and again. */
import { connect, isIP, type OnReadOpts, type Socket, type TcpNetConnectOpts } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type SecureContext } from 'node:tls'
import { literalAddress } from './address.ts'

const BUFFER = 256 * 1024
/** How long an idle socket is kept; registries close theirs after some seconds too. */
const KEEP_MS = 4_000

/** Who has the connection just now; all that comes while nobody has it ends it. */
export interface Holder {
  bytes(chunk: Buffer): void
  /** The socket ended or failed; called once. */
  lost(): void
}

export class RawSocket {
  readonly socket: Socket
  holder: Holder | undefined
  /** False from the second request on. */
  fresh = true
  parkedAt = 0
  /** What ended the socket, if anything did. */
  error: Error | undefined
  readonly #ready: 'connect' | 'secureConnect'

  /** @param origin - `http` or `https`, host, and the port where it is not the usual one */
  constructor(origin: string, secure: SecureContext | undefined) {
    const { protocol, hostname, port } = new URL(origin)
    const plain = protocol === 'http:'
    const host = literalAddress(hostname) ?? hostname
    const onread: OnReadOpts = {
      buffer: Buffer.allocUnsafeSlow(BUFFER),
      callback: (count, buffer) => {
        if (this.holder === undefined) this.socket.destroy()
        else this.holder.bytes(Buffer.from(buffer.buffer, buffer.byteOffset, count))
        return true
      },
    }
    const where: TcpNetConnectOpts = {
      host,
      port: Number(port || (plain ? '80' : '443')),
      noDelay: true,
      onread,
    }
    const encrypted: ConnectionOptions = {
      ...where,
      servername: isIP(host) === 0 ? host : '',
      ALPNProtocols: ['http/1.1'],
      ...(secure === undefined ? {} : { secureContext: secure }),
    }
    this.#ready = plain ? 'connect' : 'secureConnect'
    this.socket = plain ? connect(where) : connectTls(encrypted)
    const lost = (): void => {
      const { holder } = this
      this.holder = undefined
      this.socket.destroy()
      holder?.lost()
    }
    const failed = (error: Error): void => {
      this.error = error
      lost()
    }
    this.socket.on('error', failed).on('end', lost).on('close', lost)
  }

  /** Sends once the peer is there and, over TLS, proven: stops credentials from going to whoever took the call. */
  send(text: string, onSent: () => void): void {
    const send = (): void => {
      this.socket.cork()
      this.socket.write(text, 'latin1')
      onSent()
      this.socket.uncork()
    }
    if (this.fresh) this.socket.once(this.#ready, send)
    else send()
  }
}

/** The sockets of one origin that wait for their next request. */
export class RawSockets {
  readonly #origin: string
  readonly #secure: SecureContext | undefined
  #parked: RawSocket[] = []
  readonly #used = new Set<RawSocket>()
  #closed: Error | undefined

  /** @param secure - as the pool of this origin has it: authorities, and the client certificate */
  constructor(origin: string, secure: SecureContext | undefined) {
    this.#origin = origin
    this.#secure = secure
  }

  /**
   * A socket that waits, or a new one that is still connecting; an ended one when these are closed.
   * @param fresh - none that waits will do
   */
  take(fresh = false): RawSocket {
    if (fresh || this.#closed !== undefined) return this.#new()
    const now = performance.now()
    for (let parked = this.#parked.pop(); parked !== undefined; parked = this.#parked.pop()) {
      if (!parked.socket.destroyed && now - parked.parkedAt < KEEP_MS) {
        parked.socket.ref()
        this.#used.add(parked)
        return parked
      }
      parked.socket.destroy()
    }
    return this.#new()
  }

  #new(): RawSocket {
    const raw = new RawSocket(this.#origin, this.#secure)
    this.#used.add(raw)
    raw.socket.once('close', () => this.#used.delete(raw))
    if (this.#closed !== undefined) {
      raw.error = this.#closed
      raw.socket.destroy()
    }
    return raw
  }

  /** Takes a socket back whose answer has been read to its last byte. */
  park(raw: RawSocket): void {
    this.#used.delete(raw)
    if (raw.socket.destroyed) return
    raw.fresh = false
    raw.parkedAt = performance.now()
    raw.socket.setTimeout(KEEP_MS, () => raw.holder === undefined && raw.socket.destroy())
    raw.socket.unref()
    this.#parked = this.#parked.filter(({ socket }) => !socket.destroyed)
    this.#parked.push(raw)
  }

  /** Ends all of them; requests under way fail with `error`. */
  close(error: Error): void {
    this.#closed = error
    for (const raw of this.#used) {
      raw.error ??= error
      raw.socket.destroy()
    }
    for (const { socket } of this.#parked.splice(0)) socket.destroy()
  }
}
