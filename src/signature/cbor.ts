/** CBOR (RFC 8949) as COSE envelopes use it, read strictly and by one walk: what was checked is what is understood. */
import { malformed } from './envelope-fault.ts'

/** An envelope nests five deep. */
const MAX_DEPTH = 16
/** Items in all, since each costs memory and each key a comparison. */
const MAX_ITEMS = 4096

export type CborLabel = number | string
export type Cbor = number | string | boolean | null | Uint8Array | CborTag | Cbor[] | CborMap
export type CborMap = Map<CborLabel, Cbor>

/** A value under a tag, which is never acted on. */
export class CborTag {
  readonly tag: number
  readonly contents: Cbor

  constructor(tag: number, contents: Cbor) {
    this.tag = tag
    this.contents = contents
  }
}

/** True for a CBOR map. */
export function isCborMap(value: unknown): value is CborMap {
  return value instanceof Map
}

/** The contents of a value under exactly this tag, or undefined. */
export function untagged(value: unknown, tag: number): Cbor | undefined {
  return value instanceof CborTag && value.tag === tag ? value.contents : undefined
}

/**
 * The one data item in `bytes`. It refuses what two readers could understand differently: lengths and integers that
 * are not in their shortest form, indefinite lengths, equal keys, bytes after the item, invalid UTF-8, floating point
 * numbers, undefined and other simple values, keys that are no label, and nesting or items beyond the cap.
 * Keys may stand in any order, as go-cose accepts them. Tags are kept and never acted on. Byte strings are views.
 * @param what - named in the error
 * Throws ENVELOPE_MALFORMED. The caller caps the length before it calls.
 */
export function readCbor(bytes: Uint8Array, what: string): Cbor {
  try {
    return walk(bytes)
  } catch (cause) {
    throw malformed(`${what}: ${cause instanceof Error ? cause.message.slice(0, 160) : 'not CBOR'}`, cause)
  }
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

const TEXT = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const SIMPLE = new Map([
  [20, false],
  [21, true],
  [22, null],
])
const ARRAY = 4
const MAP = 5
const TAG = 6

/** A container whose items are still to come. */
interface Open {
  major: number
  /** Of a tag. */
  tag: number
  left: number
  items: Cbor[]
}

// Without recursion: stops nesting that exhausts a stack.
function walk(bytes: Uint8Array): Cbor {
  const open: Open[] = []
  let at = 0
  for (let count = 0; ; count++) {
    if (count >= MAX_ITEMS) throw bad('too many items', at)
    const start = at
    const { major, value, next } = head(bytes, at)
    const parent = open.at(-1)
    // RFC 9052 section 1.5: a label is an integer or text.
    if (parent?.major === MAP && parent.left % 2 === 0 && major !== 0 && major !== 1 && major !== 3)
      throw bad('a key that is no label', at)
    at = next
    let item: Cbor | undefined
    if (major === 0) item = value
    else if (major === 1) item = -1 - value
    else if (major === 7) item = SIMPLE.get(value)
    else if (major === 2 || major === 3) {
      if (value > bytes.length - at) throw bad('it ends too early', at)
      const string = new Uint8Array(bytes.buffer, bytes.byteOffset + at, value)
      item = major === 2 ? string : TEXT.decode(string)
      at += value
    } else {
      open.push({ major, tag: value, left: major === TAG ? 1 : major === MAP ? 2 * value : value, items: [] })
      if (open.length > MAX_DEPTH) throw bad('nesting too deep', at)
    }
    if (typeof item === 'number' && !Number.isSafeInteger(item)) throw bad('a number beyond 2^53', start)
    // An item may be the last of its container, and that the last of its own.
    for (let last = open.at(-1); ; last = open.at(-1)) {
      if (item !== undefined) {
        if (last === undefined) {
          if (at !== bytes.length) throw bad('bytes after the item', at)
          return item
        }
        last.items.push(item)
        last.left--
      }
      if (last === undefined || last.left > 0) break
      open.pop()
      item = close(last, at)
    }
  }
}

function close({ major, tag, items }: Open, at: number): Cbor {
  if (major === ARRAY) return items
  if (major === TAG) return new CborTag(tag, items[0] ?? null)
  const map: CborMap = new Map()
  for (let i = 0; i < items.length; i += 2) {
    const label = items[i] as CborLabel
    // Stops two readers from taking the first and the last of two values.
    if (map.has(label)) throw bad('a key twice', at)
    map.set(label, items[i + 1] ?? null)
  }
  return map
}
