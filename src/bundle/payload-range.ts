/** Proves a run of payload members in an open file: header, digest, padding. Shared by the main thread and the workers. */
import { readSync } from 'node:fs'
import { hash } from 'node:crypto'
import { algorithmOf, hasherFor, hexOf, Sealer, type Seal } from '../oci/index.ts'
import { encodeBlobHeader, type PlacedBlob } from './layout.ts'
import { padded } from './tar-header.ts'

const CHUNK = 1024 * 1024

const ZEROS = Buffer.alloc(CHUNK)

function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZEROS.subarray(0, bytes.length))
}

/** A member that is not as promised; `errno` when that is because the system can't read it. */
export interface FailedBlob {
  blob: PlacedBlob
  errno?: string
}

/** What is wrong with the member, or undefined. */
export function failing(prover: RangeProver, blob: PlacedBlob, onSeal?: (seal: Seal) => void): FailedBlob | undefined {
  try {
    return prover.proves(blob, onSeal) ? undefined : { blob }
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === undefined) throw cause
    // A second reading may meet no error; then nothing would tell any more why this one failed.
    return { blob, errno: code }
  }
}

export class RangeProver {
  private readonly fd: number
  /** To be used by others while nothing is proven. */
  readonly buffer = Buffer.allocUnsafeSlow(CHUNK)
  /** What of the file stands in the buffer. */
  private from = 0
  private held = 0

  constructor(fd: number) {
    this.fd = fd
  }

  /** The bytes at `at`, valid until the next are asked for; undefined when the file ends before. At most a chunk. */
  private bytes(at: number, length: number): Buffer | undefined {
    if (at < this.from || at + length > this.from + this.held) {
      // A whole chunk: small members follow each other, and a system call for each costs more than its hash.
      this.from = at
      this.held = 0
      while (this.held < length) {
        const count = readSync(this.fd, this.buffer, this.held, CHUNK - this.held, at + this.held)
        if (count === 0) return undefined
        this.held += count
      }
    }
    return this.buffer.subarray(at - this.from, at - this.from + length)
  }

  /** Up to `most` bytes at `at`, and one at least: those at hand, or the next chunk. */
  private some(at: number, most: number): Buffer | undefined {
    const left = this.from + this.held - at
    return this.bytes(at, at >= this.from && left > 0 ? Math.min(left, most) : Math.min(CHUNK, most))
  }

  /**
   * True when the member stands there as it should; why it does not is found by reading it again through the screen.
   * `onSeal` is told the seal of a proven member of more than a chunk; a smaller one is as soon hashed again.
   * Throws as the system does when it can't be read.
   */
  proves(blob: PlacedBlob, onSeal?: (seal: Seal) => void): boolean {
    const { digest, size } = blob.descriptor
    const header = encodeBlobHeader(blob.descriptor)
    const span = header.length + padded(size)
    if (span <= CHUNK) {
      const member = this.bytes(blob.headerAt, span)
      if (member === undefined) return false
      const end = header.length + size
      return (
        header.equals(member.subarray(0, header.length)) &&
        hash(algorithmOf(digest), member.subarray(header.length, end), 'hex') === hexOf(digest) &&
        isZero(member.subarray(end))
      )
    }
    if (this.bytes(blob.headerAt, header.length)?.equals(header) !== true) return false
    const hasher = hasherFor(digest)
    const sealer = onSeal === undefined ? undefined : new Sealer()
    for (let at = 0; at < size;) {
      const chunk = this.some(blob.offset + at, size - at)
      if (chunk === undefined) return false
      hasher.update(chunk)
      sealer?.update(chunk)
      at += chunk.length
    }
    if (hasher.digest('hex') !== hexOf(digest)) return false
    const rest = this.bytes(blob.offset + size, padded(size) - size)
    if (rest === undefined || !isZero(rest)) return false
    if (sealer !== undefined) onSeal?.(sealer.seal())
    return true
  }
}
