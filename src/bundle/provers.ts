/** The threads that prove a bundle file's payload. They may be started before the head is judged, and then cost no waiting. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Digest, Seal } from '../oci/index.ts'
import type { PlacedBlob } from './layout.ts'
import type { FailedBlob } from './payload-range.ts'
import { ReadAhead } from './read-ahead.ts'

/** Below so many bytes the start of a thread costs more than it saves. */
export const WORTH_THREADS = 64 * 1024 * 1024

export const THREADS = Math.min(availableParallelism(), 8)

/** What a thread is given: members one behind the other, and whether large ones are to be sealed. */
export interface ProverRun {
  blobs: readonly PlacedBlob[]
  sealing: boolean
}

/** What a thread knows from its start. */
export interface ProverStart {
  number: number
  fd: number
  size: number
  ahead: SharedArrayBuffer
}

export interface ProverAnswer {
  bytes: number
  seals: [Digest, Seal][]
  failed?: FailedBlob
}

/** The order in which runs are given: that of the file where another one would make a disc seek. */
export type RunOrder = 'of the file' | 'largest first'

export interface ProveOptions {
  onBytes?: (count: number) => void
  /** Told the seal of each proven blob of more than 1 MiB. */
  onSeal?: ((digest: Digest, seal: Seal) => void) | undefined
  signal?: AbortSignal | undefined
}

export class Provers {
  readonly #fd: number
  readonly #size: number
  readonly #ahead: ReadAhead
  readonly #threads: Worker[] = []
  /** Kept when all that were told to end have ended. */
  #leaving: Promise<unknown> = Promise.resolve()

  constructor(fd: number, size: number, ahead = new ReadAhead(THREADS)) {
    this.#ahead = ahead
    this.#fd = fd
    this.#size = size
  }

  /** Starts the threads; again is no error. They read the file ahead, unseen, until they are given a run. */
  start(): void {
    if (this.#threads.length > 0) return
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    for (let number = 0; number < THREADS; number++) {
      const thread = new Worker(new URL(`../bundle/payload-worker.${extension}`, import.meta.url), {
        workerData: { number, fd: this.#fd, size: this.#size, ahead: this.#ahead.shared } satisfies ProverStart,
        resourceLimits: { maxYoungGenerationSizeMb: 4 },
      })
      // Whoever waits for a thread has a listener of his own; a start that fails before must not end the process.
      thread.on('error', () => undefined)
      thread.unref()
      this.#threads.push(thread)
    }
  }

  /**
   * Blobs that are not as promised, the first of all among them; empty when all are as they should be.
   * Within a run the order is that of the file. The file belongs to the caller.
   */
  async prove(
    runsIn: (order: RunOrder) => Iterator<readonly PlacedBlob[], void>,
    { onBytes, onSeal, signal }: ProveOptions,
  ): Promise<FailedBlob[]> {
    this.start()
    this.#ahead.stop()
    const slow = this.#ahead.isSlow
    if (slow) await this.#leave(1)
    // Whoever asks for a proof while the threads are being ended must not take silence for one.
    if (this.#threads.length === 0) throw new Error('the threads that prove payload were ended')
    const runs = runsIn(slow ? 'of the file' : 'largest first')
    const failed: FailedBlob[] = []
    let end = Infinity
    // What lies behind the first damage can't be the first: whatever is damaged there, that is told.
    const next = (): readonly PlacedBlob[] | undefined => {
      for (let run = runs.next(); run.done !== true; run = runs.next())
        if ((run.value[0]?.offset ?? end) < end) return run.value
      return undefined
    }
    const serve = (thread: Worker): Promise<void> =>
      new Promise((resolve, reject) => {
        const give = (): void => {
          const blobs = signal?.aborted === true ? undefined : next()
          if (blobs === undefined) resolve()
          else thread.postMessage({ blobs, sealing: onSeal !== undefined } satisfies ProverRun)
        }
        // Of one that ended before, nothing would be heard any more.
        if (thread.threadId < 0) return reject(new Error('a thread that proves payload did not start'))
        thread.ref()
        thread.once('error', reject)
        thread.once('exit', () => reject(new Error('a thread that proves payload ended early')))
        thread.on('message', (answer: ProverAnswer) => {
          onBytes?.(answer.bytes)
          for (const [digest, seal] of answer.seals) onSeal?.(digest, seal)
          if (answer.failed !== undefined) {
            failed.push(answer.failed)
            end = Math.min(end, answer.failed.blob.offset)
          }
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
    this.#ahead.stop()
    await this.#leave(0)
  }

  async #leave(count: number): Promise<void> {
    const threads = this.#threads.splice(count)
    for (const thread of threads) thread.removeAllListeners('exit')
    this.#leaving = Promise.all([this.#leaving, ...threads.map((thread) => thread.terminate())])
    await this.#leaving
  }
}
