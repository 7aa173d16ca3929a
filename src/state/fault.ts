/** What the system refuses, as a fault of the state. */
import type { FileHandle } from 'node:fs/promises'
import { placeFileAside } from '../content/index.ts'
import { readFault, writeFault } from '../errors/index.ts'

/** As `placeFileAside`. Throws DISK_FULL, or `code` for another failed write; what `fill` throws as a SallyportError goes through. */
export async function placeWhole(
  path: string,
  code: 'OUTPUT_FAILED' | 'STATE_UNWRITABLE',
  fill: (handle: FileHandle) => Promise<void>,
): Promise<void> {
  try {
    await placeFileAside(path, fill)
  } catch (cause) {
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
