/** Reads a policy folder (notation's own layout, and policy.yaml beside it) once; what changes there later changes no verdict. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '../errors/index.ts'
import { readTrustMaterial, type TrustMaterial } from '../trust/index.ts'

const STORES = 'truststore'
const MAX_FILES = 10_000
const MAX_BYTES = 64 * 1024 * 1024
/** Levels below the folder: truststore/x509/ca/NAME/FILE. */
const MAX_DEPTH = 6

function refused(subject: string, detail: string): SallyportError {
  return new SallyportError('TRUST_STORE_MALFORMED', { side: 'state', subject, detail })
}

function unreadable(subject: string, cause: unknown): SallyportError {
  const detail = (cause as NodeJS.ErrnoException).code
  return new SallyportError('FILE_UNREADABLE', { side: 'state', subject, detail, cause })
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
    const stat = lstatSync(path)
    if (stat.isSymbolicLink()) throw refused(path, 'a symbolic link')
    if (!stat.isDirectory()) throw refused(path, 'not a folder')
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      const name = `${folder}/${entry.name}`
      if (entry.isDirectory()) this.stores(name, depth + 1)
      else this.file(name)
    }
  }

  file(name: string): void {
    const path = join(this.#dir, name)
    if (this.found.size >= MAX_FILES) throw new SallyportError('LIMIT_EXCEEDED', { side: 'state', subject: path })
    let fd: number
    try {
      // NONBLOCK: a fifo must not hold the run.
      fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ELOOP') throw refused(path, 'a symbolic link')
      throw unreadable(path, cause)
    }
    try {
      const stat = fstatSync(fd)
      if (!stat.isFile()) throw refused(path, 'not a regular file')
      this.#bytes += stat.size
      if (this.#bytes > MAX_BYTES) throw new SallyportError('LIMIT_EXCEEDED', { side: 'state', subject: path })
      this.found.set(name, readFileSync(fd))
    } finally {
      closeSync(fd)
    }
  }
}

/**
 * The files of a policy folder that decide anything, by path inside it. Other files (notation keeps its keys and
 * settings there) are not opened; names one slip away from a policy's are given on, for `trust/` to refuse.
 * Throws FILE_UNREADABLE, TRUST_STORE_MALFORMED, LIMIT_EXCEEDED.
 */
export function readPolicyFiles(dir: string): Map<string, Buffer> {
  const files = new PolicyFiles(dir)
  let names: string[]
  try {
    names = readdirSync(dir)
  } catch (cause) {
    throw unreadable(dir, cause)
  }
  for (const name of names.toSorted()) {
    if (name === STORES) files.stores(name)
    else if (/^(?:trust[-_.]?(?:polic|store)|polic)/i.test(name)) {
      if (lstatSync(join(dir, name)).isDirectory()) files.found.set(`${name}/`, Buffer.alloc(0))
      else files.file(name)
    }
  }
  return files.found
}

/** The trust material in a policy folder. Throws as {@link readPolicyFiles}, POLICY_MALFORMED. */
export function openPolicy(dir: string): TrustMaterial {
  return readTrustMaterial(readPolicyFiles(dir))
}
