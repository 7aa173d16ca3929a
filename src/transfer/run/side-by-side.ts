/** Works that go on side by side while their results keep the order in which they were begun. */

const AT_ONCE = 8
/** What the works under way may hold together; a larger one runs alone. */
const BYTES_AT_ONCE = 8 * 1024 * 1024

export class SideBySide<T> {
  readonly #results: Promise<T>[] = []
  readonly #running = new Set<Promise<void>>()
  #bytes = 0

  /** Begins the work as soon as there is room for it. `bytes` is what it holds in memory. */
  async begin(bytes: number, work: () => Promise<T>): Promise<void> {
    while (this.#running.size >= AT_ONCE || (this.#running.size > 0 && this.#bytes + bytes > BYTES_AT_ONCE))
      await Promise.race(this.#running)
    const result = work()
    this.#results.push(result)
    this.#bytes += bytes
    const over = (): void => {
      this.#running.delete(ended)
      this.#bytes -= bytes
    }
    // A failure is for `all` to tell; until then it must not count as one that nobody heard of.
    const ended: Promise<void> = result.then(over, over)
    this.#running.add(ended)
  }

  /** All results, or the failure of the first that failed. */
  all(): Promise<T[]> {
    return Promise.all(this.#results)
  }
}
