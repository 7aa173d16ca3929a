/** Files that take nobody's place. */
import { randomBytes } from 'node:crypto'
import { accessSync, constants, existsSync, linkSync, lstatSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { SallyportError, writeFault } from '../errors/index.ts'
import { syncFolder, writeNew } from './durable-file.ts'

/**
 * Throws OUTPUT_FAILED for a folder that is not there or takes no file, before anything is done for nothing. None is made:
 * where a disc or a stick is not mounted, its folder would be made on the disk below.
 */
export function demandFolder(file: string): void {
  try {
    // What is no folder has nothing of this name in it, and may be executed all the same.
    accessSync(`${dirname(file)}/.`, constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', dirname(file))
  }
}

/** Throws OUTPUT_EXISTS, and as {@link demandFolder}. */
export function demandNew(file: string): void {
  demandFolder(file)
  // A link that leads nowhere is in the way too.
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return
  throw new SallyportError('OUTPUT_EXISTS', { side: 'state', subject: file })
}

/** What file systems without hard links say, as of USB sticks. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'])

function nameIt(scratch: string, file: string): void {
  try {
    linkSync(scratch, file)
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException
    if (code === 'EEXIST' || (NO_LINKS.has(code) && existsSync(file)))
      throw new SallyportError('OUTPUT_EXISTS', { side: 'state', subject: file, cause })
    if (!NO_LINKS.has(code)) throw cause
    renameSync(scratch, file)
  }
}

/**
 * Puts a new file in place, whole or not at all: one that somebody has made since {@link demandNew} stays.
 * Throws OUTPUT_EXISTS, DISK_FULL, OUTPUT_FAILED.
 */
export function placeNewFile(file: string, bytes: Uint8Array): void {
  const scratch = `${file}.${randomBytes(4).toString('hex')}.new`
  try {
    writeNew(scratch, bytes, 0o644)
    nameIt(scratch, file)
    rmSync(scratch, { force: true })
    syncFolder(dirname(file))
  } catch (cause) {
    rmSync(scratch, { force: true })
    throw writeFault(cause, 'OUTPUT_FAILED', file)
  }
}
