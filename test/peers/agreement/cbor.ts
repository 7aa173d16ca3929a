/** A writer of CBOR that checks nothing, so that a case can write what no encoder would. */

export type CborValue =
  | string
  | number
  | Uint8Array
  | readonly CborValue[]
  | { readonly tag: number; readonly value: CborValue }
  | { readonly pairs: readonly (readonly [CborValue, CborValue])[] }
  /** Bytes that are CBOR already. */
  | { readonly raw: Uint8Array }

function head(major: number, value: number): Buffer {
  const top = major << 5
  if (value < 24) return Buffer.from([top | value])
  if (value < 0x100) return Buffer.from([top | 24, value])
  if (value < 0x1_0000) return Buffer.from([top | 25, value >> 8, value & 0xff])
  const long = Buffer.alloc(5)
  long[0] = top | 26
  long.writeUInt32BE(value, 1)
  return long
}

export function cbor(value: CborValue): Buffer {
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)])
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value)
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value])
  if ('raw' in value) return Buffer.from(value.raw)
  if ('tag' in value) return Buffer.concat([head(6, value.tag), cbor(value.value)])
  if ('pairs' in value) {
    return Buffer.concat([head(5, value.pairs.length), ...value.pairs.flatMap(([k, v]) => [cbor(k), cbor(v)])])
  }
  return Buffer.concat([head(4, value.length), ...value.map(cbor)])
}

/** The pairs of a map in the order of RFC 8949's core deterministic encoding. */
export function sorted(pairs: readonly (readonly [CborValue, CborValue])[]): CborValue {
  return { pairs: pairs.toSorted(([one], [two]) => Buffer.compare(cbor(one), cbor(two))) }
}
