/**
 * The last row that was acknowledged, beside the journal: by it whoever only reads, and can't open the index meanwhile,
 * sees that rows are missing at the end. Like the index it is behind the journal or level with it, never ahead.
 */
import { constants } from 'node:fs'
import { open, readFile, type FileHandle } from 'node:fs/promises'
import { hash } from 'node:crypto'
import { join } from 'node:path'
import { isJsonObject, sortedJson, type Json } from '../codec/index.ts'
import { writeAllAside } from '../content/index.ts'
import { asFault, errnoOf } from './fault.ts'
import type { Op } from './index-db.ts'
import { NO_ROWS, type JournalHead } from './journal-row.ts'
import type { Sink } from './replay.ts'

export const HEAD_FILE = 'journal.head'

const FORMAT = 'sallyport-head/1'

function lineOf({ hash: row, n }: JournalHead): Buffer {
  const bare = { format: FORMAT, hash: row, n }
  return Buffer.from(`${sortedJson({ ...bare, sum: hash('sha256', sortedJson(bare)) })}\n`)
}

/** No rows for a line that is not whole: a power cut leaves half of one, and a reader may see one half written. */
function headIn(bytes: Buffer): JournalHead {
  const line = bytes.subarray(0, bytes.indexOf('\n') + 1)
  try {
    const value = JSON.parse(line.toString()) as Json
    if (!isJsonObject(value)) return NO_ROWS
    const head = { n: Number(value['n']), hash: String(value['hash']) }
    return lineOf(head).equals(line) ? head : NO_ROWS
  } catch {
    return NO_ROWS
  }
}

/**
 * The head in a state folder's file; no rows where it says none, as in a state that no writer opened since there is one.
 * To be read before the journal: a writer may append in between. Throws STATE_UNWRITABLE.
 */
export async function readHead(folder: string): Promise<JournalHead> {
  const file = join(folder, HEAD_FILE)
  const bytes = await readFile(file).catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT') return Buffer.alloc(0)
    throw asFault(cause, 'STATE_UNWRITABLE', file)
  })
  return headIn(bytes)
}

/** The head for a replay that is to prove that the journal still has it, and to write nothing. Read it as {@link readHead}. */
export async function knownHead(folder: string): Promise<Sink> {
  return { head: await readHead(folder), write: () => Promise.resolve() }
}

export class HeadFile implements Sink {
  readonly #handle: FileHandle
  #head: JournalHead
  #unsynced = false

  private constructor(handle: FileHandle, head: JournalHead) {
    this.#handle = handle
    this.#head = head
  }

  /** The file in a folder whose lock the caller holds, made when absent. Throws STATE_UNWRITABLE, DISK_FULL. */
  static async open(folder: string): Promise<HeadFile> {
    const file = join(folder, HEAD_FILE)
    let handle: FileHandle | undefined
    try {
      handle = await open(file, constants.O_RDWR | constants.O_CREAT, 0o600)
      return new HeadFile(handle, headIn(await handle.readFile()))
    } catch (cause) {
      await handle?.close()
      throw asFault(cause, 'STATE_UNWRITABLE', file)
    }
  }

  get head(): JournalHead {
    return this.#head
  }

  /**
   * Keeps a head that is durable in the journal. In place and without a sync, since an older head, or none, is true as
   * well; for the same reason a failure is none of the row's, which stands in the journal.
   */
  async write(_ops: readonly Op[], head: JournalHead): Promise<void> {
    this.#head = head
    this.#unsynced = true
    await writeAllAside(this.#handle, lineOf(head), 0).catch(() => undefined)
  }

  /** Makes it durable, at best, and closes it. */
  async close(): Promise<void> {
    if (this.#unsynced) await this.#handle.sync().catch(() => undefined)
    await this.#handle.close()
  }
}
