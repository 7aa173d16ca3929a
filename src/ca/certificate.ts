/**
 * Makes X.509 v3 certificates (RFC 5280) from our own few DER types: no clock, no file, and equal terms give equal bytes
 * wherever the key signs deterministically.
 */
import { der, derBits, derInteger, derNaturalHex, derSequence } from '../codec/index.ts'
import { certificateExtensions, keyIdentifier, type CertificateKind } from './extensions.ts'
import type { IssuerKey } from './key.ts'

/** Who signs: a key and the name its own certificate bears. */
export interface Issuer {
  /** Name in DER, byte for byte as the issuer's certificate has it as subject. */
  name: Uint8Array
  key: IssuerKey
}

export interface CertificateTerms {
  kind: CertificateKind
  /** Name in DER. */
  subject: Uint8Array
  /** SubjectPublicKeyInfo in DER. */
  publicKey: Uint8Array
  /** The same name and key for a certificate that signs itself. */
  issuer: Issuer
  /** Unpredictable, 16 bytes. */
  serial: Uint8Array
  notBefore: Date
  notAfter: Date
  /** How many authorities may stand below this one. For `root` and `ca` only. */
  pathLength?: number | undefined
  /** Where the issuer's revocation list will lie. */
  crlUrl?: string | undefined
}

/** A GeneralizedTime to the whole second, in UTC. */
export function derGeneralizedTime(time: Date): Buffer {
  const year = time.getUTCFullYear()
  if (year < 1950 || year > 9999) throw new RangeError(`no certificate reaches the year ${year}`)
  return der(0x18, Buffer.from(time.toISOString().replaceAll(/\.\d+|[-:T]/g, '')))
}

/** A Time of RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime after; whole seconds. */
export function derTime(time: Date): Buffer {
  const general = derGeneralizedTime(time)
  // Two octets of head, two of the century.
  return time.getUTCFullYear() < 2050 ? der(0x17, general.subarray(4)) : general
}

/** A positive INTEGER of these octets. */
function serialNumber(octets: Uint8Array): Buffer {
  if (octets.length !== 16 || octets.every((octet) => octet === 0))
    throw new RangeError('a serial number is 16 octets, not all zero')
  return derNaturalHex(Buffer.from(octets).toString('hex'))
}

/** The certificate in DER. Whether the issuer may issue it is not judged here. */
export function buildCertificate(terms: CertificateTerms): Buffer {
  const { kind, subject, publicKey, issuer, serial, notBefore, notAfter, pathLength, crlUrl } = terms
  if (notAfter <= notBefore) throw new RangeError('a certificate ends after it begins')
  const selfSigned = issuer.key.publicKey.equals(publicKey)
  // Two keys under one name make a chain that verifiers put together in more than one way.
  if (!selfSigned && Buffer.compare(issuer.name, subject) === 0) throw new RangeError("the issuer's own name")
  const extensions = certificateExtensions({
    kind,
    publicKey,
    issuerKeyIdentifier: selfSigned ? undefined : keyIdentifier(issuer.key.publicKey),
    pathLength,
    crlUrl,
  })
  const toBeSigned = derSequence(
    der(0xa0, derInteger(2)),
    serialNumber(serial),
    issuer.key.identifier,
    issuer.name,
    derSequence(derTime(notBefore), derTime(notAfter)),
    subject,
    publicKey,
    der(0xa3, extensions),
  )
  return derSequence(toBeSigned, issuer.key.identifier, derBits(issuer.key.sign(toBeSigned)))
}
