/**
 * One file that holds a whole state and proves itself: the journal, then one line that says what it must be. Where rows
 * name revocation lists, these stand between (`sallyport-backup/2`).
 */
import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { isJsonObject, sortedJson, type Json } from '../codec/index.ts'
import { writeAllAside } from '../content/index.ts'
import type { Digest } from '../oci/index.ts'
import { listParts } from './backup-lists.ts'
import { asReadFault, placeWhole } from './fault.ts'
import { knownHead } from './head-file.ts'
import { JOURNAL_FILE, openToRead } from './journal.ts'
import type { JournalHead } from './journal-row.ts'
import { scanJournal, visitAll } from './journal-scan.ts'
import { Replay } from './replay.ts'
import { demandState } from './state-folder.ts'

const CHUNK = 256 * 1024

/** Where the parts of a backup end that has lists in it. */
export interface Parts {
  journal: number
  /** Where the line begins that names the lists. */
  listing: number
}

/** The last line: format, head of the journal, size and SHA-256 of all bytes before it. */
export function trailerOf(head: JournalHead, size: number, sha256: string, parts?: Parts): Buffer {
  const format = `sallyport-backup/${parts === undefined ? 1 : 2}`
  return Buffer.from(`${sortedJson({ format, hash: head.hash, n: head.n, sha256, size, ...parts })}\n`)
}

/** What a trailer says of them; undefined for a backup without. Throws SyntaxError. */
export function partsIn(trailer: Buffer): Parts | undefined {
  const value = JSON.parse(trailer.toString('utf8')) as Json
  const { journal, listing } = isJsonObject(value) ? value : {}
  if (journal === undefined && listing === undefined) return undefined
  if (typeof journal !== 'number' || typeof listing !== 'number') throw new SyntaxError('a trailer of another kind')
  return { journal, listing }
}

/** The bytes from 0 to `size` in chunks that are overwritten by the next. */
export async function* chunksOf(handle: FileHandle, size: number): AsyncGenerator<Buffer, undefined, undefined> {
  const chunk = Buffer.allocUnsafe(CHUNK)
  for (let at = 0; at < size;) {
    const { bytesRead } = await handle.read(chunk, 0, Math.min(CHUNK, size - at), at)
    if (bytesRead === 0) throw new Error('the file became shorter while it was read')
    yield chunk.subarray(0, bytesRead)
    at += bytesRead
  }
}

/** What is read from a file; a read that fails is a fault of that file, and not of where its bytes go. */
async function* readFrom<T, R>(file: string, reads: AsyncGenerator<T, R, undefined>): AsyncGenerator<T, R, undefined> {
  try {
    return yield* reads
  } catch (cause) {
    throw asReadFault(cause, file)
  }
}

/**
 * The head of the journal that was written to `file`, in one step: a file of that name is replaced by a whole one or
 * stays. Works beside a writer. A list whose file is lost or damaged is left out, so that the record can be saved still.
 * Throws STATE_EMPTY, STATE_INVALID, STATE_NEWER, STATE_UNWRITABLE, JOURNAL_BROKEN, MEDIUM_UNREADABLE, OUTPUT_FAILED, DISK_FULL.
 */
export async function backup(state: { readonly dir: string }, file: string): Promise<JournalHead> {
  const { dir } = state
  const journal = join(dir, JOURNAL_FILE)
  await demandState(dir)
  // Stops a journal whose end was lost from taking the place of the last good backup.
  const known = await knownHead(dir)
  const source = await openToRead(dir)
  try {
    const replay = new Replay(known)
    const scan = scanJournal(source, (await source.stat()).size, JOURNAL_FILE)
    const { head, end } = await visitAll(readFrom(journal, scan), (rows) => replay.visit(rows))
    await replay.finish(head)
    const lists = replay.ledger.revocation.files()
    await placeWhole(file, 'OUTPUT_FAILED', async (handle) => {
      const sum = createHash('sha256')
      let at = 0
      const put = async (chunk: Buffer): Promise<void> => {
        sum.update(chunk)
        await writeAllAside(handle, chunk, at)
        at += chunk.length
      }
      for await (const chunk of readFrom(journal, chunksOf(source, end))) await put(chunk)
      const parts = lists.size === 0 ? undefined : { journal: end, listing: await putLists(dir, lists, end, put) }
      await writeAllAside(handle, trailerOf(head, at, sum.digest('hex'), parts), at)
    })
    return head
  } finally {
    await source.close()
  }
}

/** Where the line begins that names them. */
async function putLists(
  dir: string,
  lists: ReadonlySet<Digest>,
  at: number,
  put: (chunk: Buffer) => Promise<void>,
): Promise<number> {
  const parts = listParts(dir, lists, at)
  for (;;) {
    const step = await parts.next()
    if (step.done === true) return step.value.listing
    await put(step.value)
  }
}
