/**
 * What lies in a state folder, and what an empty one is.
 *
 *     VERSION          sallyport-state/1
 *     journal.jsonl    the record
 *     journal.head     the last row that was acknowledged
 *     journal.lock     who writes
 *     index/           LevelDB, made from the journal
 *     lists/           revocation lists that rows of the journal name, each under its SHA-256
 */
import { statSync } from 'node:fs'
import { chmod, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeFolder, writeAllAside } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import { asFault, errnoOf, placeWhole } from './fault.ts'
import { HEAD_FILE } from './head-file.ts'
import { JOURNAL_FILE, LOCK_FILE } from './journal.ts'
import { LISTS_FOLDER, strangerInLists } from './list-files.ts'

const VERSION_FILE = 'VERSION'
const FORMAT = 'sallyport-state/'
const VERSION = 1
export const INDEX_FOLDER = 'index'
/** Folders that an interrupted check or rebuild may leave. */
const SCRATCH = ['index.new', 'index.old', 'index.check']

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT') return []
    if (errnoOf(cause) === 'ENOTDIR')
      throw new SallyportError('STATE_INVALID', { side: 'state', subject: folder, detail: 'it is no folder', cause })
    throw asFault(cause, 'STATE_UNWRITABLE', folder)
  })
}

/** Names that an interrupted init or restore leaves, or that every mounted disk has: none of them holds a decision. */
function isNothing(name: string): boolean {
  if (name === VERSION_FILE || name === LISTS_FOLDER || name === 'lost+found' || name.startsWith(LOCK_FILE)) return true
  return isUnfinished(name)
}

function isUnfinished(name: string): boolean {
  return name.endsWith('.new') && (name.startsWith(`${JOURNAL_FILE}.`) || name.startsWith(`${VERSION_FILE}.`))
}

/** Looks, and makes nothing. Throws STATE_EXISTS when there is anything in the folder, STATE_INVALID, STATE_UNWRITABLE. */
export async function demandVacant(folder: string): Promise<void> {
  const names = await namesIn(folder)
  // A folder of that name that an interrupted restore did not leave is somebody's, and would be swept one day.
  const stranger = names.includes(LISTS_FOLDER) ? await strangerInLists(folder) : undefined
  const found = names.find((name) => !isNothing(name)) ?? stranger
  if (found !== undefined)
    throw new SallyportError('STATE_EXISTS', { side: 'state', subject: folder, detail: `${found} is there` })
}

/** As {@link demandVacant}, and makes the folder with mode 0700 if it is absent. */
export async function demandEmpty(folder: string): Promise<void> {
  await demandVacant(folder)
  try {
    await makeFolder(folder, 0o700)
    await chmod(folder, 0o700)
  } catch (cause) {
    throw asFault(cause, 'STATE_UNWRITABLE', folder)
  }
}

/** Throws STATE_EMPTY, STATE_INVALID for what is none, STATE_NEWER, and JOURNAL_BROKEN when there is an index or a head but no journal any more. */
export async function demandState(folder: string): Promise<void> {
  const names = await namesIn(folder)
  if (names.includes(JOURNAL_FILE)) return refuseNewer(folder)
  // Stops the loss of one file from looking like a first start, which would take every replay.
  if (names.includes(INDEX_FOLDER) || names.includes(HEAD_FILE))
    throw new SallyportError('JOURNAL_BROKEN', { side: 'state', subject: folder, detail: `${JOURNAL_FILE} is gone` })
  const stranger = names.find((name) => !isNothing(name))
  if (stranger !== undefined)
    throw new SallyportError('STATE_INVALID', {
      side: 'state',
      subject: folder,
      detail: `it holds ${stranger} and no ${JOURNAL_FILE}`,
    })
  throw new SallyportError('STATE_EMPTY', { side: 'state', subject: folder })
}

/**
 * Another text whenever rows or lists came, or a list was taken away, which leaves the journal as it is: until then a state
 * that is opened anew says the same. Throws STATE_UNWRITABLE.
 */
export function stateMark(folder: string): string {
  const [journal, lists] = [join(folder, JOURNAL_FILE), join(folder, LISTS_FOLDER)].map((path) => {
    try {
      return statSync(path, { throwIfNoEntry: false })
    } catch (cause) {
      throw asFault(cause, 'STATE_UNWRITABLE', path)
    }
  })
  return `${journal?.ino} ${journal?.size} ${journal?.mtimeMs} ${lists?.mtimeMs}`
}

/** An absent VERSION is no fault: the journal's first row names the format that counts. */
async function refuseNewer(folder: string): Promise<void> {
  const file = join(folder, VERSION_FILE)
  const text = await readFile(file, 'latin1').catch((cause: unknown) => {
    if (errnoOf(cause) === 'ENOENT') return `${FORMAT}${VERSION}\n`
    throw asFault(cause, 'STATE_UNWRITABLE', file)
  })
  if (text !== `${FORMAT}${VERSION}\n`)
    throw new SallyportError('STATE_NEWER', { side: 'state', subject: file, detail: JSON.stringify(text.slice(0, 80)) })
}

/** The caller holds the lock. */
export async function writeVersion(folder: string): Promise<void> {
  for (const name of await namesIn(folder)) if (isUnfinished(name)) await rm(join(folder, name), { force: true })
  await placeWhole(join(folder, VERSION_FILE), 'STATE_UNWRITABLE', (handle) =>
    writeAllAside(handle, Buffer.from(`${FORMAT}${VERSION}\n`), 0),
  )
}

/** Removes what an interrupted check or rebuild left. The caller holds the lock. */
export async function clearScratch(folder: string): Promise<void> {
  for (const name of SCRATCH) await rm(join(folder, name), { recursive: true, force: true })
}
