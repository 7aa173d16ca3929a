/** One file that holds a whole state and proves itself: the journal, then one line that says what it must be. */
import { createHash } from 'node:crypto'
import { constants, copyFile, open, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { sortedJson } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { asFault, errnoOf, placeFile, syncFolder, writeWhole } from './durable-file.ts'
import { restoreEntry } from './entry.ts'
import { draftRows, JOURNAL_FILE, LOCK_FILE } from './journal.ts'
import type { Head } from './journal-row.ts'
import { scanJournal, visitAll } from './journal-scan.ts'
import { Lock } from './lock.ts'
import { Replay } from './replay.ts'
import { State, type StateOptions } from './state.ts'
import { demandEmpty, writeVersion } from './state-folder.ts'

const FORMAT = 'sallyport-backup/1'
const TRAILER_CAP = 1024
const CHUNK = 256 * 1024

/** The last line: format, head of the journal, size and SHA-256 of all bytes before it. */
function trailerOf(head: Head, size: number, sha256: string): Buffer {
  return Buffer.from(`${sortedJson({ format: FORMAT, hash: head.hash, n: head.n, sha256, size })}\n`)
}

/** The bytes from 0 to `size` in chunks that are overwritten by the next. */
async function* chunksOf(handle: FileHandle, size: number): AsyncGenerator<Buffer, undefined, undefined> {
  const chunk = Buffer.allocUnsafe(CHUNK)
  for (let at = 0; at < size;) {
    const { bytesRead } = await handle.read(chunk, 0, Math.min(CHUNK, size - at), at)
    if (bytesRead === 0) throw new Error('the file became shorter while it was read')
    yield chunk.subarray(0, bytesRead)
    at += bytesRead
  }
}

/**
 * The head of the journal that was written to `file`, in one step: a file of that name is replaced by a whole one or
 * stays. Works beside a writer. Throws JOURNAL_BROKEN, OUTPUT_FAILED, DISK_FULL.
 */
export async function backup(state: { readonly dir: string }, file: string): Promise<Head> {
  const source = await open(join(state.dir, JOURNAL_FILE), 'r').catch((cause: unknown) => {
    throw new SallyportError('STATE_EMPTY', { side: 'state', subject: state.dir, cause })
  })
  try {
    const { head, end } = await visitAll(scanJournal(source, (await source.stat()).size, JOURNAL_FILE))
    await placeFile(file, 'OUTPUT_FAILED', async (handle) => {
      const sum = createHash('sha256')
      let at = 0
      for await (const chunk of chunksOf(source, end)) {
        sum.update(chunk)
        await writeWhole(handle, chunk, at)
        at += chunk.length
      }
      await writeWhole(handle, trailerOf(head, end, sum.digest('hex')), end)
    })
    return head
  } finally {
    await source.close()
  }
}

export interface Restored {
  /** The journal's head in the backup. */
  from: Head
  /** The time of its last row. */
  time: string
  /** For the operator, always: what a restored state cannot know. */
  warning: string
}

/**
 * Makes a state from a backup in a folder that is absent or empty, proven whole before it counts as one, with a
 * `restore` row and a fresh index; it is closed again.
 * Throws BACKUP_MALFORMED, STATE_NEWER, STATE_EXISTS, FILE_UNREADABLE, DISK_FULL; the folder then counts as empty still.
 */
export async function restore(
  dir: string,
  file: string,
  options: StateOptions & { reason: string },
): Promise<Restored> {
  await demandReadable(file)
  await demandEmpty(dir)
  const lock = await Lock.take(join(dir, LOCK_FILE), options.now)
  let restored: Restored
  try {
    await demandEmpty(dir)
    await writeVersion(dir)
    restored = await settle(dir, file, options)
  } finally {
    await lock.release()
  }
  await (await State.open(dir, { ...options, write: true })).close()
  return restored
}

async function demandReadable(file: string): Promise<void> {
  const unreadable = (cause?: unknown): SallyportError =>
    new SallyportError('FILE_UNREADABLE', { side: 'state', subject: file, detail: errnoOf(cause), cause })
  const handle = await open(file, 'r').catch((cause: unknown) => {
    throw unreadable(cause)
  })
  const isFile = await handle.stat().then(
    (found) => found.isFile(),
    () => false,
  )
  await handle.close()
  if (!isFile) throw unreadable()
}

async function settle(dir: string, file: string, options: StateOptions & { reason: string }): Promise<Restored> {
  const place = join(dir, JOURNAL_FILE)
  const temp = `${place}.restore.new`
  try {
    // Copied first, proven after: nobody can swap the file on its medium in between.
    await copyFile(file, temp, constants.COPYFILE_EXCL)
    const handle = await open(temp, 'r+')
    let proven: { head: Head; end: number; time: string }
    try {
      await handle.chmod(0o600)
      proven = await prove(handle, file)
      const { lines } = draftRows(proven.head, [restoreEntry(options.reason, proven.head)], options.now)
      await handle.truncate(proven.end)
      await writeWhole(handle, Buffer.concat(lines), proven.end)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temp, place)
    await syncFolder(dir)
    const warning = `counters and holdings are those of ${proven.time}; bundles accepted after it would be accepted again`
    return { from: proven.head, time: proven.time, warning }
  } catch (cause) {
    await rm(temp, { force: true }).catch(() => undefined)
    throw asFault(cause, 'STATE_UNWRITABLE', place)
  }
}

/** Stops a backup that was cut, damaged, or put together from two. */
async function prove(handle: FileHandle, file: string): Promise<{ head: Head; end: number; time: string }> {
  const malformed = (detail: string, cause?: unknown): SallyportError =>
    new SallyportError('BACKUP_MALFORMED', { side: 'state', subject: file, detail, cause })
  const { size } = await handle.stat()
  const tail = Buffer.alloc(Math.min(TRAILER_CAP, size))
  await handle.read(tail, 0, tail.length, size - tail.length)
  const at = tail.lastIndexOf(10, tail.length - 2)
  if (at < 0) throw malformed('no trailer')
  const trailer = tail.subarray(at + 1)
  const end = size - trailer.length
  const sum = createHash('sha256')
  for await (const chunk of chunksOf(handle, end)) sum.update(chunk)
  const digest = sum.digest('hex')
  let time = ''
  const replay = new Replay()
  try {
    const { head } = await visitAll(scanJournal(handle, end, JOURNAL_FILE), (rows) => {
      time = rows.at(-1)?.row.time ?? time
      return replay.visit(rows)
    })
    if (!trailer.equals(trailerOf(head, end, digest))) throw malformed('the trailer says otherwise')
    return { head, end, time }
  } catch (cause) {
    if (cause instanceof SallyportError && cause.code === 'JOURNAL_BROKEN') throw malformed(cause.message, cause)
    throw cause
  }
}
