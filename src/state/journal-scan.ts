/** Reads and proves a journal front to back in bounded memory. */
import { hash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { SallyportError } from '../errors/index.ts'
import { decodeRow, NO_ROWS, ROW_CAP, type JournalHead, type JournalRow } from './journal-row.ts'

const FORMAT = 'sallyport-journal/'
const VERSION = 1
const CHUNK = 256 * 1024
const LF = 10

/** Row 1 of every journal. Its shape stays the same in every later format, so that an old reader can name it. */
export const HEADER = { kind: 'journal', body: { format: `${FORMAT}${VERSION}` } }

/** A proven row. */
export interface Proven {
  row: JournalRow
  hash: string
  /** Byte offset behind it. */
  end: number
}

/** Where the whole rows end. */
export interface ScanEnd {
  head: JournalHead
  /** Byte offset behind the last whole row. */
  end: number
  /** Bytes of a last line without LF: the row that was being written when its writer was killed. */
  torn: number
}

/**
 * Yields runs of proven rows from the first `size` bytes of a file.
 * Throws JOURNAL_BROKEN with row and byte offset at the first row that is not what was written, STATE_NEWER.
 * What it cannot see is that whole rows are missing at the end: whoever needs that keeps the head elsewhere.
 * @param name - the file, for errors
 */
export async function* scanJournal(
  handle: FileHandle,
  size: number,
  name: string,
): AsyncGenerator<Proven[], ScanEnd, undefined> {
  let head = NO_ROWS
  let end = 0
  let carry: Buffer = Buffer.alloc(0)
  const chunk = Buffer.allocUnsafe(CHUNK)
  const broken = (detail: string, cause?: unknown): SallyportError =>
    new SallyportError('JOURNAL_BROKEN', {
      side: 'state',
      subject: `${name} row ${head.n + 1} at byte ${end}`,
      detail,
      cause,
    })
  const prove = (line: Buffer): JournalRow => {
    if (line.length > ROW_CAP) throw broken('the row is too long')
    try {
      return decodeRow(line, head)
    } catch (cause) {
      // RangeError: nesting that exhausts the stack; TypeError: a number without canonical form.
      if (cause instanceof SyntaxError || cause instanceof RangeError || cause instanceof TypeError)
        throw broken(cause.message, cause)
      throw cause
    }
  }
  while (end + carry.length < size) {
    const position = end + carry.length
    const { bytesRead } = await handle.read(chunk, 0, Math.min(CHUNK, size - position), position)
    if (bytesRead === 0) break
    const fresh = chunk.subarray(0, bytesRead)
    const data = carry.length === 0 ? fresh : Buffer.concat([carry, fresh])
    const rows: Proven[] = []
    let start = 0
    for (let at = data.indexOf(LF, carry.length); at >= 0; at = data.indexOf(LF, start)) {
      const line = data.subarray(start, at + 1)
      const row = prove(line)
      if (head.n === 0) refuseFormat(row, name)
      head = { n: row.n, hash: hash('sha256', line) }
      start = at + 1
      end += line.length
      rows.push({ row, hash: head.hash, end })
    }
    carry = Buffer.from(data.subarray(start))
    if (carry.length > ROW_CAP) throw broken('the row is too long')
    if (rows.length > 0) yield rows
  }
  if (head.n === 0) throw broken('there is no whole row')
  // A kill leaves the front part of a row. A whole row with another byte for its LF was acknowledged, then damaged.
  if (carry.length > 0 && isRowBut(carry, head)) throw broken('the line feed of the row is damaged')
  return { head, end, torn: carry.length }
}

/** Runs a scan to its end, also when `visit` throws: what the scan holds open is closed then. */
export async function visitAll(
  scan: AsyncGenerator<Proven[], ScanEnd, undefined>,
  visit?: (rows: readonly Proven[]) => void | Promise<void>,
): Promise<ScanEnd> {
  try {
    for (;;) {
      const step = await scan.next()
      if (step.done === true) return step.value
      await visit?.(step.value)
    }
  } finally {
    await scan.return(undefined as never)
  }
}

function isRowBut(tail: Buffer, head: JournalHead): boolean {
  try {
    decodeRow(tail, head)
    return true
  } catch {
    return false
  }
}

function refuseFormat(row: JournalRow, name: string): void {
  const { kind, format } = row as { kind: string; format?: unknown }
  const version = kind === HEADER.kind && typeof format === 'string' ? /^sallyport-journal\/(\d+)$/.exec(format) : null
  if (version === null)
    throw new SallyportError('JOURNAL_BROKEN', {
      side: 'state',
      subject: `${name} row 1 at byte 0`,
      detail: 'the first row names no format',
    })
  if (Number(version[1]) > VERSION)
    throw new SallyportError('STATE_NEWER', { side: 'state', subject: name, detail: `format ${String(format)}` })
}
