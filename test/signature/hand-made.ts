/** Certificates written octet by octet, so that each of their parts can be right or wrong on its own. */
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { der, derBits, derInteger, derOctets, derOid, derSequence } from '../../src/codec/index.ts'
import { parseCertificate, type Certificate } from '../../src/signature/index.ts'

export interface Key {
  publicKey: KeyObject
  privateKey: KeyObject
}

export function curveKey(namedCurve: string): Key {
  return generateKeyPairSync('ec', { namedCurve })
}

export function rsaKey(modulusLength: number, publicExponent = 65_537): Key {
  return generateKeyPairSync('rsa', { modulusLength, publicExponent })
}

const TYPES = { CN: '2.5.4.3', C: '2.5.4.6', ST: '2.5.4.8', O: '2.5.4.10', OU: '2.5.4.11' } as const

export type Pair = readonly [type: string, value: string | Uint8Array]

/** An AttributeTypeAndValue; a text becomes a UTF8String, octets stand as they are. */
export function attribute([type, value]: Pair): Buffer {
  const oid = derOid(TYPES[type as keyof typeof TYPES] ?? type)
  return derSequence(oid, typeof value === 'string' ? der(0x0c, Buffer.from(value)) : value)
}

/** A Name of one attribute a part. */
export function nameOf(...pairs: readonly Pair[]): Buffer {
  return derSequence(...pairs.map((pair) => der(0x31, attribute(pair))))
}

export function acme(commonName: string): Buffer {
  return nameOf(['C', 'US'], ['ST', 'WA'], ['O', 'acme'], ['CN', commonName])
}

const TRUE = Buffer.from([1, 1, 0xff])

export function extension(oid: string, value: Uint8Array, critical = false): Buffer {
  return derSequence(derOid(oid), ...(critical ? [TRUE] : []), derOctets(value))
}

export function constraints(ca: boolean, pathLength?: number, critical = true): Buffer {
  const limit = pathLength === undefined ? [] : [derInteger(pathLength)]
  return extension('2.5.29.19', derSequence(...(ca ? [TRUE] : []), ...limit), critical)
}

/** @param bits - positions: 0 is digitalSignature, 5 keyCertSign, 6 cRLSign, 8 decipherOnly */
export function usage(bits: readonly number[], critical = true): Buffer {
  const last = Math.max(...bits)
  const octets = new Uint8Array(Math.floor(last / 8) + 1)
  for (const bit of bits) octets[bit >> 3] = (octets[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  return extension('2.5.29.15', der(0x03, Uint8Array.of(7 - (last & 7)), octets), critical)
}

export const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'
export const TIME_STAMPING = '1.3.6.1.5.5.7.3.8'

export function purposes(oids: readonly string[], critical = false): Buffer {
  return extension('2.5.29.37', derSequence(...oids.map(derOid)), critical)
}

export const CA = [constraints(true), usage([5, 6])]
export const SIGNER = [constraints(false, undefined, false), usage([0]), purposes([CODE_SIGNING])]
export const STAMPER = [usage([0]), purposes([TIME_STAMPING], true)]

const SIGNATURES = {
  rsa: { sha1: '1.2.840.113549.1.1.5', md5: '1.2.840.113549.1.1.4', sha256: '1.2.840.113549.1.1.11' },
  ec: { sha1: '1.2.840.10045.4.1', md5: '', sha256: '1.2.840.10045.4.3.2' },
} as const

/** The AlgorithmIdentifier of a signature by this key. */
export function signatureAlgorithm(key: KeyObject, hash: 'sha256' | 'sha1' | 'md5'): Buffer {
  if (key.asymmetricKeyType === 'ed25519') return derSequence(derOid('1.3.101.112'))
  if (key.asymmetricKeyType === 'ec') return derSequence(derOid(SIGNATURES.ec[hash]))
  return derSequence(derOid(SIGNATURES.rsa[hash]), der(0x05))
}

export interface Made extends Key {
  der: Buffer
  certificate: Certificate
}

export interface Terms {
  key: Key
  subject?: Uint8Array
  /** Absent: by its own key and in its own name. */
  issuer?: { privateKey: KeyObject; name: Uint8Array }
  extensions?: readonly Uint8Array[]
  hash?: 'sha256' | 'sha1' | 'md5'
  /** Parts to stand in place of the right ones, as whole elements. */
  version?: Uint8Array
  serial?: Uint8Array
  innerAlgorithm?: Uint8Array
  validity?: Uint8Array
  spki?: Uint8Array
  /** In place of the whole [3]; empty leaves it out. */
  tail?: Uint8Array
}

export const VALIDITY = derSequence(der(0x17, Buffer.from('260101000000Z')), der(0x17, Buffer.from('270101000000Z')))

/** The DER of a certificate, well made unless the terms say otherwise. */
export function certificateDer(terms: Terms): Buffer {
  const { key, subject = acme('self'), issuer, extensions = CA, hash = 'sha256' } = terms
  const signer = issuer?.privateKey ?? key.privateKey
  const algorithm = signatureAlgorithm(signer, hash)
  const body = derSequence(
    terms.version ?? der(0xa0, derInteger(2)),
    terms.serial ?? derInteger(4711),
    terms.innerAlgorithm ?? algorithm,
    issuer?.name ?? subject,
    terms.validity ?? VALIDITY,
    subject,
    terms.spki ?? key.publicKey.export({ format: 'der', type: 'spki' }),
    terms.tail ?? der(0xa3, derSequence(...extensions)),
  )
  const signature = sign(signer.asymmetricKeyType === 'ed25519' ? null : hash, body, signer)
  return derSequence(body, algorithm, derBits(signature))
}

export function certificate(terms: Terms): Certificate {
  return parseCertificate(certificateDer(terms))
}

/** A Validity of two UTCTimes. */
export function derTime(from: string, until: string): Buffer {
  return derSequence(der(0x17, Buffer.from(from)), der(0x17, Buffer.from(until)))
}
