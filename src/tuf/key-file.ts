/** A channel's private keys as files: encrypted PKCS#8 in PEM, which OpenSSL opens too. */
import { randomBytes } from 'node:crypto'
import { der, derBits, derInteger, derOctets, derOid, derSequence, openSealedKey, sealPkcs8 } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { ChannelKey } from './key.ts'
import { P384_ALGORITHM } from './public-key.ts'

export type Passphrase = string | Uint8Array

/**
 * The text of a key file. Throws KEY_PASSPHRASE for an empty passphrase.
 * @param random - a source of that many unpredictable bytes; a seeded one is for tests only
 */
export function sealKey(
  key: ChannelKey,
  passphrase: Passphrase,
  random: (n: number) => Uint8Array = randomBytes,
): string {
  if (passphrase.length === 0)
    throw new SallyportError('KEY_PASSPHRASE', { side: 'state', subject: key.keyid, detail: 'it is empty' })
  const info = privateKeyInfo(key)
  try {
    return sealPkcs8(info, passphrase, random)
  } finally {
    info.fill(0)
  }
}

/** PrivateKeyInfo (RFC 5958): as RFC 8410 writes Ed25519, and RFC 5915 P-384. */
function privateKeyInfo(key: ChannelKey): Buffer {
  const secret = key.rawSecret()
  try {
    if (key.kind === 'ed25519')
      return derSequence(derInteger(0), derSequence(derOid('1.3.101.112')), derOctets(derOctets(secret)))
    const ec = derSequence(derInteger(1), derOctets(secret), der(0xa1, derBits(key.rawPublic())))
    return derSequence(derInteger(0), P384_ALGORITHM, derOctets(ec))
  } finally {
    secret.fill(0)
  }
}

/**
 * The key in a key file, whatever PBES2 parameters it was written with.
 * Throws KEY_MALFORMED for anything but an encrypted Ed25519 or P-384 key, KEY_PASSPHRASE when it does not open; since
 * the form has no integrity of its own, damage to the encrypted part reads as a wrong passphrase.
 * @param subject - named in the error, as the passphrase never is
 */
export async function openKey(pem: string, passphrase: Passphrase, subject: string): Promise<ChannelKey> {
  const object = await openSealedKey(pem, passphrase, { side: 'state', subject })
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = object
  // Of other curves node:crypto has no such form, and throws.
  const ours = type === 'ed25519' || (type === 'ec' && details?.namedCurve === 'secp384r1')
  const { kty, crv, d } = ours ? object.export({ format: 'jwk' }) : {}
  const secret = Buffer.from(d ?? '', 'base64url')
  try {
    if (kty === 'OKP' && crv === 'Ed25519') return new ChannelKey('ed25519', secret)
    if (kty === 'EC' && crv === 'P-384') return new ChannelKey('p384', secret)
  } finally {
    secret.fill(0)
  }
  throw new SallyportError('KEY_MALFORMED', { side: 'state', subject, detail: 'neither Ed25519 nor P-384' })
}
