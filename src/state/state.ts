/** A site's memory: what it decided, what it has seen, what its targets hold. */
import { join } from 'node:path'
import { SallyportError } from '../errors/index.ts'
import type { Digest } from '../oci/index.ts'
import type { Drafting } from './committer.ts'
import * as entry from './entry.ts'
import type { Entry, JournalHead, JournalRow } from './journal-row.ts'
import { secondsOf } from './journal-row.ts'
import { knownHead } from './head-file.ts'
import type { IndexReader } from './index-db.ts'
import { Journal, LOCK_FILE, seedJournal } from './journal.ts'
import { visitAll } from './journal-scan.ts'
import { intentKey } from './index-key.ts'
import type { Intent, Ledger } from './ledger.ts'
import { readList } from './list-files.ts'
import { Lock } from './lock.ts'
import { MemoryIndex } from './memory-index.ts'
import { withMore } from './more-rows.ts'
import { Rehearsal } from './rehearsal.ts'
import * as revocation from './revocation-entry.ts'
import { RevocationQueries } from './revocation-queries.ts'
import { RowPlaces } from './row-places.ts'
import { draftLists, takeLists } from './take-lists.ts'
import { Replay } from './replay.ts'
import { demandEmpty, demandState, writeVersion } from './state-folder.ts'
import { Writer, type StateOptions } from './writer.ts'

interface Read {
  ledger: Ledger
  head: JournalHead
  places: RowPlaces
}

export class State extends RevocationQueries {
  readonly dir: string
  readonly #now: Date
  readonly #read: Read
  readonly #writer: Writer | undefined
  readonly #rehearsal: Rehearsal | undefined
  /** Ends when nobody places files. */
  #lists: Promise<unknown> = Promise.resolve()

  private constructor(
    dir: string,
    now: Date,
    read: Read,
    index: IndexReader,
    writer: Writer | undefined,
    rehearsal?: Rehearsal,
  ) {
    super(
      () => writer?.committer.ledger ?? rehearsal?.ledger ?? read.ledger,
      index,
      async (n) => writer?.journal.row(n) ?? rehearsal?.row(n) ?? Journal.readRow(dir, read.places, n),
    )
    this.dir = dir
    this.#now = now
    this.#read = read
    this.#writer = writer
    this.#rehearsal = rehearsal
  }

  /**
   * A new state, open for writing, in a folder that is absent or empty.
   * Throws STATE_EXISTS, STATE_LOCKED, STATE_UNWRITABLE, DISK_FULL; after a kill the folder counts as empty still, or
   * holds the whole new state.
   */
  static async init(dir: string, options: StateOptions & entry.Init): Promise<State> {
    await demandEmpty(dir)
    const lock = await Lock.take(join(dir, LOCK_FILE), options.now)
    try {
      await demandEmpty(dir)
      await writeVersion(dir)
      await seedJournal(dir, [entry.initEntry(options)], options.now)
    } catch (error) {
      await lock.release()
      throw error
    }
    return State.#writable(dir, options, lock)
  }

  /**
   * The state of a folder. For writing it is locked; for reading it is folded from the journal into memory without a
   * lock and stands still. Either way the whole chain is proven. With `rehearse` all that is written to what was read
   * stays in memory, and is gone with it. With `acceptLoss` a reader takes a journal that acknowledged rows are missing
   * from at the end, to tell what is left.
   * Throws STATE_EMPTY, STATE_INVALID, STATE_NEWER, STATE_UNWRITABLE, STATE_LOCKED, JOURNAL_BROKEN, INDEX_DAMAGED, DISK_FULL.
   */
  static async open(
    dir: string,
    options: StateOptions & { write: boolean; rehearse?: boolean | undefined; acceptLoss?: boolean | undefined },
  ): Promise<State> {
    await demandState(dir)
    if (options.write) {
      const lock = await Lock.take(join(dir, LOCK_FILE), options.now)
      return State.#writable(dir, options, lock)
    }
    const known = options.acceptLoss === true ? [] : [await knownHead(dir)]
    const index = new MemoryIndex(() => Journal.read(dir))
    const replay = new Replay(index, ...known)
    const places = new RowPlaces()
    const { head } = await visitAll(Journal.readRuns(dir), (rows) => {
      for (const { end } of rows) places.add(end)
      return replay.visit(rows)
    })
    await replay.finish(head)
    const rehearsal = options.rehearse === true ? new Rehearsal(replay.ledger, head, index, options.now) : undefined
    return new State(dir, options.now, { ledger: replay.ledger, head, places }, index, undefined, rehearsal)
  }

