/** The fault of timestamps, and the fields of their DER. */
import { DerError, DerFields, hashesOf, readOid, SHA2, type DerNode, type Sha2 } from '../codec/index.ts'
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

const HASHES = hashesOf(SHA2)

/** The hash that an AlgorithmIdentifier names. Stops SHA-1 and MD5, for which collisions can be made. */
export function hashOf(node: DerNode): Sha2 {
  if (node.tag !== 0x30) throw timestampFault('a hash algorithm is no sequence')
  const algorithm = new DerFields(node, 'a hash algorithm')
  const hash = HASHES.get(readOid(algorithm.take(0x06)))
  if (hash === undefined) throw timestampFault('a hash that is none of SHA-256, SHA-384 and SHA-512')
  algorithm.maybe(0x05)
  algorithm.end()
  return hash
}
