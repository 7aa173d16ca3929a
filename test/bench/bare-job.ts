/** What the bare loops are given, and how their threads share it. */
import { Worker } from 'node:worker_threads'

export interface BareBlob {
  readonly digest: string
  readonly size: number
  /** Where its bytes stand in the file. */
  readonly offset: number
}

export interface BareJob {
  readonly origin: string
  readonly caFile?: string
  readonly repository: string
  readonly file: string
  /** Largest first. */
  readonly blobs: readonly BareBlob[]
  /** Pushed after the blobs, by tag. */
  readonly manifests: readonly (BareBlob & { readonly tag: string })[]
}

export interface BareThread {
  readonly job: BareJob
  readonly fd: number
  /** One counter that all threads draw their next blob from. */
  readonly next: Int32Array
}

/** Resolves when every thread has ended well. Descriptors are shared by number, as threads are one process. */
export async function runThreads(module: URL, threads: number, job: BareJob, fd: number): Promise<void> {
  const next = new Int32Array(new SharedArrayBuffer(4))
  const workerData: BareThread = { job, fd, next }
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(module, { workerData })
      worker.on('error', reject)
      worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a thread ended with ${code}`))))
    })
  await Promise.all(Array.from({ length: threads }, work))
}

/** The blobs that fall to this thread, one after the other. */
export function* drawn({ job, next }: BareThread): Generator<BareBlob> {
  for (;;) {
    const blob = job.blobs[Atomics.add(next, 0, 1)]
    if (blob === undefined) return
    yield blob
  }
}
