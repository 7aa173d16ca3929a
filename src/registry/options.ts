/** What a registry client is told: plain values only, so that a worker thread can be given the same. */
import type { Side } from '../errors/index.ts'
import type { Credentials } from './credentials.ts'

/** Waits, in milliseconds. The defaults suit a slow line; tests shorten them. */
export interface Timing {
  connectMs: number
  /** From a request to the head of its answer; an upload's last answer may take ten times as long. */
  headersMs: number
  /** Between two runs of body bytes. */
  idleMs: number
  /** For a whole document, redirects and token included. */
  documentMs: number
  /** The first wait before a repeat; it doubles, with jitter. */
  backoffMs: number
  /** The longest wait that a registry can impose by `Retry-After`. */
  waitCapMs: number
}

export interface RegistryOptions {
  /** Named in every error. */
  side: Extract<Side, 'source' | 'target'>
  credentials?: Credentials | undefined
  /** Hosts (`host` or `host:port`) that are spoken to without TLS; true for all. Loopback hosts are probed. */
  plainHttp?: readonly string[] | boolean | undefined
  /** Further authorities, beside those of the platform. */
  caPem?: string | undefined
  /** A client certificate and its key, for mutual TLS. */
  certPem?: string | undefined
  keyPem?: string | undefined
  /** How often a request is repeated; 5 by default. */
  retries?: number | undefined
  /** Large blobs that are fetched at once by `blobInto`; 4 by default. */
  concurrency?: number | undefined
  /** Token services (`host` or `host:port`) that may be given credentials of another host's registry. */
  allowRealms?: readonly string[] | undefined
  userAgent?: string | undefined
  timing?: Partial<Timing> | undefined
  /** Makes the jitter repeatable. */
  seed?: number | undefined
}

export interface Settings {
  side: Extract<Side, 'source' | 'target'>
  credentials: Credentials
  plainHttp: readonly string[] | boolean
  retries: number
  concurrency: number
  allowRealms: readonly string[]
  userAgent: string
  timing: Timing
  /** A number in [0, 1), seeded. */
  random: () => number
}

const TIMING: Timing = {
  connectMs: 15_000,
  headersMs: 60_000,
  idleMs: 60_000,
  documentMs: 180_000,
  backoffMs: 250,
  waitCapMs: 60_000,
}

/** Mulberry32: enough for jitter, and equal for equal seeds. */
function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The options with every default filled in. */
export function settle(options: RegistryOptions): Settings {
  return {
    side: options.side,
    credentials: options.credentials ?? { entries: [], helpers: {} },
    plainHttp: options.plainHttp ?? false,
    retries: options.retries ?? 5,
    concurrency: options.concurrency ?? 4,
    allowRealms: options.allowRealms ?? [],
    userAgent: options.userAgent ?? 'sallyport',
    timing: { ...TIMING, ...options.timing },
    random: seeded(options.seed ?? Math.floor(Math.random() * 2 ** 32)),
  }
}
