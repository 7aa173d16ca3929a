/** DER without a tree: one element at a time, by its place, for structures of a million elements. */
import { DerError } from './der-tree.ts'

/** Reads heads of elements and makes no object. What {@link read} found stands in the fields until the next call. */
export class DerScan {
  readonly #bytes: Uint8Array
  /** The tag octet. */
  tag = 0
  /** Where the contents start and end: the end is where the next element starts. */
  start = 0
  end = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /**
   * The element at `at`, which must end at `limit` or before. Its contents are not looked at.
   * Throws {@link DerError} for what is cut short, and for any length but the short definite one.
   */
  read(at: number, limit: number): void {
    const bytes = this.#bytes
    if (at + 2 > limit) throw new DerError('an element is cut short')
    const tag = bytes[at] ?? 0
    if ((tag & 0x1f) === 0x1f) throw new DerError('an element has a long tag')
    let length = bytes[at + 1] ?? 0
    let start = at + 2
    if (length >= 0x80) {
      const octets = length & 0x7f
      if (octets === 0 || octets > 4 || start + octets > limit) throw new DerError('a length is not in its one form')
      length = 0
      for (const past = start + octets; start < past; start += 1) length = length * 256 + (bytes[start] ?? 0)
      if (length < 0x80 || length < 256 ** (octets - 1)) throw new DerError('a length is not in its one form')
    }
    if (length > limit - start) throw new DerError('an element is cut short')
    this.tag = tag
    this.start = start
    this.end = start + length
  }

  /** As {@link read}, and the element must have this tag octet. Throws {@link DerError} naming `what`. */
  take(tag: number, at: number, limit: number, what: string): void {
    this.read(at, limit)
    if (this.tag !== tag) throw new DerError(`${what} is missing or out of place`)
  }
}
