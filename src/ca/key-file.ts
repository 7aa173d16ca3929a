/** Private keys as files: encrypted PKCS#8 in PEM, which OpenSSL opens too. */
import { randomBytes, type KeyObject } from 'node:crypto'
import { openSealedKey, sealPkcs8 } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { keyAlgorithmOf } from './key.ts'

/**
 * The text of a key file. Throws KEY_PASSPHRASE for an empty passphrase.
 * @param subject - named in the error
 * @param random - a source of that many unpredictable bytes; a seeded one is for tests only
 */
export function sealSigningKey(
  key: KeyObject,
  passphrase: Uint8Array,
  subject: string,
  random: (n: number) => Uint8Array = randomBytes,
): string {
  if (passphrase.length === 0)
    throw new SallyportError('KEY_PASSPHRASE', { side: 'source', subject, detail: 'it is empty' })
  const info = key.export({ format: 'der', type: 'pkcs8' })
  try {
    return sealPkcs8(info, passphrase, random)
  } finally {
    info.fill(0)
  }
}

/**
 * The key in a key file, whatever PBES2 parameters it was written with.
 * Throws KEY_MALFORMED for anything but an encrypted key of the six kinds, KEY_PASSPHRASE when it does not open; since
 * the form has no integrity of its own, damage to the encrypted part reads as a wrong passphrase.
 * @param subject - named in the error, as the passphrase never is
 */
export async function openSigningKey(pem: string, passphrase: Uint8Array, subject: string): Promise<KeyObject> {
  const key = await openSealedKey(pem, passphrase, { side: 'source', subject })
  if (keyAlgorithmOf(key) !== undefined) return key
  const detail = 'neither RSA of 2048, 3072 or 4096 bits nor EC on P-256, P-384, P-521'
  throw new SallyportError('KEY_MALFORMED', { side: 'source', subject, detail })
}
