/** What a list said for good and the lists in force don't say any more. */
import { isForGood } from '../codec/index.ts'
import { KeptWriter, type KeptEntries } from './kept.ts'
import type { EntryCursor } from './list-entries.ts'
import { isForever } from './list-entry.ts'
import { compareNumbers } from './list-number.ts'
import type { RevocationList } from './list.ts'

/** Shorter is less, as in {@link EntryCursor}: serial numbers have no leading zeros there. */
function compareSerials(one: EntryCursor, other: EntryCursor): number {
  const { serialStart, serialEnd } = one.scan
  const { serialStart: start, serialEnd: end } = other.scan
  return serialEnd - serialStart - (end - start) || one.bytes.compare(other.bytes, start, end, serialStart, serialEnd)
}

/** Follows another cursor of the same order. */
class Follower {
  readonly #cursor: EntryCursor
  #more: boolean

  constructor(list: RevocationList) {
    this.#cursor = list.cursor()
    this.#more = this.#cursor.next()
  }

  /** True when the serial number that `leader` stands at is named for good here, by words that are known. */
  names(leader: EntryCursor): boolean {
    const cursor = this.#cursor
    while (this.#more) {
      const order = compareSerials(cursor, leader)
      if (order > 0 || (order === 0 && isForever(cursor.scan))) return order === 0
      this.#more = cursor.next()
    }
    return false
  }
}

/**
 * The entries of `list` that are for good and that no list in force names for good with its number or a higher one.
 * Linear in the entries of all, and without an object but for each that is found: a list may have a million.
 */
export function droppedOf(list: RevocationList, inForce: readonly RevocationList[]): KeptEntries {
  const followers = inForce
    .filter(({ number }) => compareNumbers(number, list.number) >= 0)
    .map((other) => new Follower(other))
  const dropped = new KeptWriter()
  const leader = list.cursor()
  while (leader.next())
    if (isForGood(leader.scan.reason) && !followers.some((follower) => follower.names(leader))) {
      const { serial, revoked, reason, invalidity } = leader.scan.entry()
      dropped.add({ serial, number: list.number, revoked, reason, ...(invalidity !== undefined && { invalidity }) })
    }
  return dropped.finish()
}
