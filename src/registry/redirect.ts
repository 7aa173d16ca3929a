/** Where a registry may send us next: redirects, upload locations and page links pass this one screen. */
import { SallyportError, type Side } from '../errors/index.ts'
import { literalAddress, reachOf } from './address.ts'
import { plainText } from './errors.ts'
import type { Origin } from './origin.ts'

export const MAX_HOPS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])

export function isRedirect(status: number): boolean {
  return REDIRECTS.has(status)
}

/**
 * The URL that `location`, met at `from`, leads to. Throws REDIRECT_REFUSED, which names no path or query of it,
 * as these can hold signatures.
 */
export function nextHop(
  from: URL,
  location: string | string[] | undefined,
  origin: Origin,
  side: Side,
  subject: string,
): URL {
  const refused = (detail: string): SallyportError =>
    new SallyportError('REDIRECT_REFUSED', { side, subject, detail: plainText(detail) })
  if (typeof location !== 'string' || location.length > 8_192 || !URL.canParse(location, from))
    throw refused('no usable Location')
  const url = new URL(location, from)
  url.hash = ''
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw refused(`scheme ${url.protocol}`)
  // Stops `https://registry@evil/`, which reads as one host and dials another, and credentials of the registry's choosing.
  if (url.username !== '' || url.password !== '') throw refused(`user information before ${url.host}`)
  if (from.protocol === 'https:' && url.protocol === 'http:') throw refused(`from https down to ${url.origin}`)
  const literal = literalAddress(url.hostname)
  // Stops SSRF by a literal address; names are checked when they are looked up.
  if (url.origin !== origin.url && literal !== undefined && reachOf(literal) < origin.reach)
    throw refused(`into a narrower network, ${url.origin}`)
  return url
}
