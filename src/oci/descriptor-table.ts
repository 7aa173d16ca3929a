/** Many blobs by digest, packed: media type, digest and size in 60 bytes, where a descriptor takes 250 and its place in a map 100. */
import { Column } from './column.ts'
import { algorithmOf, type Algorithm, type Digest } from './digest.ts'
import { DigestTable } from './digest-table.ts'
import type { Descriptor } from './descriptor.ts'

class Lane {
  readonly digests: DigestTable
  readonly sizes = new Column((length) => new Float64Array(length))
  readonly types = new Column((length) => new Uint32Array(length))

  constructor(algorithm: Algorithm) {
    this.digests = new DigestTable(algorithm)
  }
}

/**
 * Blobs, each digest once, in the order of the sums: those of sha256 in the order in which they were added, then those of
 * sha512. Of a descriptor it keeps media type, digest and size.
 */
export class DescriptorTable implements Iterable<Descriptor> {
  readonly #lanes = { sha256: new Lane('sha256'), sha512: new Lane('sha512') }
  readonly #types: string[] = []
  readonly #typeNumbers = new Map<string, number>()
  #bytes = 0

  static of(descriptors: Iterable<Descriptor>): DescriptorTable {
    const table = new DescriptorTable()
    for (const descriptor of descriptors) table.add(descriptor)
    return table
  }

  get length(): number {
    return this.#lanes.sha256.digests.length + this.#lanes.sha512.digests.length
  }

  /** The sum of all sizes; beyond 2^53 no longer exact. */
  get bytes(): number {
    return this.#bytes
  }

  count(algorithm: Algorithm): number {
    return this.#lanes[algorithm].digests.length
  }

  /** As {@link DigestTable.packed}. */
  packed(algorithm: Algorithm): Buffer {
    return this.#lanes[algorithm].digests.packed
  }

  /** Takes the descriptor in; of one digest the first one counts. False when it was known. */
  add({ mediaType, digest, size }: Descriptor): boolean {
    const { digests, sizes, types } = this.#lanes[algorithmOf(digest)]
    const before = digests.length
    const i = digests.add(digest)
    if (i < before) return false
    sizes.put(i, size)
    types.put(i, this.#typeNumber(mediaType))
    this.#bytes += size
    return true
  }

  /** The blob's number in the order of the table, or -1. */
  indexOf(digest: Digest): number {
    const algorithm = algorithmOf(digest)
    const i = this.#lanes[algorithm].digests.indexOf(digest)
    return i < 0 || algorithm === 'sha256' ? i : i + this.#lanes.sha256.digests.length
  }

  has(digest: Digest): boolean {
    return this.indexOf(digest) >= 0
  }

  /** The size that the digest was taken in with, or undefined. */
  sizeOf(digest: Digest): number | undefined {
    const { digests, sizes } = this.#lanes[algorithmOf(digest)]
    const i = digests.indexOf(digest)
    return i < 0 ? undefined : sizes.at(i)
  }

  /** Duty of the caller: there is such a number. */
  at(i: number): Descriptor {
    const first = this.#lanes.sha256.digests.length
    const [{ digests, sizes, types }, j] = i < first ? [this.#lanes.sha256, i] : [this.#lanes.sha512, i - first]
    return { mediaType: this.#types[types.at(j)] ?? '', digest: digests.at(j), size: sizes.at(j) }
  }

  /** The size of the blob with this number. */
  sizeAt(i: number): number {
    const first = this.#lanes.sha256.digests.length
    return i < first ? this.#lanes.sha256.sizes.at(i) : this.#lanes.sha512.sizes.at(i - first)
  }

  *[Symbol.iterator](): Generator<Descriptor> {
    for (let i = 0; i < this.length; i++) yield this.at(i)
  }

  #typeNumber(mediaType: string): number {
    const known = this.#typeNumbers.get(mediaType)
    if (known !== undefined) return known
    this.#typeNumbers.set(mediaType, this.#types.length)
    return this.#types.push(mediaType) - 1
  }
}
