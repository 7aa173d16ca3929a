/** The index: what the journal's rows add up to, for fast questions. It proves nothing and can always be remade. */
import { isJsonObject, type Json } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { engineFault, type Engine, type OpenEngine } from './engine.ts'
import { endOf, META_FORMAT, META_HEAD } from './index-key.ts'
import { openValue, sealValue } from './index-value.ts'
import { NO_ROWS, type JournalHead } from './journal-row.ts'

const FORMAT = 'sallyport-index/1'

/** One change of the index; without a value the key goes. */
export interface Op {
  key: string
  value?: Json
}

/** What questions are asked of. */
export interface IndexReader {
  get(key: string): Promise<Json | undefined>
  /** The pairs whose key starts with `prefix`, sorted. */
  range(prefix: string): AsyncIterable<[string, Json]>
}

export class IndexDb implements IndexReader {
  readonly #engine: Engine
  readonly #folder: string
  #head: JournalHead
  #unsynced = false

  private constructor(engine: Engine, folder: string, head: JournalHead) {
    this.#engine = engine
    this.#folder = folder
    this.#head = head
  }

  /** The index in a folder, made when absent. Throws INDEX_DAMAGED and what the engine throws. */
  static async open(folder: string, openEngine: OpenEngine): Promise<IndexDb> {
    const engine = await openEngine(folder)
    const index = new IndexDb(engine, folder, NO_ROWS)
    try {
      const format = await index.get(META_FORMAT)
      const head = await index.get(META_HEAD)
      if (format !== undefined && format !== FORMAT)
        throw new SallyportError('INDEX_DAMAGED', {
          side: 'state',
          subject: folder,
          detail: `format ${String(format)}`,
        })
      if (isJsonObject(head)) index.#head = { n: Number(head['n']), hash: String(head['hash']) }
      return index
    } catch (error) {
      await engine.close()
      throw error
    }
  }

  /** The last journal row that is in the index. */
  get head(): JournalHead {
    return this.#head
  }

  async get(key: string): Promise<Json | undefined> {
    const stored = await this.#engine.get(key).catch((cause: unknown) => {
      throw engineFault(cause, this.#folder)
    })
    return stored === undefined ? undefined : openValue(key, stored)
  }

  async *range(prefix: string): AsyncGenerator<[string, Json], undefined, undefined> {
    try {
      for await (const [key, stored] of this.#engine.iterator({ gte: prefix, lt: endOf(prefix) }))
        yield [key, openValue(key, stored)]
    } catch (cause) {
      throw engineFault(cause, this.#folder)
    }
  }

  /** Everything as it is stored, sorted by the bytes of the keys. */
  async *raw(): AsyncGenerator<[string, string], undefined, undefined> {
    try {
      yield* this.#engine.iterator()
    } catch (cause) {
      throw engineFault(cause, this.#folder)
    }
  }

  /** Brings in the changes of the rows up to `head`, all or none. Of two changes of one key the last one counts. */
  async write(ops: readonly Op[], head: JournalHead): Promise<void> {
    await this.#put(ops, head, false)
  }

  /** Makes the index durable and closes it. What was not durable before would be remade from the journal. */
  async close(): Promise<void> {
    if (this.#unsynced) await this.#put([], this.#head, true).catch(() => undefined)
    await this.#engine.close()
  }

  async #put(ops: readonly Op[], head: JournalHead, sync: boolean): Promise<void> {
    const last = new Map<string, Json | undefined>()
    for (const op of ops) last.set(op.key, op.value)
    last.set(META_FORMAT, FORMAT)
    last.set(META_HEAD, { ...head })
    try {
      const batch = this.#engine.batch()
      // Sorted keys are what LevelDB takes fastest.
      for (const key of [...last.keys()].sort()) {
        const value = last.get(key)
        if (value === undefined) batch.del(key)
        else batch.put(key, sealValue(key, value))
      }
      await (sync ? batch.write({ sync } as object) : batch.write())
    } catch (cause) {
      throw engineFault(cause, this.#folder)
    }
    this.#head = head
    this.#unsynced = !sync
  }
}
