/** One small document by HTTP, for bytes that prove themselves by a fingerprint or a signature: no credentials, no redirect. */
import { SallyportError } from '../errors/index.ts'
import { Answer } from './answer.ts'
import { Deadline } from './deadline.ts'
import { networkCode, plainText, Transient } from './errors.ts'
import { Network } from './network.ts'
import { settle } from './options.ts'

export interface DocumentAddress {
  url: string
  side: 'source' | 'target'
  /** Further authorities for `https`. */
  caPem?: string | undefined
  /** For the whole exchange; 30 seconds by default. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
}

const TIMEOUT_MS = 30_000

/**
 * The bytes at an address, at most `cap` of them, and hostile: the caller proves them before they are used.
 * Throws REGISTRY_UNREACHABLE when they can't be had, LIMIT_EXCEEDED when there are more, USAGE for no http(s) address.
 */
export async function getDocument(address: DocumentAddress, cap: number): Promise<Buffer> {
  const { side, caPem, timeoutMs = TIMEOUT_MS, signal } = address
  const url = URL.canParse(address.url) ? new URL(address.url) : undefined
  if (
    url === undefined ||
    (url.protocol !== 'http:' && url.protocol !== 'https:') ||
    url.username + url.password !== ''
  )
    throw new SallyportError('USAGE', { side, subject: 'url', detail: 'an http or https address without credentials' })
  // A query may hold a key of the service.
  const subject = plainText(`${url.origin}${url.pathname}`)
  const failed = (detail: string): SallyportError =>
    new SallyportError('REGISTRY_UNREACHABLE', { side, subject, detail })
  const options = { side, caPem, timing: { connectMs: timeoutMs, idleMs: timeoutMs } }
  const network = new Network(options, settle(options))
  const deadline = new Deadline(signal, timeoutMs, failed('no answer in time'))
  try {
    const headers = { 'user-agent': 'sallyport', 'accept-encoding': 'identity' }
    const data = await network.send(
      url,
      { method: 'GET', headers, signal: deadline.signal, headersMs: timeoutMs },
      'own',
    )
    const answer = new Answer(data, { url, foreign: false, side, subject })
    if (answer.status !== 200) throw failed(`status ${answer.status}`)
    return await answer.bytes(cap, 'LIMIT_EXCEEDED')
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason
    if (error instanceof SallyportError) throw error
    // The cause is left out: undici's errors can quote what the peer sent.
    throw failed(error instanceof Transient ? error.message : plainText(networkCode(error)))
  } finally {
    deadline.release()
    await network.close()
  }
}
