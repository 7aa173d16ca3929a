/** Proves a run of payload members in an open file: header, digest, padding. Shared by the main thread and the workers. */
import { readSync } from 'node:fs'
import { hash } from 'node:crypto'
import { algorithmOf, hasherFor, hexOf, Sealer, type Seal } from '../oci/index.ts'
import { encodeBlobHeader, type PlacedBlob } from './layout.ts'
import { padded } from './tar-header.ts'

const CHUNK = 1024 * 1024

function fill(fd: number, buffer: Buffer, length: number, at: number): boolean {
  for (let done = 0; done < length;) {
    const count = readSync(fd, buffer, done, length - done, at + done)
    if (count === 0) return false
    done += count
  }
  return true
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0)
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
  private readonly buffer = Buffer.allocUnsafeSlow(CHUNK)

  constructor(fd: number) {
    this.fd = fd
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
      if (!fill(this.fd, this.buffer, span, blob.headerAt)) return false
      const body = this.buffer.subarray(header.length, header.length + size)
      return (
        header.equals(this.buffer.subarray(0, header.length)) &&
        hash(algorithmOf(digest), body, 'hex') === hexOf(digest) &&
        isZero(this.buffer.subarray(header.length + size, span))
      )
    }
    if (!fill(this.fd, this.buffer, header.length, blob.headerAt)) return false
    if (!header.equals(this.buffer.subarray(0, header.length))) return false
    const hasher = hasherFor(digest)
    const sealer = onSeal === undefined ? undefined : new Sealer()
    for (let at = 0; at < size;) {
      const length = Math.min(CHUNK, size - at)
      if (!fill(this.fd, this.buffer, length, blob.offset + at)) return false
      const chunk = this.buffer.subarray(0, length)
      hasher.update(chunk)
      sealer?.update(chunk)
      at += length
    }
    if (hasher.digest('hex') !== hexOf(digest)) return false
    const rest = padded(size) - size
    if (!fill(this.fd, this.buffer, rest, blob.offset + size) || !isZero(this.buffer.subarray(0, rest))) return false
    if (sealer !== undefined) onSeal?.(sealer.seal())
    return true
  }
}
