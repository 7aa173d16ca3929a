/** Many digests of one algorithm, packed: a million take 32 MB and 8 MB to find them, where strings in a map take 200. */
import { randomInt } from 'node:crypto'
import { hexOf, type Algorithm, type Digest } from './digest.ts'

const FIRST_ROOM = 64

/** Digests in the order in which they were added, each once. */
export class DigestTable {
  readonly algorithm: Algorithm
  readonly #width: number
  // Stops a maker of content from choosing digests that all fall into one place of the table.
  readonly #seed = randomInt(2 ** 31) * 2 + 1
  #packed: Buffer
  /** Open addressing: number of the digest plus one, or 0; at least half of the places are free. */
  #places: Uint32Array
  #length = 0
  readonly #sought: Buffer

  constructor(algorithm: Algorithm, room = FIRST_ROOM) {
    this.algorithm = algorithm
    this.#width = algorithm === 'sha256' ? 32 : 64
    this.#packed = Buffer.allocUnsafe(Math.max(room, FIRST_ROOM) * this.#width)
    this.#places = new Uint32Array(placesFor(room))
    this.#sought = Buffer.alloc(this.#width)
  }

  static of(algorithm: Algorithm, digests: readonly Digest[]): DigestTable {
    const table = new DigestTable(algorithm, digests.length)
    for (const digest of digests) table.add(digest)
    return table
  }

  get length(): number {
    return this.#length
  }

  /** The digests one behind the other, as raw bytes; of use until the next one is added. */
  get packed(): Buffer {
    return this.#packed.subarray(0, this.#length * this.#width)
  }

  at(i: number): Digest {
    return `${this.algorithm}:${this.#packed.toString('hex', i * this.#width, (i + 1) * this.#width)}`
  }

  /** The digest's number, or -1. Duty of the caller: it is of this algorithm. */
  indexOf(digest: Digest): number {
    this.#sought.write(hexOf(digest), 'hex')
    return (this.#places[this.#placeOf(this.#sought, 0)] ?? 0) - 1
  }

  /** The digest's number: its own from before, or the next. Duty of the caller: it is of this algorithm. */
  add(digest: Digest): number {
    const sought = this.#sought
    sought.write(hexOf(digest), 'hex')
    let place = this.#placeOf(sought, 0)
    const known = this.#places[place] ?? 0
    if (known > 0) return known - 1
    if (2 * (this.#length + 1) > this.#places.length) {
      this.#widen()
      place = this.#placeOf(sought, 0)
    }
    if ((this.#length + 1) * this.#width > this.#packed.length) {
      const more = Buffer.allocUnsafe(this.#packed.length * 2)
      this.#packed.copy(more)
      this.#packed = more
    }
    sought.copy(this.#packed, this.#length * this.#width)
    this.#places[place] = ++this.#length
    return this.#length - 1
  }

  #placeOf(bytes: Buffer, from: number): number {
    const mask = this.#places.length - 1
    // All of it: a list of sums may name digests that no content has.
    let mixed = this.#seed
    for (let i = from; i < from + this.#width; i += 4) {
      mixed = Math.imul(mixed ^ bytes.readInt32LE(i), this.#seed)
      mixed ^= mixed >>> 15
    }
    for (let place = mixed & mask; ; place = (place + 1) & mask) {
      const held = this.#places[place] ?? 0
      if (held === 0) return place
      const at = (held - 1) * this.#width
      if (bytes.compare(this.#packed, at, at + this.#width, from, from + this.#width) === 0) return place
    }
  }

  #widen(): void {
    this.#places = new Uint32Array(this.#places.length * 2)
    for (let i = 0; i < this.#length; i++) this.#places[this.#placeOf(this.#packed, i * this.#width)] = i + 1
  }
}

function placesFor(room: number): number {
  let places = 2 * FIRST_ROOM
  while (places < 2 * room) places *= 2
  return places
}
