/** Work in a folder from which others of its kind are kept out. */
import { join } from 'node:path'
import { lockFolder } from '../../content/index.ts'
import { SallyportError, writeFault, type Code, type Side } from '../../errors/index.ts'

/** How it is told that somebody else works there, and that nobody can. */
export interface AloneTerms {
  code?: Extract<Code, 'FOLDER_LOCKED' | 'CA_LOCKED'>
  side?: Side
  fault?: (cause: unknown, dir: string) => SallyportError
}

/**
 * What the work gives, done while nobody else locks the folder. Throws FOLDER_LOCKED, and OUTPUT_FAILED or DISK_FULL for a folder
 * that takes no lock, unless the terms say otherwise; and what the work throws.
 */
export async function alone<T>(
  dir: string,
  work: () => T | Promise<T>,
  {
    code = 'FOLDER_LOCKED',
    side = 'state',
    fault = (cause) => writeFault(cause, 'OUTPUT_FAILED', dir),
  }: AloneTerms = {},
): Promise<T> {
  const lock = await lockFolder(dir).catch((cause: unknown) => {
    throw fault(cause, dir)
  })
  if (typeof lock === 'string') throw new SallyportError(code, { side, subject: join(dir, lock) })
  try {
    return await work()
  } finally {
    lock.release()
  }
}
