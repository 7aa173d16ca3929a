/** The fault of timestamps, and the fields of their DER. */
import { DerError, DerFields, readOid, type DerNode } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'

/** The error for a token that proves nothing; `detail` names the rule. */
export function timestampFault(detail: string, cause?: unknown): SallyportError {
  return new SallyportError('TIMESTAMP_INVALID', { side: 'bundle', subject: 'timestamp token', detail, cause })
}

/** What `read` returns; TIMESTAMP_INVALID for what it finds not to be DER of the right shape. */
export function strictly<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof DerError) throw timestampFault(cause.message, cause)
    throw cause
  }
}

/** The fields inside the next field, which must have this tag octet. */
export function open(fields: DerFields, tag: number, what: string): DerFields {
  return new DerFields(fields.take(tag), what)
}

/** The one field inside the next field, of another tag: EXPLICIT tagging, and a SET of one. */
export function single(fields: DerFields, outer: number, inner: number, what: string): DerNode {
  const wrapper = open(fields, outer, what)
  const node = wrapper.take(inner)
  wrapper.end()
  return node
}

export type TimestampHash = 'sha256' | 'sha384' | 'sha512'

const HASHES = new Map<string, TimestampHash>([
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
])

/** The hash that an AlgorithmIdentifier names. Stops SHA-1 and MD5, for which collisions can be made. */
export function hashOf(node: DerNode): TimestampHash {
  if (node.tag !== 0x30) throw timestampFault('a hash algorithm is no sequence')
  const algorithm = new DerFields(node, 'a hash algorithm')
  const hash = HASHES.get(readOid(algorithm.take(0x06)))
  if (hash === undefined) throw timestampFault('a hash that is none of SHA-256, SHA-384 and SHA-512')
  algorithm.maybe(0x05)
  algorithm.end()
  return hash
}
