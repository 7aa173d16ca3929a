/** Keys of signers and authorities, of the six kinds that the Notary Project takes. */
import { constants, createPublicKey, generateKeyPair, sign, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { derNull, derOid, derSequence, ECDSA_WITH_SHA2, RSA_WITH_SHA2, type Sha2 } from '../codec/index.ts'

/** A kind of key, by the name of the one signature algorithm that the Notary Project has for it. */
export type KeyAlgorithm = 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512'

interface Kind {
  rsa?: number
  curve?: string
  hash: Sha2
  /** AlgorithmIdentifier of the signatures that such a key puts on certificates (RFC 4055 §5, RFC 5758 §3.2). */
  identifier: Buffer
}

// Certificates are signed with PKCS #1 v1.5, which every verifier knows; PSS is for what the leaf signs.
function rsa(bits: number, hash: Sha2): Kind {
  return { rsa: bits, hash, identifier: derSequence(derOid(RSA_WITH_SHA2[hash]), derNull()) }
}

function ec(curve: string, hash: Sha2): Kind {
  return { curve, hash, identifier: derSequence(derOid(ECDSA_WITH_SHA2[hash])) }
}

const KINDS: Readonly<Record<KeyAlgorithm, Kind>> = {
  PS256: rsa(2048, 'sha256'),
  PS384: rsa(3072, 'sha384'),
  PS512: rsa(4096, 'sha512'),
  ES256: ec('prime256v1', 'sha256'),
  ES384: ec('secp384r1', 'sha384'),
  ES512: ec('secp521r1', 'sha512'),
}

export const KEY_ALGORITHMS = Object.keys(KINDS) as readonly KeyAlgorithm[]

const make = promisify(generateKeyPair)

/** A new private key from the system's own source of randomness. */
export async function generateKey(algorithm: KeyAlgorithm): Promise<KeyObject> {
  const { rsa: modulusLength, curve } = KINDS[algorithm]
  if (modulusLength !== undefined) return (await make('rsa', { modulusLength })).privateKey
  return (await make('ec', { namedCurve: curve ?? '' })).privateKey
}

/** The kind of a key, public or private, or undefined when it is none of the six. */
export function keyAlgorithmOf(key: KeyObject): KeyAlgorithm | undefined {
  const { modulusLength, namedCurve, publicExponent } = key.asymmetricKeyDetails ?? {}
  return KEY_ALGORITHMS.find((name) => {
    const { rsa: bits, curve } = KINDS[name]
    if (key.asymmetricKeyType === 'rsa') return bits === modulusLength && publicExponent === 65_537n
    return key.asymmetricKeyType === 'ec' && curve !== undefined && curve === namedCurve
  })
}

/** Whatever can sign a certificate: a key in memory, or later a token. */
export interface IssuerKey {
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer
  /** AlgorithmIdentifier of its signatures in DER. */
  readonly identifier: Buffer
  /** The signature over the bytes, as a certificate carries it. */
  sign(bytes: Uint8Array): Buffer
}

/**
 * The algorithm identifier that stands on certificates beside the signatures of such a key, and the hash under them.
 */
export function certificateSignature(algorithm: KeyAlgorithm): Pick<Kind, 'hash' | 'identifier'> {
  return KINDS[algorithm]
}

/** A private key as an issuer, or undefined when it is none of the six kinds. */
export function issuerKey(key: KeyObject): IssuerKey | undefined {
  const algorithm = keyAlgorithmOf(key)
  if (algorithm === undefined) return undefined
  const { hash, identifier } = certificateSignature(algorithm)
  return {
    publicKey: createPublicKey(key).export({ format: 'der', type: 'spki' }),
    identifier,
    sign: (bytes) => sign(hash, bytes, { key, padding: constants.RSA_PKCS1_PADDING, dsaEncoding: 'der' }),
  }
}
