/** Asking a timestamp authority (RFC 3161 2.4): the question, and its answer as far as it fits the question. */
import { createHash, randomBytes } from 'node:crypto'
import { SallyportError, type Side } from '../errors/index.ts'
import {
  der,
  DerFields,
  derInteger,
  derNull,
  derOctets,
  derOid,
  derSequence,
  parseDer,
  readNaturalHex,
  SHA2,
  type Sha2,
} from '../codec/index.ts'
import { open, strictly, timestampFault } from './timestamp-fault.ts'
import { openTimestamp, peekTimestamp } from './timestamp-token.ts'

export interface TimestampRequest {
  /** The DER of TimeStampReq. */
  der: Buffer
  nonce: Buffer
  hash: Sha2
  /** The hash of the signature. */
  digest: Buffer
}

const NONCE_BYTES = 16
const TRUE = der(0x01, Uint8Array.of(0xff))
const GRANTED = new Set(['0', '1'])
const FAILURES: Readonly<Record<number, string>> = {
  0: 'unknown algorithm',
  2: 'bad request',
  5: 'bad data format',
  14: 'its time source is not available',
  15: 'unknown policy',
  16: 'unknown extension',
  17: 'additional information is not available',
  25: 'system failure',
}

/** A request for a token over these signature bytes, with a fresh nonce; the answer is to carry the certificates. */
export function timestampRequest(signature: Uint8Array, hash: Sha2): TimestampRequest {
  const nonce = randomBytes(NONCE_BYTES)
  // As an INTEGER it then is positive, and as long as it is here.
  nonce[0] = ((nonce[0] ?? 0) & 0x3f) | 0x40
  const digest = createHash(hash).update(signature).digest()
  const algorithm = derSequence(derOid(SHA2[hash]), derNull())
  const imprint = derSequence(algorithm, derOctets(digest))
  return { der: derSequence(derInteger(1), imprint, der(0x02, nonce), TRUE), nonce, hash, digest }
}

function reason(failInfo: Buffer | undefined): string {
  if (failInfo === undefined) return 'no reason given'
  for (const [bit, text] of Object.entries(FAILURES))
    if (((failInfo[1 + (Number(bit) >> 3)] ?? 0) & (0x80 >> (Number(bit) & 7))) !== 0) return text
  return 'an unknown reason'
}

function readAnswer(response: Uint8Array): Buffer {
  const root = parseDer(response)
  if (root.tag !== 0x30) throw timestampFault('the answer is no sequence')
  const answer = new DerFields(root, 'the answer')
  const status = open(answer, 0x30, 'PKIStatusInfo')
  const code = readNaturalHex(status.take(0x02))
  status.maybe(0x30)
  const failInfo = status.maybe(0x03)
  status.end()
  // The authority's own text is left out: it is hostile and says no more than the reason.
  if (!GRANTED.has(code)) throw timestampFault(`the authority refuses, status ${code}: ${reason(failInfo?.contents)}`)
  const token = answer.take(0x30).raw
  answer.end()
  return token
}

/**
 * The token in the answer to `request`: granted, with our nonce, over our hash. Throws TIMESTAMP_INVALID.
 * Duty of the caller: `openTimestamp`, since the token itself is not verified here.
 */
export function readTimestampResponse(request: TimestampRequest, response: Uint8Array): Buffer {
  const token = strictly(() => readAnswer(response))
  const { imprint, nonce } = peekTimestamp(token)
  // Stops the replay of an older answer.
  if (nonce !== request.nonce.toString('hex')) throw timestampFault('the answer is to another request')
  if (imprint.hash !== request.hash || !imprint.digest.equals(request.digest))
    throw timestampFault('the answer is for another signature')
  return token
}

/**
 * A verified token over these signature bytes, from the authority that `send` asks (DER of the request to DER of the
 * answer). Whether the authority is trusted is not judged. Throws TSA_FAILED, or what `send` throws.
 */
export async function freshTimestamp(
  signature: Uint8Array,
  hash: Sha2,
  send: (request: Buffer) => Promise<Uint8Array>,
  side: Side,
): Promise<Buffer> {
  const request = timestampRequest(signature, hash)
  const response = await send(request.der)
  try {
    const token = readTimestampResponse(request, response)
    openTimestamp(token, signature)
    return token
  } catch (cause) {
    if (!(cause instanceof SallyportError)) throw cause
    throw new SallyportError('TSA_FAILED', { side, detail: cause.message, cause })
  }
}