  static async #writable(dir: string, options: StateOptions, lock: Lock): Promise<State> {
    const writer = await Writer.open(dir, options, lock)
    const { journal, index, committer } = writer
    const read = { ledger: committer.ledger, head: journal.head, places: new RowPlaces() }
    return new State(dir, options.now, read, index, writer)
  }

  /** The last row of the journal: keep it elsewhere and a lost tail can be seen. */
  get head(): JournalHead {
    return this.#writer?.journal.head ?? this.#rehearsal?.head ?? this.#read.head
  }

  /** Every row, oldest first, proven as it comes. */
  rows(): AsyncGenerator<JournalRow, undefined, undefined> {
    return this.#writer?.journal.rows() ?? Journal.read(this.dir)
  }

  /** When this site judged artifacts by a trust policy first, or undefined. */
  get policySince(): string | undefined {
    return this.ledger.policySince
  }

  /**
   * The time to judge by, which is `now`.
   * Throws CLOCK_BEHIND when it is before a time that was seen signed: an old clock makes expired metadata good again.
   */
  effectiveNow(now: Date = this.#now): Date {
    const { floor } = this.ledger
    if (floor !== undefined && now.getTime() < Date.parse(floor))
      throw new SallyportError('CLOCK_BEHIND', { side: 'state', subject: secondsOf(now), detail: `seen: ${floor}` })
    return now
  }

  /** Throws CHANNEL_PINNED, FINGERPRINT_MISMATCH. */
  async pin(pin: entry.Pin): Promise<void> {
    await this.#commit([entry.pinEntry(pin)])
  }

  /** Throws CHANNEL_NOT_PINNED. Counters are kept: to pin a known root again goes on from them. */
  async unpin(channel: string, reason: string): Promise<void> {
    await this.#commit([entry.unpinEntry(channel, reason)])
  }

  /** Throws, before anything is written, CHANNEL_NOT_PINNED, ROLLBACK, EQUIVOCATION. */
  async commitHead(head: entry.JudgedHead): Promise<void> {
    await this.#commit(entry.headEntries(head))
  }

  /** Keeps roots that verified, before the head that they came with is judged. Throws CHANNEL_NOT_PINNED, ROLLBACK. */
  async keepRoots(roots: entry.VerifiedRoots): Promise<void> {
    await this.#commit(entry.rootsEntries(roots))
  }

  /** The certificates of a verdict with a place must be known. */
  async recordVerdicts(verdicts: readonly entry.Verdict[]): Promise<void> {
    await this.#draft(({ judged }) =>
      verdicts.flatMap((verdict) => withMore(entry.verdictEntry(verdict, (of) => judged.numberOf(of)))),
    )
  }

  async recordImport(step: entry.Import): Promise<void> {
    await this.#commit([entry.importEntry(step)])
  }

  /** One row for each 4,000 digests, each durable before the next. */
  async recordHeld(held: entry.Held): Promise<void> {
    for (const row of entry.heldEntries(held)) await this.#commit([row])
  }

  /** A tag with an open intent must be settled first. */
  async intendTags(intents: readonly entry.TagIntent[]): Promise<void> {
    await this.#commit(intents.map(entry.intentEntry))
  }

  /** Each tag must have an open intent, whose digests go into the row. */
  async settleTags(tags: readonly entry.TagDone[]): Promise<void> {
    const { intents } = this.ledger
    await this.#commit(
      tags.map((done) => {
        const intent: Intent | undefined = intents.get(intentKey(done.target, done.repository, done.tag))
        if (intent === undefined) throw new TypeError(`the tag ${done.tag} has no open intent`)
        return entry.doneEntry(done, intent.old, intent.new)
      }),
    )
  }

  /**
   * Brings lists and answers into force, all or none: their bytes are durable in `lists/` before the rows are. One that
   * is in force already, byte for byte, gets no row; its bytes are put back if they were lost.
   * Throws, before anything is written, LIST_ROLLBACK, LIST_EQUIVOCATION, LIMIT_EXCEEDED over 64 MiB each; DISK_FULL.
   */
  async takeLists(lists: readonly revocation.ProvenList[], from: revocation.Origin): Promise<void> {
    const rehearsal = this.#rehearsal
    if (rehearsal !== undefined) {
      rehearsal.keep(lists)
      return rehearsal.submit(draftLists(lists, from, secondsOf(this.#now)))
    }
    const { committer } = this.#demandWriter()
    const take = (): Promise<void> => takeLists(this.dir, committer, lists, from, secondsOf(this.#now))
    const turn = this.#lists.then(take, take)
    this.#lists = turn.catch(() => undefined)
    await turn
  }

  /**
   * The bytes of a list, of kept entries or of an issuer's certificate, proven by their digest; undefined when they are
   * missing or damaged: then the list is not held, and what it would say is unknown.
   */
  async listBytes(digest: Digest): Promise<Buffer | undefined> {
    const rehearsed = this.#rehearsal?.bytes(digest)
    if (rehearsed !== undefined) return rehearsed
    const bytes = await readList(this.dir, digest)
    return typeof bytes === 'string' ? undefined : bytes
  }

  /** The ones that are new, by artifact and signer; only they are written. Denials are never taken back. */
  async addDenials(
    denials: readonly revocation.Denial[],
    from: revocation.Origin,
  ): Promise<readonly revocation.Denial[]> {
    let fresh: readonly revocation.Denial[] = []
    await this.#draft((ledger) => {
      fresh = ledger.revocation.freshDenials(denials)
      return revocation.denialsEntries(fresh, from)
    })
    return fresh
  }

  /** Writes down those that are new. To be called before the verdicts that name them are recorded. */
  async knowCertificates(certificates: readonly revocation.KnownCertificate[]): Promise<void> {
    await this.#draft(({ judged }) => {
      const fresh = new Map(certificates.map((certificate) => [certificate.sha256, certificate]))
      for (const sha256 of fresh.keys()) if (judged.numberOf(sha256) !== undefined) fresh.delete(sha256)
      return revocation.certificatesEntries([...fresh.values()], judged.count + 1)
    })
  }

  /** All that changed up to row `through` was looked at, with this trust material. Take `head.n` before you look. */
  async markRejudged(through: number, policy?: Digest): Promise<void> {
    await this.#commit([revocation.rejudgedEntry(through, policy)])
  }

  async recordQuarantine(quarantine: revocation.Quarantine): Promise<void> {
    await this.#commit(withMore(revocation.quarantineEntry(quarantine)))
  }

  /** Throws QUARANTINE_UNKNOWN. */
  async recordRelease(release: revocation.Release): Promise<void> {
    await this.#commit([revocation.releaseEntry(release)])
  }

  /** Nothing at the target is judged again until something is put there. */
  async forget(forget: revocation.Forget): Promise<void> {
    await this.#commit([revocation.forgetEntry(forget)])
  }

  /** A bundle of the channel is expected every so many seconds; null: no more. Throws CHANNEL_NOT_PINNED. */
  async expect(channel: string, every: number | null): Promise<void> {
    await this.#commit([revocation.expectEntry(channel, every)])
  }

  /** Content of the channel may go to these paths alone, at any target; null: anywhere. Throws CHANNEL_NOT_PINNED. */
  async confine(channel: string, into: readonly string[] | null): Promise<void> {
    await this.#commit([entry.confineEntry({ channel, into })])
  }

  async note(text: string): Promise<void> {
    await this.#commit([{ kind: 'note', body: { text } }])
  }

  /** Ends what was begun and gives the lock back; a state that was opened for reading holds none, and need not be closed. */
  async close(): Promise<void> {
    await this.#lists
    await this.#writer?.close()
  }

  async #commit(entries: readonly Entry[]): Promise<void> {
    await this.#draft(() => entries)
  }

  async #draft(entries: Drafting): Promise<void> {
    await (this.#rehearsal ?? this.#demandWriter().committer).submit(entries)
  }

  #demandWriter(): Writer {
    if (this.#writer === undefined) throw new Error('the state was opened for reading')
    return this.#writer
  }
}
