/** The channel's own counter on the connected side: a hash-chained log of every sequence given out. */
import * as z from 'zod'
import { shapeFault } from '../../codec/index.ts'
import { detailOf, isFault, SallyportError } from '../../errors/index.ts'
import { isDigest, type Digest } from '../../oci/index.ts'
import { Acknowledged, HeadFile, Journal, readHead, type JournalRow, type Proven } from '../../state/index.ts'
import { BroughtTags, type TagsByRepository } from './brought-tags.ts'

export interface Issued {
  sequence: number
  id: Digest
}

const sequence = z.int().min(1)
const id = z.custom<Digest>(isDigest, 'no digest')
const givenRow = z.object({ sequence, id: id.nullish() })
const exportedRow = z.object({
  sequence,
  id,
  audience: z.array(z.string()),
  pieces: z.record(z.string(), z.string()).optional(),
})
const tagsRow = z.object({ sequence, tags: z.record(z.string(), z.array(z.string())) })

const REMEDY =
  "find out who wrote there, and take the channel's folder from a copy that was kept apart; " +
  'name a --sequence above all that were given out since the copy was made'

/** What helps who has lost rows of a log: sites would take a number that is given twice for stolen keys. */
const LOST_REMEDY =
  "take the channel's folder from a copy that was kept apart, or remove journal.head where there is none; " +
  'then name a --sequence above all that were given out'

/** What the journal says is the same for a state; what helps is not. */
function notOfAState(error: unknown, dir: string): unknown {
  if (!isFault(error, 'JOURNAL_BROKEN')) return error
  const subject = `${dir}: ${error.subject}`
  return new SallyportError('JOURNAL_BROKEN', {
    side: 'state',
    subject,
    detail: detailOf(error),
    remedy: error.remedy === LOST_REMEDY ? LOST_REMEDY : REMEDY,
    cause: error,
  })
}

/** A row as it must be: the chain of hashes says that rows follow each other, not who wrote them. */
function parsed<T>(schema: z.ZodType<T>, row: JournalRow): T {
  const result = schema.safeParse(row)
  if (result.success) return result.data
  const detail = shapeFault(result.error)
  throw new SallyportError('JOURNAL_BROKEN', { side: 'state', subject: `journal.jsonl row ${row.n}`, detail })
}

/** `journal.jsonl` in the channel's folder, and `journal.head`; one writer at a time. */
export class ExportLog {
  /** Undefined in a log that is looked at only. */
  private journal: Journal | undefined
  private headFile: HeadFile | undefined
  private last = 0
  /** Sequence → id of the bundle it was given to. */
  private readonly given = new Map<number, string>()
  /** What each site was sent, by rising sequence. */
  private readonly bySite = new Map<string, Issued[]>()
  /** What the newest finished revocation bundle held: tag → digest. */
  private pieces: Readonly<Record<string, string>> | undefined
  private readonly brought = new BroughtTags()

  /** Throws STATE_LOCKED while another export of this channel runs; JOURNAL_BROKEN, also for a log whose last rows are lost. */
  static async open(dir: string, now: Date): Promise<ExportLog> {
    const log = new ExportLog()
    try {
      const tail = await readTail(dir)
      log.journal = await openJournal(dir, now, tail, (rows) => log.replay(rows, tail))
      log.headFile = await HeadFile.open(dir)
      await log.headFile.write([], log.journal.head)
      return log
    } catch (error) {
      await log.close()
      throw notOfAState(error, dir)
    }
  }

  /** The log to look at only: nothing is written and nothing is locked, and a channel that never exported has none. */
  static async read(dir: string): Promise<ExportLog> {
    const log = new ExportLog()
    let last = 0
    try {
      const tail = await readTail(dir)
      try {
        for await (const rows of Journal.readRuns(dir)) {
          log.replay(rows, tail)
          last = rows.at(-1)?.row.n ?? last
        }
      } catch (error) {
        if (!isFault(error, 'STATE_EMPTY')) throw error
      }
      tail.demandReached(last)
    } catch (error) {
      throw notOfAState(error, dir)
    }
    return log
  }

  private async append(kind: string, body: Parameters<Journal['append']>[1]): Promise<void> {
    const { journal, headFile } = this
    if (journal === undefined || headFile === undefined) throw new TypeError('the log was opened to look at only')
    this.learn(await journal.append(kind, body))
    await headFile.write([], journal.head)
  }

