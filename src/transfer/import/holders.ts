/** Which shelf, a repository of the target by its number, holds which blob of a bundle. */
import type { Content } from '../../bundle/index.ts'
import type { Digest } from '../../oci/index.ts'

/** Four bytes a blob, and more only for those that several shelves hold: it may be a million. */
export class Holders {
  readonly #content: Content
  /** By digest the number of each blob that is not in the payload. */
  readonly #law = new Map<Digest, number>()
  /** By a blob's number one more than that of the shelf that asked for it first; negative once it is held there. */
  readonly #first: Int32Array
  /** By the number of each other shelf the blobs that it holds. */
  readonly #further = new Map<number, Set<number>>()

  constructor(content: Content) {
    this.#content = content
    this.#first = new Int32Array(content.payload.length + content.law.length)
  }

  /** The shelf that asked for the blob first: this one when none did before. */
  first(shelf: number, digest: Digest): number {
    const blob = this.#numberOf(digest)
    const known = this.#first[blob] ?? 0
    if (known === 0) this.#first[blob] = shelf + 1
    return known === 0 ? shelf : Math.abs(known) - 1
  }

  holds(shelf: number, digest: Digest): boolean {
    const blob = this.#numberOf(digest)
    return this.#first[blob] === -(shelf + 1) || this.#further.get(shelf)?.has(blob) === true
  }

  hold(shelf: number, digest: Digest): void {
    const blob = this.#numberOf(digest)
    if (this.first(shelf, digest) === shelf) {
      this.#first[blob] = -(shelf + 1)
      return
    }
    const further = this.#further.get(shelf) ?? new Set()
    this.#further.set(shelf, further.add(blob))
  }

  // What is met that is neither payload nor of the law has no place, and nothing is remembered of it.
  #numberOf(digest: Digest): number {
    const { payload } = this.#content
    const i = payload.indexOf(digest)
    if (i >= 0) return i
    const number = this.#law.get(digest) ?? payload.length + this.#law.size
    this.#law.set(digest, number)
    return number
  }
}
