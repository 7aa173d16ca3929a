/** Looks at the place of a folder that is to be made. */
import { readdirSync } from 'node:fs'
import { writeFault } from '../../errors/index.ts'

/** True when nothing is there, or an empty folder. Throws OUTPUT_FAILED for what is no folder, or cannot be looked into. */
export function isFree(dir: string): boolean {
  try {
    return readdirSync(dir).length === 0
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return true
    throw writeFault(cause, 'OUTPUT_FAILED', dir)
  }
}
