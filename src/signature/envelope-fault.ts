/** The errors of envelopes, and what an envelope may hold at most. */
import { SallyportError, type Code } from '../errors/index.ts'

/** Bytes of an envelope, as notation caps it. */
export const ENVELOPE_CAP = 32 * 1024 * 1024

/** Bytes of the protected header: a dozen short attributes stand in it. */
export const HEADER_CAP = 64 * 1024

/** Bytes of the payload: one descriptor with its annotations. */
export const PAYLOAD_CAP = 4 * 1024 * 1024

/** Bytes of a timestamp token: one signature and a chain. */
export const TIMESTAMP_CAP = 1024 * 1024

/** Certificates of a chain. */
export const CHAIN_CAP = 16

/** Characters of the signing agent that are kept: it is unsigned, and must not fail an envelope (signature spec). */
export const AGENT_CAP = 256

const SUBJECT = 'signature envelope'

export function envelopeFault(code: Code, detail: string, cause?: unknown): SallyportError {
  return new SallyportError(code, { side: 'bundle', subject: SUBJECT, detail, cause })
}

/** An ENVELOPE_MALFORMED. */
export function malformed(detail: string, cause?: unknown): SallyportError {
  return envelopeFault('ENVELOPE_MALFORMED', detail, cause)
}

/** Stops a small file from costing much: throws LIMIT_EXCEEDED beyond the cap. */
export function capped(size: number, cap: number, what: string): void {
  if (size > cap) throw envelopeFault('LIMIT_EXCEEDED', `${what}: ${size}, at most ${cap}`)
}
