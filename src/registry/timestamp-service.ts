/** The HTTP call to a timestamp authority (RFC 3161 3.4). No credentials go there and no redirect is followed. */
import { SallyportError, type Side } from '../errors/index.ts'
import { exchangeOnce, shownUrl, type Peer } from './exchange.ts'

export interface TimestampService extends Omit<Peer, 'side'> {
  /** `http` will do: a token proves itself, and a request holds nothing secret. */
  url: string
  /** Named in errors; the target by default, since that is where a signature goes. */
  side?: Peer['side']
}

const ANSWER_CAP = 1024 * 1024
const HEADERS = {
  'user-agent': 'sallyport',
  'content-type': 'application/timestamp-query',
  accept: 'application/timestamp-reply',
  'accept-encoding': 'identity',
}
const REPLY = /^application\/timestamp-reply\s*(?:;|$)/i

function serviceUrl(text: string, side: Side): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const failed = (detail: string): SallyportError =>
    new SallyportError('TSA_FAILED', { side, subject: url === undefined ? undefined : shownUrl(url), detail })
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw failed('not an http(s) URL')
  // Stops a password from ending in a log of ours or theirs.
  if (url.username !== '' || url.password !== '') throw failed('its URL holds credentials')
  return url
}

/**
 * The bytes that a timestamp authority answers to `query`, the DER of a TimeStampReq: at most 1 MiB, and hostile still.
 * Throws TSA_FAILED; CA_FILE_MALFORMED; or the signal's own reason. Nothing is repeated.
 */
export async function postTimestampQuery(service: TimestampService, query: Buffer): Promise<Buffer> {
  const { side = 'target' } = service
  const url = serviceUrl(service.url, side)
  const subject = shownUrl(url)
  const failed = (detail: string): SallyportError => new SallyportError('TSA_FAILED', { side, subject, detail })
  const keeps = ({ code }: SallyportError): boolean => code === 'TSA_FAILED'
  const exchange = { url, method: 'POST', headers: HEADERS, body: query, failed, keeps } as const
  return exchangeOnce({ ...service, side }, exchange, (answer) => {
    if (!REPLY.test(String(answer.header('content-type')))) throw failed('the answer is not a timestamp reply')
    return answer.bytes(ANSWER_CAP, 'TSA_FAILED')
  })
}
