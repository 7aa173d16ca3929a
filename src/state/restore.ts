/** A state made from a backup, which is proven whole before it counts as one. */
import { createHash } from 'node:crypto'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolderAside, writeAllAside } from '../content/index.ts'
import { readFault, SallyportError } from '../errors/index.ts'
import { chunksOf, partsIn, trailerOf } from './backup.ts'
import { proveLists, readListing, unpackLists, type PackedList } from './backup-lists.ts'
import { restoreEntry } from './entry.ts'
import { asFault, asReadFault } from './fault.ts'
import { draftRows, JOURNAL_FILE, LOCK_FILE } from './journal.ts'
import type { JournalHead } from './journal-row.ts'
import { scanJournal, visitAll } from './journal-scan.ts'
import { sweepLists } from './list-files.ts'
import { Lock } from './lock.ts'
import { Replay } from './replay.ts'
import { demandEmpty, demandVacant, writeVersion } from './state-folder.ts'
import { State } from './state.ts'
import type { StateOptions } from './writer.ts'

const TRAILER_CAP = 1024
const CHUNK = 256 * 1024

export interface Restored {
  /** The journal's head in the backup. */
  from: JournalHead
  /** The time of its last row. */
  time: string
  /** For the operator, always: what a restored state cannot know. */
  warning: string
}

/**
 * Makes a state from a backup in a folder that is absent or empty, proven whole before it counts as one, with a
 * `restore` row and a fresh index; it is closed again.
 * Throws BACKUP_MALFORMED, STATE_NEWER, STATE_EXISTS, FILE_UNREADABLE, MEDIUM_UNREADABLE, DISK_FULL; the folder then counts as empty still.
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

/**
 * What {@link restore} would give back. The same is proven, in the file as it lies there, and nothing is written.
 * Throws as that does, but for what only writing meets.
 */
export async function rehearseRestore(
  dir: string,
  file: string,
  options: StateOptions & { reason: string },
): Promise<Restored> {
  await demandReadable(file)
  await demandVacant(dir)
  const handle = await openBackup(file)
  try {
    const proven = await prove(handle, file)
    restoredRow(proven, options)
    return restoredTo(proven)
  } catch (cause) {
    throw asReadFault(cause, file)
  } finally {
    await handle.close()
  }
}

async function demandReadable(file: string): Promise<void> {
  const handle = await openBackup(file)
  const isFile = await handle.stat().then(
    (found) => found.isFile(),
    () => false,
  )
  await handle.close()
  if (!isFile) throw new SallyportError('FILE_UNREADABLE', { side: 'state', subject: file })
}

async function openBackup(file: string): Promise<FileHandle> {
  return open(file, 'r').catch((cause: unknown) => {
    throw readFault(cause, 'state', file)
  })
}

/** Writes all of the file, so that nobody can swap it on its medium once it is proven. */
async function copyInto(handle: FileHandle, file: string): Promise<void> {
  const source = await openBackup(file)
  try {
    const chunk = Buffer.allocUnsafe(CHUNK)
    for (let at = 0; ;) {
      const { bytesRead } = await source.read(chunk, 0, CHUNK, at).catch((cause: unknown) => {
        throw readFault(cause, 'state', file)
      })
      if (bytesRead === 0) return
      await writeAllAside(handle, chunk.subarray(0, bytesRead), at)
      at += bytesRead
    }
  } finally {
    await source.close()
  }
}

async function settle(dir: string, file: string, options: StateOptions & { reason: string }): Promise<Restored> {
  const place = join(dir, JOURNAL_FILE)
  const temp = `${place}.restore.new`
  try {
    const handle = await open(temp, 'wx+', 0o600)
    let proven: Proof
    try {
      await copyInto(handle, file)
      proven = await prove(handle, file)
      // Their bytes before the rows that name them, here too. What an interrupted restore left may not be on the disk.
      await sweepLists(dir, new Set())
      await unpackLists(handle, proven.lists, dir)
      const lines = restoredRow(proven, options)
      await handle.truncate(proven.end)
      await writeAllAside(handle, Buffer.concat(lines), proven.end)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temp, place)
    await syncFolderAside(dir)
    return restoredTo(proven)
  } catch (cause) {
    await rm(temp, { force: true }).catch(() => undefined)
    throw asFault(cause, 'STATE_UNWRITABLE', place)
  }
}

/** The line of the `restore` row. */
function restoredRow({ head }: Proof, { reason, now }: StateOptions & { reason: string }): Buffer[] {
  return draftRows(head, [restoreEntry(reason, head)], now).lines
}

function restoredTo({ head, time }: Proof): Restored {
  const warning = `counters and holdings are those of ${time}; bundles accepted after it would be accepted again`
  return { from: head, time, warning }
}

interface Proof {
  head: JournalHead
  /** Where the journal ends. */
  end: number
  /** Of its last row. */
  time: string
  lists: PackedList[]
}

/** Stops a backup that was cut, damaged, or put together from two. */
async function prove(handle: FileHandle, file: string): Promise<Proof> {
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
    const parts = partsIn(trailer)
    const journal = parts?.journal ?? end
    if (parts !== undefined && !(parts.journal <= parts.listing && parts.listing < end))
      throw malformed('the trailer names places outside')
    const { head, end: rowsEnd } = await visitAll(scanJournal(handle, journal, JOURNAL_FILE), (rows) => {
      time = rows.at(-1)?.row.time ?? time
      return replay.visit(rows)
    })
    if (rowsEnd !== journal || !trailer.equals(trailerOf(head, end, digest, parts)))
      throw malformed('the trailer says otherwise')
    if (replay.ledger.site === undefined) throw malformed('it names no site')
    const named = replay.ledger.revocation.files()
    if (parts === undefined && named.size > 0) throw malformed('the lists are missing')
    const lists = parts === undefined ? [] : await readListing(handle, { from: journal, end, ...parts }, named)
    await proveLists(handle, lists)
    return { head, end: journal, time, lists }
  } catch (cause) {
    const ours = cause instanceof SallyportError && cause.code === 'JOURNAL_BROKEN'
    if (ours || cause instanceof SyntaxError) throw malformed(cause.message, cause)
    throw cause
  }
}
