/** CBOR written in core deterministic form (RFC 8949 section 4.2.1); only those who seal load the library for it. */
import { Tag, encode } from 'cbor2'
import { sortCoreDeterministic } from 'cbor2/sorts'
import { CborTag, isCborMap, type Cbor } from './cbor.ts'

/** The deterministic bytes of a value: shortest heads, map keys in bytewise order, as go-cose writes them. */
export function writeCbor(value: Cbor): Buffer {
  return Buffer.from(encode(plain(value), { sortKeys: sortCoreDeterministic, rejectDuplicateKeys: true }))
}

// A Buffer would be written by its own toJSON, not as a byte string.
function plain(value: Cbor): unknown {
  if (value instanceof Uint8Array) return Uint8Array.from(value)
  if (Array.isArray(value)) return value.map(plain)
  if (isCborMap(value)) return new Map([...value].map(([label, item]) => [label, plain(item)]))
  return value instanceof CborTag ? new Tag(value.tag, plain(value.contents)) : value
}
