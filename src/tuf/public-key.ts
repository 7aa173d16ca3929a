/** Public keys of a channel: Ed25519, and ECDSA P-384 with SHA-384. Nothing else may stand in a root. */
import { createPublicKey, hash, verify as nodeVerify, type KeyObject } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { p384 } from '@noble/curves/nist.js'
import {
  decodePem,
  derBits,
  derOid,
  derSequence,
  encodePem,
  isJsonObject,
  signingBytes,
  type Json,
} from '../codec/index.ts'
import { malformed, refusal, type Place } from './fault.ts'

export type KeyKind = 'ed25519' | 'p384'

/** A key as TUF writes it (TUF 4.2.2): raw hex for Ed25519, SPKI in PEM for P-384. */
export type TufKey = { keytype: string; scheme: string; keyval: { public: string } }

export interface PublicKey {
  readonly kind: KeyKind
  /** As a root writes it. */
  readonly tufKey: TufKey
  /** The point in hex, in its one form: equal keys have equal points. */
  readonly point: string
  /** True when node:crypto and noble both accept the signature (lower-case hex; DER for P-384). Never throws. */
  verify(message: Uint8Array, signature: string): boolean
}

// What noble makes of its own accord, on first use, pays from a hundred signatures on: half of the time of the few here.
for (const { Point } of [ed25519, p384]) Point.BASE.precompute(4)

const SCHEMES: Record<KeyKind, { keytype: string; scheme: string }> = {
  ed25519: { keytype: 'ed25519', scheme: 'ed25519' },
  p384: { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp384' },
}

/** AlgorithmIdentifier of a P-384 key (RFC 5480). */
export const P384_ALGORITHM = derSequence(derOid('1.2.840.10045.2.1'), derOid('1.3.132.0.34'))

function spkiPem(point: Uint8Array): string {
  return encodePem('PUBLIC KEY', derSequence(P384_ALGORITHM, derBits(point)))
}

/** The TUF key object of a raw public key: 32 bytes, or the 97 bytes of an uncompressed point. */
export function tufKeyOf(kind: KeyKind, raw: Uint8Array): TufKey {
  const text = kind === 'ed25519' ? Buffer.from(raw).toString('hex') : spkiPem(raw)
  return { ...SCHEMES[kind], keyval: { public: text } }
}

/** The keyid we write: hex SHA-256 of the canonical key object. On reading a keyid is only a name. */
export function keyidOf(key: TufKey): string {
  return hash('sha256', signingBytes({ ...key }), 'hex')
}

/**
 * The key a TUF key object stands for.
 * Throws ALGORITHM_REFUSED for a key type or scheme that is not one of ours, METADATA_MALFORMED for a bad key of ours.
 */
export function readPublicKey(key: Json | undefined, place: Place): PublicKey {
  if (!isJsonObject(key) || !isJsonObject(key['keyval'])) throw malformed(place, 'a key is not a TUF key object')
  const { keytype, scheme, keyval } = key
  const text = keyval['public']
  if (typeof keytype !== 'string' || typeof scheme !== 'string' || typeof text !== 'string')
    throw malformed(place, 'a key is not a TUF key object')
  const is = (kind: KeyKind): boolean => keytype === SCHEMES[kind].keytype && scheme === SCHEMES[kind].scheme
  if (is('ed25519')) return readEd25519(text, place)
  if (is('p384')) return readP384(text, place)
  throw refusal('ALGORITHM_REFUSED', place, `a key of type ${JSON.stringify(keytype).slice(0, 60)}`)
}

function readEd25519(text: string, place: Place): PublicKey {
  const raw = Buffer.from(text, 'hex')
  if (raw.length !== 32 || raw.toString('hex') !== text) throw malformed(place, 'an Ed25519 key is not 32 bytes in hex')
  try {
    // Stops a key of small order, for which one signature fits every message.
    if (ed25519.Point.fromBytes(raw).isSmallOrder()) throw new RangeError('a point of small order')
  } catch (cause) {
    throw malformed(place, 'an Ed25519 key is not a usable point', cause)
  }
  const object = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' })
  return keyOf('ed25519', raw, object, null, (sig, message) => ed25519.verify(sig, message, raw, { zip215: false }))
}

function readP384(text: string, place: Place): PublicKey {
  const point = (decodePem('PUBLIC KEY', text) ?? Buffer.alloc(0)).subarray(-97)
  // Building it again leaves one encoding of a key only, so that a key cannot be named twice.
  if (point.length !== 97 || spkiPem(point).trimEnd() !== text.trimEnd())
    throw malformed(place, 'an ECDSA key is not the PEM of an uncompressed P-384 point')
  try {
    p384.Point.fromBytes(point).assertValidity()
    const object = createPublicKey(text)
    // Tokens and other libraries sign with a high s in half of all cases; it is as valid.
    return keyOf('p384', point, object, 'sha384', (sig, message) =>
      p384.verify(sig, message, point, { format: 'der', lowS: false }),
    )
  } catch (cause) {
    throw malformed(place, 'an ECDSA key is not a point of P-384', cause)
  }
}

function keyOf(
  kind: KeyKind,
  raw: Buffer,
  object: KeyObject,
  algorithm: string | null,
  noble: (signature: Uint8Array, message: Uint8Array) => boolean,
): PublicKey {
  return {
    kind,
    tufKey: tufKeyOf(kind, raw),
    point: raw.toString('hex'),
    verify(message, signature) {
      const sig = Buffer.from(signature, 'hex')
      // Stops a second spelling of one signature.
      if (sig.length === 0 || sig.toString('hex') !== signature) return false
      try {
        // Two independent implementations must agree: a fault in one of them then opens nothing.
        return nodeVerify(algorithm, message, object, sig) && noble(Uint8Array.from(sig), message)
      } catch {
        return false
      }
    },
  }
}
