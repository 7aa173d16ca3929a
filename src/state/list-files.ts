/**
 * The bytes behind the journal's `list` rows, one file each, named by its SHA-256, in `lists/` beside the journal.
 * A file is on the disk, with its name, before a row that names it is written. What no row names is harmless.
 */
import { hash } from 'node:crypto'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolderAside, writeAllAside } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import type { Digest } from '../oci/index.ts'
import { asFault, errnoOf, placeWhole } from './fault.ts'

export const LISTS_FOLDER = 'lists'
/** The largest list that is kept. */
export const LIST_CAP = 64 * 1024 * 1024

const PREFIX = 'sha256:'
/** A file, or one that was being written. */
const OWN_NAME = /^[0-9a-f]{64}(?:\.[0-9a-f]{8}\.new)?$/

export function listDigest(bytes: Uint8Array): Digest {
  return `${PREFIX}${hash('sha256', bytes)}` as Digest
}

/** Where the bytes of a digest are in a state's folder. */
export function listFile(dir: string, digest: Digest): string {
  if (!digest.startsWith(PREFIX)) throw new TypeError(`lists are kept by SHA-256, not under ${digest}`)
  return join(dir, LISTS_FOLDER, digest.slice(PREFIX.length))
}

/** Why bytes can't be had: `missing`, or `altered` when the file has others. */
export type ListFault = 'missing' | 'altered'

/**
 * The bytes of a digest, hashed at every read, or what is wrong with their file.
 * Throws STATE_UNWRITABLE where the system refuses to read it.
 */
export async function readList(dir: string, digest: Digest): Promise<Buffer | ListFault> {
  const file = listFile(dir, digest)
  const handle = await open(file, 'r').catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT' || errnoOf(cause) === 'ENOTDIR') return undefined
    throw asFault(cause, 'STATE_UNWRITABLE', file)
  })
  if (handle === undefined) return 'missing'
  try {
    const stats = await handle.stat()
    if (!stats.isFile() || stats.size > LIST_CAP) return 'altered'
    const bytes = await handle.readFile()
    return listDigest(bytes) === digest ? bytes : 'altered'
  } catch (cause) {
    // Rot that the disk itself notices: the list is not there any more, and all else goes on.
    if (errnoOf(cause) === 'EIO') return 'altered'
    throw asFault(cause, 'STATE_UNWRITABLE', file)
  } finally {
    await handle.close()
  }
}

/** Throws LIMIT_EXCEEDED for what is more than a file holds. */
export function demandHeld(lists: readonly Uint8Array[]): void {
  const large = lists.find(({ length }) => length > LIST_CAP)
  if (large === undefined) return
  throw new SallyportError('LIMIT_EXCEEDED', {
    side: 'bundle',
    subject: 'revocation list',
    detail: `${large.length} bytes`,
  })
}

/**
 * Puts bytes in place, durable with their names. A file that is there already counts as durable: {@link sweepLists} must
 * have removed what no row names, which a killed run may have left without its name on the disk. Throws LIMIT_EXCEEDED, DISK_FULL, STATE_UNWRITABLE. */
export async function placeLists(dir: string, lists: readonly Uint8Array[]): Promise<void> {
  demandHeld(lists)
  if (lists.length === 0) return
  const folder = join(dir, LISTS_FOLDER)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await syncFolderAside(dir)
    for (const bytes of lists) {
      const digest = listDigest(bytes)
      if (typeof (await readList(dir, digest)) !== 'string') continue
      await placeWhole(listFile(dir, digest), 'STATE_UNWRITABLE', (handle) => writeAllAside(handle, bytes, 0))
    }
  } catch (cause) {
    throw asFault(cause, 'STATE_UNWRITABLE', folder)
  }
}

/** Removes what no row names any more. The caller holds the lock, and places nothing meanwhile. */
export async function sweepLists(dir: string, named: ReadonlySet<Digest>): Promise<void> {
  const folder = join(dir, LISTS_FOLDER)
  const names = await listNames(dir)
  try {
    for (const name of names)
      if (OWN_NAME.test(name) && !named.has(`${PREFIX}${name}`)) await rm(join(folder, name), { force: true })
  } catch (cause) {
    throw asFault(cause, 'STATE_UNWRITABLE', folder)
  }
}

/** A name in `lists/` that this program would not have given, or undefined. */
export async function strangerInLists(dir: string): Promise<string | undefined> {
  const names = await listNames(dir)
  return names.find((name) => !OWN_NAME.test(name))
}

async function listNames(dir: string): Promise<string[]> {
  const folder = join(dir, LISTS_FOLDER)
  return readdir(folder).catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT') return []
    throw asFault(cause, 'STATE_UNWRITABLE', folder)
  })
}
