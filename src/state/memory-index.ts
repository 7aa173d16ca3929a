/** An index in memory, for readers: LevelDB can be open in one process only. */
import type { Json } from '../codec/index.ts'
import type { IndexReader, Op } from './index-db.ts'
import { NO_ROWS, type Head } from './journal-row.ts'

export class MemoryIndex implements IndexReader {
  readonly #values = new Map<string, Json>()
  #head: Head = NO_ROWS

  get head(): Head {
    return this.#head
  }

  write(ops: readonly Op[], head: Head): Promise<void> {
    this.#head = head
    for (const { key, value } of ops) {
      if (value === undefined) this.#values.delete(key)
      else this.#values.set(key, value)
    }
    return Promise.resolve()
  }

  get(key: string): Promise<Json | undefined> {
    return Promise.resolve(this.#values.get(key))
  }

  async *range(prefix: string): AsyncGenerator<[string, Json], undefined, undefined> {
    const keys = [...this.#values.keys()].filter((key) => key.startsWith(prefix)).sort()
    for (const key of keys) yield [key, this.#values.get(key) ?? null]
  }
}