  /** Takes in rows as they are proven. */
  private replay(rows: readonly Proven[], tail: Acknowledged): void {
    for (const { row, hash } of rows) {
      tail.demandRow(row.n, hash)
      this.learn(row)
    }
  }

  private learn(row: JournalRow): void {
    if (row.kind === 'sequence') {
      const given = parsed(givenRow, row)
      this.last = Math.max(this.last, given.sequence)
      if (typeof given.id === 'string') this.given.set(given.sequence, given.id)
    }
    if (row.kind === 'tags') this.brought.learn(parsed(tagsRow, row))
    if (row.kind !== 'exported') return
    const { audience, pieces, ...issued } = parsed(exportedRow, row)
    this.brought.finished(issued.sequence, audience)
    if (pieces !== undefined) this.pieces = pieces
    for (const site of audience) {
      const sent = this.bySite.get(site) ?? []
      if ((sent.at(-1)?.sequence ?? 0) < issued.sequence) sent.push(issued)
      this.bySite.set(site, sent)
    }
  }

  /** The bundle that a site had last before `sequence`, or null: the same whatever it has been sent since. */
  previous(site: string, sequence: number): Issued | null {
    return this.bySite.get(site)?.findLast((issued) => issued.sequence < sequence) ?? null
  }

  /** Tags of the repository that bundles below `sequence` brought to one of the sites or more. */
  tagsBrought(sites: readonly string[], repository: string, sequence: number): ReadonlySet<string> {
    return this.brought.toAny(sites, repository, sequence)
  }

  /** What the newest revocation bundle of this channel held, tag → digest; undefined before the first. */
  lastPieces(): Readonly<Record<string, string>> | undefined {
    return this.pieces
  }

  /** A sequence above all that were given out. */
  next(): number {
    return this.last + 1
  }

  /** True when the sequence was given to this bundle. */
  gave({ sequence, id }: { sequence: number; id: string | null }): boolean {
    return id !== null && this.given.get(sequence) === id
  }

  /** True when the sequence may stand in this bundle: it was given to it already, or to none and is above all others. */
  mayTake({ sequence, id }: Issued): boolean {
    return sequence > this.last || this.given.get(sequence) === id
  }

  /** Throws USAGE for a sequence that was given to another bundle. */
  demand(issued: Issued): void {
    if (this.mayTake(issued)) return
    throw new SallyportError('USAGE', {
      side: 'source',
      subject: `--sequence ${issued.sequence}`,
      detail: `${this.last} was given out already`,
    })
  }

  /**
   * Gives the sequence to the bundle, before anything of it can be seen: a run that dies afterwards may have the number
   * again for that same bundle, and another bundle never gets it. Throws as {@link demand}.
   */
  async take(issued: Issued): Promise<void> {
    this.demand(issued)
    const { sequence, id } = issued
    if (this.given.get(sequence) !== id) await this.append('sequence', { sequence, id })
  }

  /**
   * Records a finished bundle: the tags that it brought, to tell the next time which of them are gone, and `pieces` of a
   * revocation bundle, to tell what has changed.
   */
  async exported(
    { sequence, id }: Issued,
    audience: readonly string[],
    bound: TagsByRepository,
    pieces?: Readonly<Record<string, string>>,
  ): Promise<void> {
    const more = pieces === undefined ? {} : { pieces }
    for (const row of this.brought.rowsFor(sequence, audience, bound)) await this.append('tags', { ...row })
    await this.append('exported', { sequence, id, audience: [...audience], ...more })
  }

  async close(): Promise<void> {
    try {
      await this.headFile?.close()
    } finally {
      await this.journal?.close()
    }
  }
}

/** To be read before the log: an export may append in between. */
async function readTail(dir: string): Promise<Acknowledged> {
  return new Acknowledged(await readHead(dir), LOST_REMEDY)
}

/** The journal, made where there never was one. */
async function openJournal(
  dir: string,
  now: Date,
  tail: Acknowledged,
  visit: (rows: readonly Proven[]) => void,
): Promise<Journal> {
  const whole = ({ n }: { n: number }): void => tail.demandReached(n)
  try {
    return await Journal.open(dir, { now, create: tail.head.n === 0, visit, whole })
  } catch (error) {
    if (isFault(error, 'STATE_EMPTY')) tail.demandReached(0)
    throw error
  }
}
