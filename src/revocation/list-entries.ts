/** The entries of a revocation list, left in its bytes and found by serial number: four octets an entry, no object. */
import { CERTIFICATE_HOLD, DerError, isForGood } from '../codec/index.ts'
import { EntryScan, MAX_SERIAL, type ListEntry } from './list-entry.ts'

/** Two octets of head, three of serial number, fifteen of date: none is shorter. */
const LEAST_ENTRY = 20
/** What an offset needs at most: a list has up to 64 MiB. */
const OFFSETS = 2 ** 26

/** More than a serial number has octets: an offset and a length share a number. */
const LENGTHS = 32
/** Octets of the serial number that the first keys hold whole. */
const FIRST_OCTETS = 2

export class PackedEntries {
  readonly #bytes: Buffer
  readonly #start: number
  readonly #end: number
  /** Where entries start, ordered by serial number, equal ones as they stand in the list. */
  readonly #sorted: Uint32Array
  /** An entry names the issuer of its certificate. */
  readonly indirect: boolean

  /**
   * Reads all entries from `start` to `end`, which is below 64 MiB, and keeps the bytes, not a copy.
   * The time is O(n log n) whatever the serial numbers are: stops a list made to collide in a table. Throws DerError.
   */
  constructor(bytes: Buffer, start: number, end: number) {
    if (end > OFFSETS) throw new DerError('the list is too long')
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    const scan = new EntryScan(bytes)
    // An offset and some bits of what it is sorted by share a number, for numbers are sorted without callbacks.
    const keys = new Float64Array(Math.floor((end - start) / LEAST_ENTRY))
    let size = 0
    let indirect = false
    for (let at = start; at < end;) {
      const next = scan.read(at, end)
      keys[size++] = firstBits(bytes, scan.serialStart, scan.serialEnd) * OFFSETS + at
      indirect ||= scan.indirect
      at = next
    }
    this.indirect = indirect
    this.#sorted = new Uint32Array(size)
    this.#order(keys.subarray(0, size), 0, FIRST_OCTETS)
  }

  get size(): number {
    return this.#sorted.length
  }

