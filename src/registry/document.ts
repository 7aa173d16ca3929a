/** One small document by HTTP, for bytes that prove themselves by a fingerprint or a signature: no credentials. */
import { SallyportError } from '../errors/index.ts'
import type { Answer } from './answer.ts'
import { exchangeOnce, shownUrl, type Peer } from './exchange.ts'

export interface DocumentAddress extends Peer {
  url: string
  /** What is asked by POST; without it by GET. */
  question?: { type: string; answer: string; body: Buffer } | undefined
  /** How many redirects of a GET are followed, each under the same conditions; none by default. */
  redirects?: number | undefined
}

const HEADERS = { 'user-agent': 'sallyport', 'accept-encoding': 'identity' }
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308]

/** Undefined for no http(s) address, and for one with credentials, which would end in logs and reports. */
function parsed(url: string, base?: URL): URL | undefined {
  const found = URL.canParse(url, base) ? new URL(url, base) : undefined
  const web = found?.protocol === 'http:' || found?.protocol === 'https:'
  return web && found.username + found.password === '' ? found : undefined
}

/**
 * The bytes at an address, at most `cap` of them, and hostile: the caller proves them before they are used.
 * Throws REGISTRY_UNREACHABLE when they can't be had, an address narrower than `reach` included, LIMIT_EXCEEDED when
 * there are more, USAGE for no http(s) address.
 */
export async function getDocument(address: DocumentAddress, cap: number): Promise<Buffer> {
  const { side, question, redirects = 0 } = address
  let url = parsed(address.url)
  if (url === undefined)
    throw new SallyportError('USAGE', { side, subject: 'url', detail: 'an http or https address without credentials' })
  for (let hop = 0; ; hop++) {
    const from: URL = url
    const failed = (detail: string): SallyportError =>
      new SallyportError('REGISTRY_UNREACHABLE', { side, subject: shownUrl(from), detail })
    const follows = question === undefined && hop < redirects
    const wanted = (status: number): boolean => status === 200 || (follows && REDIRECTS.includes(status))
    const read = async (answer: Answer): Promise<Buffer | URL> => {
      if (answer.status === 200) return answer.bytes(cap, 'LIMIT_EXCEEDED')
      const location = answer.header('location')
      await answer.discard()
      const next = typeof location === 'string' ? parsed(location, from) : undefined
      if (next === undefined) throw failed(`status ${answer.status} to no http or https address`)
      return next
    }
    const asked =
      question === undefined
        ? ({ method: 'GET', headers: HEADERS } as const)
        : ({
            method: 'POST',
            headers: { ...HEADERS, 'content-type': question.type, accept: question.answer },
            body: question.body,
          } as const)
    const got: Buffer | URL = await exchangeOnce(address, { ...asked, url, wanted, failed, keeps: () => true }, read)
    if (!(got instanceof URL)) return got
    url = got
  }
}
