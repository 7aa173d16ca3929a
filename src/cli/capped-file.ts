/** Small files and pipes that are named on the command line. */
import { closeSync, openSync, readSync } from 'node:fs'
import { SallyportError } from '../errors/index.ts'

const CHUNK = 64 * 1024

/**
 * What a file, a pipe (as a shell's `<(…)` gives one) or standard input (`-`) begins with, `cap` bytes at most: the caller
 * refuses what may be longer. Throws FILE_UNREADABLE.
 */
export function readAtMost(file: string, cap: number): Buffer {
  const parts: Buffer[] = []
  let size = 0
  try {
    const fd = file === '-' ? 0 : openSync(file, 'r')
    try {
      while (size < cap) {
        const part = Buffer.alloc(Math.min(CHUNK, cap - size))
        const count = readSync(fd, part, 0, part.length, null)
        if (count === 0) break
        parts.push(part.subarray(0, count))
        size += count
      }
    } finally {
      if (fd !== 0) closeSync(fd)
    }
  } catch (cause) {
    throw new SallyportError('FILE_UNREADABLE', {
      side: 'source',
      subject: file,
      detail: (cause as NodeJS.ErrnoException).code,
      cause,
    })
  }
  return Buffer.concat(parts, size)
}
