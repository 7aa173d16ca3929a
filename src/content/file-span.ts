/** A blob that lies in an open file: read at its offset, from any thread, as often as it takes. */
import { read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { readFault, SallyportError } from '../errors/index.ts'
import type { Seal } from '../oci/index.ts'
import type { BlobBody } from './source.ts'

const readAt = promisify(read)
// Larger pieces are no faster, and each upload under way holds a few of them.
const CHUNK = 1024 * 1024

/** Where in an open file a blob begins. Duty of whoever hands it on: the descriptor stays open while it is read. */
export interface FileSpan {
  fd: number
  /** Byte offset of the blob's first byte. */
  offset: number
  /** Of the blob's bytes as this process has proven them there; whoever reads them again may compare this alone. */
  seal?: Seal | undefined
}

function cutShort(at: number): SallyportError {
  const detail = 'the file changes while it is read'
  return new SallyportError('TAR_TRUNCATED', { side: 'bundle', subject: `offset ${at}`, detail })
}

function unreadable(at: number, cause: unknown): SallyportError {
  return readFault(cause, 'bundle', `offset ${at}`)
}

/** Fills the buffer with the blob's bytes from `at` on. Throws TAR_TRUNCATED, MEDIUM_UNREADABLE. */
export function readSpan({ fd, offset }: FileSpan, at: number, buffer: Buffer): void {
  for (let done = 0; done < buffer.length;) {
    const from = offset + at + done
    let count: number
    try {
      count = readSync(fd, buffer, done, buffer.length - done, from)
    } catch (cause) {
      throw unreadable(from, cause)
    }
    if (count === 0) throw cutShort(from)
    done += count
  }
}

/** The body of a blob of `size` bytes; not proven. Its stream throws TAR_TRUNCATED, MEDIUM_UNREADABLE. */
export function fileBody(span: FileSpan, size: number): BlobBody {
  return {
    span,
    async *open(from) {
      for (let at = from; at < size;) {
        const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, size - at))
        const begin = span.offset + at
        const { bytesRead } = await readAt(span.fd, buffer, 0, buffer.length, begin).catch((cause: unknown) => {
          throw unreadable(begin, cause)
        })
        if (bytesRead === 0) throw cutShort(begin)
        at += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    },
  }
}
