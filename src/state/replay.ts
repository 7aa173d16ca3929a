/** Runs the rows of a journal through the ledger and brings indexes up to them. */
import { sortedJson } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { Acknowledged } from './acknowledged.ts'
import type { IndexReader, Op } from './index-db.ts'
import { channelKey, keyText, prefixOf } from './index-key.ts'
import type { JournalHead, JournalRow } from './journal-row.ts'
import type { Proven } from './journal-scan.ts'
import { Ledger } from './ledger.ts'

const RUN = 1000

/** An index, or a known head, that is brought up to a journal. */
export interface Sink {
  /** The last row that is in it already. */
  readonly head: JournalHead
  write(ops: readonly Op[], head: JournalHead): Promise<void>
}

function broken(row: number, detail: string, cause?: unknown): SallyportError {
  return new SallyportError('JOURNAL_BROKEN', { side: 'state', subject: `journal.jsonl row ${row}`, detail, cause })
}

/** The backup may lack more rows than the journal does: it names both ways. */
const LOST_REMEDY =
  'move the state folder away and run sallyport state restore with a backup that has the row, or go on without: state rebuild --accept-loss --reason TEXT'

class Feed {
  readonly sink: Sink
  readonly #from: Acknowledged
  #pending: Op[] = []
  #last: JournalHead

  constructor(sink: Sink) {
    this.sink = sink
    this.#from = new Acknowledged(sink.head, LOST_REMEDY)
    this.#last = sink.head
  }

  async add(row: JournalRow, hash: string, ops: readonly Op[]): Promise<void> {
    this.#from.demandRow(row.n, hash)
    if (row.n <= this.#from.head.n) return
    for (const op of ops) this.#pending.push(op)
    this.#last = { n: row.n, hash }
    if (this.#pending.length >= RUN) await this.#flush()
  }

  demandAll(head: JournalHead): void {
    this.#from.demandReached(head.n)
  }

  async finish(head: JournalHead): Promise<void> {
    this.demandAll(head)
    if (this.#last.n > this.sink.head.n) await this.#flush()
  }

  async #flush(): Promise<void> {
    await this.sink.write(this.#pending, this.#last)
    this.#pending = []
  }
}

export class Replay {
  readonly ledger = new Ledger()
  readonly #feeds: Feed[]

  constructor(...sinks: Sink[]) {
    this.#feeds = sinks.map((sink) => new Feed(sink))
  }

  /** Takes the next rows. Throws JOURNAL_BROKEN for a row that could never have been written, STATE_NEWER. */
  async visit(rows: readonly Proven[]): Promise<void> {
    for (const { row, hash } of rows) {
      const ops = this.#apply(row)
      for (const feed of this.#feeds) await feed.add(row, hash, ops)
    }
    this.ledger.settle()
  }

  /** To be called with the journal's last whole row, before a torn one is cut off. Throws JOURNAL_BROKEN as {@link finish}. */
  demandAll(head: JournalHead): void {
    for (const feed of this.#feeds) feed.demandAll(head)
  }

  /** To be called when the journal's last row was visited. Throws JOURNAL_BROKEN when a sink is ahead of it. */
  async finish(head: JournalHead): Promise<void> {
    for (const feed of this.#feeds) await feed.finish(head)
  }

  #apply(row: JournalRow): Op[] {
    try {
      return this.ledger.apply(row)
    } catch (cause) {
      if (cause instanceof SallyportError && cause.code === 'STATE_NEWER') throw cause
      if (cause instanceof SallyportError || cause instanceof TypeError) throw broken(row.n, cause.message, cause)
      throw cause
    }
  }
}

/**
 * Compares what guards against replay, as the journal has it, with the index. Throws INDEX_DAMAGED.
 * A flipped bit makes LevelDB drop writes silently; an older value of a key then stands there with a good digest.
 */
export async function refuseDisagreement(ledger: Ledger, index: IndexReader): Promise<void> {
  const wanted = new Map<string, string>()
  for (const [name, record] of ledger.channels) wanted.set(channelKey(name), sortedJson(record))
  for (const [key, intent] of ledger.intents) wanted.set(key, sortedJson(intent))
  const damaged = (key: string): SallyportError =>
    new SallyportError('INDEX_DAMAGED', { side: 'state', subject: `index: ${keyText(key)}` })
  for (const family of ['channel', 'intent']) {
    for await (const [key, value] of index.range(prefixOf(family))) {
      if (wanted.get(key) !== sortedJson(value)) throw damaged(key)
      wanted.delete(key)
    }
  }
  for (const key of wanted.keys()) throw damaged(key)
}
