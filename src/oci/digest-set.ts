/** Digests of either algorithm, packed; with or without a number each. */
import { algorithmOf, type Algorithm, type Digest } from './digest.ts'
import { DigestTable } from './digest-table.ts'

/** Digests, each once; see {@link DigestTable} for what they take. */
export class DigestSet {
  readonly #tables = new Map<Algorithm, DigestTable>()

  get size(): number {
    return [...this.#tables.values()].reduce((sum, { length }) => sum + length, 0)
  }

  /** True when the digest is new. */
  add(digest: Digest): boolean {
    const table = this.#table(digest)
    const before = table.length
    return table.add(digest) === before
  }

  has(digest: Digest): boolean {
    return this.#table(digest).indexOf(digest) >= 0
  }

  #table(digest: Digest): DigestTable {
    const algorithm = algorithmOf(digest)
    const table = this.#tables.get(algorithm) ?? new DigestTable(algorithm)
    this.#tables.set(algorithm, table)
    return table
  }
}

/** A whole number for each digest. */
export class DigestNumbers {
  readonly #digests = { sha256: new DigestTable('sha256'), sha512: new DigestTable('sha512') }
  readonly #numbers: Record<Algorithm, number[]> = { sha256: [], sha512: [] }

  set(digest: Digest, number: number): void {
    const algorithm = algorithmOf(digest)
    this.#numbers[algorithm][this.#digests[algorithm].add(digest)] = number
  }

  get(digest: Digest): number | undefined {
    const algorithm = algorithmOf(digest)
    return this.#numbers[algorithm][this.#digests[algorithm].indexOf(digest)]
  }
}
