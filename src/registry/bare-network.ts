/** What a registry's own origin is asked over bare sockets; what they do not read is left to undici. */
import type { SecureContext } from 'node:tls'
import type { Incoming, IncomingBody } from './answer.ts'
import { codedError } from './errors.ts'
import type { Timing } from './options.ts'
import { rawExchange, type RawRequest } from './raw-exchange.ts'
import { requestText, type RawHead } from './raw-head.ts'
import { RawSockets } from './raw-socket.ts'

export interface Sending {
  method: RawRequest['method']
  headers: Record<string, string>
  body?: Buffer | AsyncIterable<Uint8Array> | undefined
  signal: AbortSignal
  headersMs: number
  /** To be asked by undici: the answer is too long to be gathered first, or of no form that is known. */
  byUndici?: boolean
}

/** Requests that mean the same when they come twice. */
const REPEATABLE: readonly string[] = ['GET', 'HEAD']
/** Requests that have a body, if only one of no bytes. */
const SENDING: readonly string[] = ['PUT', 'POST', 'PATCH']

/** The code of what is asked behind the end of the run. */
export const CLOSED = 'UND_ERR_CLOSED'

/** A body that has come, and what cut it short if anything did. */
function gathered(bytes: Buffer, failure: Error | undefined): IncomingBody {
  return {
    async *[Symbol.asyncIterator]() {
      if (bytes.length > 0) yield bytes
      if (failure !== undefined) throw failure
    },
    dump: () => Promise.resolve(),
    destroy: () => undefined,
    on: () => undefined,
  }
}

function incoming({ status, headers }: RawHead, body: IncomingBody): Incoming {
  const named = Array.from(headers, ([name, values]): [string, string | string[]] => {
    const [first = '', ...more] = values
    return [name, more.length === 0 ? first : [first, ...more]]
  })
  return { statusCode: status, headers: Object.fromEntries(named), body }
}

interface Bare {
  sockets: RawSockets
  /** False once an answer was such that {@link rawExchange} does not read it. */
  usual: boolean
  /** True once a connection that was kept ended without a word: what can't be asked twice gets a new one from then on. */
  drops: boolean
}

export class BareNetwork {
  readonly #secure: SecureContext | undefined
  readonly #timing: Timing
  readonly #origins = new Map<string, Bare>()
  #closed = false

  /** @param secure - what TLS is spoken with; undefined for what the platform has */
  constructor(secure: SecureContext | undefined, timing: Timing) {
    this.#secure = secure
    this.#timing = timing
  }

  #to(origin: string): Bare {
    const known = this.#origins.get(origin)
    if (known !== undefined) return known
    const sockets = new RawSockets(origin, this.#secure)
    if (this.#closed) sockets.close(codedError(CLOSED))
    const bare: Bare = { sockets, usual: true, drops: false }
    this.#origins.set(origin, bare)
    return bare
  }

  sockets(origin: string): RawSockets {
    return this.#to(origin).sockets
  }

  /** The whole answer; undefined when undici has to ask. Fails with undici's codes, or those of the socket. */
  async send(url: URL, sending: Sending): Promise<Incoming | undefined> {
    const { method, body, signal, headersMs, byUndici = false } = sending
    const bare = this.#to(url.origin)
    if (!bare.usual || byUndici || (body !== undefined && !Buffer.isBuffer(body))) return undefined
    const { 'content-length': _, ...headers } = sending.headers
    const length = SENDING.includes(method) ? { 'content-length': String(body?.length ?? 0) } : {}
    const text = requestText(method, `${url.pathname}${url.search}`, {
      host: url.host,
      connection: 'keep-alive',
      ...headers,
      ...length,
    })
    // undici refuses it, and tells.
    if (text === undefined) return undefined
    const request: RawRequest = {
      method,
      text,
      body,
      timing: { ...this.#timing, headersMs },
      signal,
    }
    const repeats = REPEATABLE.includes(method)
    for (;;) {
      const raw = bare.sockets.take(bare.drops && !repeats)
      const outcome = await rawExchange(raw, request)
      if (outcome.kind === 'answered') {
        if (outcome.stays) bare.sockets.park(raw)
        return incoming(outcome.head, gathered(outcome.body, outcome.failure))
      }
      if (outcome.kind === 'unusual') {
        bare.usual &&= outcome.large
        if (repeats) return undefined
        // It may have been done: what came can't be read, and asking again would be told of what is done.
        throw codedError('HPE_UNREADABLE')
      }
      // The registry had closed the socket while it waited: that says nothing about a new one.
      const stale = outcome.silent && !raw.fresh
      bare.drops ||= stale
      if (!stale || !repeats) throw outcome.failure
    }
  }

  /** Fails what is under way, and all that comes. */
  close(): void {
    this.#closed = true
    for (const { sockets } of this.#origins.values()) sockets.close(codedError(CLOSED))
  }
}
