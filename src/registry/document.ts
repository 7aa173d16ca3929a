/** One small document by HTTP, for bytes that prove themselves by a fingerprint or a signature: no credentials, no redirect. */
import { SallyportError } from '../errors/index.ts'
import { exchangeOnce, shownUrl, type Peer } from './exchange.ts'

export interface DocumentAddress extends Peer {
  url: string
}

const HEADERS = { 'user-agent': 'sallyport', 'accept-encoding': 'identity' }

/**
 * The bytes at an address, at most `cap` of them, and hostile: the caller proves them before they are used.
 * Throws REGISTRY_UNREACHABLE when they can't be had, LIMIT_EXCEEDED when there are more, USAGE for no http(s) address.
 */
export async function getDocument(address: DocumentAddress, cap: number): Promise<Buffer> {
  const { side } = address
  const url = URL.canParse(address.url) ? new URL(address.url) : undefined
  if (
    url === undefined ||
    (url.protocol !== 'http:' && url.protocol !== 'https:') ||
    url.username + url.password !== ''
  )
    throw new SallyportError('USAGE', { side, subject: 'url', detail: 'an http or https address without credentials' })
  const subject = shownUrl(url)
  const failed = (detail: string): SallyportError =>
    new SallyportError('REGISTRY_UNREACHABLE', { side, subject, detail })
  return exchangeOnce(address, { url, method: 'GET', headers: HEADERS, failed, keeps: () => true }, (answer) =>
    answer.bytes(cap, 'LIMIT_EXCEEDED'),
  )
}
