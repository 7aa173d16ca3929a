/** OCSP answers written octet by octet, so that each of their parts can be right or wrong on its own. */
import { hash, sign } from 'node:crypto'
import { der, derBits, derNull, derOctets, derOid, derSequence } from '../../src/codec/index.ts'
import { keyOctets } from '../../src/revocation/answer-entry.ts'
import { signatureAlgorithm, type Key } from '../signature/hand-made.ts'
import { generalized, integer, type ListAuthority } from './list-maker.ts'

export const time = generalized

export interface SingleTerms {
  issuer: ListAuthority
  serial?: string
  /** A number: revoked, for this reason; -1 for none. */
  status?: 'good' | 'unknown' | number
  /** Whole elements in place of the right ones; empty leaves one out. */
  id?: Buffer
  rawStatus?: Buffer
  thisUpdate?: Buffer
  nextUpdate?: Buffer
  extensions?: Buffer
}

export function certificateId(
  { name, certificate }: ListAuthority,
  serial: string,
  oid = '1.3.14.3.2.26',
  algorithm = 'sha1',
): Buffer {
  const digest = (bytes: Uint8Array): Buffer => derOctets(hash(algorithm, bytes, 'buffer'))
  return derSequence(derSequence(derOid(oid), derNull()), digest(name), digest(keyOctets(certificate)), integer(serial))
}

export const REVOKED_AT = time('20260301000000Z')

function statusOf(status: 'good' | 'unknown' | number): Buffer {
  if (status === 'good') return der(0x80)
  if (status === 'unknown') return der(0x82)
  return der(0xa1, REVOKED_AT, ...(status < 0 ? [] : [der(0xa0, der(0x0a, Buffer.of(status)))]))
}

/** A SingleResponse. */
export function single(terms: SingleTerms): Buffer {
  const { issuer, serial = '4711', status = 'good' } = terms
  return derSequence(
    terms.id ?? certificateId(issuer, serial),
    terms.rawStatus ?? statusOf(status),
    terms.thisUpdate ?? time('20260601000000Z'),
    terms.nextUpdate ?? der(0xa0, time('20260701000000Z')),
    terms.extensions ?? Buffer.alloc(0),
  )
}

export interface AnswerParts {
  authority: ListAuthority
  /** Who signs; the authority by default. */
  key?: Key
  singles?: readonly Buffer[]
  hash?: 'sha1' | 'sha256'
  certificates?: readonly Uint8Array[]
  /** Whole elements in place of the right ones; empty leaves one out. */
  version?: Buffer
  responder?: Buffer
  producedAt?: Buffer
  extensions?: Buffer
  signature?: Buffer
  type?: string
  status?: Buffer
  body?: Buffer
  tail?: Buffer
}

/** The DER of an OCSPResponse, well made unless the terms say otherwise. */
export function answerDer(parts: AnswerParts): Buffer {
  const { authority, key = authority.key, hash: digest = 'sha256', certificates = [] } = parts
  const data = derSequence(
    parts.version ?? Buffer.alloc(0),
    parts.responder ?? der(0xa1, authority.name),
    parts.producedAt ?? time('20260601000000Z'),
    derSequence(...(parts.singles ?? [single({ issuer: authority })])),
    parts.extensions ?? Buffer.alloc(0),
  )
  const basic = derSequence(
    data,
    signatureAlgorithm(key.privateKey, digest),
    parts.signature ?? derBits(sign(digest, data, key.privateKey)),
    certificates.length === 0 ? Buffer.alloc(0) : der(0xa0, derSequence(...certificates)),
  )
  const type = derOid(parts.type ?? '1.3.6.1.5.5.7.48.1.1')
  const body = parts.body ?? der(0xa0, derSequence(type, derOctets(basic)))
  return derSequence(parts.status ?? der(0x0a, Buffer.of(0)), body, parts.tail ?? Buffer.alloc(0))
}
