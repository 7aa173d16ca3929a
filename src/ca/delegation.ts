/**
 * Delegation records: who delegated to whom, for what, until when; signed by the delegating key, since a certificate has
 * no place for a scope that a verifier of the Notary Project honours. A record informs and binds {@link demandMayIssue};
 * what a site trusts stands in its own policy alone.
 */
import { constants, verify, type KeyObject } from 'node:crypto'
import * as z from 'zod'
import { canonicalJson, isTimeText, parseJson, shapeFault } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { certificateSignature, keyAlgorithmOf, type IssuerKey } from './key.ts'
import { isScope } from './scope.ts'

const FORMAT = 'sallyport-delegation/1'
/** More is not read. */
export const DELEGATION_CAP = 64 * 1024

// What is signed has no canonical form with one inside, and no name of ours has one.
const text = z.string().regex(/^\P{Cc}*$/u, 'a control character')
const party = z.strictObject({
  subject: text.min(1).max(1024),
  /** SHA-256 of the certificate. */
  certificate: z.string().regex(/^[0-9a-f]{64}$/),
})
const time = z.string().refine(isTimeText, 'no time')
const schema = z.strictObject({
  format: z.literal(FORMAT),
  kind: z.enum(['root', 'ca', 'signer', 'tsa']),
  purpose: z.enum(['signing', 'timestamping']),
  /** Null when nobody delegated: whoever trusts this certificate pins it. */
  from: party.nullable(),
  to: party,
  /** Empty is no limit. */
  scope: z.array(z.string().max(512).refine(isScope)).max(1000),
  notBefore: time,
  notAfter: time,
  pathLength: z.int().min(0).max(100).nullable(),
  /** Where the revocation list of `to` will lie; null when it issues nothing, or names no place. */
  crlUrl: text.max(2048).nullable(),
})
const signed = schema.extend({ signature: z.base64().max(2048) })

export type Delegation = z.output<typeof schema>

/** The text that is signed begins with the format, so that no signature over one thing passes for one over another. */
function signingText(delegation: Delegation): Buffer {
  return Buffer.from(`${FORMAT}\n${canonicalJson(delegation)}\n`, 'utf8')
}

/** The record as a file. @param key - the delegating one; the certificate's own when nobody delegated */
export function writeDelegation(delegation: Omit<Delegation, 'format'>, key: IssuerKey): string {
  const record: Delegation = { format: FORMAT, ...delegation }
  return `${canonicalJson({ ...record, signature: key.sign(signingText(record)).toString('base64') })}\n`
}

/**
 * The record in a file, once its signature holds.
 * @param key - public key of the certificate that `from` names, else of the one that `to` names; the caller compares both
 * Throws CA_MALFORMED, JSON_MALFORMED.
 */
export function readDelegation(bytes: Uint8Array, key: KeyObject, subject: string): Delegation {
  const bad = (detail: string): SallyportError =>
    new SallyportError('CA_MALFORMED', { side: 'source', subject, detail })
  if (bytes.length > DELEGATION_CAP) throw bad(`more than ${DELEGATION_CAP} bytes`)
  const parsed = signed.safeParse(parseJson(bytes, 'source', subject))
  if (!parsed.success) throw bad(shapeFault(parsed.error))
  const { signature, ...delegation } = parsed.data
  // Stops a delegate who widens his own scope or lengthens his own time.
  if (!holds(key, signingText(delegation), Buffer.from(signature, 'base64')))
    throw bad('not signed by the certificate that it names as delegating')
  return delegation
}

function holds(key: KeyObject, text: Uint8Array, signature: Uint8Array): boolean {
  const algorithm = keyAlgorithmOf(key)
  if (algorithm === undefined) return false
  const { hash } = certificateSignature(algorithm)
  return verify(hash, text, { key, padding: constants.RSA_PKCS1_PADDING, dsaEncoding: 'der' }, signature)
}
