/** One request to a registry, from its first word to its last: authorization, redirects, refusals, repeats. */
import { SallyportError, type Code } from '../errors/index.ts'
import { Answer } from './answer.ts'
import { Authorizer } from './auth.ts'
import { Deadline, unlessAborted } from './deadline.ts'
import { headFault, networkCode, networkFault, plainText, Transient } from './errors.ts'
import { Line } from './line.ts'
import { REACH_REFUSED, type Network } from './network.ts'
import { findOrigin, type Origin } from './origin.ts'
import type { Settings } from './options.ts'
import type { RawHead } from './raw-head.ts'
import type { RawSockets } from './raw-socket.ts'
import { isRedirect, MAX_HOPS, nextHop } from './redirect.ts'
import { refusal, type Purpose } from './refusal.ts'
import { isPassing, repeating, retryAfter } from './retry.ts'

const ERROR_CAP = 64 * 1024

export interface Call {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** A path of the registry, or a URL that it gave and {@link nextHop} let pass. */
  to: string | URL
  /** The repository's path: it chooses the credentials. */
  path: string
  scopes: readonly string[]
  /** Named in errors. */
  subject: string
  purpose: Purpose
  headers?: Record<string, string>
  /** A stream is opened anew for each sending. */
  body?: Buffer | (() => AsyncIterable<Uint8Array>)
  /** The longest wait for the answer's head; the default suits all but the end of an upload. */
  headersMs?: number
  /** The longest that the whole of it may take; the default suits documents. A body that is a stream takes its own time. */
  withinMs?: number
  signal?: AbortSignal | undefined
  /** The answer may be too long to be gathered before it is read. */
  streams?: boolean
}

export interface Reply {
  status: number
  bytes: Buffer
  url: URL
  header(name: string): string | string[] | undefined
}

/** What a request outside {@link Registry.exchange} needs; the authorization is for this origin and no other. */
export interface Permit {
  origin: Origin
  sockets: RawSockets
  authorization: string | undefined
}

/** One registry as this client sees it. */
export class Registry {
  readonly host: string
  readonly settings: Settings
  /** True once a blob's answer has shown that bare requests lead to nothing here (redirects, chunked bodies). */
  indirect = false
  /** True once it has shown that it takes no blob in parts. */
  undivided = false
  /** What large blobs are sent over. */
  readonly line = new Line()
  readonly #network: Network
  #met: Promise<{ origin: Origin; authorizer: Authorizer }> | undefined

  constructor(host: string, settings: Settings, network: Network) {
    this.host = host
    this.settings = settings
    this.#network = network
  }

