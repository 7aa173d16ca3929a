/** Works that go on side by side while their results keep the order in which they were begun. */

const AT_ONCE = 8
/** What the works under way may hold together; a larger one runs alone. */
const BYTES_AT_ONCE = 8 * 1024 * 1024

/** Kept as soon as there is room for so many bytes, which count until the work ends. To be called once at most. */
export type Hold = (bytes: number) => Promise<void>

export class SideBySide<T> {
  readonly #results: Promise<T>[] = []
  readonly #running = new Set<Promise<void>>()
  #bytes = 0

  /** Begins the work as soon as there is room for it. `bytes` is what it holds in memory. */
  async begin(bytes: number, work: () => Promise<T>): Promise<void> {
    while (this.#running.size >= AT_ONCE || this.#isFull(bytes)) await Promise.race(this.#running)
    this.#run({ bytes }, work)
  }

  /**
   * Begins a work that finds out on its way what it is to hold, and asks for it before it does. Nobody who waits holds
   * anything, so that none waits for ever.
   */
  async beginWeighing(work: (hold: Hold) => Promise<T>): Promise<void> {
    while (this.#running.size >= AT_ONCE) await Promise.race(this.#running)
    const weight = { bytes: 0 }
    const hold: Hold = async (bytes) => {
      while (this.#isFull(bytes)) await Promise.race(this.#running)
      if (weight.bytes > 0) throw new TypeError('it holds something already')
      weight.bytes = bytes
      this.#bytes += bytes
    }
    this.#run(weight, () => work(hold))
  }

  #isFull(bytes: number): boolean {
    return this.#bytes > 0 && this.#bytes + bytes > BYTES_AT_ONCE
  }

  #run(weight: { bytes: number }, work: () => Promise<T>): void {
    this.#bytes += weight.bytes
    const result = work()
    this.#results.push(result)
    const over = (): void => {
      this.#running.delete(ended)
      this.#bytes -= weight.bytes
    }
    // A failure is for `all` to tell; until then it must not count as one that nobody heard of.
    const ended: Promise<void> = result.then(over, over)
    this.#running.add(ended)
  }

  /** Kept when none is under way any more, however it ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#running)
  }

  /** All results, or the failure of the first that failed, once {@link ended}. */
  async all(): Promise<T[]> {
    await this.ended()
    return Promise.all(this.#results)
  }
}
