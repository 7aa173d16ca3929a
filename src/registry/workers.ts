/** Two threads that carry large blobs: one can not read, hash and write as fast as a line takes or brings. */
import { Worker } from 'node:worker_threads'
import type { FileSlot, FileSpan } from '../content/index.ts'
import { CODES, SallyportError, type Code, type Side } from '../errors/index.ts'
import type { Descriptor } from '../oci/index.ts'
import type { RegistryOptions } from './options.ts'

/** What is to be done with a blob of a repository. */
export interface Job {
  id: number
  host: string
  path: string
  descriptor: Descriptor
  /** Duty of the caller: the file stays open until the promise is settled. */
  work: { kind: 'fetch'; slot: FileSlot } | { kind: 'push'; span: FileSpan; mountFrom: string | undefined }
}

export type Outcome = 'fetched' | 'pushed' | 'mounted'

export type ToWorker = { kind: 'do'; job: Job } | { kind: 'abort'; id: number }

/** An error in the form in which it crosses from thread to thread. */
export interface FlatError {
  code: Code
  side: Side
  subject: string | undefined
  message: string
  remedy: string
}

export type FromWorker =
  | { kind: 'bytes'; id: number; count: number }
  | { kind: 'done'; id: number; outcome: Outcome }
  | { kind: 'failed'; id: number; error: FlatError }

interface Waiting {
  job: Job
  onBytes: (count: number) => void
  signal: AbortSignal | undefined
  resolve: (outcome: Outcome) => void
  reject: (error: unknown) => void
}

const WORKERS = 2
/** Young-generation space in MiB; three times the semi-space, which is what keeps two threads small. */
const YOUNG_MIB = 3

function raised(flat: FlatError): SallyportError {
  const { code, side, subject, message, remedy } = flat
  const start = `${CODES[code][1]}: `
  const detail = message.startsWith(start) ? message.slice(start.length) : undefined
  return new SallyportError(code, { side, subject, remedy, detail })
}

class Thread {
  readonly running = new Map<number, Waiting>()
  readonly #worker: Worker
  readonly #side: Side
  dead = false
  #ending = false

  constructor(options: RegistryOptions, onFree: () => void) {
    this.#side = options.side
    // The same file as TypeScript in a checkout and as JavaScript in a package.
    const file = import.meta.url.endsWith('.ts') ? '../registry/blob-worker.ts' : '../registry/blob-worker.js'
    this.#worker = new Worker(new URL(file, import.meta.url), {
      workerData: options,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
    })
    this.#worker.unref()
    this.#worker.on('message', (message: FromWorker) => {
      const waiting = this.running.get(message.id)
      if (waiting === undefined) return
      if (message.kind === 'bytes') return waiting.onBytes(message.count)
      this.#settle(waiting)
      if (message.kind === 'done') waiting.resolve(message.outcome)
      else waiting.reject(waiting.signal?.aborted === true ? waiting.signal.reason : raised(message.error))
      onFree()
    })
    this.#worker.on('error', (cause: unknown) => this.#die(cause, onFree))
    this.#worker.on('exit', () => this.#die(new Error('the thread ended'), onFree))
  }

  #settle(waiting: Waiting): void {
    this.running.delete(waiting.job.id)
    if (this.running.size === 0) this.#worker.unref()
  }

  #die(cause: unknown, onFree: () => void): void {
    this.dead = true
    for (const waiting of this.running.values()) {
      this.#settle(waiting)
      const fault = { side: this.#side, subject: waiting.job.descriptor.digest }
      if (waiting.signal?.aborted === true) waiting.reject(waiting.signal.reason)
      else if (this.#ending) waiting.reject(new SallyportError('INTERRUPTED', fault))
      else waiting.reject(new SallyportError('INTERNAL', { ...fault, cause }))
    }
    // What waits would wait for ever for a thread that is gone.
    onFree()
  }

  start(waiting: Waiting): void {
    const { job } = waiting
    this.running.set(job.id, waiting)
    this.#worker.ref()
    this.#worker.postMessage({ kind: 'do', job } satisfies ToWorker)
  }

  abort(id: number): void {
    this.#worker.postMessage({ kind: 'abort', id } satisfies ToWorker)
  }

  async end(): Promise<void> {
    this.#ending = true
    await this.#worker.terminate()
  }
}

/** The threads, started with the first job, and the one queue they take jobs from. */
export class WorkerPool {
  readonly #options: RegistryOptions
  readonly #each: number
  readonly #queue: Waiting[] = []
  readonly #threads: Thread[] = []
  #next = 0
  #closed = false

  /** @param concurrency - blobs under way at once, over all threads */
  constructor(options: RegistryOptions, concurrency: number) {
    this.#options = options
    this.#each = Math.max(1, Math.ceil(concurrency / WORKERS))
  }

  /**
   * As {@link fetchInto} or {@link Upload.run}, on another thread. An abort settles the promise when the thread has stopped
   * reading or writing.
   */
  carry(job: Omit<Job, 'id'>, onBytes: (count: number) => void, signal: AbortSignal | undefined): Promise<Outcome> {
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
    const waiting: Waiting = { job: { ...job, id: this.#next++ }, onBytes, signal, resolve, reject }
    const abort = (): void => this.#abort(waiting)
    signal?.addEventListener('abort', abort, { once: true })
    this.#queue.push(waiting)
    this.#fill()
    return promise.finally(() => signal?.removeEventListener('abort', abort))
  }

  #abort(waiting: Waiting): void {
    const at = this.#queue.indexOf(waiting)
    if (at >= 0) {
      this.#queue.splice(at, 1)
      waiting.reject(waiting.signal?.reason)
      return
    }
    this.#threads.find((thread) => thread.running.has(waiting.job.id))?.abort(waiting.job.id)
  }

  #fill(): void {
    for (;;) {
      const [next] = this.#queue
      if (next === undefined || this.#closed) return
      const alive = this.#threads.filter((thread) => !thread.dead)
      let thread = alive.find(({ running }) => running.size === 0)
      if (thread === undefined && alive.length < WORKERS) {
        thread = new Thread(this.#options, () => this.#fill())
        this.#threads.push(thread)
      }
      thread ??= alive
        .filter(({ running }) => running.size < this.#each)
        .sort((a, b) => a.running.size - b.running.size)[0]
      if (thread === undefined) return
      this.#queue.shift()
      thread.start(next)
    }
  }

  /** Ends the threads at once; jobs under way are rejected. */
  async close(): Promise<void> {
    this.#closed = true
    for (const waiting of this.#queue.splice(0)) {
      waiting.reject(
        new SallyportError('INTERRUPTED', { side: this.#options.side, subject: waiting.job.descriptor.digest }),
      )
    }
    await Promise.all(this.#threads.splice(0).map((thread) => thread.end()))
  }
}
