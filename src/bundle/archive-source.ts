/** An OCI image layout inside a tar that other tools made (skopeo, oras, regctl, docker save), as a source. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { basename } from 'node:path'
import { layoutOver, type Layout, type LayoutFile, type LayoutReader } from '../content/index.ts'
import { readFault, SallyportError, type Side } from '../errors/index.ts'
import { indexArchive } from './archive-index.ts'
import type { FoundParts } from './archive-parts.ts'

const COMPRESSED: readonly (readonly [name: string, magic: string])[] = [
  ['gzip', '1f8b'],
  ['zstd', '28b52ffd'],
  ['xz', 'fd377a585a00'],
  ['bzip2', '425a68'],
]

class ArchiveReader implements LayoutReader {
  readonly place: string
  readonly side: Side
  private readonly fd: number
  private readonly parts: FoundParts

  constructor(file: string, side: Side, fd: number, parts: FoundParts) {
    this.place = file
    this.side = side
    this.fd = fd
    this.parts = parts
  }

  open(name: string): LayoutFile | undefined {
    const part = this.parts.get(name)
    if (part === undefined) return undefined
    return { fd: this.fd, start: part.offset, size: part.size, close: () => undefined }
  }

  close(): void {
    closeSync(this.fd)
  }
}

function openRegular(file: string, side: Side): { fd: number; size: number } {
  let fd: number
  try {
    // O_NONBLOCK: a named pipe would else block the open for ever.
    fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (cause) {
    throw readFault(cause, side, file)
  }
  const stat = fstatSync(fd)
  if (stat.isFile()) return { fd, size: stat.size }
  closeSync(fd)
  throw new SallyportError('FILE_UNREADABLE', { side, subject: file, detail: 'not a regular file' })
}

function refuseCompressed(fd: number, file: string, side: Side): void {
  const start = Buffer.alloc(6)
  try {
    readSync(fd, start, 0, start.length, 0)
  } catch (cause) {
    throw readFault(cause, side, file)
  }
  const known = COMPRESSED.find(([, magic]) => start.toString('hex').startsWith(magic))
  if (known === undefined) return
  const detail = `compressed with ${known[0]}; unpack it to a plain tar first`
  throw new SallyportError('LAYOUT_MALFORMED', { side, subject: file, detail })
}

/**
 * The layout in a plain tar; the file is read through once and stays open until `close`.
 * Throws FILE_UNREADABLE, MEDIUM_UNREADABLE, LAYOUT_MALFORMED (also for a compressed file), LIMIT_EXCEEDED, JSON_MALFORMED.
 */
export async function openArchive(file: string, side: Side = 'source'): Promise<Layout> {
  const { fd, size } = openRegular(file, side)
  try {
    refuseCompressed(fd, file, side)
    const parts = await indexArchive(fd, size, side, file)
    return layoutOver(new ArchiveReader(file, side, fd, parts), basename(file).replace(/\.tar$/, ''))
  } catch (error) {
    closeSync(fd)
    throw error
  }
}
