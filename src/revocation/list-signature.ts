/** Signatures of authorities over what is not a certificate, by the algorithm that stands beside them (RFC 5280 §4.1.1.2). */
import { constants, verify, type KeyObject } from 'node:crypto'
import {
  DerError,
  DerFields,
  ECDSA_WITH_SHA2,
  hashesOf,
  MGF1,
  readOid,
  readSmallNatural,
  RSA_WITH_SHA2,
  RSASSA_PSS,
  SHA2,
  type DerNode,
  type Sha2,
} from '../codec/index.ts'
import type { Certificate } from '../signature/index.ts'

type Scheme = { kind: 'pkcs1' | 'ecdsa'; hash: Sha2 } | { kind: 'pss'; hash: Sha2; salt: number } | { kind: 'ed25519' }

const PKCS1 = hashesOf(RSA_WITH_SHA2)
const ECDSA = hashesOf(ECDSA_WITH_SHA2)
const HASHES = hashesOf(SHA2)
const ED25519 = '1.3.101.112'

/**
 * Why the signature is not the issuer's over `bytes`; undefined when it is. `algorithm` is an AlgorithmIdentifier:
 * RSA PKCS #1 v1.5 or PSS, ECDSA on P-256, P-384 or P-521, each with SHA-2 of 256, 384 or 512 bits, or Ed25519.
 * Stops SHA-1 and MD5, under which two lists share a signature, and keys that anybody can find. Whether the issuer may
 * sign this is the caller's to ask. Throws DerError for an algorithm that is malformed.
 */
export function signatureFault(
  issuer: Certificate,
  algorithm: DerNode,
  bytes: Uint8Array,
  signature: Uint8Array,
): string | undefined {
  const scheme = readScheme(algorithm)
  if (scheme === undefined) return 'its signature algorithm is not accepted'
  if (!isAccepted(issuer, scheme)) return "the issuer's key is not accepted, or is none for this algorithm"
  return isSigned(scheme, issuer.publicKey, bytes, signature) ? undefined : "its signature is not the issuer's"
}

function readScheme(node: DerNode): Scheme | undefined {
  const fields = new DerFields(node, 'the signature algorithm')
  const oid = readOid(fields.take(0x06))
  if (oid === RSASSA_PSS) {
    const scheme = readPss(fields.take(0x30))
    fields.end()
    return scheme
  }
  const pkcs1 = PKCS1.get(oid)
  // RFC 4055 §5: NULL, and readers take its absence too.
  if (pkcs1 !== undefined) fields.maybe(0x05)
  const ecdsa = ECDSA.get(oid)
  if (pkcs1 === undefined && ecdsa === undefined && oid !== ED25519) return undefined
  fields.end()
  if (pkcs1 !== undefined) return { kind: 'pkcs1', hash: pkcs1 }
  return ecdsa === undefined ? { kind: 'ed25519' } : { kind: 'ecdsa', hash: ecdsa }
}

/** RSASSA-PSS-params (RFC 4055 §3.1); undefined when anything is left to its default, which is SHA-1, or hashes differ. */
function readPss(node: DerNode): Scheme | undefined {
  const what = 'the parameters of RSASSA-PSS'
  const parameters = new DerFields(node, what)
  const [own, mask, salt] = [parameters.maybe(0xa0), parameters.maybe(0xa1), parameters.maybe(0xa2)]
  parameters.end()
  if (own === undefined || mask === undefined || salt === undefined) return undefined
  const only = ({ children: [child, ...more] }: DerNode): DerNode => {
    if (child === undefined || more.length > 0) throw new DerError(`${what} have an empty field`)
    return child
  }
  const hash = readHash(only(own))
  const generator = new DerFields(only(mask), what)
  const isMgf1 = readOid(generator.take(0x06)) === MGF1
  const maskHash = isMgf1 ? readHash(generator.take(0x30)) : undefined
  const length = readSmallNatural(only(salt))
  return hash === undefined || hash !== maskHash || length > 64 ? undefined : { kind: 'pss', hash, salt: length }
}

function readHash(node: DerNode): Sha2 | undefined {
  const fields = new DerFields(node, 'a hash algorithm')
  const hash = HASHES.get(readOid(fields.take(0x06)))
  fields.maybe(0x05)
  return hash
}

/** The kinds of key that an issuer in a chain may have; an elliptic curve by its name, never by its parameters. */
function isAccepted({ publicKey, algorithm }: Certificate, { kind }: Scheme): boolean {
  const { modulusLength = 0, publicExponent = 0n } = publicKey.asymmetricKeyDetails ?? {}
  switch (publicKey.asymmetricKeyType) {
    case 'rsa':
      // With the exponent 1 everybody can sign.
      return (kind === 'pkcs1' || kind === 'pss') && modulusLength >= 2048 && publicExponent > 1n
    case 'ec':
      return kind === 'ecdsa' && algorithm !== undefined
    default:
      return kind === 'ed25519' && publicKey.asymmetricKeyType === 'ed25519'
  }
}

function isSigned(scheme: Scheme, key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    switch (scheme.kind) {
      case 'pkcs1':
        return verify(scheme.hash, bytes, { key, padding: constants.RSA_PKCS1_PADDING }, signature)
      case 'pss': {
        const padding = constants.RSA_PKCS1_PSS_PADDING
        return verify(scheme.hash, bytes, { key, padding, saltLength: scheme.salt }, signature)
      }
      case 'ecdsa':
        return verify(scheme.hash, bytes, { key, dsaEncoding: 'der' }, signature)
      case 'ed25519':
        return verify(null, bytes, key, signature)
    }
  } catch {
    // OpenSSL reports some wrong signatures as errors.
    return false
  }
}
