/** Proving the index equal to what the journal adds up to, and making it anew. */
import { rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolderAside } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import type { Digest } from '../oci/index.ts'
import { asFault, errnoOf } from './fault.ts'
import { openLevel, type OpenEngine } from './engine.ts'
import { restoreEntry } from './entry.ts'
import { HeadFile, knownHead } from './head-file.ts'
import { IndexDb } from './index-db.ts'
import { keyText } from './index-key.ts'
import { Journal, LOCK_FILE } from './journal.ts'
import { NO_ROWS, type JournalHead } from './journal-row.ts'
import { visitAll } from './journal-scan.ts'
import type { Ledger } from './ledger.ts'
import { readList, sweepLists, type ListFault } from './list-files.ts'
import { Lock } from './lock.ts'
import { Replay, type Sink } from './replay.ts'
import type { ListForm } from './revocation-entry.ts'
import { clearScratch, demandState, INDEX_FOLDER } from './state-folder.ts'
import type { StateOptions } from './writer.ts'

/** Differences that are listed; all are counted. */
const LISTED = 1000

export interface Difference {
  /** The key, its parts separated by spaces. */
  key: string
  what: 'missing' | 'extra' | 'altered'
}

export interface CheckReport {
  /** Rows of the journal, whose whole chain is proven. */
  rows: number
  /** Keys that the index must hold. */
  keys: number
  /** The first thousand differences. */
  differences: Difference[]
  /** All differences; 0 is what the check is for. */
  count: number
  /** The files behind `list` rows that are not what the journal says: these lists are not held until they come again. */
  lists: ListDamage[]
}

export interface ListDamage {
  digest: Digest
  what: ListFault
  /** A list that names the file, as a list, as the certificate of its issuer, or as what it keeps revoked. */
  form: ListForm
  url: string
}

/**
 * Compares the index key by key with one freshly made from the journal, in bounded memory; it takes the index's size
 * on the disk meanwhile. Rows that the index has not seen yet are brought in first. Every list is hashed.
 * Throws JOURNAL_BROKEN, INDEX_DAMAGED when the index cannot be opened at all, STATE_LOCKED and the like.
 */
export async function checkState(dir: string, options: StateOptions): Promise<CheckReport> {
  return withFolder(dir, options, async (openEngine, fold) => {
    const index = await IndexDb.open(join(dir, INDEX_FOLDER), openEngine)
    try {
      const fresh = await IndexDb.open(join(dir, 'index.check'), openEngine)
      try {
        const { head, ledger } = await fold([index, fresh, await knownHead(dir)])
        const report = await compare(index, fresh, head.n)
        return { ...report, lists: await damagedLists(dir, ledger) }
      } finally {
        await fresh.close()
      }
    } finally {
      await index.close()
    }
  })
}

/**
 * Makes the index anew from the journal and puts it in the place of the old one, which may be damaged or absent; what
 * no row names goes from `lists/`. Acknowledged rows that the journal has no more are refused, unless `acceptLoss` says
 * why the site goes on without them: that goes into a `restore` row, since the state is an older one from then on.
 * After a kill the old one, the new one or none is in place; a missing one is made on the next open.
 * Throws JOURNAL_BROKEN, STATE_LOCKED, DISK_FULL and the like.
 */
export async function rebuildIndex(
  dir: string,
  options: StateOptions & { acceptLoss?: string | undefined },
): Promise<{ rows: number }> {
  return withFolder(dir, options, async (openEngine, fold) => {
    const { acceptLoss } = options
    const loss = await lossIn(dir, openEngine)
    if (loss !== undefined && acceptLoss === undefined) throw loss
    const fresh = join(dir, 'index.new')
    const index = await IndexDb.open(fresh, openEngine)
    let head: JournalHead
    try {
      const folded = await fold([index], loss === undefined ? undefined : acceptLoss)
      head = folded.head
      await sweepLists(dir, folded.ledger.revocation.files())
    } finally {
      await index.close()
    }
    const place = join(dir, INDEX_FOLDER)
    try {
      await rename(place, join(dir, 'index.old')).catch((error: unknown) => {
        if (errnoOf(error) !== 'ENOENT') throw error
      })
      await rename(fresh, place)
      await syncFolderAside(dir)
    } catch (cause) {
      throw asFault(cause, 'STATE_UNWRITABLE', place)
    }
    // Last: until then whatever was refused is refused again, and the same command completes it.
    const headFile = await HeadFile.open(dir)
    if (headFile.head.hash !== head.hash) await headFile.write([], head)
    await headFile.close()
    return { rows: head.n }
  })
}

