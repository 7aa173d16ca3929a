/** Reads a policy folder (notation's own layout, and policy.yaml beside it) once; what changes there later changes no verdict. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '../../errors/index.ts'
import { readTrustMaterial, type TrustMaterial } from '../../trust/index.ts'

const STORES = 'truststore'
const MAX_FILES = 10_000
const MAX_BYTES = 64 * 1024 * 1024
/** Levels below the folder: truststore/x509/ca/NAME/FILE. */
const MAX_DEPTH = 6

function refused(
  subject: string,
  detail: string,
  code: 'POLICY_MALFORMED' | 'TRUST_STORE_MALFORMED' = 'TRUST_STORE_MALFORMED',
): SallyportError {
  return new SallyportError(code, { side: 'state', subject, detail })
}

function unreadable(subject: string, cause: unknown): SallyportError {
  const detail = (cause as NodeJS.ErrnoException).code
  return new SallyportError('FILE_UNREADABLE', { side: 'state', subject, detail, cause })
}

/** Most who meet this have named no folder: then it is notation's, which not every site has. */
function entriesOf(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch (cause) {
    const detail = (cause as NodeJS.ErrnoException).code
    const remedy = 'name the folder of the trust policy with --policy, or check its permissions'
    throw new SallyportError('FILE_UNREADABLE', { side: 'state', subject: dir, detail, remedy, cause })
  }
}

function reading<T>(subject: string, read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw unreadable(subject, cause)
  }
}

class PolicyFiles {
  readonly found = new Map<string, Buffer>()
  readonly #dir: string
  #bytes = 0

  constructor(dir: string) {
    this.#dir = dir
  }

  /** Everything below a folder of stores. A symbolic link would let whoever owns its end choose whom the site trusts. */
  stores(folder: string, depth = 1): void {
    const path = join(this.#dir, folder)
    if (depth > MAX_DEPTH) throw refused(path, 'folders nested too deeply')
    const stat = reading(path, () => lstatSync(path))
    if (stat.isSymbolicLink()) throw refused(path, 'a symbolic link')
    if (!stat.isDirectory()) throw refused(path, 'not a folder')
    for (const entry of reading(path, () => readdirSync(path, { withFileTypes: true }))) {
      const name = `${folder}/${entry.name}`
      if (entry.isDirectory()) this.stores(name, depth + 1)
      else this.file(name, 'TRUST_STORE_MALFORMED')
    }
  }

  file(name: string, code: 'POLICY_MALFORMED' | 'TRUST_STORE_MALFORMED'): void {
    const path = join(this.#dir, name)
    if (this.found.size >= MAX_FILES) throw new SallyportError('LIMIT_EXCEEDED', { side: 'state', subject: path })
    let fd: number
    try {
      // NONBLOCK: a fifo must not hold the run.
      fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ELOOP') throw refused(path, 'a symbolic link', code)
      throw unreadable(path, cause)
    }
    try {
      const stat = fstatSync(fd)
      if (!stat.isFile()) throw refused(path, 'not a regular file', code)
      this.#bytes += stat.size
      if (this.#bytes > MAX_BYTES) throw new SallyportError('LIMIT_EXCEEDED', { side: 'state', subject: path })
      this.found.set(
        name,
        reading(path, () => readFileSync(fd)),
      )
    } finally {
      closeSync(fd)
    }
  }
}

/**
 * The files of a policy folder that decide anything, by path inside it. Other files (notation keeps its keys and
 * settings there) are not opened; names one slip away from a policy's are given on, for `trust/` to refuse.
 * Throws FILE_UNREADABLE, LIMIT_EXCEEDED; POLICY_MALFORMED and TRUST_STORE_MALFORMED for what is no regular file.
 */
export function readPolicyFiles(dir: string): Map<string, Buffer> {
  const files = new PolicyFiles(dir)
  for (const name of entriesOf(dir).toSorted()) {
    if (name === STORES) files.stores(name)
    else if (/^(?:trust[-_.]?(?:polic|store)|polic)/i.test(name)) {
      const path = join(dir, name)
      if (reading(path, () => lstatSync(path)).isDirectory()) files.found.set(`${name}/`, Buffer.alloc(0))
      else files.file(name, 'POLICY_MALFORMED')
    }
  }
  return files.found
}

/** The trust material in a policy folder. Throws as {@link readPolicyFiles}. */
export function openPolicy(dir: string): TrustMaterial {
  return readTrustMaterial(readPolicyFiles(dir))
}
