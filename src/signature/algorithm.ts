/** The six signature algorithms of the Notary Project, each bound to one kind of key. */
import { constants, sign, verify, type KeyObject } from 'node:crypto'
import type { Sha2 } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'

export const SIGNATURE_ALGORITHMS = ['PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'] as const
export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number]

const HASH = {
  PS256: 'sha256',
  PS384: 'sha384',
  PS512: 'sha512',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
} as const satisfies Record<SignatureAlgorithm, string>

const RSA = new Map<number | undefined, SignatureAlgorithm>([
  [2048, 'PS256'],
  [3072, 'PS384'],
  [4096, 'PS512'],
])

const EC = new Map<string | undefined, SignatureAlgorithm>([
  ['prime256v1', 'ES256'],
  ['secp384r1', 'ES384'],
  ['secp521r1', 'ES512'],
])

/**
 * The one algorithm that a key, public or private, may be used with; undefined for a key of any other kind or size.
 * Also undefined for an RSA exponent that is even, 1 or beyond 2^31: with 1 everybody can sign.
 */
export function algorithmFor(key: KeyObject): SignatureAlgorithm | undefined {
  const { modulusLength, publicExponent = 0n, namedCurve } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'ec') return EC.get(namedCurve)
  const sound = publicExponent > 1n && publicExponent % 2n === 1n && publicExponent < 1n << 31n
  return key.asymmetricKeyType === 'rsa' && sound ? RSA.get(modulusLength) : undefined
}

export function hashFor(algorithm: SignatureAlgorithm): Sha2 {
  return HASH[algorithm]
}

const COORDINATE = { ES256: 32, ES384: 48, ES512: 66 } as const

/**
 * True when the signature is the key's over `data`. ECDSA is raw r||s of the curve's exact length, RSA is PSS with MGF1
 * of the same hash and a salt as long as the hash, or with `auto` of any length. Never throws for bad bytes.
 * False for a key of another algorithm: stops a signer from choosing the hash, and a key from being used in two ways.
 */
export function verifyPrimitive(
  algorithm: SignatureAlgorithm,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
  salt: 'digest' | 'auto' = 'digest',
): boolean {
  return algorithmFor(key) === algorithm && holds(algorithm, key, data, signature, salt)
}

/** {@link verifyPrimitive} without the bond between key and algorithm: for tests that have vectors for no such pair. */
export function holds(
  algorithm: SignatureAlgorithm,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
  salt: 'digest' | 'auto' = 'digest',
): boolean {
  if (signature.length !== lengthFor(algorithm, key)) return false
  try {
    return verify(HASH[algorithm], data, settings(algorithm, key, salt), signature)
  } catch {
    // OpenSSL reports some wrong signatures as errors.
    return false
  }
}

/** As {@link verifyPrimitive}, on a thread of Node's pool. */
export function verifyPrimitiveAsync(
  algorithm: SignatureAlgorithm,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
  salt: 'digest' | 'auto' = 'digest',
): Promise<boolean> {
  if (algorithmFor(key) !== algorithm || signature.length !== lengthFor(algorithm, key)) return Promise.resolve(false)
  const { promise, resolve } = Promise.withResolvers<boolean>()
  try {
    verify(HASH[algorithm], data, settings(algorithm, key, salt), signature, (error, good) =>
      resolve(error === null && good),
    )
  } catch {
    resolve(false)
  }
  return promise
}

function lengthFor(algorithm: SignatureAlgorithm, key: KeyObject): number {
  return algorithm === 'ES256' || algorithm === 'ES384' || algorithm === 'ES512'
    ? 2 * COORDINATE[algorithm]
    : (key.asymmetricKeyDetails?.modulusLength ?? 0) / 8
}

/** The signature over `data` in the form {@link verifyPrimitive} reads. Throws ALGORITHM_REFUSED for another kind of key. */
export function signPrimitive(algorithm: SignatureAlgorithm, key: KeyObject, data: Uint8Array): Buffer {
  if (key.type !== 'private' || algorithmFor(key) !== algorithm)
    throw new SallyportError('ALGORITHM_REFUSED', { side: 'source', detail: `the key is not one for ${algorithm}` })
  return sign(HASH[algorithm], data, settings(algorithm, key, 'digest'))
}

function settings(algorithm: SignatureAlgorithm, key: KeyObject, salt: 'digest' | 'auto') {
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_AUTO, RSA_PSS_SALTLEN_DIGEST } = constants
  return algorithm.startsWith('ES')
    ? ({ key, dsaEncoding: 'ieee-p1363' } as const)
    : { key, padding, saltLength: salt === 'auto' ? RSA_PSS_SALTLEN_AUTO : RSA_PSS_SALTLEN_DIGEST }
}
