/** The keys of certificates in their one form: signers are counted and denied by the digest of a SubjectPublicKeyInfo. */
import { DerError, derNull, derOid, derSequence, parseDer, type DerNode } from '../codec/index.ts'

const RSA_TYPE = derOid('1.2.840.113549.1.1.1')
const RSA = derSequence(RSA_TYPE, derNull())
const EC_TYPE = derOid('1.2.840.10045.2.1')
const EC = ['1.2.840.10045.3.1.7', '1.3.132.0.34', '1.3.132.0.35'].map((curve) => derSequence(EC_TYPE, derOid(curve)))
const [BITS, INTEGER, OID, SEQUENCE] = [0x03, 0x02, 0x06, 0x30]
const UNCOMPRESSED = 4

/**
 * True for a key of a kind that may sign: rsaEncryption, or a point on P-256, P-384 or P-521; not for other curves and kinds.
 * Throws {@link DerError} for an RSA or elliptic curve key in any form but one, in which OpenSSL reads the same key: stops
 * one key in two certificates from counting as two signers, and a denied one from coming back under another digest.
 */
export function isPlainKey(spki: DerNode): boolean {
  const [algorithm, bits, ...more] = spki.children
  if (algorithm === undefined || bits?.tag !== BITS || more.length > 0) throw new DerError('its key is out of shape')
  const type = algorithm.children[0]?.raw
  if (type?.equals(RSA_TYPE) === true) {
    if (!algorithm.raw.equals(RSA) || !isRsaKey(bits)) throw new DerError('its RSA key is not in its one form')
    return true
  }
  if (type?.equals(EC_TYPE) !== true) return false
  // A curve spelled out by its parameters may be taken for the one that it resembles (CVE-2020-0601).
  const isNamed = algorithm.children.length === 2 && algorithm.children[1]?.tag === OID
  // The same point may be written compressed, or hybrid (6 and 7).
  if (!isNamed || bits.contents[0] !== 0 || bits.contents[1] !== UNCOMPRESSED)
    throw new DerError('its key is not an uncompressed point on a curve that is named')
  return EC.some((curve) => algorithm.raw.equals(curve))
}

/** OpenSSL takes padded numbers, long lengths and bytes behind the key: parseDer does not. */
function isRsaKey({ contents }: DerNode): boolean {
  if (contents[0] !== 0) return false
  const { tag, children } = parseDer(contents.subarray(1))
  return tag === SEQUENCE && children.length === 2 && children.every(isPositive)
}

function isPositive({ tag, contents }: DerNode): boolean {
  return tag === INTEGER && (contents[0] ?? 0x80) < 0x80
}
