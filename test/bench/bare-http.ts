/** The least that can speak HTTP/1.1 with a registry on loopback: the ceiling, no client to ship. */
import { readFileSync } from 'node:fs'
import { connect as plainConnect, type Socket } from 'node:net'
import { connect as tlsConnect } from 'node:tls'

export interface BareAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
}

export interface BareRequest {
  readonly method: string
  /** A path, or a whole URL of the same origin. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string | number>>
  readonly body?: Iterable<Uint8Array>
  /** The bytes are only valid during the call. */
  readonly onBody?: (bytes: Buffer) => void
}

interface Pending {
  readonly onBody: (bytes: Buffer) => void
  readonly resolve: (answer: BareAnswer) => void
  readonly reject: (cause: Error) => void
}

/** One kept-alive connection, one request at a time. Answers must have a `Content-Length`, as distribution's do. */
export class BareConnection {
  #socket: Socket
  #host: string
  #pending: Pending | undefined
  #head = Buffer.alloc(0)
  #answer: BareAnswer | undefined
  #left = 0

  constructor(origin: string, caFile: string | undefined) {
    const { protocol, hostname: host, port } = new URL(origin)
    this.#host = `${host}:${port}`
    // One buffer for all reads: no allocation for each.
    const buffer = Buffer.allocUnsafe(256 * 1024)
    const onread = { buffer, callback: (length: number) => this.#read(buffer.subarray(0, length)) }
    const target = { host, port: Number(port), onread }
    this.#socket =
      protocol === 'https:' && caFile !== undefined
        ? tlsConnect({ ...target, ca: readFileSync(caFile) })
        : plainConnect(target)
    // tlsConnect does not take it as an option: 40 ms a request went to Nagle and the delayed acknowledgement.
    this.#socket.setNoDelay(true)
    this.#socket.on('error', (cause) => this.#pending?.reject(cause))
    this.#socket.on('close', () => this.#pending?.reject(new Error('the registry closed the connection')))
  }

  async request({ method, url, headers = {}, body, onBody = () => undefined }: BareRequest): Promise<BareAnswer> {
    const path = url.startsWith('/') ? url : url.slice(url.indexOf('/', url.indexOf('//') + 2))
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const answered = new Promise<BareAnswer>((resolve, reject) => (this.#pending = { onBody, resolve, reject }))
    answered.catch(() => undefined)
    await this.#write(Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${lines.join('')}\r\n`))
    for (const piece of body ?? []) await this.#write(piece)
    return answered
  }

  /** The bytes have left for the system when this resolves, so the piece may be used again. */
  #write(piece: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(piece, (cause) => (cause ? reject(cause) : resolve()))
    })
  }

  #read(bytes: Buffer): boolean {
    let body = bytes
    if (this.#answer === undefined) {
      this.#head = Buffer.concat([this.#head, bytes])
      const end = this.#head.indexOf('\r\n\r\n')
      if (end < 0) return true
      body = this.#head.subarray(end + 4)
      const [first = '', ...lines] = this.#head.toString('latin1', 0, end).split('\r\n')
      const headers = new Map(
        lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
      )
      this.#answer = { status: Number(first.split(' ')[1]), headers }
      this.#left = Number(headers.get('content-length') ?? 0)
      this.#head = Buffer.alloc(0)
    }
    this.#left -= body.length
    if (body.length > 0) this.#pending?.onBody(body)
    if (this.#left === 0) {
      const answer = this.#answer
      this.#answer = undefined
      this.#pending?.resolve(answer)
    }
    return true
  }

  close(): void {
    this.#pending = undefined
    this.#socket.destroy()
  }
}
