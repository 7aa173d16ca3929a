/** From what the network does to our codes. Hostile text is cut and cleaned before it is shown. */
import { SallyportError, type Code, type Side } from '../errors/index.ts'
import { hide } from './secrets.ts'

/** A fault that may pass by itself; the retry loop repeats the request and throws `fault` when it gives up. */
export class Transient extends Error {
  readonly fault: SallyportError
  /** How long the registry asked to wait. */
  readonly waitMs: number | undefined
  constructor(fault: SallyportError, waitMs?: number) {
    super(fault.message)
    this.fault = fault
    this.waitMs = waitMs
  }
}

const TEXT_CAP = 300

/** Text from outside, without our secrets and without control, bidirectional and format characters, at most 300 characters. */
export function plainText(text: string): string {
  const clean = hide(text)
    .slice(0, TEXT_CAP * 4)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]+/gu, ' ')
    .trim()
  return clean.length > TEXT_CAP ? `${clean.slice(0, TEXT_CAP)}…` : clean
}

const REFUSED_TLS =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|EPROTO$|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_|PATH_LENGTH|CRL_|UNSPECIFIED$|OUT_OF_MEM$)/
const PASSING = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_INFO',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_ABORTED',
])

/** An error as Node or undici would give it, for {@link networkFault} to tell. */
export function codedError(code: string): Error {
  return Object.assign(new Error(code), { code })
}

/** The error code Node or undici gave, looked for in the causes and in a list of tried addresses too. */
export function networkCode(error: unknown): string {
  for (let at: unknown = error, i = 0; at instanceof Error && i < 5; i++) {
    const { code, errors } = at as NodeJS.ErrnoException & { errors?: unknown[] }
    if (typeof code === 'string') return code
    at = Array.isArray(errors) ? errors[0] : at.cause
  }
  return 'unknown'
}

/**
 * What a failed connection means: a {@link Transient}, or an error for good.
 * The cause is left out on purpose: undici's errors can quote what the peer sent, and that may be our own token.
 */
export function networkFault(error: unknown, side: Side, subject: string): Transient | SallyportError {
  if (error instanceof SallyportError || error instanceof Transient) return error
  const code = networkCode(error)
  const fault = (name: Code): SallyportError => new SallyportError(name, { side, subject, detail: plainText(code) })
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') return fault('INTERRUPTED')
  if (REFUSED_TLS.test(code)) return fault('REGISTRY_TLS')
  // undici's parser error has no code of its own; its name tells it, and its data is what the peer sent.
  const garbled = code.startsWith('HPE_') || (error instanceof Error && error.name === 'HTTPParserError')
  if (garbled || code === 'UND_ERR_HEADERS_OVERFLOW') return fault('REGISTRY_PROTOCOL')
  if (PASSING.has(code)) return new Transient(fault('REGISTRY_UNREACHABLE'))
  if (code === 'ENOTFOUND' || code.startsWith('UND_ERR') || code.startsWith('E')) return fault('REGISTRY_UNREACHABLE')
  return new SallyportError('INTERNAL', { side, subject, detail: plainText(code) })
}

/**
 * What stopped an answer before its head was read. undici says of every head that it can't parse behind a
 * `Content-Length` (two of them, one beside chunks, one that is no number) that the body is too short. It may have been
 * cut off too, so it is worth a repeat; other errors are as they came.
 */
export function headFault(error: unknown, side: Side, subject: string): unknown {
  if (networkCode(error) !== 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return error
  const detail = 'the head of an answer is malformed'
  return new Transient(new SallyportError('REGISTRY_PROTOCOL', { side, subject, detail }))
}
