/** The one place that knows LevelDB; everything else is written against `abstract-level`. */
import type { AbstractLevel } from 'abstract-level'
import { mkdir, realpath } from 'node:fs/promises'
import { syncFolderAside } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import { asFault } from './fault.ts'

/** An ordered store of text under text, sorted by UTF-8 bytes. */
export type Engine = AbstractLevel<string | Buffer | Uint8Array>

/** Opens, or makes, the store in a folder. Throws INDEX_DAMAGED, STATE_LOCKED, DISK_FULL, STATE_UNWRITABLE. */
export type OpenEngine = (folder: string) => Promise<Engine>

// LevelDB's fcntl lock is lost as soon as the same process opens the folder a second time, even though that fails.
const opened = new Set<string>()

export async function openLevel(folder: string): Promise<Engine> {
  let place = folder
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    place = await realpath(folder)
  } catch (cause) {
    throw engineFault(cause, folder)
  }
  if (opened.has(place))
    throw new SallyportError('STATE_LOCKED', { side: 'state', subject: folder, detail: 'open in this process already' })
  opened.add(place)
  // Loaded here, since whoever only reads folds the journal into memory and needs no store.
  const { Level } = await import('level')
  const level = new Level(place)
  level.once('closed', () => opened.delete(place))
  try {
    await level.open()
  } catch (cause) {
    opened.delete(place)
    throw engineFault(cause, folder)
  }
  try {
    // What a killed run left unsynced was put into new files, and LevelDB does not make their names last: after a power
    // cut the old ones, without their end, would be taken up again together with what this run writes.
    await syncFolderAside(place)
    return level
  } catch (cause) {
    await level.close()
    throw asFault(cause, 'STATE_UNWRITABLE', folder)
  }
}

/** The fault for what an engine threw: its own codes say little, the text of its cause more. */
export function engineFault(cause: unknown, subject: string): SallyportError {
  if (cause instanceof SallyportError) return cause
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause
  const text = inner instanceof Error ? inner.message : String(inner)
  const code = /LEVEL_LOCKED/.test(String((inner as { code?: unknown }).code))
    ? 'STATE_LOCKED'
    : /no space left|file too large|quota exceeded|ENOSPC|EDQUOT/i.test(text)
      ? 'DISK_FULL'
      : /permission denied|read-only file system|EACCES|EROFS/i.test(text)
        ? 'STATE_UNWRITABLE'
        : 'INDEX_DAMAGED'
  // LevelDB names the file and what the system said, not whether it read or wrote: the index need not be damaged.
  const failing = code === 'INDEX_DAMAGED' && /input\/output error|stale file handle|no such device/i.test(text)
  return new SallyportError(failing ? 'STATE_UNWRITABLE' : code, {
    side: 'state',
    subject,
    detail: text.slice(0, 300),
    remedy: failing
      ? 'the disk gives errors: move the state to another one, then run sallyport state rebuild'
      : undefined,
    cause,
  })
}