  /** Sorts keys whose serial numbers are of one length and equal up to what the keys hold, and puts them at `to`. */
  #order(keys: Float64Array, to: number, octets: number): void {
    const sorted = this.#sorted
    keys.sort()
    let run = 0
    let bits = -1
    for (let index = 0; index <= keys.length; index += 1) {
      const key = keys[index] ?? -1
      const own = Math.floor(key / OFFSETS)
      if (own !== bits) {
        if (index - run > 1) this.#orderBeyond(keys.subarray(run, index), to + run, octets)
        run = index
        bits = own
      }
      if (index < keys.length) sorted[to + index] = key - own * OFFSETS
    }
  }

  /** As above for keys that are equal: goes on with the octets behind those that are. */
  #orderBeyond(keys: Float64Array, to: number, octets: number): void {
    if (octets >= MAX_SERIAL) return
    const bytes = this.#bytes
    for (let index = 0; index < keys.length; index += 1) {
      const at = this.#sorted[to + index] ?? 0
      const place = serialAt(bytes, at)
      const start = Math.floor(place / LENGTHS)
      keys[index] = threeOctets(bytes, start + octets, start + (place % LENGTHS)) * OFFSETS + at
    }
    this.#order(keys, to, octets + 3)
  }

  /** Shorter is less: serial numbers have no leading zeros. */
  #compareAt(index: number, wanted: Buffer): number {
    const place = serialAt(this.#bytes, this.#sorted[index] ?? 0)
    const start = Math.floor(place / LENGTHS)
    const length = place % LENGTHS
    if (length !== wanted.length) return length - wanted.length
    return this.#bytes.compare(wanted, 0, length, start, start + length)
  }

  /**
   * What stands there of this serial number, lower-case hex without leading zeros; RangeError for any other spelling,
   * which would be found nowhere. When it stands there several times: an entry that revokes for good; else one
   * that can't be understood; else the latest, since a hold may come and go.
   */
  find(serial: string): ListEntry | undefined {
    if (!/^(?:0|[1-9a-f][0-9a-f]*)$/.test(serial)) throw new RangeError('a serial number is lower-case hex')
    const wanted = Buffer.from(serial === '0' ? '' : serial.padStart(serial.length + (serial.length % 2), '0'), 'hex')
    let [low, high] = [0, this.size]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compareAt(middle, wanted) < 0) low = middle + 1
      else high = middle
    }
    const scan = new EntryScan(this.#bytes)
    let best: ListEntry | undefined
    for (let index = low; index < this.size && this.#compareAt(index, wanted) === 0; index += 1) {
      scan.read(this.#sorted[index] ?? 0, this.#end)
      const entry = scan.entry()
      if (best === undefined || outweighs(entry, best)) best = entry
    }
    return best
  }

  /** Goes through the entries in the order of their serial numbers; for two lists to be held side by side. */
  cursor(): EntryCursor {
    return new EntryCursor(this.#bytes, this.#end, this.#sorted)
  }

  /** Each entry as it stands in the list, in its order. */
  *entries(): Generator<ListEntry, void, undefined> {
    const scan = new EntryScan(this.#bytes)
    for (let at = this.#start; at < this.#end;) {
      at = scan.read(at, this.#end)
      yield scan.entry()
    }
  }
}

/** Stands before the first entry, then at one after the other; makes no object. */
export class EntryCursor {
  readonly bytes: Buffer
  /** The entry it stands at, after {@link next} was true. */
  readonly scan: EntryScan
  readonly #end: number
  readonly #sorted: Uint32Array
  #index = 0

  constructor(bytes: Buffer, end: number, sorted: Uint32Array) {
    this.bytes = bytes
    this.scan = new EntryScan(bytes)
    this.#end = end
    this.#sorted = sorted
  }

  /** Goes on to the next entry; false when there is none. Of one serial number they come as they stand in the list. */
  next(): boolean {
    const at = this.#sorted[this.#index]
    if (at === undefined) return false
    this.#index += 1
    this.scan.read(at, this.#end)
    return true
  }
}

/** Up to three octets from `start` on, as a number; zeros beyond the end. */
function threeOctets(bytes: Uint8Array, start: number, end: number): number {
  const octet = (at: number): number => (at < end ? (bytes[at] ?? 0) : 0)
  return (octet(start) << 16) | (octet(start + 1) << 8) | octet(start + 2)
}

/** 5 bits of length, then the first 22 bits of the number. */
function firstBits(bytes: Uint8Array, start: number, end: number): number {
  return (end - start) * 2 ** 22 + (threeOctets(bytes, start, end) >>> 2)
}

/** Where the serial number of an entry that was read before starts, without a zero before it, and its length. */
function serialAt(bytes: Uint8Array, at: number): number {
  const length = bytes[at + 1] ?? 0
  const number = at + 2 + (length < 0x80 ? 0 : length & 0x7f)
  const contents = number + 2
  const zero = bytes[contents] === 0 ? 1 : 0
  return (contents + zero) * LENGTHS + (bytes[number + 1] ?? 0) - zero
}

function weight({ reason, unknownCritical }: ListEntry): number {
  if (unknownCritical) return 1
  return isForGood(reason) ? 2 : 0
}

/** Of two that revoke for good the one that reaches back further counts, since no reader may fall behind the other. */
function outweighs(entry: ListEntry, best: ListEntry): boolean {
  const heavier = weight(entry) - weight(best)
  if (heavier !== 0) return heavier > 0
  if (weight(entry) === 0) {
    const later = entry.revoked.getTime() - best.revoked.getTime()
    // Of one second, the hold: a doubt that holds a certificate back.
    return later > 0 || (later === 0 && entry.reason === CERTIFICATE_HOLD)
  }
  return (entry.invalidity?.getTime() ?? -Infinity) < (best.invalidity?.getTime() ?? -Infinity)
}
