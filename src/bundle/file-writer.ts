/**
 * Writes a bundle to a file: head first, then every blob straight to its place, in any order.
 * The file is `NAME.part` until it is whole; blobs that a stopped run left in it are hashed again, never trusted.
 */
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  readSync,
  renameSync,
  statfsSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { SallyportError, writeFault } from '../errors/index.ts'
import { openUnlinked, syncFolder, writeAll, type FileSlot } from '../content/index.ts'
import { hasherFor } from '../oci/index.ts'
import { encodeBlobHeader, type BundleLayout, type PlacedBlob } from './layout.ts'
import { memberParts } from './member-body.ts'

const CHUNK = 1024 * 1024

const { O_CREAT, O_EXCL, O_RDWR } = constants

export class FileWriter {
  readonly part: string
  readonly fd: number
  private readonly output: string
  private readonly layout: BundleLayout
  private flushing: Promise<void> | undefined
  private failed: unknown

  /** Opens `output.part`, where nothing is yet or as a stopped run left it. Throws DISK_FULL before anything is fetched, OUTPUT_FAILED. */
  constructor(output: string, layout: BundleLayout, resume: boolean) {
    this.output = output
    this.part = `${output}.part`
    this.layout = layout
    this.fd = openUnlinked(this.part, O_RDWR | (resume ? 0 : O_CREAT | O_EXCL))
    try {
      this.guard(() => this.reserve())
    } catch (error) {
      closeSync(this.fd)
      throw error
    }
  }

  private reserve(): void {
    const held = fstatSync(this.fd).blocks * 512
    const { bavail, bsize } = statfsSync(dirname(this.part))
    const free = bavail * bsize
    if (this.layout.size - held > free)
      throw new SallyportError('DISK_FULL', {
        side: 'state',
        subject: this.part,
        detail: `the bundle needs ${this.layout.size - held} bytes more, ${free} are free`,
      })
  }

  /** Writes all that is at hand: head, law, and the headers of what is to come. The end mark is there as zeros. */
  writeReady(): void {
    this.guard(() => {
      ftruncateSync(this.fd, this.layout.size)
      for (const { at, name, body } of this.layout.ready) {
        let end = at
        for (const part of memberParts(name, body)) {
          writeAll(this.fd, part, end)
          end += part.length
        }
      }
      for (const { descriptor, headerAt } of this.layout.blobs)
        writeAll(this.fd, encodeBlobHeader(descriptor), headerAt)
    })
  }

  private guard<T>(task: () => T): T {
    try {
      return task()
    } catch (cause) {
      throw writeFault(cause, 'OUTPUT_FAILED', this.part)
    }
  }

  /** True when the blob stands in its place whole and has its digest. Throws OUTPUT_FAILED when that can't be read. */
  holds(blob: PlacedBlob): boolean {
    return this.guard(() => this.proves(blob))
  }

  private proves(blob: PlacedBlob): boolean {
    const { digest, size } = blob.descriptor
    const hasher = hasherFor(digest)
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, size))
    for (let at = 0; at < size;) {
      const count = readSync(this.fd, buffer, 0, Math.min(buffer.length, size - at), blob.offset + at)
      if (count === 0) return false
      hasher.update(buffer.subarray(0, count))
      at += count
    }
    return digest.endsWith(`:${hasher.digest('hex')}`)
  }

  slot(blob: PlacedBlob, have: number): FileSlot {
    return { fd: this.fd, offset: blob.offset, have }
  }

  /** Begins to bring what is written so far to the disk, so that little is left to wait for at the end. */
  flushAhead(): void {
    this.flushing ??= new Promise((resolve) => {
      fdatasync(this.fd, (cause) => {
        this.flushing = undefined
        if (cause !== null) this.failed ??= cause
        resolve()
      })
    })
  }

  /** Gives the bundle its name; from here on it is whole for whoever sees it. The writer is closed then, also when this throws. */
  async finish(): Promise<void> {
    await this.flushing
    this.guard(() => {
      try {
        // A failed flush may have dropped pages that a later one no longer reports (fsyncgate).
        if (this.failed !== undefined) throw this.failed
        fsyncSync(this.fd)
      } finally {
        closeSync(this.fd)
      }
      renameSync(this.part, this.output)
      syncFolder(dirname(this.output))
    })
  }

  /** Leaves the part file for a later run. */
  async close(): Promise<void> {
    await this.flushing
    closeSync(this.fd)
  }
}
