/** Denials: what a site no longer takes although no certificate was revoked for it, as a document of one spelling. */
import * as z from 'zod'
import { isTimeText, parseJson, shapedList, shapeFault, sortedJson } from '../codec/index.ts'
import { SallyportError, type Side } from '../errors/index.ts'
import { isDigest, type Digest } from '../oci/index.ts'

/**
 * An artifact that nobody may trust here, or what one key signed of it. Never a signature, manifest or envelope: whoever
 * holds a signature can wrap it anew, with another annotation or in another format, and its digest is another.
 */
export interface Denial {
  artifact: Digest
  /** SHA-256 of the signer's SubjectPublicKeyInfo, hex: only his signatures are denied then. */
  signer?: string
  reason: string
  /** `YYYY-MM-DDTHH:MM:SSZ`. */
  since: string
}

/** How large a document may be. */
export const DENIALS_CAP = 8 * 1024 * 1024
const FORMAT = 'sallyport-denials/1'
/** More than those can have that fit the bytes. */
const VALUES_CAP = 512 * 1024
const MAX_REASON = 1000
/** What a terminal obeys, or what makes a line look like another (format characters, line ends of Unicode). */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u

const denial = z.strictObject({
  artifact: z.custom<Digest>(isDigest, 'no digest'),
  signer: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .exactOptional(),
  reason: z.string().refine(isReason, 'no reason'),
  since: z.string().refine(isTimeText, 'no time'),
})
const schema = z.strictObject({ format: z.literal(FORMAT), denials: shapedList(z, denial) })

/** True for a reason that fits a line: one to a thousand characters, none unseen, not blank at either end. */
export function isReason(text: string): boolean {
  return text.length > 0 && text.length <= MAX_REASON && text.trim() === text && !UNSEEN.test(text)
}

function malformed(side: Side, detail: string): SallyportError {
  return new SallyportError('DENIALS_MALFORMED', { side, detail })
}

/**
 * The denials in a document. Throws DENIALS_MALFORMED, also for another spelling of the same: an order of its own, a
 * denial that stands twice; JSON_MALFORMED; LIMIT_EXCEEDED over {@link DENIALS_CAP}. Who may deny is the caller's to ask.
 */
export function readDenials(bytes: Uint8Array, side: Side = 'bundle'): Denial[] {
  if (bytes.length > DENIALS_CAP) throw tooLarge(side)
  const parsed = schema.safeParse(parseJson(bytes, side, 'denials', VALUES_CAP))
  if (!parsed.success) throw malformed(side, shapeFault(parsed.error))
  const { denials } = parsed.data
  if (!text(denials).equals(bytes)) throw malformed(side, 'not in its one spelling')
  return denials
}

/** The document of these denials, in whatever order they are given. Throws as {@link readDenials}. */
export function writeDenials(denials: readonly Denial[], side: Side = 'state'): Buffer {
  const bytes = text(uniteDenials([], denials))
  readDenials(bytes, side)
  return bytes
}

function text(denials: readonly Denial[]): Buffer {
  const sorted = uniteDenials([], denials)
  const members = sorted.map(({ artifact, signer, reason, since }) => ({
    artifact,
    reason,
    since,
    ...(signer !== undefined && { signer }),
  }))
  return Buffer.from(`${sortedJson({ format: FORMAT, denials: members })}\n`)
}

/**
 * Both, sorted, each artifact and signer once: denials only grow. Of two for the same the earlier stands, so that it makes
 * no difference in what order they come.
 */
export function uniteDenials(some: readonly Denial[], more: readonly Denial[]): Denial[] {
  const found = new Map<string, Denial>()
  for (const one of [...some, ...more]) {
    const name = `${one.artifact} ${one.signer ?? ''}`
    const other = found.get(name)
    if (other === undefined || rank(one) < rank(other)) found.set(name, one)
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one)
}

function rank({ since, reason }: Denial): string {
  return `${since} ${reason}`
}

function tooLarge(side: Side): SallyportError {
  return new SallyportError('LIMIT_EXCEEDED', { side, detail: `denials of more than ${DENIALS_CAP} bytes` })
}
