/** The last row of a journal that was acknowledged, as an index, or `journal.head` beside it, has it. */
import { SallyportError } from '../errors/index.ts'
import type { JournalHead } from './journal-row.ts'

/**
 * Stops a journal that was cut back, perhaps written on then, from passing for the one that told others of its rows.
 * Nothing here helps against a folder that was put back whole, as it was on an older day.
 */
export class Acknowledged {
  readonly head: JournalHead
  readonly #remedy: string

  /** @param remedy - what helps who has lost rows of this journal */
  constructor(head: JournalHead, remedy: string) {
    this.head = head
    this.#remedy = remedy
  }

  /** To be called with each row, or that of its number at least. Throws JOURNAL_BROKEN for another one of its number. */
  demandRow(n: number, hash: string): void {
    if (n === this.head.n && hash !== this.head.hash)
      throw this.#lost('another row of this number was acknowledged before')
  }

  /** To be called with the number of the last row, 0 without a journal. Throws JOURNAL_BROKEN. */
  demandReached(last: number): void {
    if (last < this.head.n)
      throw this.#lost(`this row was acknowledged, but the journal ends with row ${last}: its tail is lost`)
  }

  #lost(detail: string): SallyportError {
    const subject = `journal.jsonl row ${this.head.n}`
    return new SallyportError('JOURNAL_BROKEN', { side: 'state', subject, detail, remedy: this.#remedy })
  }
}
