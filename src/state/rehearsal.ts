/** What a run would write, in memory alone: so a dry run goes the way of the real one, and nothing of it is kept. */
import type { Digest } from '../oci/index.ts'
import type { Drafting } from './committer.ts'
import { draftRows } from './journal.ts'
import type { JournalHead, JournalRow } from './journal-row.ts'
import { Ledger } from './ledger.ts'
import { demandHeld, listDigest } from './list-files.ts'
import type { MemoryIndex } from './memory-index.ts'
import type { ProvenList } from './revocation-entry.ts'
import { bytesOf } from './take-lists.ts'

export class Rehearsal {
  ledger: Ledger
  head: JournalHead
  readonly #index: MemoryIndex
  readonly #now: Date
  readonly #rows = new Map<number, JournalRow>()
  readonly #lists = new Map<Digest, Buffer>()

  /** Goes on from what was read; the index is written to. */
  constructor(ledger: Ledger, head: JournalHead, index: MemoryIndex, now: Date) {
    this.ledger = ledger
    this.head = head
    this.#index = index
    this.#now = now
  }

  /** Refused by the same rules as a journal's rows. */
  async submit(entries: Drafting): Promise<void> {
    const draft = draftRows(this.head, entries(this.ledger), this.#now)
    const next = new Ledger(this.ledger)
    const ops = draft.rows.flatMap((row) => next.apply(row))
    next.settle()
    this.ledger = next
    this.head = draft.head
    for (const row of draft.rows) this.#rows.set(row.n, row)
    await this.#index.write(ops, draft.head)
  }

  /** A row of the rehearsal; undefined for one of the journal. */
  row(n: number): JournalRow | undefined {
    return this.#rows.get(n)
  }

  keep(lists: readonly ProvenList[]): void {
    const files = bytesOf(lists)
    demandHeld(files)
    for (const bytes of files) this.#lists.set(listDigest(bytes), Buffer.from(bytes))
  }

  bytes(digest: Digest): Buffer | undefined {
    return this.#lists.get(digest)
  }
}