/** What is wrong with the journal, measured by head and old index; undefined when all that they know is in it. */
async function lossIn(dir: string, openEngine: OpenEngine): Promise<SallyportError | undefined> {
  const replay = new Replay(await knownHead(dir), await indexHead(join(dir, INDEX_FOLDER), openEngine))
  try {
    const { head } = await visitAll(Journal.readRuns(dir), (rows) => replay.visit(rows))
    await replay.finish(head)
    return undefined
  } catch (error) {
    if (error instanceof SallyportError && error.code === 'JOURNAL_BROKEN') return error
    throw error
  }
}

/** What the old index knows, which is nothing where it is absent or cannot be read: that is what it is made anew for. */
async function indexHead(folder: string, openEngine: OpenEngine): Promise<Sink> {
  const write = (): Promise<void> => Promise.resolve()
  try {
    await stat(folder)
    const index = await IndexDb.open(folder, openEngine)
    await index.close()
    return { head: index.head, write }
  } catch (error) {
    if (error instanceof SallyportError && error.code !== 'INDEX_DAMAGED' && error.code !== 'STATE_UNWRITABLE')
      throw error
    return { head: NO_ROWS, write }
  }
}

interface Folded {
  head: JournalHead
  ledger: Ledger
}

async function damagedLists(dir: string, { revocation }: Ledger): Promise<ListDamage[]> {
  const owners = new Map<Digest, { form: ListForm; url: string }>()
  for (const { digest, issuerCertificate, kept, form, url } of revocation.keptLists())
    for (const named of [digest, issuerCertificate, kept]) if (named !== undefined) owners.set(named, { form, url })
  const damaged: ListDamage[] = []
  for (const [digest, owner] of owners) {
    const what = await readList(dir, digest)
    if (typeof what === 'string') damaged.push({ digest, what, ...owner })
  }
  return damaged
}

async function withFolder<T>(
  dir: string,
  { now, openEngine = openLevel }: StateOptions,
  task: (openEngine: OpenEngine, fold: (sinks: readonly Sink[], acceptLoss?: string) => Promise<Folded>) => Promise<T>,
): Promise<T> {
  await demandState(dir)
  const lock = await Lock.take(join(dir, LOCK_FILE), now)
  let journal: Journal | undefined
  const fold = async (sinks: readonly Sink[], acceptLoss?: string): Promise<Folded> => {
    const replay = new Replay(...sinks)
    const visit = replay.visit.bind(replay)
    const whole = replay.demandAll.bind(replay)
    journal = await Journal.open(dir, { now, create: false, lock, visit, whole })
    if (acceptLoss !== undefined) {
      const { head } = journal
      for (const row of await journal.appendAll([restoreEntry(acceptLoss, head)]))
        await replay.visit([{ row, hash: journal.head.hash, end: 0 }])
    }
    await replay.finish(journal.head)
    return { head: journal.head, ledger: replay.ledger }
  }
  try {
    await clearScratch(dir)
    return await task(openEngine, fold)
  } finally {
    await clearScratch(dir).catch(() => undefined)
    await (journal?.close() ?? lock.release())
  }
}

type Pair = IteratorResult<[string, string], undefined>

/** Walks both in the order of their keys, which is that of UTF-8 bytes. */
async function compare(index: IndexDb, wanted: IndexDb, rows: number): Promise<CheckReport> {
  const report: CheckReport = { rows, keys: 0, differences: [], count: 0, lists: [] }
  const differ = (key: string, what: Difference['what']): void => {
    report.count++
    if (report.differences.length < LISTED) report.differences.push({ key: keyText(key), what })
  }
  const left = index.raw()
  const right = wanted.raw()
  let have: Pair = await left.next()
  let want: Pair = await right.next()
  while (have.done !== true || want.done !== true) {
    const order =
      have.done === true ? 1 : want.done === true ? -1 : Buffer.compare(bytes(have.value[0]), bytes(want.value[0]))
    if (have.done !== true && order < 0) differ(have.value[0], 'extra')
    if (want.done !== true && order > 0) differ(want.value[0], 'missing')
    if (have.done !== true && want.done !== true && order === 0 && have.value[1] !== want.value[1])
      differ(want.value[0], 'altered')
    if (order >= 0) report.keys++
    if (order <= 0) have = await left.next()
    if (order >= 0) want = await right.next()
  }
  return report
}

function bytes(key: string): Buffer {
  return Buffer.from(key, 'utf8')
}
