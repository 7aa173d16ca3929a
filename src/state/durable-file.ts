/** Writing that survives a power cut: what is named here is on the disk, name and bytes, when the promise is kept. */
import { randomBytes } from 'node:crypto'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from '../content/index.ts'
import { readFault, writeFault } from '../errors/index.ts'

/** Writes all of `bytes` at an offset; a short write is continued. */
export async function writeWhole(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

/**
 * Puts a file in place in one step: `fill` writes a file of another name in the same folder, which is then synced and
 * renamed. After any fault or kill `path` is what it was before. Mode 0600.
 * Throws DISK_FULL, or `code` for another failed write; what `fill` throws as a SallyportError goes through.
 */
export async function placeFile(
  path: string,
  code: 'OUTPUT_FAILED' | 'STATE_UNWRITABLE',
  fill: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  const temp = `${path}.${randomBytes(4).toString('hex')}.new`
  try {
    const handle = await open(temp, 'wx+', 0o600)
    try {
      await fill(handle)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temp, path)
    await syncFolder(dirname(path))
  } catch (cause) {
    await rm(temp, { force: true }).catch(() => undefined)
    throw asFault(cause, code, path)
  }
}

/** `cause` when it is a fault of ours already, else what {@link writeFault} makes of it. A bug stays a bug. */
export function asFault(cause: unknown, code: 'OUTPUT_FAILED' | 'STATE_UNWRITABLE', subject: string): unknown {
  return typeof errnoOf(cause) === 'string' && 'syscall' in (cause as object) ? writeFault(cause, code, subject) : cause
}

/** As {@link asFault}, for a failed read. */
export function asReadFault(cause: unknown, subject: string): unknown {
  return typeof errnoOf(cause) === 'string' && 'syscall' in (cause as object)
    ? readFault(cause, 'state', subject)
    : cause
}

/** The system's name of the error (`ENOENT`), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}
