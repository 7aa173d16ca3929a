/** CBOR (RFC 8949) as COSE envelopes use it: read strictly, written in core deterministic form (section 4.2.1). */
import { Tag, decode, encode } from 'cbor2'
import { sortCoreDeterministic } from 'cbor2/sorts'
import { malformed } from './envelope-fault.ts'

/** An envelope nests five deep. */
const MAX_DEPTH = 16
/** Items in all, since each costs memory and each key a comparison. */
const MAX_ITEMS = 4096

export type CborLabel = number | string
export type Cbor = number | bigint | string | boolean | null | Uint8Array | Tag | Cbor[] | CborMap
export type CborMap = Map<CborLabel, Cbor>

/** True for a CBOR map. */
export function isCborMap(value: unknown): value is CborMap {
  return value instanceof Map
}

/** The contents of a value under exactly this tag, or undefined. */
export function untagged(value: unknown, tag: number): unknown {
  return value instanceof Tag && Number(value.tag) === tag ? value.contents : undefined
}

export function tagged(tag: number, contents: Cbor): Cbor {
  return new Tag(tag, contents)
}

/**
 * The one data item in `bytes`. It refuses what two readers could understand differently: lengths and integers that
 * are not in their shortest form, indefinite lengths, equal keys, bytes after the item, invalid UTF-8, floating point
 * numbers, undefined and other simple values, keys that are no label, and nesting or items beyond the cap.
 * Keys may stand in any order, as go-cose accepts them. Tags are kept and never acted on.
 * @param what - named in the error
 * Throws ENVELOPE_MALFORMED. The caller caps the length before it calls.
 */
export function readCbor(bytes: Uint8Array, what: string): Cbor {
  try {
    scan(bytes)
    return decode(bytes, {
      // Counted otherwise there; the walk before is what holds.
      maxDepth: 2 * MAX_DEPTH + 2,
      // Stops a tag from making a RegExp, a URL or a number out of hostile bytes.
      ignoreGlobalTags: true,
      preferMap: true,
      rejectDuplicateKeys: true,
      rejectFloats: true,
      rejectSimple: true,
      rejectStreaming: true,
      rejectUndefined: true,
      requirePreferred: true,
    })
  } catch (cause) {
    throw malformed(`${what}: ${cause instanceof Error ? cause.message.slice(0, 160) : 'not CBOR'}`, cause)
  }
}

/** The deterministic bytes of a value: shortest heads, map keys in bytewise order, as go-cose writes them. */
export function writeCbor(value: Cbor): Buffer {
  return Buffer.from(encode(plain(value), { sortKeys: sortCoreDeterministic, rejectDuplicateKeys: true }))
}

// A Buffer would be written by its own toJSON, not as a byte string.
function plain(value: Cbor): Cbor {
  if (value instanceof Uint8Array) return Uint8Array.from(value)
  if (Array.isArray(value)) return value.map(plain)
  if (isCborMap(value)) return new Map([...value].map(([label, item]) => [label, plain(item)]))
  return value instanceof Tag ? new Tag(value.tag, plain(value.contents as Cbor)) : value
}

interface Head {
  major: number
  value: number
  next: number
}

function bad(what: string, at: number): SyntaxError {
  return new SyntaxError(`${what} at byte ${at}`)
}

/** The head at `at`: minimal and definite. Integers beyond 2^53 are refused with it, as no header needs one. */
function head(bytes: Uint8Array, at: number): Head {
  const first = bytes[at]
  if (first === undefined) throw bad('it ends too early', at)
  const major = first >> 5
  const info = first & 0x1f
  if (major === 7) {
    if (info < 20 || info > 22) throw bad('a float or a simple value', at)
    return { major, value: info, next: at + 1 }
  }
  if (info < 24) return { major, value: info, next: at + 1 }
  if (info > 27) throw bad('an indefinite or reserved length', at)
  const size = 1 << (info - 24)
  const next = at + 1 + size
  if (next > bytes.length) throw bad('it ends too early', at)
  let value = 0
  for (const octet of bytes.subarray(at + 1, next)) value = value * 256 + octet
  if (!Number.isSafeInteger(value)) throw bad('a number beyond 2^53', at)
  if (value < (size === 1 ? 24 : 2 ** (size * 4))) throw bad('a number not in its shortest form', at)
  return { major, value, next }
}

/** Walks all items before anything is built of them, without recursion: stops nesting that exhausts a stack. */
function scan(bytes: Uint8Array): void {
  // For each open container: how many items are still to come, and whether keys are among them.
  const open: { left: number; map: boolean }[] = []
  let at = 0
  for (let items = 0; ; items++) {
    if (items >= MAX_ITEMS) throw bad('too many items', at)
    const { major, value, next } = head(bytes, at)
    const parent = open.at(-1)
    // RFC 9052 section 1.5: a label is an integer or text.
    if (parent?.map === true && parent.left % 2 === 0 && major !== 0 && major !== 1 && major !== 3)
      throw bad('a key that is no label', at)
    if (parent !== undefined) parent.left--
    at = next
    if (major === 2 || major === 3) {
      if (value > bytes.length - at) throw bad('it ends too early', at)
      at += value
    } else if (major === 4) open.push({ left: value, map: false })
    else if (major === 5) open.push({ left: value * 2, map: true })
    else if (major === 6) open.push({ left: 1, map: false })
    if (open.length > MAX_DEPTH) throw bad('nesting too deep', at)
    while (open.at(-1)?.left === 0) open.pop()
    if (open.length === 0) break
  }
  if (at !== bytes.length) throw bad('bytes after the item', at)
}
