/** Files that lie where others may have put something. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { SallyportError, writeFault } from '../errors/index.ts'

const WORDS: Readonly<Record<string, string>> = { ELOOP: 'a link lies there', EEXIST: 'something lies there already' }

/**
 * Opens a file to write in. Stops a link of either kind, or a pipe, that somebody put there: what it leads to would be
 * written over, or waited for. Throws OUTPUT_FAILED, DISK_FULL.
 * @param flags - as for open(2)
 */
export function openUnlinked(file: string, flags: number): number {
  const refuse = (detail: string, cause?: unknown): SallyportError =>
    new SallyportError('OUTPUT_FAILED', { side: 'state', subject: file, detail, cause })
  let fd: number
  try {
    fd = openSync(file, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, 0o644)
  } catch (cause) {
    const word = WORDS[(cause as NodeJS.ErrnoException).code ?? '']
    throw word === undefined ? writeFault(cause, 'OUTPUT_FAILED', file) : refuse(word, cause)
  }
  const stat = fstatSync(fd)
  if (stat.isFile() && stat.nlink === 1) return fd
  closeSync(fd)
  throw refuse(stat.isFile() ? 'it has another name too' : 'not a regular file')
}
