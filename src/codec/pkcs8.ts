/** Encrypted PKCS#8 (RFC 5958, RFC 8018 PBES2): written here since node:crypto cannot set the iteration count. */
import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  pbkdf2,
  pbkdf2Sync,
  type CipherKey,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'
import { SallyportError, type Side } from '../errors/index.ts'
import { DerError, parseDer, type DerNode } from './der-tree.ts'
import { derInteger, derNull, derOctets, derOid, derSequence, readDer } from './der.ts'
import { readSmallNatural } from './der-values.ts'
import { decodePem, encodePem } from './pem.ts'

const LABEL = 'ENCRYPTED PRIVATE KEY'
const PBES2 = derOid('1.2.840.113549.1.5.13')
const PBKDF2 = derOid('1.2.840.113549.1.5.12')
const HMAC_SHA256 = derOid('1.2.840.113549.2.9')
const AES_256_CBC = derOid('2.16.840.1.101.3.4.1.42')

/** PBKDF2 rounds of a key file (OWASP's figure for HMAC-SHA-256): each guess costs a thief that much. */
export const PBKDF2_ROUNDS = 600_000
/** Three seconds of them. A file may ask for two thousand million, in which no signal is heard. */
const MAX_ROUNDS = 10_000_000

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
  return encodePem(LABEL, derSequence(schemeOf({ salt, rounds: PBKDF2_ROUNDS, iv }), derOctets(encrypted)))
}

interface SealTerms {
  salt: Uint8Array
  rounds: number
  iv: Uint8Array
}

/** The one scheme that is written here. */
function schemeOf({ salt, rounds, iv }: SealTerms): Buffer {
  const kdf = derSequence(PBKDF2, derSequence(derOctets(salt), derInteger(rounds), derSequence(HMAC_SHA256, derNull())))
  return derSequence(PBES2, derSequence(kdf, derSequence(AES_256_CBC, derOctets(iv))))
}

/**
 * The private key in a sealed file, of any kind that OpenSSL knows and whatever PBES2 parameters it was written with.
 * Throws KEY_MALFORMED for anything but an encrypted key, and for one of more than ten million rounds, KEY_PASSPHRASE when it does not open; since the form has no
 * integrity of its own, damage to the encrypted part reads as a wrong passphrase.
 * @param at - named in the error, as the passphrase never is
 */
export async function openSealedKey(
  pem: string,
  passphrase: string | Uint8Array,
  at: { side: Side; subject: string },
): Promise<KeyObject> {
  // An unencrypted key would be taken by node:crypto whatever the passphrase is.
  if (!isSealedPkcs8(pem))
    throw new SallyportError('KEY_MALFORMED', { ...at, detail: 'not an encrypted PKCS#8 key in PEM' })
  if ((pbkdf2RoundsOf(pem) ?? Infinity) > MAX_ROUNDS)
    throw new SallyportError('KEY_MALFORMED', {
      ...at,
      detail: `a malformed scheme, or one of more than ${MAX_ROUNDS} rounds`,
    })
  let info: Buffer | undefined
  try {
    info = await openPkcs8(pem, passphrase)
    if (info === undefined) return createPrivateKey({ key: pem, format: 'pem', passphrase: Buffer.from(passphrase) })
    return createPrivateKey({ key: info, format: 'der', type: 'pkcs8' })
  } catch {
    // OpenSSL's reason is left out: one wrong passphrase in 256 unpads by chance and fails later, in other words.
    throw new SallyportError('KEY_PASSPHRASE', at)
  } finally {
    info?.fill(0)
  }
}

/**
 * The PrivateKeyInfo in what {@link sealPkcs8} writes, or undefined for any other scheme, which is node:crypto's to open.
 * The rounds are done on another thread, where node:crypto does those of a sealed key on the one that asks. Throws an
 * error of node:crypto when the passphrase does not fit; one wrong one in 256 gives bytes that are no key. The bytes are
 * the caller's to overwrite.
 */
export async function openPkcs8(text: string, passphrase: string | Uint8Array): Promise<Buffer | undefined> {
  const sealed = readOwnScheme(text)
  if (sealed === undefined) return undefined
  const key: CipherKey = await promisify(pbkdf2)(passphrase, sealed.salt, sealed.rounds, 32, 'sha256')
  try {
    const decipher = createDecipheriv('aes-256-cbc', key, sealed.iv)
    const parts = [decipher.update(sealed.encrypted)]
    try {
      parts.push(decipher.final())
      return Buffer.concat(parts)
    } finally {
      for (const part of parts) part.fill(0)
    }
  } finally {
    key.fill(0)
  }
}

function readOwnScheme(text: string): (SealTerms & { encrypted: Uint8Array }) | undefined {
  try {
    const [scheme, encrypted] = parseDer(decodePem(LABEL, text) ?? new Uint8Array()).children
    const [kdf, cipher] = childrenOf(scheme?.children[1])
    const [salt, rounds] = childrenOf(kdf?.children[1])
    const iv = cipher?.children[1]
    if (scheme === undefined || encrypted?.tag !== 0x04 || salt === undefined || rounds === undefined) return undefined
    const terms = { salt: salt.contents, rounds: readSmallNatural(rounds), iv: iv?.contents ?? new Uint8Array() }
    // Written again it must be the same: another digest or cipher, or one more parameter, would stand in the bytes.
    const own = terms.rounds > 0 && terms.iv.length === 16 && scheme.raw.equals(schemeOf(terms))
    return own ? { ...terms, encrypted: encrypted.contents } : undefined
  } catch (error) {
    if (error instanceof DerError) return undefined
    throw error
  }
}

/** How many rounds a sealed key wants; 0 for one that goes by something else, undefined for what is no DER. */
function pbkdf2RoundsOf(pem: string): number | undefined {
  try {
    const [scheme] = parseDer(decodePem(LABEL, pem) ?? new Uint8Array()).children
    const [kdf] = childrenOf(scheme?.children[1])
    const [name, terms] = childrenOf(kdf)
    if (name?.raw.equals(PBKDF2) !== true) return 0
    const rounds = terms?.children[1]
    return rounds === undefined ? undefined : readSmallNatural(rounds)
  } catch (error) {
    if (error instanceof DerError) return undefined
    throw error
  }
}

function childrenOf(node: DerNode | undefined): readonly DerNode[] {
  return node?.children ?? []
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
