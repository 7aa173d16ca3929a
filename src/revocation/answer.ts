/** OCSP answers (RFC 6960, basic): read strictly, in the bytes a responder gave; carried, they are evidence without a network. */
import { hash } from 'node:crypto'
import { DerError, DerFields, derSequence, parseDer, readOid, readTime, type DerNode } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import type { Certificate } from '../signature/index.ts'
import { certificateIdDer, isIdOf, readAnswerEntry, readAnswerExtensions, type AnswerEntry } from './answer-entry.ts'
import { answerFault, strictly } from './answer-fault.ts'

/** Frozen facts of one answer. None of them is a reason to believe it: see `demandIssuedAnswer`. */
export interface OcspAnswer {
  der: Buffer
  /** Hex, of {@link der}. */
  sha256: string
  producedAt: Date
  /** The responder's name in DER, or the SHA-1 of its key: where to look for it, never whom to believe. */
  responder: { name: Buffer } | { keyHash: Buffer }
  entries: readonly AnswerEntry[]
  /** DER of the certificates that came along. */
  certificates: readonly Buffer[]
  /** What is signed, by what, and the signature. */
  signed: { bytes: Buffer; algorithm: DerNode; signature: Buffer }
}

/** How large an answer may be. */
export const ANSWER_CAP = 64 * 1024
const MAX_CERTIFICATES = 8
const MAX_ENTRIES = 256

const BASIC = '1.3.6.1.5.5.7.48.1.1'
const NONCE = '1.3.6.1.5.5.7.48.1.2'
const STATUSES: Readonly<Record<number, string>> = {
  1: 'malformedRequest',
  2: 'internalError',
  3: 'tryLater',
  5: 'sigRequired',
  6: 'unauthorized',
}

/**
 * The answer that the bytes are. Throws ANSWER_INVALID, also for a refusal of the responder, for an answer of another
 * type than basic, and without nextUpdate; LIMIT_EXCEEDED over {@link ANSWER_CAP}. A nonce is not compared: what is
 * carried over a gap answers nobody's question, and what stops a replay is the time in it.
 */
export function parseAnswer(der: Uint8Array): OcspAnswer {
  if (der.length > ANSWER_CAP)
    throw new SallyportError('LIMIT_EXCEEDED', {
      side: 'bundle',
      detail: `an OCSP answer of more than ${ANSWER_CAP} bytes`,
    })
  return strictly(() => read(Buffer.from(der)))
}

function sequence(node: DerNode, what: string): DerFields {
  if (node.tag !== 0x30) throw new DerError(`${what} is no sequence`)
  return new DerFields(node, what)
}

/** The DER of the BasicOCSPResponse inside. */
function basicOf(der: Buffer): Buffer {
  const outer = sequence(parseDer(der), 'an OCSP answer')
  const status = outer.take(0x0a).contents
  if (!status.equals(Buffer.of(0)))
    throw answerFault(`the responder refuses: ${STATUSES[status.readUInt8(0)] ?? 'an unknown status'}`)
  const wrapper = new DerFields(outer.take(0xa0), 'the body of an OCSP answer')
  outer.end()
  const body = new DerFields(wrapper.take(0x30), 'the body of an OCSP answer')
  wrapper.end()
  if (readOid(body.take(0x06)) !== BASIC) throw new DerError('it is of another type than basic')
  const { contents } = body.take(0x04)
  body.end()
  return contents
}

function read(der: Buffer): OcspAnswer {
  const fields = sequence(parseDer(basicOf(der)), 'a basic answer')
  const data = fields.take(0x30)
  const algorithm = fields.take(0x30)
  const bits = fields.take(0x03).contents
  const carried = fields.maybe(0xa0)
  fields.end()
  if (bits[0] !== 0) throw new DerError('the signature has unused bits')
  return Object.freeze({
    der,
    sha256: hash('sha256', der, 'hex'),
    ...readData(data),
    certificates: carried === undefined ? [] : readCertificates(carried),
    signed: { bytes: data.raw, algorithm, signature: bits.subarray(1) },
  })
}

function readCertificates(wrapper: DerNode): Buffer[] {
  const [list, ...more] = wrapper.children
  if (list?.tag !== 0x30 || more.length > 0) throw new DerError('its certificates are not one list')
  if (list.children.length > MAX_CERTIFICATES) throw new DerError('too many certificates came along')
  return list.children.map(({ raw }) => raw)
}

/** ResponseData. A version written out is the default, which DER leaves out. */
function readData(node: DerNode): Pick<OcspAnswer, 'producedAt' | 'responder' | 'entries'> {
  const fields = new DerFields(node, 'the signed part')
  const byName = fields.maybe(0xa1)
  const named = new DerFields(byName ?? fields.take(0xa2), 'the name of the responder')
  const responder = byName === undefined ? { keyHash: named.take(0x04).contents } : { name: named.take(0x30).raw }
  named.end()
  const producedAt = readTime(fields.take(0x18))
  const singles = fields.take(0x30).children
  const wrapped = fields.maybe(0xa1)
  fields.end()
  if (singles.length === 0 || singles.length > MAX_ENTRIES)
    throw new DerError('it is about no certificate, or too many')
  for (const [oid, { critical }] of wrapped === undefined ? [] : readAnswerExtensions(wrapped))
    if (critical && oid !== NONCE) throw new DerError('it has a critical extension that is not known here')
  return { producedAt, responder, entries: singles.map(readAnswerEntry) }
}

/**
 * What the answer says of the issuer's certificate of this serial number; undefined when it says nothing.
 * Throws ANSWER_INVALID when it says two things: stops an answer of which each reader takes another part.
 */
export function entryOf(answer: OcspAnswer, issuer: Certificate, serial: string): AnswerEntry | undefined {
  const [found, ...more] = answer.entries.filter(({ id }) => id.serial === serial && isIdOf(id, issuer))
  if (more.length > 0) throw answerFault('it speaks twice of one certificate')
  return found
}

/**
 * The DER of a question about this certificate, to be sent as `application/ocsp-request` or in the path of a GET.
 * By SHA-1, which every responder knows, and without nonce, so that an answer made beforehand fits.
 */
export function ocspRequest(certificate: Certificate, issuer: Certificate): Buffer {
  return derSequence(derSequence(derSequence(derSequence(certificateIdDer(certificate, issuer)))))
}
