/** The HTTP call to a timestamp authority (RFC 3161 3.4). No credentials go there and no redirect is followed. */
import { SallyportError, type Side } from '../errors/index.ts'
import { Answer } from './answer.ts'
import { Deadline } from './deadline.ts'
import { networkCode, plainText, Transient } from './errors.ts'
import { Network } from './network.ts'
import { settle } from './options.ts'

export interface TimestampService {
  /** `http` will do: a token proves itself, and a request holds nothing secret. */
  url: string
  /** Named in errors; the target by default, since that is where a signature goes. */
  side?: Extract<Side, 'source' | 'target'>
  /** Further authorities for `https`, beside those of the platform. */
  caPem?: string | undefined
  /** For the whole exchange; 30 seconds by default. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
}

const ANSWER_CAP = 1024 * 1024
const TIMEOUT_MS = 30_000
const HEADERS = {
  'user-agent': 'sallyport',
  'content-type': 'application/timestamp-query',
  accept: 'application/timestamp-reply',
  'accept-encoding': 'identity',
}
const REPLY = /^application\/timestamp-reply\s*(?:;|$)/i

/** The URL without query and fragment, either of which may hold a key of the service. */
function shown(url: URL): string {
  return plainText(`${url.origin}${url.pathname}`)
}

function serviceUrl(text: string, side: Side): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const failed = (detail: string): SallyportError =>
    new SallyportError('TSA_FAILED', { side, subject: url === undefined ? undefined : shown(url), detail })
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
  const { side = 'target', timeoutMs = TIMEOUT_MS, signal } = service
  const url = serviceUrl(service.url, side)
  const subject = shown(url)
  const failed = (detail: string): SallyportError => new SallyportError('TSA_FAILED', { side, subject, detail })
  const options = { side, caPem: service.caPem, timing: { connectMs: timeoutMs, idleMs: timeoutMs } }
  const network = new Network(options, settle(options))
  const deadline = new Deadline(signal, timeoutMs, failed('no answer in time'))
  try {
    const data = await network.send(
      url,
      { method: 'POST', headers: HEADERS, body: query, signal: deadline.signal, headersMs: timeoutMs },
      'own',
    )
    const answer = new Answer(data, { url, foreign: false, side, subject })
    if (answer.status !== 200) throw failed(`status ${answer.status}`)
    if (!REPLY.test(String(answer.header('content-type')))) throw failed('the answer is not a timestamp reply')
    return await answer.bytes(ANSWER_CAP, 'TSA_FAILED')
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason
    if (error instanceof SallyportError && error.code === 'TSA_FAILED') throw error
    // The cause is left out: undici's errors can quote what the peer sent.
    if (error instanceof Transient || error instanceof SallyportError) throw failed(error.message)
    throw failed(plainText(networkCode(error)))
  } finally {
    deadline.release()
    await network.close()
  }
}
