/**
 * Reads a bundle file from its front while its head is still judged, and finds out how fast the medium is. The threads
 * that are to prove the payload do it, which have nothing else to do by then; nothing of what is read is looked at.
 */
import { readSync } from 'node:fs'

const CHUNK = 512 * 1024
/** In bytes a second. Who reads so many chunks faster meets nothing but the system's memory: there is nothing to gain. */
const CACHED = 1.5e9
const ENOUGH = 32
/** In bytes a second. Below, a second reader elsewhere in the file costs more than it brings: discs and hard drives seek. */
const SLOW = 300e6
/** So much is read ahead at most, in bytes: what is judged for long must not push all else out of the system's memory. */
const MOST = 1024 * 1024 * 1024
/** What the system may have read by itself when the head was read, in bytes: it came at no cost. */
const UNASKED = 8 * 1024 * 1024
/** What took less, in milliseconds, says nothing of the medium. */
const TELLING = 40

// What is shared between the threads: three words, then for each thread when it began and when it ended, 0 before.
const [STOP, NEXT, CHUNKS] = [0, 1, 2]
const TIMES_AT = 16

function now(): number {
  // Threads begin to count at different times.
  return performance.timeOrigin + performance.now()
}

/** What the threads of one file share. */
export class ReadAhead {
  readonly shared: SharedArrayBuffer
  readonly #words: Int32Array
  readonly #times: Float64Array

  /** For so many threads, or as another thread shares it. */
  constructor(threads: number | SharedArrayBuffer) {
    this.shared = typeof threads === 'number' ? new SharedArrayBuffer(TIMES_AT + threads * 16) : threads
    this.#words = new Int32Array(this.shared, 0, 3)
    this.#times = new Float64Array(this.shared, TIMES_AT)
  }

  /** Ends the reading of all threads, each with the chunk that it has begun. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1)
  }

  /** True when what was read so far came slowly; what is still waited for counts. */
  get isSlow(): boolean {
    let [first, last] = [Infinity, 0]
    for (let at = 0; at < this.#times.length; at += 2) {
      const [began = 0, ended = 0] = this.#times.subarray(at, at + 2)
      if (began === 0) continue
      first = Math.min(first, began)
      last = Math.max(last, ended > 0 ? ended : now())
    }
    const milliseconds = last - first
    const bytes = Atomics.load(this.#words, CHUNKS) * CHUNK - UNASKED
    return milliseconds >= TELLING && bytes < (SLOW * milliseconds) / 1000
  }

  /** Reads into the buffer, a chunk of the file's after the other, until told to stop or there is no more to gain. */
  run(thread: number, fd: number, size: number, buffer: Buffer): void {
    this.#times[2 * thread] = now()
    if (this.#run(fd, Math.min(size, MOST), buffer)) {
      // What lies behind may not be in memory, after a run that was stopped: this read tells.
      read(fd, buffer, Math.floor((size * 3) / 4))
    }
    this.#times[2 * thread + 1] = now()
  }

  /** True when it ended because all came from memory. */
  #run(fd: number, end: number, buffer: Buffer): boolean {
    const words = this.#words
    let since = now()
    for (let count = 1; Atomics.load(words, STOP) === 0; count++) {
      const at = Atomics.add(words, NEXT, 1) * CHUNK
      if (at >= end || !read(fd, buffer, at)) return false
      Atomics.add(words, CHUNKS, 1)
      if (count % ENOUGH !== 0) continue
      const then = now()
      if (then - since < (ENOUGH * CHUNK * 1000) / CACHED) return true
      since = then
    }
    return false
  }
}

// Whoever needs bytes that can't be read reads them again, and tells why.
function read(fd: number, buffer: Buffer, at: number): boolean {
  try {
    readSync(fd, buffer, 0, Math.min(CHUNK, buffer.length), at)
    return true
  } catch {
    return false
  }
}
