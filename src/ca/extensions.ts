/** Extensions of the certificates made here (RFC 5280 §4.2), kind by kind, within the rules of the Notary Project. */
import { createHash } from 'node:crypto'
import {
  CODE_SIGNING,
  der,
  derInteger,
  derOctets,
  derOid,
  derSequence,
  readDer,
  TIME_STAMPING,
} from '../codec/index.ts'

/**
 * What a certificate is for. `root` and `ca` sign certificates and revocation lists, `signer` artifacts, `tsa` timestamps.
 */
export type CertificateKind = 'root' | 'ca' | 'signer' | 'tsa'

const TRUE = der(0x01, Uint8Array.of(0xff))

/** KeyUsage bits with the number of unused ones before them: digitalSignature; keyCertSign and cRLSign. */
const DIGITAL_SIGNATURE = Uint8Array.of(7, 0x80)
const CERT_AND_CRL_SIGN = Uint8Array.of(1, 0x06)

/** One Extension in DER. */
export function extension(oid: string, critical: boolean, value: Uint8Array): Buffer {
  return derSequence(derOid(oid), ...(critical ? [TRUE] : []), derOctets(value))
}

/** The identifier of a key: SHA-1 over the bits of its public key (RFC 5280 §4.2.1.2, method 1). A name, not a proof. */
export function keyIdentifier(publicKey: Uint8Array): Buffer {
  const outer = readDer(publicKey)
  const algorithm = outer === undefined ? undefined : readDer(outer.contents)
  const bits = algorithm === undefined ? undefined : readDer(algorithm.rest)
  if (bits?.tag !== 0x03 || bits.contents.length < 2) throw new TypeError('not a SubjectPublicKeyInfo')
  return createHash('sha1').update(bits.contents.subarray(1)).digest()
}

export interface ExtensionTerms {
  kind: CertificateKind
  publicKey: Uint8Array
  /** Undefined when the certificate signs itself. */
  issuerKeyIdentifier?: Uint8Array | undefined
  pathLength?: number | undefined
  /** Where the issuer's revocation list lies; ASCII. */
  crlUrl?: string | undefined
}

/** CRLDistributionPoints, and FreshestCRL, with one place. */
export function distributionPoint(url: string): Buffer {
  const fullName = der(0xa0, der(0x86, Buffer.from(url, 'latin1')))
  return derSequence(derSequence(der(0xa0, fullName)))
}

/** The Extensions in DER, in a fixed order. */
export function certificateExtensions(terms: ExtensionTerms): Buffer {
  const { kind, publicKey, issuerKeyIdentifier, pathLength, crlUrl } = terms
  const authority = kind === 'root' || kind === 'ca'
  const constraints = authority ? [TRUE, ...(pathLength === undefined ? [] : [derInteger(pathLength)])] : []
  const list = [
    extension('2.5.29.19', true, derSequence(...constraints)),
    extension('2.5.29.15', true, der(0x03, authority ? CERT_AND_CRL_SIGN : DIGITAL_SIGNATURE)),
  ]
  if (kind === 'signer') list.push(extension('2.5.29.37', false, derSequence(derOid(CODE_SIGNING))))
  // RFC 3161 §2.3: critical, and this purpose alone.
  if (kind === 'tsa') list.push(extension('2.5.29.37', true, derSequence(derOid(TIME_STAMPING))))
  list.push(extension('2.5.29.14', false, derOctets(keyIdentifier(publicKey))))
  if (issuerKeyIdentifier !== undefined)
    list.push(extension('2.5.29.35', false, derSequence(der(0x80, issuerKeyIdentifier))))
  if (crlUrl !== undefined) list.push(extension('2.5.29.31', false, distributionPoint(crlUrl)))
  return derSequence(...list)
}
