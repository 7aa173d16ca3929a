/** The last row of a channel's log that was acknowledged, as `journal.head` beside it has it. */
import { SallyportError } from '../../errors/index.ts'
import { readHead, type JournalHead, type Proven } from '../../state/index.ts'

/** What helps who has lost rows of a log. */
export const LOST_REMEDY =
  "take the channel's folder from a copy that was kept apart, or remove journal.head where there is none; " +
  'then name a --sequence above all that were given out'

/**
 * Stops a log whose last rows are lost from giving their numbers to other bundles: sites would take that for stolen keys.
 * Nothing here helps against a folder that was put back whole, as it was on an older day.
 */
export class LogTail {
  readonly head: JournalHead

  private constructor(head: JournalHead) {
    this.head = head
  }

  /** To be read before the log: an export may append in between. */
  static async read(dir: string): Promise<LogTail> {
    return new LogTail(await readHead(dir))
  }

  /** Sees all rows, in order. Throws JOURNAL_BROKEN. */
  visit(rows: readonly Proven[]): void {
    const row = rows.find(({ row: { n } }) => n === this.head.n)
    if (row !== undefined && row.hash !== this.head.hash)
      throw this.#lost('another row of this number was acknowledged before')
  }

  /** To be called with the number of the last row, 0 without a log. Throws JOURNAL_BROKEN. */
  demand(last: number): void {
    if (last < this.head.n) throw this.#lost(`this row was acknowledged, but the log ends with row ${last}`)
  }

  #lost(detail: string): SallyportError {
    const subject = `journal.jsonl row ${this.head.n}`
    return new SallyportError('JOURNAL_BROKEN', { side: 'state', subject, detail, remedy: LOST_REMEDY })
  }
}
