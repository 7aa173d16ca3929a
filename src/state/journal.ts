/** The record: an append-only, hash-chained file of plain JSON lines. Knows nothing of what its rows mean. */
import { open, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAllAside } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import { asFault, errnoOf, placeWhole } from './fault.ts'
import { encodeRow, NO_ROWS, secondsOf, type Entry, type JournalHead, type JournalRow } from './journal-row.ts'
import { HEADER, scanJournal, visitAll, type Proven, type ScanEnd } from './journal-scan.ts'
import { Lock } from './lock.ts'
import { RowPlaces } from './row-places.ts'

export const JOURNAL_FILE = 'journal.jsonl'
export const LOCK_FILE = 'journal.lock'

/** Rows that are made but not yet written; only good while the journal's head is `base`. */
export interface Draft {
  base: JournalHead
  head: JournalHead
  rows: JournalRow[]
  lines: Buffer[]
}

/** The rows of `entries` behind a head. Throws LIMIT_EXCEEDED for a row over the cap. */
export function draftRows(base: JournalHead, entries: readonly Entry[], now: Date): Draft {
  const draft: Draft = { base, head: base, rows: [], lines: [] }
  for (const entry of entries) {
    const { row, line, head } = encodeRow(entry, draft.head, secondsOf(now))
    draft.rows.push(row)
    draft.lines.push(line)
    draft.head = head
  }
  return draft
}

export interface JournalOptions {
  /** The time that rows of this run carry. */
  now: Date
  /** False: an absent journal is STATE_EMPTY. True, the default: it is made, in a folder that exists. */
  create?: boolean
  /** The folder's lock, when the caller took it already; the journal owns it once it is open. */
  lock?: Lock
  /** Sees every row once, in order, while the chain is proven. */
  visit?: (rows: readonly Proven[]) => void | Promise<void>
  /** Sees the last whole row before a torn one behind it is cut off, which stays when this throws. */
  whole?: (head: JournalHead) => void
}

export class Journal {
  readonly file: string
  readonly #handle: FileHandle
  readonly #lock: Lock
  readonly #now: Date
  readonly #places: RowPlaces
  #head: JournalHead
  #end: number
  #dead: unknown
  #queue: Promise<unknown> = Promise.resolve()

  private constructor(file: string, handle: FileHandle, lock: Lock, now: Date, scan: ScanEnd, places: RowPlaces) {
    this.file = file
    this.#handle = handle
    this.#lock = lock
    this.#now = now
    this.#places = places
    this.#head = scan.head
    this.#end = scan.end
  }

  /**
   * The journal of a folder, locked and proven from first to last row.
   * A last line without LF was never acknowledged: it is cut off and a row of kind `torn` says so.
   * Throws STATE_LOCKED, STATE_EMPTY, STATE_UNWRITABLE, STATE_NEWER, JOURNAL_BROKEN, DISK_FULL.
   */
  static async open(folder: string, options: JournalOptions): Promise<Journal> {
    const file = join(folder, JOURNAL_FILE)
    const lock = options.lock ?? (await Lock.take(join(folder, LOCK_FILE), options.now))
    let handle: FileHandle | undefined
    try {
      if (options.create !== false && !(await exists(file))) await seedJournal(folder, [], options.now)
      handle = await open(file, 'r+')
      // Rows of a killed run may not be on the disk: nothing that outlasts a power cut may be made from them before.
      await handle.sync()
      const { size } = await handle.stat()
      const places = new RowPlaces()
      const scan = await visitAll(scanJournal(handle, size, JOURNAL_FILE), (rows) => {
        for (const { end } of rows) places.add(end)
        return options.visit?.(rows)
      })
      options.whole?.(scan.head)
      const journal = new Journal(file, handle, lock, options.now, scan, places)
      if (scan.torn > 0) await journal.#cut(scan, options.visit)
      return journal
    } catch (cause) {
      await handle?.close()
      if (options.lock === undefined) await lock.release()
      if (errnoOf(cause) === 'ENOENT')
        throw new SallyportError('STATE_EMPTY', { side: 'state', subject: folder, cause })
      throw asFault(cause, 'STATE_UNWRITABLE', file)
    }
  }

  /**
   * The rows of a folder's journal, proven as they come, without a lock: what a writer appends meanwhile may be
   * missing. Throws STATE_EMPTY, STATE_NEWER, JOURNAL_BROKEN.
   */
  static async *read(folder: string): AsyncGenerator<JournalRow, undefined, undefined> {
    for await (const rows of Journal.readRuns(folder)) for (const { row } of rows) yield row
  }

  /** As {@link Journal.read}, in runs and with hashes. */
  static async *readRuns(folder: string): AsyncGenerator<Proven[], ScanEnd, undefined> {
    const handle = await openToRead(folder)
    try {
      return yield* scanJournal(handle, (await handle.stat()).size, JOURNAL_FILE)
    } finally {
      await handle.close()
    }
  }

