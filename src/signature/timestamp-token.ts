/** RFC 3161 timestamp tokens: what one proves about a signature, apart from whether its authority is trusted. */
import { constants, createHash, verify, type KeyObject } from 'node:crypto'
import { DerFields, readNaturalHex, TIME_STAMPING } from '../codec/index.ts'
import { issuedBy, parseCertificate, selfSigned, type Certificate } from './certificate.ts'
import { readSignedToken, type SignedToken, type SignerInfo } from './timestamp-cms.ts'
import { hashOf, open, single, strictly, timestampFault } from './timestamp-fault.ts'
import { readTimestampInfo, type TimestampInfo } from './timestamp-info.ts'

export interface Timestamp {
  /** Cut to a millisecond. */
  genTime: Date
  /** The signature existed at some time in [genTime − accuracyMs, genTime + accuracyMs]. */
  accuracyMs: number
  /** The signer of the authority first, then its issuers as far as the token carries them; checked against no root. */
  chain: Certificate[]
}

const MAX_TOKEN = 1024 * 1024
const MAX_CHAIN = 10
const MIN_RSA_BITS = 2048
const MAX_RSA_BITS = 8192
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

function digest(hash: string, bytes: Uint8Array): Buffer {
  return createHash(hash).update(bytes).digest()
}

/** The certificate that signing-certificate-v2 names first (RFC 5035 4), which must also be the one SignerInfo names. */
function findSigner(certificates: readonly Certificate[], signer: SignerInfo): Certificate {
  const what = 'signing-certificate-v2'
  const attribute = new DerFields(signer.signingCertificate, what)
  const id = open(open(attribute, 0x30, what), 0x30, what)
  attribute.maybe(0x30)
  attribute.end()
  const algorithm = id.maybe(0x30)
  const hash = algorithm === undefined ? 'sha256' : hashOf(algorithm)
  const certHash = id.take(0x04).contents
  const found = certificates.find(({ der }) => digest(hash, der).equals(certHash))
  if (found === undefined) throw timestampFault(`the certificate of ${what} is not in the token`)
  if (id.more) {
    const issuerSerial = open(id, 0x30, what)
    const names = open(issuerSerial, 0x30, what)
    const name = single(names, 0xa4, 0x30, what).raw
    names.end()
    const serial = readNaturalHex(issuerSerial.take(0x02))
    issuerSerial.end()
    id.end()
    if (!name.equals(found.rawIssuer) || serial !== found.serial) throw timestampFault(`${what} names another issuer`)
  }
  if (!signer.issuer.equals(found.rawIssuer) || signer.serial !== found.serial)
    throw timestampFault(`SignerInfo and ${what} name different certificates`)
  return found
}

/** The rules for the signer of an authority (signature-specification.md "Certificate requirements", RFC 3161 2.3). */
function checkSigner({ extendedKeyUsage, keyUsage, basicConstraints, sha1Signed, unknownCritical }: Certificate): void {
  // Stops a certificate made for something else, from an authority that also makes such, from telling the time.
  if (extendedKeyUsage?.critical !== true || extendedKeyUsage.oids.join() !== TIME_STAMPING)
    throw timestampFault("the signer's extended key usage is not timeStamping alone and critical")
  if (keyUsage?.bits.has('digitalSignature') !== true) throw timestampFault('the signer may not sign')
  if (basicConstraints?.ca === true || keyUsage.bits.has('keyCertSign'))
    throw timestampFault('the signer is a certificate authority')
  if (sha1Signed) throw timestampFault("the signer's certificate is signed with SHA-1")
  if (unknownCritical.length > 0) throw timestampFault("the signer's certificate has an unknown critical extension")
}

function isAccepted(key: KeyObject, kind: SignerInfo['scheme']['kind']): boolean {
  const { modulusLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {}
  if (kind === 'ecdsa') return key.asymmetricKeyType === 'ec' && CURVES.has(namedCurve)
  const type = key.asymmetricKeyType
  if (type !== 'rsa' && (type !== 'rsa-pss' || kind !== 'pss')) return false
  return modulusLength >= MIN_RSA_BITS && modulusLength <= MAX_RSA_BITS
}

function isSigned({ scheme, hash, signedBytes, signature }: SignerInfo, key: KeyObject): boolean {
  try {
    if (scheme.kind === 'ecdsa') return verify(hash, signedBytes, { key, dsaEncoding: 'der' }, signature)
    if (scheme.kind === 'pkcs1')
      return verify(hash, signedBytes, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
    const padding = constants.RSA_PKCS1_PSS_PADDING
    return verify(hash, signedBytes, { key, padding, saltLength: scheme.salt }, signature)
  } catch {
    // OpenSSL throws for a key that does not take these parameters.
    return false
  }
}

/** From the signer upwards, as far as the certificates lead. */
function chainFrom(signer: Certificate, certificates: readonly Certificate[]): Certificate[] {
  const chain = [signer]
  for (let last = signer; !selfSigned(last) && chain.length < MAX_CHAIN;) {
    const at = last
    const issuer = certificates.find((other) => !chain.includes(other) && issuedBy(at, other))
    if (issuer === undefined) break
    chain.push(issuer)
    last = issuer
  }
  return chain
}

interface TokenParts extends SignedToken {
  info: TimestampInfo
}

function parts(token: Uint8Array): TokenParts {
  if (token.length > MAX_TOKEN) throw timestampFault(`more than ${MAX_TOKEN} bytes`)
  return strictly(() => {
    const signed = readSignedToken(token)
    return { ...signed, info: readTimestampInfo(signed.content) }
  })
}

/** What the TSTInfo in a token says, unproven. Throws TIMESTAMP_INVALID. */
export function peekTimestamp(token: Uint8Array): TimestampInfo {
  return parts(token).info
}

function read(der: Buffer): Certificate {
  try {
    return parseCertificate(der)
  } catch (cause) {
    throw timestampFault('a certificate in it is malformed', cause)
  }
}

/**
 * What a token (DER of a TimeStampToken) proves about the bytes of a signature.
 *
 * Checked: strict DER, one signer, signing-certificate-v2, digests of SHA-2 alone, the imprint, the signature, the
 * signer's certificate (Notary Project signature specification; trust-store-trust-policy.md step 8).
 * Not checked: that `chain` leads to a trusted root, its validity at genTime, its revocation. Throws TIMESTAMP_INVALID.
 */
export function openTimestamp(token: Uint8Array, signature: Uint8Array): Timestamp {
  const { content, certificates: encoded, signer, info } = parts(token)
  const { imprint, genTime, accuracyMs } = info
  // Stops a token that was made for other bytes.
  if (!digest(imprint.hash, signature).equals(imprint.digest)) throw timestampFault('it is for another signature')
  if (!digest(signer.hash, content).equals(signer.messageDigest)) throw timestampFault('messageDigest of other content')
  const certificates = encoded.map(read)
  const certificate = strictly(() => findSigner(certificates, signer))
  checkSigner(certificate)
  if (!isAccepted(certificate.publicKey, signer.scheme.kind)) throw timestampFault("the signer's key is not accepted")
  if (!isSigned(signer, certificate.publicKey)) throw timestampFault('its signature does not verify')
  return { genTime, accuracyMs, chain: chainFrom(certificate, certificates) }
}
