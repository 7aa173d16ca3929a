/** The COSE envelope: COSE_Sign1_Tagged (RFC 9052 section 4.2) as the Notary Project narrows it. */
import type { SignatureAlgorithm } from './algorithm.ts'
import { CborTag, isCborMap, readCbor, untagged, type Cbor, type CborLabel, type CborMap } from './cbor.ts'
import {
  CHAIN_CAP,
  HEADER_CAP,
  PAYLOAD_CAP,
  TIMESTAMP_CAP,
  capped,
  envelopeFault,
  malformed,
} from './envelope-fault.ts'
import type { EnvelopeParts } from './envelope-parts.ts'
import { AGENT, TIMESTAMP, checkUnprotected, readAttributes, type TimeForm } from './headers.ts'
import { PAYLOAD_TYPE } from './payload.ts'

export const SIGN1 = 18
const EPOCH = 1
export const ALG = 1
export const CRIT = 2
export const CONTENT_TYPE = 3
export const CHAIN = 33

/** The last second that RFC 3339 can write. */
const MAX_SECONDS = 253_402_300_799

/** IANA COSE Algorithms. */
export const ALGORITHMS: ReadonlyMap<unknown, SignatureAlgorithm> = new Map([
  [-37, 'PS256'],
  [-38, 'PS384'],
  [-39, 'PS512'],
  [-7, 'ES256'],
  [-35, 'ES384'],
  [-36, 'ES512'],
])

/**
 * Labels that may not be signed here: reserved, vectors of encryption, countersignatures, a chain beside the one that
 * counts, and the hash envelope, whose payload is another one.
 */
const NOT_SIGNED: ReadonlySet<CborLabel> = new Set([0, 5, 6, 7, 9, 11, 12, 32, CHAIN, 34, 35, 258, 259, 260])

export const TIMES: TimeForm = {
  read: (value) => {
    // Notation refuses untagged times and tag 0 as well. Floats are refused with the CBOR.
    const seconds = untagged(value, EPOCH)
    return typeof seconds === 'number' && seconds >= 0 && seconds <= MAX_SECONDS ? new Date(seconds * 1000) : undefined
  },
  write: (time) => new CborTag(EPOCH, Math.floor(time.getTime() / 1000)),
}

function bytes(value: unknown, what: string, cap: number): Buffer {
  if (!(value instanceof Uint8Array) || value.length === 0) throw malformed(`${what} is not a byte string`)
  capped(value.length, cap, `bytes of ${what}`)
  return Buffer.from(value.buffer, value.byteOffset, value.length)
}

/** A list of four, and its first item. */
const SIG_STRUCTURE = Buffer.from('\x84\x6aSignature1', 'latin1')

/** Sig_structure (RFC 9052 section 4.4) of an envelope without external data, deterministic: of its four items two are fixed. */
export function signatureStructure(protectedHeader: Uint8Array, payload: Uint8Array): Buffer {
  return Buffer.concat([
    SIG_STRUCTURE,
    ...[protectedHeader, Buffer.alloc(0), payload].flatMap((item) => [byteString(item.length), item]),
  ])
}

/** The shortest head of a byte string. */
function byteString(length: number): Buffer {
  const head = Buffer.alloc(5)
  if (length < 24) return head.subarray(0, head.writeUInt8(0x40 | length))
  if (length < 0x100) return head.subarray(0, head.writeUInt8(length, head.writeUInt8(0x58)))
  if (length < 0x10000) return head.subarray(0, head.writeUInt16BE(length, head.writeUInt8(0x59)))
  return head.subarray(0, head.writeUInt32BE(length, head.writeUInt8(0x5a)))
}

