/** What stays revoked here although the newest list does not name it any more. */
import { SallyportError } from '../errors/index.ts'
import {
  compareRecords,
  decodeRecord,
  encodeRecord,
  isRecord,
  RECORD,
  SERIAL,
  serialOctets,
  type KeptEntry,
} from './kept-record.ts'
import { LIST_CAP } from './list.ts'

const HEAD = Buffer.from('sallyport-kept/1\n')

/**
 * Of one issuer and URL, as many as a state keeps in one file. More is refused: nothing is ever dropped to make room, or
 * whoever has an issuer's key for a day would bring back what was revoked before by revoking a million others.
 */
export const KEPT_CAP = Math.floor((LIST_CAP - HEAD.length) / RECORD)

/** Entries in the order of their serial numbers, each serial number once; frozen. Equal entries, equal {@link bytes}. */
export class KeptEntries {
  readonly #records: Buffer

  /** @param records - sound and in order; see {@link readKept} for what comes from elsewhere */
  constructor(records: Buffer = Buffer.alloc(0)) {
    this.#records = records
  }

  get size(): number {
    return this.#records.length / RECORD
  }

  /** The form that {@link readKept} reads. */
  get bytes(): Buffer {
    return Buffer.concat([HEAD, this.#records])
  }

  find(serial: string): KeptEntry | undefined {
    const wanted = serialOctets(serial)
    if (wanted.length !== SERIAL) return undefined
    let [low, high] = [0, this.size]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#compare(middle, wanted) < 0) low = middle + 1
      else high = middle
    }
    return low < this.size && this.#compare(low, wanted) === 0 ? decodeRecord(this.#records, low * RECORD) : undefined
  }

  #compare(index: number, wanted: Buffer): number {
    return this.#records.compare(wanted, 0, SERIAL, index * RECORD, index * RECORD + SERIAL)
  }

  *entries(): Generator<KeptEntry, void, undefined> {
    for (let at = 0; at < this.#records.length; at += RECORD) yield decodeRecord(this.#records, at)
  }

  equals(other: KeptEntries): boolean {
    return this.#records.equals(other.#records)
  }

  /** Those that are wanted; itself when all are. */
  filter(wanted: (entry: KeptEntry) => boolean): KeptEntries {
    const records = Buffer.alloc(this.#records.length)
    let end = 0
    for (let at = 0; at < this.#records.length; at += RECORD)
      if (wanted(decodeRecord(this.#records, at))) {
        this.#records.copy(records, end, at, at + RECORD)
        end += RECORD
      }
    return end === records.length ? this : new KeptEntries(records.subarray(0, end))
  }

  /** The entries of both; of one serial number the one that was named by the higher list. Linear. */
  unite(other: KeptEntries): KeptEntries {
    if (other.size === 0) return this
    if (this.size === 0) return other
    const [one, two] = [this.#records, other.#records]
    const records = Buffer.alloc(one.length + two.length)
    let [a, b, end] = [0, 0, 0]
    while (a < one.length || b < two.length) {
      const order = a >= one.length ? 1 : b >= two.length ? -1 : one.compare(two, b, b + SERIAL, a, a + SERIAL)
      const first = order < 0 || (order === 0 && compareRecords(one, a, two, b) <= 0)
      if (first) one.copy(records, end, a, a + RECORD)
      else two.copy(records, end, b, b + RECORD)
      end += RECORD
      if (order <= 0) a += RECORD
      if (order >= 0) b += RECORD
    }
    return new KeptEntries(records.subarray(0, end))
  }
}

/** Takes entries in the order of their serial numbers; of one serial number that stays which counts. */
export class KeptWriter {
  #records = Buffer.alloc(64 * RECORD)
  #end = 0

  /** Throws LIMIT_EXCEEDED beyond {@link KEPT_CAP}. */
  add(entry: KeptEntry): void {
    const record = encodeRecord(entry)
    const last = this.#end - RECORD
    if (last >= 0 && this.#records.compare(record, 0, SERIAL, last, last + SERIAL) === 0) {
      if (compareRecords(record, 0, this.#records, last) < 0) record.copy(this.#records, last)
      return
    }
    if (this.#end === this.#records.length) this.#records = Buffer.concat([this.#records], this.#end * 2)
    record.copy(this.#records, this.#end)
    this.#end += RECORD
    demandRoom(this.#end / RECORD)
  }

  finish(): KeptEntries {
    return new KeptEntries(this.#records.subarray(0, this.#end))
  }
}

/** Throws LIMIT_EXCEEDED beyond {@link KEPT_CAP}. */
export function demandRoom(count: number): void {
  if (count > KEPT_CAP)
    throw new SallyportError('LIMIT_EXCEEDED', {
      side: 'bundle',
      detail: `an issuer's later lists dropped more than ${KEPT_CAP} certificates that it had revoked for good`,
    })
}

/**
 * The entries that the bytes are. It keeps them: whoever gives them does not change them any more.
 * Throws LIST_MALFORMED, on the side of the state, for every other spelling: an order, a reason or a time that is none.
 */
export function readKept(bytes: Uint8Array): KeptEntries {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const records = whole.subarray(HEAD.length)
  const sound = whole.subarray(0, HEAD.length).equals(HEAD) && records.length % RECORD === 0 && inOrder(records)
  if (!sound || records.length > KEPT_CAP * RECORD)
    throw new SallyportError('LIST_MALFORMED', {
      side: 'state',
      subject: 'kept entries',
      detail: 'not in their one form',
      remedy: 'restore the state, or give the list again',
    })
  return new KeptEntries(records)
}

function inOrder(records: Buffer): boolean {
  for (let at = 0; at < records.length; at += RECORD) {
    if (!isRecord(records, at)) return false
    if (at > 0 && records.compare(records, at - RECORD, at - RECORD + SERIAL, at, at + SERIAL) <= 0) return false
  }
  return true
}
