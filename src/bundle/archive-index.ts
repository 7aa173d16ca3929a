/** Where the files of a foreign OCI image layout stand inside a tar; no member's name is ever made a path. */
import { read, readSync } from 'node:fs'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { extract } from 'tar-stream'
import { readFault, SallyportError, type Side } from '../errors/index.ts'
import { ArchiveParts, fileIn, type FoundParts } from './archive-parts.ts'
import { BLOCK, padded } from './tar-header.ts'

/**
 * Stops a tar whose members exhaust memory: a blob's place takes 60 to 150 bytes, an eighth to a quarter of its header. More
 * than the sums of a bundle can name, so that every bundle is a source, too.
 */
export const MAX_MEMBERS = 4_000_000
const RUN = 1024 * 1024

class ArchiveIndexer {
  readonly parts = new ArchiveParts()
  private readonly fd: number
  private readonly size: number
  private readonly side: Side
  private readonly subject: string
  private end = 0
  private members = 0

  constructor(fd: number, size: number, side: Side, subject: string) {
    this.fd = fd
    this.size = size
    this.side = side
    this.subject = subject
  }

  bad(detail: string, cause?: unknown): SallyportError {
    return new SallyportError('LAYOUT_MALFORMED', { side: this.side, subject: this.subject, detail, cause })
  }

  /** Takes in a member whose header block stands at `header`. Throws for whatever no layout needs. */
  member(name: string, type: string | null, size: number, header: number): void {
    const { side, subject } = this
    const shown = JSON.stringify(name).slice(0, 200)
    if (++this.members > MAX_MEMBERS)
      throw new SallyportError('LIMIT_EXCEEDED', { side, subject, detail: `over ${MAX_MEMBERS} members` })
    // tar-stream reads on behind the end marker; other readers stop there and would see another layout.
    if (header !== this.end && this.isZero(this.end, BLOCK)) throw this.bad(`${shown} stands behind the end marker`)
    const offset = header + BLOCK
    // Stops 2^88 and its like before it is added to an offset.
    if (!Number.isSafeInteger(size) || offset + size > this.size) throw this.bad(`${shown} is longer than the file`)
    if (type === 'directory') {
      // tar-stream waits for ever on a folder that claims a body.
      if (size !== 0) throw this.bad(`${shown} is a folder with a body`)
    } else if (type !== 'file') {
      throw this.bad(`${shown} is not a regular file`)
    }
    this.end = offset + padded(size)
    const file = type === 'file' ? fileIn(name) : undefined
    // Of two members with one name, readers disagree on which counts.
    if (file !== undefined && !this.parts.add(file, { offset, size })) throw this.bad(`${shown} twice`)
  }

  /** Refuses an archive without an end marker: tar-stream takes one that was cut between two members as whole. */
  finish(): void {
    if (!this.isZero(this.end, 2 * BLOCK)) throw this.bad('ends too early')
  }

  private isZero(at: number, length: number): boolean {
    const block = Buffer.alloc(length, 1)
    try {
      return readSync(this.fd, block, 0, length, at) === length && block.every((byte) => byte === 0)
    } catch (cause) {
      throw readFault(cause, this.side, this.subject)
    }
  }
}

const readInto = promisify(read)

async function* runs(fd: number, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < size;) {
    const run = Buffer.allocUnsafe(Math.min(RUN, size - at))
    const { bytesRead } = await readInto(fd, run, 0, run.length, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield run.subarray(0, bytesRead)
  }
}

/** Every file of the layout with its place in the tar. Throws LAYOUT_MALFORMED, LIMIT_EXCEEDED, MEDIUM_UNREADABLE. */
export async function indexArchive(fd: number, size: number, side: Side, subject: string): Promise<FoundParts> {
  const indexer = new ArchiveIndexer(fd, size, side, subject)
  const tar = extract()
  const input = Readable.from(runs(fd, size), { objectMode: false, highWaterMark: RUN })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  tar.on('entry', (header, stream, next) => {
    try {
      // The stream's own offset is that of the header block, behind any extended header.
      const { offset } = stream as typeof stream & { offset: number }
      indexer.member(header.name, header.type ?? null, header.size ?? Number.NaN, offset)
    } catch (error) {
      reject(error)
      input.destroy()
      tar.destroy()
      return
    }
    stream.on('end', () => next())
    stream.resume()
  })
  tar.on('error', (error: Error) => reject(indexer.bad(error.message, error)))
  tar.on('finish', () => resolve())
  input.on('error', (error) => reject(readFault(error, side, subject)))
  input.pipe(tar)
  try {
    await promise
  } finally {
    input.destroy()
  }
  indexer.finish()
  return indexer.parts
}
