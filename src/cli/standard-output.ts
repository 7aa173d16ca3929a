/** Standard output as the place that a bundle goes to. */
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeFault } from '../errors/index.ts'
import type { ByteOutput } from '../index.ts'

/** Standard output as a place for a bundle: written in this thread, so that order and backpressure are the pipe's own. */
export function standardOutput(): ByteOutput {
  return {
    async write(bytes) {
      for (let done = 0; done < bytes.length;) {
        try {
          done += writeSync(1, bytes, done, bytes.length - done)
        } catch (cause) {
          if ((cause as NodeJS.ErrnoException).code !== 'EAGAIN')
            throw writeFault(cause, 'OUTPUT_FAILED', 'standard output')
          await sleep(1)
        }
      }
    },
  }
}