/** The parts of a COSE envelope; nothing is verified. Throws ENVELOPE_MALFORMED, ALGORITHM_REFUSED, LIMIT_EXCEEDED. */
export function readCose(envelope: Uint8Array): EnvelopeParts {
  const contents = untagged(readCbor(envelope, 'COSE'), SIGN1)
  if (!Array.isArray(contents) || contents.length !== 4) throw malformed('not a COSE_Sign1_Tagged')
  const [signed, unprotected, payloadItem, signature] = contents as Cbor[]
  const protectedBytes = bytes(signed, 'protected header', HEADER_CAP)
  const header = readCbor(protectedBytes, 'protected header')
  if (!isCborMap(header) || !isCborMap(unprotected)) throw malformed('a header is not a map')
  const algorithm = ALGORITHMS.get(header.get(ALG))
  if (algorithm === undefined) {
    if (!header.has(ALG)) throw malformed('no alg')
    throw envelopeFault('ALGORITHM_REFUSED', 'alg is not one of the six')
  }
  if (header.get(CONTENT_TYPE) !== PAYLOAD_TYPE) throw malformed(`content type is not ${PAYLOAD_TYPE}`)
  const payload = bytes(payloadItem, 'payload', PAYLOAD_CAP)
  return {
    algorithm,
    ...readAttributes(attributesOf(header), readCritical(header.get(CRIT)), TIMES),
    payload,
    // The byte string is the very one that came: its shortest head was demanded, so there is no other form of it.
    toBeSigned: signatureStructure(protectedBytes, payload),
    signature: bytes(signature, 'signature', HEADER_CAP),
    salt: 'digest',
    ...readUnprotected(unprotected, header),
  }
}

/** The attributes by name; an integer label by its digits. */
function attributesOf(header: CborMap): Map<string, Cbor> {
  const attributes = new Map<string, Cbor>()
  for (const [label, value] of header) {
    if (NOT_SIGNED.has(label)) throw malformed(`label ${label} in the protected header`)
    if (label === ALG || label === CRIT || label === CONTENT_TYPE) continue
    if (attributes.has(String(label))) throw malformed('a label as number and as text')
    attributes.set(String(label), value)
  }
  return attributes
}

function readCritical(crit: Cbor | undefined): string[] {
  if (!Array.isArray(crit) || crit.length === 0) throw malformed('crit is not a list of labels')
  const names = crit.map((label) => {
    if (typeof label !== 'number' && typeof label !== 'string') throw malformed('crit is not a list of labels')
    // Stops the common parameters from being listed as though they were extensions (RFC 9052 section 3.1).
    if (typeof label === 'number' && label >= 0 && label <= 8) throw malformed(`crit holds label ${label}`)
    return String(label)
  })
  if (new Set(names).size !== names.length) throw malformed('crit holds a label twice')
  return names
}

function readUnprotected(unprotected: CborMap, header: CborMap): Pick<EnvelopeParts, 'chain' | 'timestamp' | 'agent'> {
  for (const label of unprotected.keys()) {
    // Stops two readers from taking a label from different headers (RFC 9052 section 3).
    if (header.has(label)) throw malformed(`label ${label} in both headers`)
    // Stops `alg`, `crit` and their kind from being set by anyone on the way; the key id is a mere hint.
    if (typeof label === 'number' && label >= 0 && label <= 8 && label !== 4)
      throw malformed(`label ${label} is not protected`)
  }
  checkUnprotected([...unprotected.keys()])
  // A bare byte string for a chain of one is legal COSE (RFC 9360), but notation does not read it.
  const chain = unprotected.get(CHAIN)
  if (!Array.isArray(chain) || chain.length === 0) throw malformed('x5chain is not a list of certificates')
  capped(chain.length, CHAIN_CAP, 'certificates')
  const parts: Pick<EnvelopeParts, 'chain' | 'timestamp' | 'agent'> = {
    chain: chain.map((item, i) => bytes(item, `x5chain[${i}]`, TIMESTAMP_CAP)),
  }
  if (unprotected.has(TIMESTAMP)) parts.timestamp = bytes(unprotected.get(TIMESTAMP), TIMESTAMP, TIMESTAMP_CAP)
  const agent = unprotected.get(AGENT)
  if (agent !== undefined) {
    if (typeof agent !== 'string') throw malformed(`${AGENT} is not text`)
    parts.agent = agent
  }
  return parts
}
