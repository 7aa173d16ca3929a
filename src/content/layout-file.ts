/** Files of an OCI image layout: one interface over a folder and a tar. */
import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { readFault, SallyportError, type Side } from '../errors/index.ts'
import { algorithmOf, hexOf, type Algorithm, type Digest } from '../oci/index.ts'

/** An open file, or the part of one, that holds a file of the layout. */
export interface LayoutFile {
  readonly fd: number
  /** Byte offset of its first byte in `fd`. */
  readonly start: number
  readonly size: number
  close(): void
}

/** Where the files of a layout come from. Names are `oci-layout`, `index.json` or {@link blobName}, never others. */
export interface LayoutReader {
  /** The folder or file, as the operator named it. */
  readonly place: string
  readonly side: Side
  /** The open file, or undefined when there is none. The caller closes it. */
  open(name: string): LayoutFile | undefined
  close(): void
}

/** `blobs/<algorithm>/<hex>`; a digest's strict grammar leaves no way out of the folder. */
export function blobName(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`
}

/** The folders a layout may have for blobs. */
export const ALGORITHMS: readonly Algorithm[] = ['sha256', 'sha512']

/** A layout in a folder. No symbolic link below the folder is followed. */
export class FolderReader implements LayoutReader {
  readonly place: string
  readonly side: Side

  constructor(dir: string, side: Side) {
    this.place = dir
    this.side = side
  }

  /**
   * Refuses a layout whose blob folders are links: they would lead reads and writes out of the folder.
   * Throws LAYOUT_MALFORMED, FILE_UNREADABLE.
   */
  checkFolders(): void {
    for (const name of ['blobs', ...ALGORITHMS.map((algorithm) => `blobs/${algorithm}`)]) {
      const stat = this.statOf(join(this.place, name))
      if (stat === undefined || stat.isDirectory()) continue
      throw new SallyportError('LAYOUT_MALFORMED', { side: this.side, subject: name, detail: 'not a folder' })
    }
  }

  private statOf(path: string): Stats | undefined {
    try {
      return lstatSync(path, { throwIfNoEntry: false })
    } catch (cause) {
      throw readFault(cause, this.side, path)
    }
  }

  open(name: string): LayoutFile | undefined {
    const path = join(this.place, name)
    let fd: number
    try {
      // O_NONBLOCK: a named pipe planted under a blob's name would else block the open for ever.
      fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    } catch (cause) {
      const errno = (cause as NodeJS.ErrnoException).code
      if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined
      const code = errno === 'ELOOP' ? 'LAYOUT_MALFORMED' : 'FILE_UNREADABLE'
      const detail = errno === 'ELOOP' ? 'a symbolic link' : errno
      throw new SallyportError(code, { side: this.side, subject: path, detail, cause })
    }
    const stat = fstatSync(fd)
    if (stat.isFile()) return { fd, start: 0, size: stat.size, close: () => closeSync(fd) }
    closeSync(fd)
    throw new SallyportError('LAYOUT_MALFORMED', { side: this.side, subject: path, detail: 'not a regular file' })
  }

  close(): void {
    // Nothing is held open between reads.
  }
}
