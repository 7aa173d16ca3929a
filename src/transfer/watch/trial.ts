/** One bundle of an inbox on trial: it is imported, and leaves or waits by how that ended. */
import { exitOf, isFault } from '../../errors/index.ts'
import { importExit } from '../import/exit.ts'
import { importBundle } from '../import/import.ts'
import { tell, timeText } from '../run/run.ts'
import type { WatchedBundle, WatchOutcome } from '../status/watch-run.ts'
import { underName, UNREADY, unreadyBundle, watchedBundle, watchedSentence, type Unready } from './bundle.ts'
import type { Holds } from './hold.ts'
import { DONE, openArrival, REJECTED } from './inbox.ts'
import type { Queued } from './order.ts'
import { isUndecided, outcomeOfImport, type Ended } from './report.ts'
import type { RoundOptions, Shelves } from './round.ts'
import { isDone, type WatchedSite } from './site.ts'

/** Without its last two blocks a file is taken for one that is being copied, for so long after its last change. */
const PATIENCE = 3_600_000
/** Rounds that a bundle is left alone at most, after so many tries that failed. */
const PAUSE_CAP = 64

/** What became of one: it was tried, now or in a round before, or it is not ready for it. */
export interface Handled {
  bundle: WatchedBundle
  tried: boolean
  fresh: boolean
  /** Another file has its name by now. */
  replaced: boolean
}

interface Tried {
  tries: number
  /** The round in which it is tried again. */
  again: number
  undecided: boolean
  bundle: WatchedBundle
}

export class Trials {
  readonly #options: RoundOptions
  /** None in a dry run, which moves nothing. */
  readonly #shelves: Shelves | undefined
  readonly #holds: Holds
  readonly #tried = new Map<string, Tried>()
  #round = 0

  constructor(options: RoundOptions, shelves: Shelves | undefined, holds: Holds) {
    this.#options = options
    this.#shelves = shelves
    this.#holds = holds
  }

  /** To be called as a round begins: what failed is left alone for a number of them. */
  beginRound(): void {
    this.#round++
  }

  /** Forgets what has left the inbox. */
  keep(marks: ReadonlySet<string>): void {
    for (const mark of this.#tried.keys()) if (!marks.has(mark)) this.#tried.delete(mark)
  }

  get #stopped(): boolean {
    return this.#options.signal?.aborted === true
  }