  /** A row of a folder's journal, read again and proven by its sum. Throws STATE_EMPTY, JOURNAL_BROKEN. */
  static async readRow(folder: string, places: RowPlaces, n: number): Promise<JournalRow> {
    const handle = await openToRead(folder)
    try {
      return await places.read(handle, n, JOURNAL_FILE)
    } finally {
      await handle.close()
    }
  }

  get head(): JournalHead {
    return this.#head
  }

  /** The rows up to the head of this moment, read and proven again. */
  async *rows(): AsyncGenerator<JournalRow, undefined, undefined> {
    for await (const run of scanJournal(this.#handle, this.#end, JOURNAL_FILE)) for (const { row } of run) yield row
  }

  /** A row up to the head of this moment, read again and proven by its sum. Throws JOURNAL_BROKEN. */
  async row(n: number): Promise<JournalRow> {
    return this.#places.read(this.#handle, n, JOURNAL_FILE)
  }

  /** The row as written; it is on the disk when the promise is kept. See {@link Journal.appendAll}. */
  async append(kind: string, body: Entry['body']): Promise<JournalRow> {
    const [row] = await this.appendAll([{ kind, body }])
    if (row === undefined) throw new Error('no row was written')
    return row
  }

  /**
   * The rows as written, with one sync for all.
   * Throws DISK_FULL or STATE_UNWRITABLE, and then none of them is in the journal, which can be used further unless the
   * sync itself failed. A kill may leave the first few of them: they were not acknowledged, and they are whole.
   */
  async appendAll(entries: readonly Entry[]): Promise<JournalRow[]> {
    return this.#inTurn(async () => {
      const draft = draftRows(this.#head, entries, this.#now)
      await this.#write(draft)
      return draft.rows
    })
  }

  /** Writes a draft made behind this journal's head, as {@link Journal.appendAll} does. */
  async write(draft: Draft): Promise<void> {
    return this.#inTurn(() => this.#write(draft))
  }

  /** Ends what was begun, then gives the lock back. */
  async close(): Promise<void> {
    await this.#queue.catch(() => undefined)
    this.#dead ??= new Error('the journal is closed')
    try {
      await this.#handle.close()
    } finally {
      await this.#lock.release()
    }
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(task, task)
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  async #write(draft: Draft): Promise<void> {
    if (this.#dead !== undefined) throw this.#dead
    if (draft.base.hash !== this.#head.hash) throw new Error('the draft was made behind another head')
    const bytes = Buffer.concat(draft.lines)
    try {
      await writeAllAside(this.#handle, bytes, this.#end)
    } catch (cause) {
      const fault = asFault(cause, 'STATE_UNWRITABLE', this.file)
      await this.#undo().catch(() => (this.#dead = fault))
      throw fault
    }
    try {
      await this.#handle.sync()
    } catch (cause) {
      // After a failed sync nobody knows what is on the disk, and a second sync would lie: only a new start can tell.
      this.#dead = asFault(cause, 'STATE_UNWRITABLE', this.file)
      await this.#undo().catch(() => undefined)
      throw this.#dead
    }
    this.#head = draft.head
    for (const { length } of draft.lines) this.#places.add((this.#end += length))
  }

  async #undo(): Promise<void> {
    await this.#handle.truncate(this.#end)
    await this.#handle.sync()
  }

  async #cut(scan: ScanEnd, visit: JournalOptions['visit']): Promise<void> {
    await this.#undo()
    const draft = draftRows(this.#head, [{ kind: 'torn', body: { at: scan.end, bytes: scan.torn } }], this.#now)
    await this.#write(draft)
    await visit?.(draft.rows.map((row) => ({ row, hash: draft.head.hash, end: this.#end })))
  }
}

/** Its journal, for reading without a lock. Throws STATE_EMPTY, STATE_UNWRITABLE. */
export async function openToRead(folder: string): Promise<FileHandle> {
  const file = join(folder, JOURNAL_FILE)
  return open(file, 'r').catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT') throw new SallyportError('STATE_EMPTY', { side: 'state', subject: folder, cause })
    throw asFault(cause, 'STATE_UNWRITABLE', file)
  })
}

/** Makes a folder's journal in one step, with the header and these rows. The caller holds the folder's lock. */
export async function seedJournal(folder: string, entries: readonly Entry[], now: Date): Promise<void> {
  const { lines } = draftRows(NO_ROWS, [HEADER, ...entries], now)
  await placeWhole(join(folder, JOURNAL_FILE), 'STATE_UNWRITABLE', (handle) =>
    writeAllAside(handle, Buffer.concat(lines), 0),
  )
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return false
      throw error
    },
  )
}
