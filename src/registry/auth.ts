/** Answers a registry's challenges: anonymous, Basic and Bearer, with tokens renewed before and after they expire. */
import { SallyportError } from '../errors/index.ts'
import { Answer } from './answer.ts'
import { parseChallenge, type Challenge } from './challenge.ts'
import { credentialFor, type Credential, type Credentials } from './credentials.ts'
import { Deadline, unlessAborted } from './deadline.ts'
import { networkCode, networkFault, Transient } from './errors.ts'
import { REACH_REFUSED, type Network } from './network.ts'
import type { Origin } from './origin.ts'
import type { Settings } from './options.ts'
import { keepSecret } from './secrets.ts'
import { admitRealm, basicHeader, readToken, tokenRequest } from './token.ts'

interface Held {
  header: string
  /** On the monotonic clock, so that a clock that is set does not make tokens live on. */
  renewAt: number
}

const MAX_HELD = 2_000

/** Speaks for us at one registry. The header it gives belongs to {@link Origin.url} alone: the caller's duty. */
export class Authorizer {
  readonly #origin: Origin
  readonly #settings: Settings
  readonly #network: Network
  #challenge: Challenge | undefined
  readonly #held = new Map<string, Held>()
  readonly #pending = new Map<string, Promise<Held>>()

  constructor(origin: Origin, settings: Settings, network: Network) {
    this.#origin = origin
    this.#settings = settings
    this.#network = network
    for (let file: Credentials | undefined = settings.credentials; file !== undefined; file = file.next)
      for (const entry of file.entries) {
        keepSecret(entry.password)
        keepSecret(entry.identityToken)
        if (entry.username !== undefined) keepSecret(basicHeader(entry).slice('Basic '.length))
      }
  }

  #credential(path: string): Credential | undefined {
    return credentialFor(this.#settings.credentials, this.#origin.host, path)
  }

  /** The `Authorization` that is due for these scopes, as far as the registry has said what it wants. */
  async header(path: string, scopes: readonly string[], signal: AbortSignal): Promise<string | undefined> {
    const challenge = this.#challenge
    if (challenge === undefined) return undefined
    if (challenge.scheme === 'bearer') return (await this.#token(challenge, path, scopes, signal)).header
    const credential = this.#credential(path)
    return credential?.username === undefined ? undefined : basicHeader(credential)
  }

  /**
   * Takes the challenge of a 401 that came in spite of `used`. When the promise is kept, `header` gives something
   * else than `used`. Throws REGISTRY_DENIED when there is nothing else to offer.
   */
  async renew(
    path: string,
    scopes: readonly string[],
    used: string | undefined,
    challengeHeader: string | string[] | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { side } = this.#settings
    const subject = `${this.#origin.host}/${path}`
    const denied = (detail: string): SallyportError => new SallyportError('REGISTRY_DENIED', { side, subject, detail })
    const challenge = parseChallenge(challengeHeader, side, subject)
    if (challenge === undefined) throw denied('status 401 without a Basic or Bearer challenge')
    this.#challenge = challenge
    if (challenge.scheme === 'basic') {
      const credential = this.#credential(path)
      if (credential?.username === undefined) throw denied('no credentials for this registry')
      if (used === basicHeader(credential)) throw denied('status 401')
      return
    }
    const key = this.#key(challenge, path, scopes)
    if (this.#held.get(key)?.header === used) this.#held.delete(key)
    const held = await this.#token(challenge, path, scopes, signal)
    if (held.header === used) throw denied('status 401')
  }

  #scopes(challenge: Challenge & { scheme: 'bearer' }, scopes: readonly string[]): readonly string[] {
    const asked = challenge.scope
    // A service with scopes of its own making (public.ecr.aws has "aws"); the standard ones we know better.
    const own = asked !== undefined && asked.length <= 256 && !asked.includes('repository:')
    return own ? [...scopes, asked] : scopes
  }

  #key(challenge: Challenge & { scheme: 'bearer' }, path: string, scopes: readonly string[]): string {
    const { realm, service } = challenge
    return JSON.stringify([realm, service, this.#credential(path)?.key, ...this.#scopes(challenge, scopes)])
  }

  async #token(
    challenge: Challenge & { scheme: 'bearer' },
    path: string,
    scopes: readonly string[],
    signal: AbortSignal,
  ): Promise<Held> {
    const key = this.#key(challenge, path, scopes)
    const held = this.#held.get(key)
    if (held !== undefined && performance.now() < held.renewAt) return held
    let pending = this.#pending.get(key)
    if (pending === undefined) {
      pending = this.#fetch(challenge, path, scopes).finally(() => this.#pending.delete(key))
      // All who wait for it may be gone by then.
      pending.catch(() => undefined)
      this.#pending.set(key, pending)
    }
    const fresh = await unlessAborted(pending, signal)
    if (this.#held.size >= MAX_HELD) this.#held.clear()
    this.#held.set(key, fresh)
    return fresh
  }

  async #fetch(challenge: Challenge & { scheme: 'bearer' }, path: string, scopes: readonly string[]): Promise<Held> {
    const { side, allowRealms, timing, userAgent } = this.#settings
    const credential = this.#credential(path)
    const subject = `${this.#origin.host}/${path}`
    const { url: realm, floor } = admitRealm(challenge.realm, this.#origin, credential !== undefined, allowRealms, side)
    const asked = this.#scopes(challenge, scopes)
    const request = tokenRequest({ url: realm, service: challenge.service, scopes: asked, credential, userAgent })
    const asking = performance.now()
    const late = (): Transient =>
      new Transient(
        new SallyportError('REGISTRY_UNREACHABLE', { side, subject, detail: `${realm.origin} gives no token in time` }),
      )
    // Many requests may wait for one token, so it is tied to the clock and to none of them.
    const deadline = new Deadline(undefined, timing.documentMs, late)
    try {
      const sending = { ...request, signal: deadline.signal, headersMs: timing.headersMs }
      const data = await this.#network.send(request.url, sending, floor)
      const answer = new Answer(data, { url: request.url, foreign: true, side, subject })
      // A redirect from the realm could carry the credentials anywhere; none is followed.
      if (answer.status >= 300 && answer.status < 400) {
        await answer.discard()
        throw new SallyportError('REALM_REFUSED', { side, subject, detail: `${realm.origin} redirects` })
      }
      const { token, seconds } = await readToken(answer, side, subject)
      keepSecret(token)
      const margin = Math.min(30, seconds / 4)
      return { header: `Bearer ${token}`, renewAt: asking + (seconds - margin) * 1000 }
    } catch (error) {
      if (networkCode(error) === REACH_REFUSED)
        throw new SallyportError('REALM_REFUSED', { side, subject, detail: `a narrower network, ${realm.origin}` })
      throw networkFault(error, side, `token service ${realm.origin}`)
    } finally {
      deadline.release()
    }
  }
}