  /**
   * What became of the bundle in this round.
   * @param isSettled - it has not changed within the last look
   */
  async handle(queued: Queued, site: WatchedSite, isSettled: boolean): Promise<Handled> {
    const tried = this.#tried.get(queued.mark)
    // What gives way is asked once more before: by its report, which goes with it, and for the last time.
    const due = tried?.undecided === true && !this.#stopped && (await this.#holds.givesWay(queued))
    if (tried !== undefined && (this.#stopped || (tried.again > this.#round && !due)))
      return { bundle: tried.bundle, tried: true, fresh: false, replaced: false }
    if (this.#stopped) return this.#unready(queued, 'stopped')
    if (!isSettled) return this.#unready(queued, 'changing')
    let ended: Ended
    let known = false
    try {
      const brought = await this.#bring(queued, site)
      if (typeof brought === 'string') return this.#unready(queued, brought)
      ended = brought
      if ('error' in ended && this.#stopped) return this.#unready(queued, 'stopped')
      known = 'error' in ended && isFault(ended.error, 'ROLLBACK') && (await isDone(queued.claim, this.#options))
    } catch (error) {
      ended = { error, exit: exitOf(error) }
    }
    return this.#settle(queued, ended, known ? 'duplicate' : await this.#outcome(queued, ended, site))
  }

  #unready(queued: Queued, unready: Unready): Handled {
    const bundle = unreadyBundle(queued, unready, timeText(this.#options.clock()))
    return { bundle, tried: false, fresh: false, replaced: unready === 'replaced' }
  }

  async #outcome(queued: Queued, ended: Ended, { inDoubt }: WatchedSite): Promise<WatchOutcome> {
    const outcome = outcomeOfImport(ended)
    if (outcome === 'waiting' && isUndecided(ended) && (await this.#holds.givesWay(queued))) return 'rejected'
    // What has expired, or is of a time to come, by a clock in doubt may be good by the right one.
    const timely = ended.exit === 15 || ended.exit === 16
    return outcome === 'rejected' && timely && inDoubt ? 'waiting' : outcome
  }

  /** True for one whose head was accepted here and that never came to its end. */
  async #mayStillWait(queued: Queued, site: WatchedSite): Promise<boolean> {
    const { claim } = queued
    if (claim === undefined || site.pins.get(claim.channel)?.trusted.lastId !== claim.id) return false
    return !(await this.#holds.givesWay(queued)) && !(await isDone(claim, this.#options))
  }

  async #bring(queued: Queued, site: WatchedSite): Promise<Ended | Unready> {
    const { inbox, clock, settle: _settle, document: _document, access: _access, ...options } = this.#options
    const opened = await openArrival(inbox, queued)
    if (opened === undefined) return 'replaced'
    try {
      if (!opened.ended && clock().getTime() - queued.arrived < PATIENCE) return 'endless'
      const terms = { ...options, mapsMore: true, registry: site.registry, input: { file: opened.path } }
      // Each import writes its verdicts into the journal; tried for weeks, a bundle that is undecided would fill it.
      if (options.dryRun !== true && (await this.#mayStillWait(queued, site))) {
        const report = await importBundle({ ...terms, now: clock(), dryRun: true })
        const ended = { report, exit: importExit(report) }
        if (isUndecided(ended) && outcomeOfImport(ended) === 'waiting') return ended
      }
      const report = await importBundle({ ...terms, now: clock() })
      return { report, exit: importExit(report) }
    } catch (error) {
      return { error, exit: exitOf(error) }
    } finally {
      await opened.close()
    }
  }

  #settle(queued: Queued, given: Ended, outcome: WatchOutcome): Handled {
    const ended = 'error' in given ? { ...given, error: underName(given.error, queued.name) } : given
    let bundle = this.#told(queued, ended, outcome)
    let replaced = false
    if (outcome !== 'waiting' && this.#shelves !== undefined) {
      const to = outcome === 'rejected' ? REJECTED : DONE
      const shelf = this.#shelves[outcome === 'rejected' ? 'rejected' : 'done']
      const report = this.#options.document(ended)
      try {
        const at = shelf.put(queued, report)
        replaced = at === undefined
        // What was read while it changed is no bundle's fault, and what was here before is no news.
        if (replaced && ('error' in ended || outcome === 'duplicate')) return this.#unready(queued, 'replaced')
        bundle =
          at === undefined
            ? { ...bundle, why: `${UNREADY.replaced}; the report is ${to}/${shelf.keep(queued, report)}` }
            : { ...bundle, at: `${to}/${at}` }
      } catch (error) {
        bundle = this.#told(queued, { error, exit: exitOf(error) }, 'waiting')
        return { bundle: this.#wait(queued, bundle, false), tried: true, fresh: true, replaced: false }
      }
      this.#tried.delete(queued.mark)
    } else if (outcome === 'waiting') this.#wait(queued, bundle, isUndecided(ended))
    tell(this.#options, { type: 'note', text: watchedSentence(bundle, this.#shelves === undefined) })
    return { bundle, tried: true, fresh: true, replaced }
  }

  #wait({ mark }: Queued, bundle: WatchedBundle, undecided: boolean): WatchedBundle {
    const tries = (this.#tried.get(mark)?.tries ?? 0) + 1
    this.#tried.set(mark, { tries, again: this.#round + Math.min(2 ** (tries - 1), PAUSE_CAP), undecided, bundle })
    return bundle
  }

  #told(queued: Queued, ended: Ended, outcome: WatchOutcome): WatchedBundle {
    return watchedBundle(queued, ended, outcome, timeText(this.#options.clock()))
  }
}
