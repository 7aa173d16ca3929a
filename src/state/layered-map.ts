/** A map that can be continued without being copied: what a refused decision would have changed falls away with its layer. */

/** Values must not be changed once they are in. */
export class LayeredMap<K, V> {
  readonly #base: Map<K, V>
  readonly #top: Map<K, V | undefined>

  /** Continues `from`, which stays as it is as long as nothing is settled. */
  constructor(from?: LayeredMap<K, V>) {
    this.#base = from === undefined ? new Map() : from.#base
    this.#top = new Map(from === undefined ? undefined : from.#top)
  }

  get(key: K): V | undefined {
    return this.#top.has(key) ? this.#top.get(key) : this.#base.get(key)
  }

  set(key: K, value: V): void {
    this.#top.set(key, value)
  }

  delete(key: K): void {
    this.#top.set(key, undefined)
  }

  *[Symbol.iterator](): Generator<[K, V], undefined, undefined> {
    for (const entry of this.#base) if (!this.#top.has(entry[0])) yield entry
    for (const [key, value] of this.#top) if (value !== undefined) yield [key, value]
  }

  *values(): Generator<V, undefined, undefined> {
    for (const [, value] of this) yield value
  }

  /** Makes this layer part of the base. Every other map that continues the same base is void from then on. */
  settle(): void {
    for (const [key, value] of this.#top) {
      if (value === undefined) this.#base.delete(key)
      else this.#base.set(key, value)
    }
    this.#top.clear()
  }
}
