/** The thread that hashes the large blobs of a pipe while the next bytes of them are read. */
import { setImmediate as breathe } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { algorithmOf, hexOf, type Descriptor, type RunningHash } from '../oci/index.ts'
import { RingFiller } from './hash-ring.ts'

/** Below so many bytes a blob is hashed before the thread would wake for it. */
const WORTH_HANDING = 1024 * 1024
/** So long, in ms, this thread waits for the other one before it looks whether that one still lives. */
const PATIENCE = 200

export class HashThread {
  readonly #ring: RingFiller
  #thread: Worker | undefined
  #failure: Error | undefined

  constructor(ring = new RingFiller()) {
    this.#ring = ring
  }

  /** Starts the thread; again is no error. */
  start(): void {
    if (this.#thread !== undefined) return
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const thread = new Worker(new URL(`../bundle/hash-worker.${extension}`, import.meta.url), {
      workerData: this.#ring.shared,
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    })
    thread.on('error', (cause: Error) => (this.#failure ??= cause))
    thread.on('exit', () => (this.#failure ??= new Error('the thread that hashes a pipe ended early')))
    thread.unref()
    this.#thread = thread
  }

  /** Where the next bytes are to be read into. Of what was read before, the last slot before this and one ahead is lent. */
  async slot(): Promise<Buffer> {
    this.#ring.turn()
    await this.#settled(false)
    return this.#ring.slot
  }

  async #settled(all: boolean): Promise<void> {
    while (!this.#ring.settled(all, PATIENCE)) {
      // Only now can word of its end come in.
      await breathe()
      if (this.#failure !== undefined) throw this.#failure
    }
  }

  /**
   * Hashes one blob whose pieces lie in the slots, in the thread; undefined where that is not worth it or no thread runs.
   * One at a time: the next one begins when the digest of the last was had, or never will be.
   */
  hasherFor({ digest, size }: Descriptor): RunningHash | undefined {
    if (this.#thread === undefined || size < WORTH_HANDING) return undefined
    const ring = this.#ring
    ring.begin(algorithmOf(digest))
    return {
      update: (piece) => ring.update(piece),
      digest: async () => {
        ring.finish()
        await this.#settled(true)
        return ring.digest(hexOf(digest).length / 2)
      },
    }
  }

  /** Ends the thread. */
  async end(): Promise<void> {
    const thread = this.#thread
    this.#thread = undefined
    thread?.removeAllListeners('exit')
    await thread?.terminate()
  }
}
