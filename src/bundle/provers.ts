/** The threads that prove a bundle file's payload. They may be started before the head is judged, and then cost no waiting. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Digest, Seal } from '../oci/index.ts'
import type { PlacedBlob } from './layout.ts'
import type { FailedBlob } from './payload-range.ts'

/** Below so many bytes the start of a thread costs more than it saves. */
export const WORTH_THREADS = 64 * 1024 * 1024

/** What a thread is given: members one behind the other, and whether large ones are to be sealed. */
export interface ProverRun {
  blobs: readonly PlacedBlob[]
  sealing: boolean
}

export interface ProverAnswer {
  bytes: number
  seals: [Digest, Seal][]
  failed?: FailedBlob
}

export interface ProveOptions {
  onBytes?: (count: number) => void
  /** Told the seal of each proven blob of more than 1 MiB. */
  onSeal?: ((digest: Digest, seal: Seal) => void) | undefined
  signal?: AbortSignal | undefined
}

export class Provers {
  readonly #fd: number
  readonly #threads: Worker[] = []

  constructor(fd: number) {
    this.#fd = fd
  }

  /** Starts the threads; again is no error. They know nothing yet and read nothing before they are given a run. */
  start(): void {
    if (this.#threads.length > 0) return
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    for (let i = Math.min(availableParallelism(), 8); i > 0; i--) {
      const thread = new Worker(new URL(`../bundle/payload-worker.${extension}`, import.meta.url), {
        workerData: { fd: this.#fd },
        resourceLimits: { maxYoungGenerationSizeMb: 4 },
      })
      // Whoever waits for a thread has a listener of his own; a start that fails before must not end the process.
      thread.on('error', () => undefined)
      thread.unref()
      this.#threads.push(thread)
    }
  }

  /** The first blob of each thread's that is not as promised; empty when all are. The file belongs to the caller. */
  async prove(
    runs: Iterator<readonly PlacedBlob[], void>,
    { onBytes, onSeal, signal }: ProveOptions,
  ): Promise<FailedBlob[]> {
    this.start()
    const failed: FailedBlob[] = []
    const serve = (thread: Worker): Promise<void> =>
      new Promise((resolve, reject) => {
        const give = (): void => {
          const blobs = runs.next().value
          // Runs are given in order: behind the first damage there is nothing that could come before it.
          if (blobs === undefined || failed.length > 0 || signal?.aborted === true) resolve()
          else thread.postMessage({ blobs, sealing: onSeal !== undefined } satisfies ProverRun)
        }
        thread.ref()
        thread.once('error', reject)
        thread.once('exit', () => reject(new Error('a thread that proves payload ended early')))
        thread.on('message', (answer: ProverAnswer) => {
          onBytes?.(answer.bytes)
          for (const [digest, seal] of answer.seals) onSeal?.(digest, seal)
          if (answer.failed !== undefined) failed.push(answer.failed)
          give()
        })
        give()
      })
    try {
      await Promise.all(this.#threads.map(serve))
    } finally {
      await this.end()
    }
    return failed
  }

  /** Ends the threads; kept when none of them can touch the file any more. */
  async end(): Promise<void> {
    const threads = this.#threads.splice(0)
    for (const thread of threads) thread.removeAllListeners('exit')
    await Promise.all(threads.map((thread) => thread.terminate()))
  }
}
