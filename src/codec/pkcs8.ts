/** Encrypted PKCS#8 (RFC 5958, RFC 8018 PBES2): written here since node:crypto cannot set the iteration count. */
import { createCipheriv, pbkdf2Sync, type CipherKey } from 'node:crypto'
import { derInteger, derNull, derOctets, derOid, derSequence, readDer } from './der.ts'
import { decodePem, encodePem } from './pem.ts'

const LABEL = 'ENCRYPTED PRIVATE KEY'
const PBES2 = derOid('1.2.840.113549.1.5.13')
const PBKDF2 = derOid('1.2.840.113549.1.5.12')
const HMAC_SHA256 = derOid('1.2.840.113549.2.9')
const AES_256_CBC = derOid('2.16.840.1.101.3.4.1.42')

/** PBKDF2 rounds of a key file (OWASP's figure for HMAC-SHA-256): each guess costs a thief that much. */
export const PBKDF2_ROUNDS = 600_000

/**
 * The PEM text of a PrivateKeyInfo encrypted with PBKDF2-HMAC-SHA-256 and AES-256-CBC.
 * The form has no integrity of its own: a damaged file is told from a wrong passphrase only by luck.
 * @param random - a source of that many unpredictable bytes: 16 for the salt, 16 for the IV
 */
export function sealPkcs8(
  info: Uint8Array,
  passphrase: string | Uint8Array,
  random: (n: number) => Uint8Array,
): string {
  const salt = random(16)
  const iv = random(16)
  const key: CipherKey = pbkdf2Sync(passphrase, salt, PBKDF2_ROUNDS, 32, 'sha256')
  const cipher = createCipheriv('aes-256-cbc', key, iv)
  const encrypted = Buffer.concat([cipher.update(info), cipher.final()])
  key.fill(0)
  const kdf = derSequence(
    PBKDF2,
    derSequence(derOctets(salt), derInteger(PBKDF2_ROUNDS), derSequence(HMAC_SHA256, derNull())),
  )
  const scheme = derSequence(PBES2, derSequence(kdf, derSequence(AES_256_CBC, derOctets(iv))))
  return encodePem(LABEL, derSequence(scheme, derOctets(encrypted)))
}

/** True when the text is one PEM block of an EncryptedPrivateKeyInfo under PBES2; nothing is decrypted. */
export function isSealedPkcs8(text: string): boolean {
  const outer = readDer(decodePem(LABEL, text) ?? new Uint8Array())
  if (outer?.tag !== 0x30 || outer.rest.length > 0) return false
  const scheme = readDer(outer.contents)
  if (scheme?.tag !== 0x30 || !Buffer.from(scheme.contents).subarray(0, PBES2.length).equals(PBES2)) return false
  const data = readDer(scheme.rest)
  return data?.tag === 0x04 && data.rest.length === 0
}
