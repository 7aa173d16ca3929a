/** Where each row of a journal stands, so that one can be read again without those before it. */
import type { FileHandle } from 'node:fs/promises'
import { SallyportError } from '../errors/index.ts'
import { decodeLine, type JournalRow } from './journal-row.ts'

export class RowPlaces {
  /** Behind row n, in bytes; before row 1 it is 0. */
  readonly #ends: number[] = [0]

  /** Takes the next row, which ends there. */
  add(end: number): void {
    this.#ends.push(end)
  }

  /** A row that was proven before, proven by its own sum. Throws JOURNAL_BROKEN when it is not there any more. */
  async read(handle: FileHandle, n: number, name: string): Promise<JournalRow> {
    const start = this.#ends[n - 1]
    const end = this.#ends[n]
    if (start === undefined || end === undefined) throw new RangeError(`the journal has no row ${n}`)
    const line = Buffer.alloc(end - start)
    const { bytesRead } = await handle.read(line, 0, line.length, start)
    try {
      const row = bytesRead === line.length ? decodeLine(line) : undefined
      if (row?.n === n) return row
      throw new SyntaxError('another row, or none')
    } catch (cause) {
      if (!(cause instanceof SyntaxError || cause instanceof TypeError || cause instanceof RangeError)) throw cause
      throw new SallyportError('JOURNAL_BROKEN', {
        side: 'state',
        subject: `${name} row ${n} at byte ${start}`,
        detail: cause.message,
        cause,
      })
    }
  }
}
