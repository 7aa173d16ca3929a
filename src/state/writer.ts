/** The writing half of a state: the journal under its lock, and what follows it. */
import { join } from 'node:path'
import { Committer } from './committer.ts'
import { openLevel, type OpenEngine } from './engine.ts'
import { HeadFile } from './head-file.ts'
import { IndexDb } from './index-db.ts'
import { Journal } from './journal.ts'
import type { Lock } from './lock.ts'
import { refuseDisagreement, Replay } from './replay.ts'
import { INDEX_FOLDER } from './state-folder.ts'

export interface StateOptions {
  /** The time of this run, read once. */
  now: Date
  /** The store behind the index; LevelDB by default. */
  openEngine?: OpenEngine
}

type End = () => Promise<void>

/** All, one after the other, whatever fails; throws the first failure then. */
async function endAll(ends: readonly End[]): Promise<void> {
  const failures: unknown[] = []
  for (const end of ends) await end().catch((failure: unknown) => void failures.push(failure))
  if (failures.length > 0) throw failures[0]
}

export class Writer {
  readonly journal: Journal
  readonly index: IndexDb
  readonly committer: Committer
  readonly #ends: readonly End[]

  private constructor(journal: Journal, index: IndexDb, committer: Committer, ends: readonly End[]) {
    this.journal = journal
    this.index = index
    this.committer = committer
    this.#ends = ends
  }

  /**
   * Opens index and journal of a folder under a lock that is held, and brings the one up to the other. Owns the lock from
   * here on, and gives it back when it throws: JOURNAL_BROKEN, INDEX_DAMAGED, STATE_UNWRITABLE, DISK_FULL and the like.
   */
  static async open(dir: string, { now, openEngine = openLevel }: StateOptions, lock: Lock): Promise<Writer> {
    // The lock goes last: whoever gets it finds nothing open any more.
    const ends: End[] = [() => lock.release()]
    try {
      const headFile = await HeadFile.open(dir)
      ends.unshift(() => headFile.close())
      const index = await IndexDb.open(join(dir, INDEX_FOLDER), openEngine)
      ends.unshift(() => index.close())
      const replay = new Replay(index, headFile)
      const visit = replay.visit.bind(replay)
      const whole = replay.demandAll.bind(replay)
      const journal = await Journal.open(dir, { now, create: false, lock, visit, whole })
      // It has the lock by now.
      ends.splice(-1, 1, () => journal.close())
      await replay.finish(journal.head)
      await refuseDisagreement(replay.ledger, index)
      const committer = new Committer(journal, headFile, index, replay.ledger, now)
      return new Writer(journal, index, committer, ends)
    } catch (error) {
      await endAll(ends).catch(() => undefined)
      throw error
    }
  }

  /** Ends what was begun, and gives the lock back whatever can't be closed. */
  async close(): Promise<void> {
    await this.committer.idle()
    await endAll(this.#ends)
  }
}
