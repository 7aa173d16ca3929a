/** Puts small files in place whole and durable. */
import { renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { SallyportError, writeFault } from '../../errors/index.ts'
import { syncFolder, writeNew } from './init.ts'

/** A failed write as a fault of ours. */
export function writeFailed(cause: unknown, file: string): unknown {
  return cause instanceof SallyportError ? cause : writeFault(cause, 'OUTPUT_FAILED', file)
}

/**
 * Writes `FILE.new` and renames it: after a kill the file is what it was before. Of two runs at once one has the folder's
 * lock. Throws DISK_FULL, OUTPUT_FAILED.
 */
export function placeFile(file: string, bytes: string | Uint8Array, mode: number): void {
  const scratch = `${file}.new`
  try {
    rmSync(scratch, { force: true })
    writeNew(scratch, bytes, mode)
    renameSync(scratch, file)
    syncFolder(dirname(file))
  } catch (cause) {
    throw writeFailed(cause, file)
  }
}
