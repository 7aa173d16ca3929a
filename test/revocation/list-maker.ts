/** Revocation lists written octet by octet, so that each of their parts can be right or wrong on its own. */
import { constants, sign } from 'node:crypto'
import { der, derBits, derInteger, derNull, derOctets, derOid, derSequence } from '../../src/codec/index.ts'
import type { Certificate } from '../../src/signature/index.ts'
import { CA, acme, certificate, curveKey, extension, signatureAlgorithm, type Key } from '../signature/hand-made.ts'

export interface ListAuthority {
  key: Key
  name: Buffer
  certificate: Certificate
}

export const KEY_ID = Buffer.from('0123456789abcdef0123456789abcdef01234567', 'hex')

/** An issuer of lists with a key identifier of its own choice. */
export function listAuthority(
  commonName = 'lists',
  key = curveKey('P-256'),
  extensions = [...CA, extension('2.5.29.14', derOctets(KEY_ID))],
): ListAuthority {
  const name = acme(commonName)
  return { key, name, certificate: certificate({ key, subject: name, extensions }) }
}

export function utc(text: string): Buffer {
  return der(0x17, Buffer.from(text, 'latin1'))
}

export function generalized(text: string): Buffer {
  return der(0x18, Buffer.from(text, 'latin1'))
}

/** An INTEGER of this hex, a zero put before it where it would be negative. */
export function integer(hex: string): Buffer {
  const octets = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')
  return der(0x02, (octets[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), octets]) : octets)
}

export const REVOKED = utc('260301000000Z')

export function reason(code: number): Buffer {
  return extension('2.5.29.21', der(0x0a, Buffer.of(code)))
}

export function invalidity(text: string): Buffer {
  return extension('2.5.29.24', generalized(text))
}

export function entry(serial: string | Buffer, extensions: readonly Buffer[] = [], revoked = REVOKED): Buffer {
  const number = typeof serial === 'string' ? integer(serial) : serial
  return derSequence(number, revoked, ...(extensions.length > 0 ? [derSequence(...extensions)] : []))
}

export const NUMBER = '2.5.29.20'

export function listNumber(hex: string): Buffer {
  return extension(NUMBER, integer(hex))
}

export function deltaIndicator(hex: string, critical = true): Buffer {
  return extension('2.5.29.27', integer(hex), critical)
}

export function authorityKeyId(keyId: Uint8Array): Buffer {
  return extension('2.5.29.35', derSequence(der(0x80, keyId)))
}

/** A GeneralName that is a URI. */
export function uri(text: string): Buffer {
  return der(0x86, Buffer.from(text, 'latin1'))
}

/** A DistributionPointName as it stands in a distribution point: [0] { [0] { names } }. */
export function fullName(...names: readonly Buffer[]): Buffer {
  return der(0xa0, der(0xa0, ...names))
}

export function issuingPoint(...fields: readonly Buffer[]): Buffer {
  return extension('2.5.29.28', derSequence(...fields), true)
}

export function freshest(...points: readonly (readonly Buffer[])[]): Buffer {
  return extension('2.5.29.46', derSequence(...points.map((fields) => derSequence(...fields))))
}

export const TRUE = Buffer.of(0xff)

export interface ListTerms {
  authority: ListAuthority
  entries?: readonly Buffer[]
  extensions?: readonly Buffer[]
  /** Whole elements in place of the right ones; empty leaves one out. */
  version?: Buffer
  innerAlgorithm?: Buffer
  issuer?: Buffer
  thisUpdate?: Buffer
  nextUpdate?: Buffer
  revoked?: Buffer
  tail?: Buffer
  outerAlgorithm?: Buffer
  signature?: Buffer
  hash?: 'sha1' | 'sha256' | 'sha384' | 'sha512'
  /** Length of the salt. */
  pss?: number
}

/** The DER of a list, well made unless the terms say otherwise. */
export function listDer(terms: ListTerms): Buffer {
  const { authority, entries = [], hash = 'sha256', pss } = terms
  const { key, name } = authority
  const algorithm = terms.outerAlgorithm ?? algorithmOf(authority, hash, pss)
  const body = derSequence(
    terms.version ?? derInteger(1),
    terms.innerAlgorithm ?? algorithm,
    terms.issuer ?? name,
    terms.thisUpdate ?? utc('260601000000Z'),
    terms.nextUpdate ?? utc('260701000000Z'),
    terms.revoked ?? (entries.length > 0 ? derSequence(...entries) : Buffer.alloc(0)),
    terms.tail ?? der(0xa0, derSequence(...(terms.extensions ?? [authorityKeyId(KEY_ID), listNumber('10')]))),
  )
  if (terms.signature !== undefined) return derSequence(body, algorithm, terms.signature)
  const padding = constants.RSA_PKCS1_PSS_PADDING
  const signer = pss === undefined ? key.privateKey : { key: key.privateKey, padding, saltLength: pss }
  const signature = sign(key.privateKey.asymmetricKeyType === 'ed25519' ? null : hash, body, signer)
  return derSequence(body, algorithm, derBits(signature))
}

const HASHES = {
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
} as const

/** The AlgorithmIdentifier of RSASSA-PSS. */
export function pssAlgorithm(hash: keyof typeof HASHES, salt: number, maskHash = hash): Buffer {
  const named = (name: keyof typeof HASHES): Buffer => derSequence(derOid(HASHES[name]), derNull())
  const mask = derSequence(derOid('1.2.840.113549.1.1.8'), named(maskHash))
  const parameters = [der(0xa0, named(hash)), der(0xa1, mask), der(0xa2, derInteger(salt))]
  return derSequence(derOid('1.2.840.113549.1.1.10'), derSequence(...parameters))
}

const LONGER = {
  sha384: { rsa: '1.2.840.113549.1.1.12', ec: '1.2.840.10045.4.3.3' },
  sha512: { rsa: '1.2.840.113549.1.1.13', ec: '1.2.840.10045.4.3.4' },
} as const

function algorithmOf({ key }: ListAuthority, hash: keyof typeof HASHES, pss: number | undefined): Buffer {
  if (pss !== undefined) return pssAlgorithm(hash, pss)
  if (hash === 'sha1' || hash === 'sha256') return signatureAlgorithm(key.privateKey, hash)
  if (key.privateKey.asymmetricKeyType === 'ec') return derSequence(derOid(LONGER[hash].ec))
  return derSequence(derOid(LONGER[hash].rsa), derNull())
}

/**
 * A signed list of `count` entries of 50 octets: serial numbers of 128 bits, made by `fill` from their number into the
 * 16 octets it is given (the first below 0x80 and not zero), one date, and reasons from 1 to 5 in turn.
 */
export function longList(authority: ListAuthority, count: number, fill: (octets: Buffer, at: number) => void): Buffer {
  const one = entry('7f'.repeat(16), [reason(1)])
  const serial = 4
  const all = Buffer.alloc(one.length * count)
  for (let at = 0, to = 0; at < count; at += 1, to += one.length) {
    one.copy(all, to)
    fill(all.subarray(to + serial, to + serial + 16), at)
    all[to + one.length - 1] = 1 + (at % 5)
  }
  return listDer({ authority, revoked: der(0x30, all) })
}
