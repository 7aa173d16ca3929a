/** Small files and pipes that are named on the command line. */
import { closeSync, openSync, readSync } from 'node:fs'
import { SallyportError } from '../errors/index.ts'

/** Standard input, where a command takes it in place of a file. */
export const STANDARD_INPUT = 0

function unreadable(subject: string, detail: string | undefined, cause?: unknown): SallyportError {
  return new SallyportError('FILE_UNREADABLE', { side: 'source', subject, detail, cause })
}

/**
 * What a file or pipe begins with (as a shell's `<(…)` gives one), in one buffer of which the caller may be the only
 * holder. Throws FILE_UNREADABLE.
 */
export function readUpTo(file: string | typeof STANDARD_INPUT, cap: number): Buffer {
  // Pages that nothing is read into are never made.
  const bytes = Buffer.allocUnsafeSlow(cap)
  let size = 0
  try {
    const fd = file === STANDARD_INPUT ? file : openSync(file, 'r')
    try {
      for (let count = 1; count > 0 && size < cap; size += count) count = readSync(fd, bytes, size, cap - size, null)
    } finally {
      if (file !== STANDARD_INPUT) closeSync(fd)
    }
  } catch (cause) {
    throw unreadable(nameOf(file), (cause as NodeJS.ErrnoException).code, cause)
  }
  return bytes.subarray(0, size)
}

/** All of it. Throws FILE_UNREADABLE, also for what is longer than the cap. */
export function readWhole(file: string | typeof STANDARD_INPUT, cap: number): Buffer {
  const bytes = readUpTo(file, cap + 1)
  if (bytes.length > cap) throw unreadable(nameOf(file), `larger than ${cap} bytes`)
  return bytes
}

function nameOf(file: string | typeof STANDARD_INPUT): string {
  return file === STANDARD_INPUT ? 'standard input' : file
}
