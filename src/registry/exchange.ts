/** One request and its answer, outside any repository: no credentials, no redirect, nothing repeated. */
import { SallyportError } from '../errors/index.ts'
import { literalAddress, reachOf, type Reach } from './address.ts'
import { Answer } from './answer.ts'
import { Deadline } from './deadline.ts'
import { networkCode, plainText, Transient } from './errors.ts'
import { Network, REACH_REFUSED } from './network.ts'
import { settle } from './options.ts'

const TIMEOUT_MS = 30_000

export interface Peer {
  side: 'source' | 'target'
  /** Further authorities for `https`. */
  caPem?: string | undefined
  /** For the whole exchange; 30 seconds by default. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
  /** How far the address that is dialled must reach; any will do by default. */
  reach?: Reach | undefined
}

export interface Exchange {
  url: URL
  method: 'GET' | 'POST'
  headers: Readonly<Record<string, string>>
  body?: Buffer
  /** True for an answer that `read` is to see; only for status 200 by default. */
  wanted?: (status: number) => boolean
  /** The error for an exchange that came to nothing. */
  failed: (detail: string) => SallyportError
  /** True for what `read` throws that is to be thrown as it is; else it becomes a `failed` too. */
  keeps: (error: SallyportError) => boolean
}

/** A URL without query and fragment, either of which may hold a key of the service. */
export function shownUrl(url: URL): string {
  return plainText(`${url.origin}${url.pathname}`)
}

/** What is said of an address that reaches less far than it must. */
export const NARROW = 'it leads into this machine or a private network'

/** What `read` makes of the wanted answer. Throws `failed`, what it keeps, or the signal's own reason. */
export async function exchangeOnce<T>(
  { side, caPem, timeoutMs = TIMEOUT_MS, signal, reach = 0 }: Peer,
  { url, method, headers, body, wanted = (status) => status === 200, failed, keeps }: Exchange,
  read: (answer: Answer) => Promise<T>,
): Promise<T> {
  // An address that stands in the URL itself is never looked up, and so would pass the guard of lookups.
  const literal = literalAddress(url.hostname)
  if (literal !== undefined && reachOf(literal) < reach) throw failed(NARROW)
  const options = { side, caPem, timing: { connectMs: timeoutMs, idleMs: timeoutMs } }
  const network = new Network(options, settle(options))
  const deadline = new Deadline(signal, timeoutMs, () => failed('no answer in time'))
  try {
    const asked = { method, headers, ...(body === undefined ? {} : { body }) }
    const data = await network.send(
      url,
      // Asked once, by what reads every kind of answer: a responder may speak HTTP/1.0, and end after the first.
      { ...asked, signal: deadline.signal, headersMs: timeoutMs, byUndici: true },
      reach === 0 ? 'own' : reach,
    )
    const answer = new Answer(data, { url, foreign: false, side, subject: shownUrl(url) })
    if (!wanted(answer.status)) throw failed(`status ${answer.status}`)
    return await read(answer)
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason
    if (error instanceof SallyportError && keeps(error)) throw error
    if (networkCode(error) === REACH_REFUSED) throw failed(NARROW)
    // The cause is left out: undici's errors can quote what the peer sent.
    if (error instanceof Transient || error instanceof SallyportError) throw failed(error.message)
    throw failed(plainText(networkCode(error)))
  } finally {
    deadline.release()
    await network.close()
  }
}
