/** Brings decisions into the record: rules first, then the journal with one sync for all that wait, then head and index. */
import type { HeadFile } from './head-file.ts'
import type { IndexDb, Op } from './index-db.ts'
import { draftRows, type Draft, type Journal } from './journal.ts'
import type { Entry, JournalRow } from './journal-row.ts'
import { Ledger } from './ledger.ts'

/** What is to be written, told once everything before it was applied. */
export type Drafting = (ledger: Ledger) => readonly Entry[]

interface Request {
  entries: Drafting
  resolve: (rows: JournalRow[]) => void
  reject: (error: unknown) => void
}

interface Accepted {
  request: Request
  rows: JournalRow[]
}

/** Requests that may share one sync. */
const GROUP = 256

export class Committer {
  readonly #journal: Journal
  readonly #headFile: HeadFile
  readonly #index: IndexDb
  readonly #now: Date
  #ledger: Ledger
  #waiting: Request[] = []
  #running: Promise<void> | undefined
  #dead: unknown

  constructor(journal: Journal, headFile: HeadFile, index: IndexDb, ledger: Ledger, now: Date) {
    this.#journal = journal
    this.#headFile = headFile
    this.#index = index
    this.#ledger = ledger
    this.#now = now
  }

  get ledger(): Ledger {
    return this.#ledger
  }

  /**
   * The rows, durable in the journal and present in the index.
   * Rejected before anything is written when a rule refuses one of them; then none of these entries is written.
   * After a failed write of the index the rows stand in the journal and every later submit is rejected: the next open
   * brings the index up.
   */
  submit(entries: Drafting): Promise<JournalRow[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    // What is submitted in the same turn of the event loop shares the first sync.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0, GROUP))
    this.#running = undefined
  }

  async #commit(group: readonly Request[]): Promise<void> {
    const base = this.#journal.head
    const draft: Draft = { base, head: base, rows: [], lines: [] }
    const ops: Op[] = []
    const accepted: Accepted[] = []
    let ledger = this.#ledger
    for (const request of group) {
      try {
        if (this.#dead !== undefined) throw this.#dead
        const part = draftRows(draft.head, request.entries(ledger), this.#now)
        const next = new Ledger(ledger)
        const partOps = part.rows.flatMap((row) => next.apply(row))
        ledger = next
        draft.head = part.head
        // One by one: a bundle of 126,000 artifacts has more rows than a call may have arguments.
        for (const line of part.lines) draft.lines.push(line)
        for (const op of partOps) ops.push(op)
        accepted.push({ request, rows: part.rows })
      } catch (error) {
        request.reject(error)
      }
    }
    if (accepted.length === 0) return
    try {
      if (draft.head.n > base.n) await this.#journal.write(draft)
      ledger.settle()
      this.#ledger = ledger
      if (draft.head.n > base.n) {
        await this.#headFile.write([], draft.head)
        await this.#index.write(ops, draft.head).catch((error: unknown) => {
          this.#dead = error
          throw error
        })
      }
      for (const { request, rows } of accepted) request.resolve(rows)
    } catch (error) {
      for (const { request } of accepted) request.reject(error)
    }
  }
}
