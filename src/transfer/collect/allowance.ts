/**
 * How much a run fetches of others, and for how long. Each address was chosen by whoever made the certificate: stops a
 * thousand signatures of one stranger, each with an address that answers late, long or never, from holding up an export.
 */
import { SallyportError } from '../../errors/index.ts'
import { REVOCATION_LIST_CAP } from '../../oci/index.ts'

/** Requests under way at once: so many whole documents have room in every allowance. */
export const AT_ONCE = 8

export interface AllowanceTerms {
  /** Whose addresses they are, for errors. */
  of: string
  requests: number
  /** All together. */
  bytes: number
  ms: number
  /** Each. */
  documentBytes: number
  documentMs: number
  tries: number
}

/** What must be had, by the plan or the policy: all of it is held in memory. */
export const DEMANDED: AllowanceTerms = {
  of: 'the certificates of this export',
  requests: 4000,
  bytes: 1024 * 1024 * 1024,
  ms: 3_600_000,
  documentBytes: REVOCATION_LIST_CAP,
  // A list of 64 MiB over 5 Mbit/s.
  documentMs: 120_000,
  tries: 2,
}

/** What the policy would go without. */
export const STRANGERS: AllowanceTerms = {
  of: 'signers that the policy does not believe',
  requests: 200,
  bytes: 128 * 1024 * 1024,
  ms: 60_000,
  documentBytes: 8 * 1024 * 1024,
  documentMs: 10_000,
  tries: 1,
}

/** One request of an allowance. */
export interface Portion {
  bytes: number
  ms: number
  tries: number
  signal: AbortSignal
  /** Gives back what of `bytes` was not used. */
  done(used: number): void
}

/** Subject of the fault of an address that nobody heard to the end. */
export const UNASKED = 'revocation'

export class Allowance {
  readonly terms: AllowanceTerms
  readonly #end = new AbortController()
  readonly #signal: AbortSignal
  #timer: NodeJS.Timeout
  #hurried = false
  #requests: number
  #bytes: number

  /** The time runs from now on. Duty of the caller: {@link close}. */
  constructor(terms: AllowanceTerms, signal?: AbortSignal) {
    this.terms = terms
    this.#requests = terms.requests
    this.#bytes = terms.bytes
    this.#signal = signal === undefined ? this.#end.signal : AbortSignal.any([this.#end.signal, signal])
    this.#timer = this.#endIn(terms.ms)
  }

  #fault(detail: string): SallyportError {
    return new SallyportError('LIST_UNAVAILABLE', { side: 'source', subject: UNASKED, detail })
  }

  #endIn(ms: number): NodeJS.Timeout {
    const fault = this.#fault(`not asked for, or not to the end: the time for ${this.terms.of} is over`)
    return setTimeout(() => this.#end.abort(fault), ms)
  }

  /** No more than so long from the first time on: the run is lost, and is to say soon what else is lacking. */
  hurry(ms: number): void {
    if (this.#hurried) return
    this.#hurried = true
    clearTimeout(this.#timer)
    this.#timer = this.#endIn(Math.min(ms, this.terms.ms))
  }

  /** Throws LIST_UNAVAILABLE once it is used up, or the signal's reason. */
  portion(cap: number): Portion {
    this.#signal.throwIfAborted()
    const { of, documentBytes, documentMs, tries } = this.terms
    // What is under way counts whole: several large ones at once would each see the same room.
    const bytes = Math.min(cap, documentBytes, this.#bytes)
    if (this.#requests === 0 || bytes <= 0) throw this.#fault(`not asked for: enough was asked for ${of}`)
    this.#requests--
    this.#bytes -= bytes
    const done = (used: number): void => void (this.#bytes += bytes - used)
    return { bytes, ms: documentMs, tries, signal: this.#signal, done }
  }

  close(): void {
    clearTimeout(this.#timer)
  }
}
