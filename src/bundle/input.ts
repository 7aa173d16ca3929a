/** Where a bundle's bytes come from: a file, or a pipe that is read once, front to back. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { read as readAsync } from 'node:fs'
import { promisify } from 'node:util'
import { setImmediate as breathe, setTimeout as later } from 'node:timers/promises'
import { readFault, SallyportError } from '../errors/index.ts'
import { RingFiller } from './hash-ring.ts'
import { HashThread } from './hash-thread.ts'
import { Provers } from './provers.ts'

const CHUNK = 1024 * 1024
// So often a run of reads that never waits lets signals and timers through.
const BREATH = 16 * CHUNK

/** Bytes in order. A chunk is only valid until the next call: the buffer is used again. */
export interface ByteInput {
  /** As errors name it. */
  readonly name: string
  /** The next bytes, or undefined at the end. */
  next(): Promise<Buffer | undefined>
  close(): void | Promise<void>
}

/** An input whose bytes can be had again from any offset. */
export interface FileInput extends ByteInput {
  readonly fd: number
  readonly size: number
  /** The threads that can prove its payload; idle until they are started or asked. */
  readonly provers: Provers
  /** Continues reading at this offset. */
  seek(offset: number): void
}

export function isFileInput(input: ByteInput): input is FileInput {
  // Not by `fd`: readers of pipes have one too.
  return 'seek' in input
}

/** An input that passes once, so that its large blobs are worth a thread that hashes them. */
export interface PipeInput extends ByteInput {
  readonly hashing: HashThread
}

export function isPipeInput(input: ByteInput): input is PipeInput {
  return 'hashing' in input
}

class FileReader implements FileInput {
  readonly name: string
  readonly fd: number
  readonly size: number
  readonly provers: Provers
  private readonly buffer = Buffer.allocUnsafeSlow(CHUNK)
  private at = 0
  private unbroken = 0

  constructor(name: string) {
    this.name = name
    try {
      // A pipe in its place would keep the whole thread in open(2), where no signal reaches it.
      this.fd = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK)
    } catch (cause) {
      throw unreadable(name, cause)
    }
    const stat = fstatSync(this.fd)
    if (!stat.isFile()) {
      closeSync(this.fd)
      // A pipe or device has no size and no second reading, on which the proof of a file rests.
      throw new SallyportError('FILE_UNREADABLE', {
        side: 'bundle',
        subject: name,
        detail: stat.isDirectory() ? 'it is a folder' : 'it is no regular file',
        remedy: stat.isDirectory() ? 'name the file in it' : 'give a pipe or a device through standard input: - < NAME',
      })
    }
    this.size = stat.size
    this.provers = new Provers(this.fd, this.size)
  }

  seek(offset: number): void {
    this.at = offset
  }

  async next(): Promise<Buffer | undefined> {
    this.unbroken += CHUNK
    if (this.unbroken >= BREATH) {
      this.unbroken = 0
      await breathe()
    }
    let count: number
    try {
      count = readSync(this.fd, this.buffer, 0, CHUNK, this.at)
    } catch (cause) {
      throw unreadable(this.name, cause)
    }
    this.at += count
    return count === 0 ? undefined : this.buffer.subarray(0, count)
  }

  async close(): Promise<void> {
    await this.provers.end()
    closeSync(this.fd)
  }
}

function unreadable(name: string, cause: unknown): SallyportError {
  return readFault(cause, 'bundle', name)
}

const readInto = promisify(readAsync)

class PipeReader implements PipeInput {
  readonly name = 'standard input'
  readonly hashing = new HashThread()
  private readonly fd: number
  private unbroken = 0

  constructor(fd: number) {
    this.fd = fd
  }

  async next(): Promise<Buffer | undefined> {
    const slot = await this.hashing.slot()
    this.unbroken += slot.length
    if (this.unbroken >= BREATH) {
      this.unbroken = 0
      await breathe()
    }
    for (;;) {
      try {
        // Reading in this thread is a third faster than handing each chunk over from another one.
        const count = readSync(this.fd, slot, 0, slot.length, null)
        return count === 0 ? undefined : slot.subarray(0, count)
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException
        if (code === 'EOF') return undefined
        if (code !== 'EAGAIN') throw unreadable(this.name, cause)
        await breathe()
        await later(1)
      }
    }
  }

  async close(): Promise<void> {
    await this.hashing.end()
    // The descriptor belongs to the process.
  }
}

/** Reads a pipe without blocking the thread, for an import that pushes while it reads. */
class WaitingPipeReader implements PipeInput {
  readonly name = 'standard input'
  readonly hashing = new HashThread(new RingFiller(1))
  private readonly fd: number
  private filling: Buffer | undefined
  private pending: Promise<number> | undefined
  private readonly closing = new AbortController()
  private readonly signal: AbortSignal | undefined

  constructor(fd: number, signal: AbortSignal | undefined) {
    this.fd = fd
    this.signal = signal
  }

  private async fill(buffer: Buffer): Promise<number> {
    for (;;) {
      try {
        const { bytesRead } = await readInto(this.fd, buffer, 0, buffer.length, null)
        return bytesRead
      } catch (cause) {
        const { code } = cause as NodeJS.ErrnoException
        if (code === 'EOF') return 0
        if (code !== 'EAGAIN') throw unreadable(this.name, cause)
        // Whoever left the pipe behind must not have its bytes taken, nor be kept from ending.
        await later(2, undefined, { signal: this.closing.signal })
      }
    }
  }

  // A pipe may be silent for hours, and a read of it can't be called back: whoever is told to stop leaves it behind.
  private async arrived(filling: Promise<number>): Promise<number> {
    const { signal } = this
    if (signal === undefined) return filling
    const { promise: stopped, reject } = Promise.withResolvers<never>()
    const stop = (): void => reject(new SallyportError('INTERRUPTED', { side: 'state' }))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop)
    try {
      return await Promise.race([filling, stopped])
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  async next(): Promise<Buffer | undefined> {
    const filled = (this.filling ??= await this.hashing.slot())
    const count = await this.arrived((this.pending ??= this.fill(filled)))
    this.filling = await this.hashing.slot()
    this.pending = count === 0 ? Promise.resolve(0) : this.fill(this.filling)
    this.pending.catch(() => undefined)
    return count === 0 ? undefined : filled.subarray(0, count)
  }

  async close(): Promise<void> {
    this.closing.abort()
    await this.hashing.end()
    // The descriptor belongs to the process.
  }
}

/** The bytes of a file. Throws FILE_UNREADABLE, MEDIUM_UNREADABLE. */
export function fileInput(name: string): FileInput {
  return new FileReader(name)
}

/**
 * The bytes of an open pipe. `waiting` leaves the thread free between chunks, and `next` then throws INTERRUPTED once
 * `signal` says so; without it a silent pipe blocks the thread, and nothing but the end of the process ends that.
 */
export function pipeInput(fd: number, waiting: boolean, signal?: AbortSignal): PipeInput {
  return waiting ? new WaitingPipeReader(fd, signal) : new PipeReader(fd)
}

/** The bytes of chunks held in memory. */
export function memoryInput(chunks: readonly Buffer[], name = 'memory'): ByteInput {
  let i = 0
  return { name, next: () => Promise.resolve(chunks[i++]), close: () => undefined }
}
