/** SingleResponse (RFC 6960 §4.2.1): what an OCSP answer says of one certificate, and how it names it. */
import { hash } from 'node:crypto'
import {
  DerError,
  DerFields,
  derNaturalHex,
  derNull,
  derOctets,
  derOid,
  derSequence,
  hashesOf,
  isCrlReason,
  isDerValue,
  parseDer,
  readDerExtensions,
  readNaturalHex,
  readOid,
  readTime,
  REMOVE_FROM_CRL,
  SHA2,
  type DerExtension,
  type DerNode,
  type Sha2,
} from '../codec/index.ts'
import type { Certificate } from '../signature/index.ts'

export type AnswerStatus = 'good' | 'revoked' | 'unknown'

/** How an answer names a certificate: hashes of its issuer's name and key, and its serial number. */
export interface CertificateId {
  hash: 'sha1' | Sha2
  issuerName: Buffer
  issuerKey: Buffer
  /** Lower-case hex without leading zeros. */
  serial: string
}

export interface AnswerEntry {
  id: CertificateId
  status: AnswerStatus
  /** Of a revoked certificate alone, as the next two. */
  revoked?: Date
  /** CRLReason; absent when the answer gives none. */
  reason?: number
  /** When the key is thought to have been lost. */
  invalidity?: Date
  thisUpdate: Date
  nextUpdate: Date
  /** It has a critical extension that is not known here, so what it means is not known either. */
  unknownCritical?: true
}

const SHA1 = '1.3.14.3.2.26'
const HASHES = new Map<string, CertificateId['hash']>([[SHA1, 'sha1'], ...hashesOf(SHA2)])
const SIZES: Readonly<Record<CertificateId['hash'], number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 }
const MAX_SERIAL_DIGITS = 40
const INVALIDITY_DATE = '2.5.29.24'

/** The octets of a certificate's public key, which key hashes are made of. */
export function keyOctets(certificate: Certificate): Buffer {
  const [body] = parseDer(certificate.der).children
  const bits = body?.children[6]?.children[1]
  if (bits === undefined) throw new DerError('a certificate has no key')
  return bits.contents.subarray(1)
}

/**
 * True when this identifier is that of a certificate the issuer made. Name and key are both compared: stops the
 * answer of another authority that has the same name. SHA-1 is taken, since public responders know no other: whoever
 * makes a collision of it still lacks the issuer's signature, which the answer needs all the same.
 */
export function isIdOf(id: CertificateId, issuer: Certificate): boolean {
  const digest = (bytes: Uint8Array): Buffer => hash(id.hash, bytes, 'buffer')
  return id.issuerName.equals(digest(issuer.rawSubject)) && id.issuerKey.equals(digest(keyOctets(issuer)))
}

/** The DER of a CertID by SHA-1, which is what every responder knows. */
export function certificateIdDer({ serial }: Certificate, issuer: Certificate): Buffer {
  return derSequence(
    derSequence(derOid(SHA1), derNull()),
    derOctets(hash('sha1', issuer.rawSubject, 'buffer')),
    derOctets(hash('sha1', keyOctets(issuer), 'buffer')),
    derNaturalHex(serial),
  )
}

function readId(node: DerNode): CertificateId {
  const fields = new DerFields(node, 'a certificate identifier')
  const algorithm = new DerFields(fields.take(0x30), 'a hash algorithm')
  const name = HASHES.get(readOid(algorithm.take(0x06)))
  if (name === undefined) throw new DerError('a certificate is named by an unknown hash')
  algorithm.maybe(0x05)
  algorithm.end()
  const issuerName = fields.take(0x04).contents
  const issuerKey = fields.take(0x04).contents
  if (issuerName.length !== SIZES[name] || issuerKey.length !== SIZES[name])
    throw new DerError('a hash of an issuer is of another length than its algorithm')
  const serial = readNaturalHex(fields.take(0x02))
  if (serial.length > MAX_SERIAL_DIGITS) throw new DerError('a serial number has more than 20 octets')
  fields.end()
  return { hash: name, issuerName, issuerKey, serial }
}

/** The tags of good and unknown are primitive and their contents NULL. */
function readStatus(fields: DerFields): Pick<AnswerEntry, 'status' | 'revoked' | 'reason'> {
  for (const [tag, status] of [
    [0x80, 'good'],
    [0x82, 'unknown'],
  ] as const) {
    const node = fields.maybe(tag)
    if (node === undefined) continue
    if (node.contents.length > 0) throw new DerError('a status has contents')
    return { status }
  }
  const info = new DerFields(fields.take(0xa1), 'the revocation of a certificate')
  const revoked = readTime(info.take(0x18))
  const wrapped = info.maybe(0xa0)
  info.end()
  return { status: 'revoked', revoked, ...(wrapped !== undefined && { reason: readReason(wrapped) }) }
}

/** RFC 5280 §5.3.1: from unspecified (0) to aACompromise (10); there is no 7, and 8 unsays what stands in a list. */
function readReason(wrapped: DerNode): number {
  const [node, ...more] = wrapped.children
  const reason = node?.contents[0] ?? 7
  if (node?.tag !== 0x0a || node.contents.length !== 1 || more.length > 0 || !isCrlReason(reason))
    throw new DerError('a reason is none of those there are')
  if (reason === REMOVE_FROM_CRL) throw new DerError('a certificate is revoked for not being revoked')
  return reason
}

/** The one time inside an EXPLICIT tag. */
function readWrappedTime(node: DerNode): Date {
  const fields = new DerFields(node, 'a time')
  const time = readTime(fields.take(0x18))
  fields.end()
  return time
}

/** The extensions that a tagged element holds, by their identifiers. Throws DerError. */
export function readAnswerExtensions(wrapped: DerNode): Map<string, DerExtension> {
  const [list, ...more] = wrapped.children
  if (list === undefined || more.length > 0) throw new DerError('the extensions are empty or no sequence')
  return readDerExtensions(list)
}

function invalidityOf(value: Buffer): Date {
  const node = parseDer(value)
  if (node.tag !== 0x18 || !isDerValue(node.tag, node.contents)) throw new DerError('an invalidity date is none')
  return readTime(node)
}

/** What a SingleResponse says. Throws DerError: also without nextUpdate, which an answer would never go stale without. */
export function readAnswerEntry(node: DerNode): AnswerEntry {
  if (node.tag !== 0x30) throw new DerError('a single answer is no sequence')
  const fields = new DerFields(node, 'a single answer')
  const id = readId(fields.take(0x30))
  const status = readStatus(fields)
  const thisUpdate = readTime(fields.take(0x18))
  const nextUpdate = readWrappedTime(fields.take(0xa0))
  const wrapped = fields.maybe(0xa1)
  fields.end()
  if (nextUpdate < thisUpdate) throw new DerError('its next update comes before it')
  const extensions = wrapped === undefined ? new Map<string, never>() : readAnswerExtensions(wrapped)
  const invalidity = extensions.get(INVALIDITY_DATE)
  const unknown = [...extensions].some(([oid, { critical }]) => critical && oid !== INVALIDITY_DATE)
  return {
    id,
    ...status,
    ...(invalidity !== undefined && status.status === 'revoked' && { invalidity: invalidityOf(invalidity.value) }),
    thisUpdate,
    nextUpdate,
    ...(unknown && { unknownCritical: true as const }),
  }
}
