/** An index in memory, for readers: LevelDB can be open in one process only. */
import type { Json } from '../codec/index.ts'
import type { IndexReader, Op } from './index-db.ts'
import { HELD_KEYS } from './index-key.ts'
import { NO_ROWS, type JournalHead, type JournalRow } from './journal-row.ts'
import { heldOps } from './ledger.ts'

/**
 * All but what targets hold, which may be millions of digests that hardly anybody asks for: for them the journal is read
 * again at each question.
 */
export class MemoryIndex implements IndexReader {
  readonly #values = new Map<string, Json>()
  readonly #rows: () => AsyncIterable<JournalRow>
  #head: JournalHead = NO_ROWS

  /** @param rows - the journal from its first row on */
  constructor(rows: () => AsyncIterable<JournalRow>) {
    this.#rows = rows
  }

  get head(): JournalHead {
    return this.#head
  }

  write(ops: readonly Op[], head: JournalHead): Promise<void> {
    this.#head = head
    for (const { key, value } of ops) {
      if (key.startsWith(HELD_KEYS)) continue
      if (value === undefined) this.#values.delete(key)
      else this.#values.set(key, value)
    }
    return Promise.resolve()
  }

  async get(key: string): Promise<Json | undefined> {
    return key.startsWith(HELD_KEYS) ? (await this.#held(key)).get(key) : this.#values.get(key)
  }

  async *range(prefix: string): AsyncGenerator<[string, Json], undefined, undefined> {
    const values = prefix.startsWith(HELD_KEYS) ? await this.#held(prefix) : this.#values
    const keys = [...values.keys()].filter((key) => key.startsWith(prefix)).sort()
    for (const key of keys) yield [key, values.get(key) ?? null]
  }

  async #held(prefix: string): Promise<Map<string, Json>> {
    const found = new Map<string, Json>()
    for await (const row of this.#rows()) {
      if (row.n > this.#head.n) break
      if (row.kind !== 'held') continue
      for (const { key, value } of heldOps(row))
        if (key.startsWith(prefix) && value !== undefined) found.set(key, value)
    }
    return found
  }
}
