/** The sockets: bare ones to a registry's own origin, and an undici pool for each reach that its hops must keep to. */
import { X509Certificate } from 'node:crypto'
import { lookup, type LookupAddress } from 'node:dns'
import { lookup as lookupAll } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { connect, createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import type { Agent } from 'undici'
import { SallyportError } from '../errors/index.ts'
import { literalAddress, reachOf, type Reach } from './address.ts'
import type { Incoming } from './answer.ts'
import { BareNetwork, CLOSED, type Sending } from './bare-network.ts'
import { codedError, networkCode } from './errors.ts'
import type { RegistryOptions, Settings } from './options.ts'
import type { RawSockets } from './raw-socket.ts'

/** Nobody uses the memory of a request's body again that is not larger than this. */
const SMALL_BODY = 1024 * 1024

/** The error code of a lookup that led to a narrower network than allowed. */
export const REACH_REFUSED = 'ERR_SALLYPORT_REACH'

/** Checks the address that is dialled, not the name, so that DNS cannot change its answer in between. */
function guardedLookup(floor: Reach): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error !== null) return callback(error, '', 0)
      const allowed = addresses.filter(({ address }) => reachOf(address) >= floor)
      const [first] = allowed
      if (first === undefined) return callback(codedError(REACH_REFUSED), '', 0)
      if (options.all === true) return callback(null, allowed)
      return callback(null, first.address, first.family)
    })
  }
}

/** The floor of the registry's own origin: no guard, and our client certificate is shown. */
export type Floor = Reach | 'own'

function secureContext(options: RegistryOptions, own: boolean): SecureContext | undefined {
  const { caPem, side } = options
  const { certPem, keyPem } = own ? options : { certPem: undefined, keyPem: undefined }
  if (caPem === undefined && certPem === undefined && keyPem === undefined) return undefined
  const bad = (detail: string): SallyportError => new SallyportError('CA_FILE_MALFORMED', { side, detail })
  const authorities = caPem?.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (caPem !== undefined && authorities.length === 0) throw bad('no certificate in it')
  if ((certPem === undefined) !== (keyPem === undefined)) throw bad('a certificate and its key go together')
  try {
    // Node passes over what is no certificate in silence.
    for (const authority of authorities) void new X509Certificate(authority)
    return createSecureContext({
      ...(caPem === undefined ? {} : { ca: [...getCACertificates('default'), ...authorities] }),
      ...(certPem === undefined ? {} : { cert: certPem, key: keyPem }),
    })
  } catch (error) {
    // OpenSSL's text can hold no key material; its code is enough all the same.
    throw bad(networkCode(error))
  }
}

export class Network {
  readonly #settings: Settings
  readonly #own: SecureContext | undefined
  readonly #options: RegistryOptions
  readonly #agents = new Map<Floor, Agent>()
  readonly #bare: BareNetwork
  #closed = false

  constructor(options: RegistryOptions, settings: Settings) {
    this.#settings = settings
    this.#own = secureContext(options, true)
    this.#options = options
    this.#bare = new BareNetwork(this.#own, settings.timing)
  }

  async #agent(floor: Floor): Promise<Agent> {
    const { Agent } = await import('./agent.ts')
    // Nothing may be sent behind the end of the run, over an agent that nobody ends.
    if (this.#closed) throw codedError(CLOSED)
    let agent = this.#agents.get(floor)
    if (agent === undefined) {
      const { connectMs, idleMs } = this.#settings.timing
      const secure = floor === 'own' ? this.#own : secureContext(this.#options, false)
      agent = new Agent({
        // One HTTP/2 connection would carry all blobs on one stream window, and GOAWAY ends them all at once.
        allowH2: false,
        bodyTimeout: idleMs,
        connect: {
          allowH2: false,
          timeout: connectMs,
          ...(secure === undefined ? {} : { secureContext: secure }),
          ...(floor === 'own' || floor === 0 ? {} : { lookup: guardedLookup(floor) }),
        },
      })
      this.#agents.set(floor, agent)
    }
    return agent
  }

  /** Bare sockets to a registry's own origin. */
  sockets(origin: string): RawSockets {
    return this.#bare.sockets(origin)
  }

  /** The answer's head, its body still to come. Connects to addresses of `floor` or more public ones only. */
  async send(url: URL, sending: Sending, floor: Floor): Promise<Incoming> {
    const { method, headers, body, signal, headersMs } = sending
    const bare = floor === 'own' ? await this.#bare.send(url, sending) : undefined
    if (bare !== undefined) return bare
    const agent = await this.#agent(floor)
    return agent.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method,
      headers,
      // Async iterables are taken as they are; only undici's types do not say so.
      // A copy of what is large: undici may be done with a request whose body still lies in the socket, and its owner uses the
      // memory again.
      body: (Buffer.isBuffer(body) && body.length > SMALL_BODY ? Buffer.from(body) : (body ?? null)) as Buffer | null,
      signal,
      headersTimeout: headersMs,
      // Else undici closes the connection after each HEAD: half of all requests of an import, each a new handshake.
      ...(method === 'HEAD' ? { reset: false } : {}),
    })
  }

  /** How far a host reaches; the most public of its addresses counts, and an unknown name counts as public. */
  async reach(hostname: string): Promise<Reach> {
    const literal = literalAddress(hostname)
    if (literal !== undefined) return reachOf(literal)
    try {
      const found = await lookupAll(hostname, { all: true })
      return found.reduce<Reach>((most, { address }) => Math.max(most, reachOf(address)) as Reach, 0)
    } catch {
      return 2
    }
  }

  /** Whether TLS is spoken there. A refused certificate is TLS all the same, so that it is never a way to plain HTTP. */
  speaksTls(hostname: string, port: number): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>()
    const host = literalAddress(hostname) ?? hostname
    const socket = connect({
      host,
      port,
      rejectUnauthorized: false,
      ...(host === hostname && literalAddress(hostname) === undefined ? { servername: hostname } : {}),
    })
    socket.setTimeout(this.#settings.timing.connectMs, () => socket.destroy(codedError('ETIMEDOUT')))
    socket.once('secureConnect', () => {
      resolve(true)
      socket.destroy()
    })
    socket.once('error', (error) => {
      const code = networkCode(error)
      if (/WRONG_VERSION_NUMBER|PACKET_LENGTH|HTTP_REQUEST|UNKNOWN_PROTOCOL/.test(code)) resolve(false)
      else if (code === 'ECONNRESET') resolve(false)
      else if (/^(?:ERR_SSL|EPROTO)/.test(code)) resolve(true)
      else reject(error)
    })
    return promise
  }

  async close(): Promise<void> {
    this.#closed = true
    const agents = [...this.#agents.values()]
    this.#agents.clear()
    this.#bare.close()
    await Promise.all(agents.map((agent) => agent.destroy()))
  }
}
