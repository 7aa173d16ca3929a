/** Files that are read whole: those an operator names, and those of a folder that is ours. */
import { closeSync, constants, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs'
import { readFault, SallyportError } from '../../errors/index.ts'

/** Far above what keys, certificates and lists of credentials come to. */
export const SMALL_FILE_CAP = 16 * 1024 * 1024
const CHUNK = 64 * 1024

function unreadable(subject: string, detail: string | undefined, cause?: unknown): SallyportError {
  return new SallyportError('FILE_UNREADABLE', { side: 'source', subject, detail, cause })
}

function read(file: string, flags: number, cap: number, demand: (stat: Stats) => void): Buffer {
  let fd: number | undefined
  try {
    fd = openSync(file, flags)
    demand(fstatSync(fd))
    const parts: Buffer[] = []
    for (let size = 0; ;) {
      const part = Buffer.allocUnsafe(CHUNK)
      const count = readSync(fd, part, 0, CHUNK, null)
      if (count === 0) return Buffer.concat(parts, size)
      size += count
      // Stops what has no end, as /dev/zero, or grows while it is read.
      if (size > cap) throw unreadable(file, `larger than ${cap} bytes`)
      parts.push(part.subarray(0, count))
    }
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    throw unreadable(file, (cause as NodeJS.ErrnoException).code, cause)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/**
 * The bytes of a file that the operator names, which may be a pipe, as the shell's `<(…)` makes them.
 * Throws FILE_UNREADABLE, also for one of more than 16 MiB.
 */
export function readSmall(file: string): Buffer {
  return read(file, constants.O_RDONLY, SMALL_FILE_CAP, () => undefined)
}

/**
 * The bytes of a file in a folder that is ours, where others may have put something. Throws FILE_UNREADABLE for one that is
 * larger than `cap`, and for what is no file: nobody waits for a pipe that somebody put there.
 */
export function readOwn(file: string, cap: number): Buffer {
  return read(file, constants.O_RDONLY | constants.O_NONBLOCK, cap, (stat) => {
    if (!stat.isFile()) throw unreadable(file, 'not a regular file')
    if (stat.size > cap) throw unreadable(file, `larger than ${cap} bytes`)
  })
}

/**
 * True when something has the name. Throws FILE_UNREADABLE when nobody can tell: what counted as absent would take an
 * authority out of sight, and with it all that it revoked.
 */
export function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined
  } catch (cause) {
    throw readFault(cause, 'source', path)
  }
}