  #meet(subject: string, signal?: AbortSignal): Promise<{ origin: Origin; authorizer: Authorizer }> {
    this.#met ??= findOrigin(this.host, this.settings, this.#network).then(
      (origin) => ({ origin, authorizer: new Authorizer(origin, this.settings, this.#network) }),
      (error: unknown) => {
        this.#met = undefined
        throw networkFault(error, this.settings.side, subject)
      },
    )
    return signal === undefined ? this.#met : unlessAborted(this.#met, signal)
  }

  /** Where the registry is dialled. */
  async origin(): Promise<Origin> {
    return (await this.#meet(this.host)).origin
  }

  /**
   * What is due for a bare request: as for `exchange`. After a 401, `refused` says what it came in spite of, and its
   * challenges. Throws as `exchange` does, for what stands in the way of an authorization.
   */
  async permit(
    call: Call,
    signal: AbortSignal = new AbortController().signal,
    refused?: { used: string | undefined; challenge: string[] },
  ): Promise<Permit> {
    const { origin, authorizer } = await this.#meet(call.subject, signal)
    if (refused !== undefined) await authorizer.renew(call.path, call.scopes, refused.used, refused.challenge, signal)
    const authorization = await authorizer.header(call.path, call.scopes, signal)
    return { origin, sockets: this.#network.sockets(origin.url), authorization }
  }

  /**
   * The answer to one attempt, whatever its status, its body unread; 401 has been dealt with as far as it can be.
   * Throws {@link Transient} for what a repeat may heal. Duty of the caller: read, `discard` or `abandon` the answer.
   */
  async exchange(call: Call): Promise<Answer> {
    const { side, timing } = this.settings
    const { origin, authorizer } = await this.#meet(call.subject, call.signal)
    const late = (): Transient =>
      new Transient(
        new SallyportError('REGISTRY_UNREACHABLE', { side, subject: call.subject, detail: 'no answer in time' }),
      )
    const deadline = new Deadline(call.signal, call.withinMs ?? timing.documentMs, late)
    const streams = typeof call.body === 'function'
    if (streams) deadline.stopClock()
    try {
      for (let renewals = 0; ; renewals++) {
        const used = await authorizer.header(call.path, call.scopes, deadline.signal)
        const answer = await this.#hops(call, origin, used, deadline)
        // A refusal from elsewhere (an expired signature in a storage URL) is healed by asking the registry again.
        if (answer.foreign && (answer.status === 401 || answer.status === 403))
          throw new Transient(await this.refuse(answer, call))
        if (answer.status !== 401) {
          if (call.purpose === 'blob' && call.method === 'GET') deadline.stopClock()
          answer.onEnd(() => deadline.release())
          return answer
        }
        if (renewals === 2) throw await this.refuse(answer, call)
        const fault = await this.refuse(answer, call)
        await authorizer.renew(call.path, call.scopes, used, answer.header('www-authenticate'), deadline.signal)
        // Half of an upload is gone: its owner has to begin it again.
        if (streams) throw new Transient(fault, 0)
      }
    } catch (error) {
      deadline.release()
      if (call.signal?.aborted === true) throw call.signal.reason
      if (networkCode(error) === REACH_REFUSED) {
        const detail = 'into a narrower network'
        throw new SallyportError('REDIRECT_REFUSED', { side, subject: call.subject, detail })
      }
      throw networkFault(error, side, call.subject)
    }
  }

  async #hops(call: Call, origin: Origin, authorization: string | undefined, deadline: Deadline): Promise<Answer> {
    const { side, timing, userAgent } = this.settings
    let url = new URL(call.to, origin.url)
    let left = false
    for (let hop = 0; ; hop++) {
      const own = url.origin === origin.url
      // Credentials do not come back after a hop elsewhere: else that place would choose what they are used for.
      left ||= !own
      const headers = { 'user-agent': userAgent, 'accept-encoding': 'identity', ...call.headers }
      const sending = {
        method: call.method,
        headers: left || authorization === undefined ? headers : { ...headers, authorization },
        body: typeof call.body === 'function' ? call.body() : call.body,
        signal: deadline.signal,
        headersMs: call.headersMs ?? timing.headersMs,
        byUndici: call.streams ?? false,
      }
      const data = await this.#network.send(url, sending, own ? 'own' : origin.reach).catch((error: unknown) => {
        throw headFault(error, side, call.subject)
      })
      const answer = new Answer(data, { url, foreign: left, side, subject: call.subject })
      if (!isRedirect(answer.status)) return answer
      await answer.discard()
      const refused = (detail: string): SallyportError =>
        new SallyportError('REDIRECT_REFUSED', { side, subject: call.subject, detail: plainText(detail) })
      if (hop === MAX_HOPS) throw refused(`more than ${MAX_HOPS} redirects`)
      const repeats = call.method === 'GET' || call.method === 'HEAD' || answer.status >= 307
      if (!repeats) throw refused(`status ${answer.status} to a ${call.method}`)
      url = nextHop(url, answer.header('location'), origin, side, call.subject)
    }
  }

  /** The error an unwanted answer stands for; reads its body. */
  async refuse(answer: Answer, call: Call): Promise<SallyportError> {
    const body = await answer.bytes(ERROR_CAP, undefined).catch(() => Buffer.alloc(0))
    return refusal(answer.status, body, call.purpose, this.settings.side, call.subject)
  }

  /** Throws what an answer outside `expected` means: {@link Transient} or for good. */
  async demand(answer: Answer, call: Call, expected: readonly number[]): Promise<void> {
    if (expected.includes(answer.status)) return
    const fault = await this.refuse(answer, call)
    if (isPassing(answer.status) || fault.code === 'REGISTRY_LIMITED')
      throw new Transient(fault, retryAfter(answer.header('retry-after'), Date.now()))
    throw fault
  }

  /** What a status stands for that a repeat may change, without what its body says; undefined for any other. */
  passing({ status, headers }: RawHead, call: Call): Transient | undefined {
    if (!isPassing(status)) return undefined
    const fault = refusal(status, Buffer.alloc(0), call.purpose, this.settings.side, call.subject)
    return new Transient(fault, retryAfter(headers.get('retry-after')?.join(), Date.now()))
  }

  /** The whole answer with one of the `expected` statuses, repeated as the settings say; its body is capped. */
  ask(call: Call, expected: readonly number[], cap: number, tooLarge: Code = 'LIMIT_EXCEEDED'): Promise<Reply> {
    return repeating(this.settings, call.signal, async () => {
      const answer = await this.exchange(call)
      await this.demand(answer, call, expected)
      const bytes = await answer.bytes(cap, tooLarge)
      return { status: answer.status, bytes, url: answer.url, header: (name) => answer.header(name) }
    })
  }
}
