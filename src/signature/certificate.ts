/** X.509 certificates: read by a strict walk of our own; node:crypto only gives the key and checks the signature. */
import { X509Certificate, createHash, type KeyObject } from 'node:crypto'
import { DerError, DerFields, parseDer, readNaturalHex, readTime, type DerNode } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { algorithmFor, type SignatureAlgorithm } from './algorithm.ts'
import { readExtensions, type CertificateExtensions } from './certificate-extensions.ts'
import { readName, type DistinguishedName } from './distinguished-name.ts'
import { isPlainKey } from './plain-key.ts'
import { isWeakSignature } from './weak-signature.ts'

/** Frozen facts of one certificate. None of them is a reason to trust it. */
export interface Certificate extends CertificateExtensions {
  der: Buffer
  /** For the key and the signature. Its keyUsage is the *extended* key usage: use ours. */
  x509: X509Certificate
  /** Hex, of {@link der}. */
  sha256: string
  /** Hex, of the SubjectPublicKeyInfo, of which each RSA and elliptic curve key has one: see {@link isPlainKey}. */
  spkiSha256: string
  /** Lower-case hex without leading zeros. */
  serial: string
  subject: DistinguishedName
  issuer: DistinguishedName
  rawSubject: Buffer
  rawIssuer: Buffer
  notBefore: Date
  notAfter: Date
  publicKey: KeyObject
  /** What the key dictates; undefined for a key that no Notary signature may use. */
  algorithm: SignatureAlgorithm | undefined
  /** Signed over a SHA-1, MD5 or MD2 digest, for which two certificates with one signature can be made. */
  sha1Signed: boolean
}

const MAX_SIZE = 64 * 1024
const MAX_SERIAL_DIGITS = 40

/** The certificate that the bytes are. Throws CERTIFICATE_MALFORMED, also for more than 64 KiB and for versions before 3. */
export function parseCertificate(der: Uint8Array): Certificate {
  const fault = (detail: string, cause?: unknown): SallyportError =>
    new SallyportError('CERTIFICATE_MALFORMED', { side: 'bundle', detail, cause })
  if (der.length > MAX_SIZE) throw fault('it is larger than 64 KiB')
  const copy = Buffer.from(der)
  try {
    return read(copy)
  } catch (error) {
    if (error instanceof DerError) throw fault(error.message, error)
    throw fault('its key or structure is not one that OpenSSL reads', error)
  }
}

function read(der: Buffer): Certificate {
  const [body, outer] = openSigned(parseDer(der))
  const version = body.take(0xa0).children
  if (version.length !== 1 || version[0]?.raw.equals(Buffer.from([2, 1, 2])) !== true)
    throw new DerError('it is not of version 3')
  const serial = readNaturalHex(body.take(0x02))
  if (serial.length > MAX_SERIAL_DIGITS) throw new DerError('its serial number has more than 20 octets')
  if (!body.take(0x30).raw.equals(outer.raw)) throw new DerError('it names two signature algorithms')
  const issuer = body.take(0x30)
  const validity = new DerFields(body.take(0x30), 'the validity')
  const [notBefore, notAfter] = [readTime(takeTime(validity)), readTime(takeTime(validity))]
  validity.end()
  const subject = body.take(0x30)
  const spki = body.take(0x30)
  body.maybe(0x81)
  body.maybe(0x82)
  const extensions = body.maybe(0xa3)
  body.end()
  if (extensions !== undefined && extensions.children.length !== 1)
    throw new DerError('its extensions are not one list')
  if (issuer.children.length === 0) throw new DerError('it names no issuer')
  const x509 = new X509Certificate(der)
  const { publicKey } = x509
  return {
    der,
    x509,
    sha256: sha256(der),
    spkiSha256: sha256(spki.raw),
    serial,
    subject: readName(subject),
    issuer: readName(issuer),
    rawSubject: subject.raw,
    rawIssuer: issuer.raw,
    notBefore,
    notAfter,
    publicKey,
    algorithm: isPlainKey(spki) ? algorithmFor(publicKey) : undefined,
    sha1Signed: isWeakSignature(outer),
    ...readExtensions(extensions?.children[0]),
  }
}

/** The fields of the signed part, and the signature algorithm beside it. */
function openSigned(whole: DerNode): [DerFields, DerNode] {
  if (whole.tag !== 0x30) throw new DerError('it is no sequence')
  const fields = new DerFields(whole, 'the certificate')
  const body = fields.take(0x30)
  const algorithm = fields.take(0x30)
  fields.take(0x03)
  fields.end()
  return [new DerFields(body, 'the signed part'), algorithm]
}

function takeTime(fields: DerFields): DerNode {
  return fields.maybe(0x18) ?? fields.take(0x17)
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** True when the certificate names itself as issuer and its own key made its signature. */
export function selfSigned(certificate: Certificate): boolean {
  return issuedBy(certificate, certificate)
}

/**
 * True when the child names the parent as issuer, byte for byte, and the parent's key made its signature.
 * Whether the parent may issue certificates is not asked: that is a chain rule.
 */
export function issuedBy(child: Certificate, parent: Certificate): boolean {
  if (!child.rawIssuer.equals(parent.rawSubject)) return false
  try {
    return child.x509.verify(parent.publicKey)
  } catch {
    return false
  }
}
