/** One look into an inbox: what is whole is imported, in its order, and leaves; what can't be now waits, and does not hold up others. */
import { setTimeout } from 'node:timers/promises'
import { exitOf, isFault } from '../../errors/index.ts'
import type { ClockOptions } from '../run/clock.ts'
import { importBundle } from '../import/import.ts'
import type { ImportOptions } from '../import/terms.ts'
import { tell, timeText } from '../run/run.ts'
import { DONE, lookAgain, lookInto, openArrival, REJECTED, type Arrival, type InboxView } from './inbox.ts'
import { inOrder, readClaim, type Claim, type Queued } from './order.ts'
import { importExit } from '../import/exit.ts'
import { isUndecided, outcomeOfImport, type Ended } from './report.ts'
import type { WatchedBundle, WatchOutcome } from '../status/watch-run.ts'
import {
  heldBundle,
  underName,
  UNREADY,
  unreadyBundle,
  watchedBundle,
  watchedSentence,
  type Unready,
} from './bundle.ts'
import { Holds, purposesOf } from './hold.ts'
import type { Shelf } from './shelf.ts'
import { siftFor } from './sift.ts'
import { isDone, siteOf, type WatchedSite } from './site.ts'

export interface RoundOptions
  extends Omit<ImportOptions, 'input' | 'now' | 'asOf' | 'registry'>, Pick<ClockOptions, 'built'> {
  inbox: string
  /** How the registry is reached, asked anew when there is something to import: credentials change while a watch runs. */
  access: () => Promise<ImportOptions['registry']>
  /** Milliseconds in which a file that is whole does not change. */
  settle: number
  /** The clock: a watch outlives the one `now` of other runs. */
  clock: () => Date
  /** The report that goes beside a bundle: what `import --json` would have printed. */
  document: (ended: Ended) => string
}

export interface Shelves {
  done: Shelf
  rejected: Shelf
}

export interface Round {
  bundles: WatchedBundle[]
  view: InboxView
  /** All that stays in the inbox and was looked at, each with its reason; of what was tried that of the last try. */
  waits: WatchedBundle[]
  /** In the inbox still, also of what was not looked at. */
  waiting: number
}

/** Without its last two blocks a file is taken for one that is being copied, for so long after its last change. */
const PATIENCE = 3_600_000
/** Rounds that a bundle is left alone at most, after so many tries that failed. */
const PAUSE_CAP = 64

/** What became of one: it was tried, now or in a round before, or it is not ready for it. */
interface Handled {
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

export class Rounds {
  readonly #options: RoundOptions
  /** None in a dry run, which moves nothing. */
  readonly #shelves: Shelves | undefined
  /** Marks of what lay there at the last look: it is in no copying any more when it has not changed. */
  #seen = new Set<string>()
  readonly #claims = new Map<string, Claim | undefined>()
  readonly #tried = new Map<string, Tried>()
  readonly #holds: Holds
  #round = 0

  constructor(options: RoundOptions, shelves: Shelves | undefined) {
    this.#options = options
    this.#shelves = shelves
    this.#holds = new Holds(options.inbox)
  }

  /**
   * One look. A stop ends it early, with what was done until then.
   * Throws FILE_UNREADABLE, MEDIUM_UNREADABLE for the inbox, and what opening state or credentials throws.
   */
  async next(): Promise<Round> {
    this.#round++
    let known: WatchedSite | undefined
    const siteNow = async (): Promise<WatchedSite> => (known ??= await siteOf(this.#options))
    const view = await this.#look(siteNow)
    const round: Round = { bundles: [], view, waits: [], waiting: view.more + view.arrivals.length }
    if (this.#stopped || !view.arrivals.some(({ mark }) => this.#seen.has(mark))) {
      const unready = this.#stopped ? 'stopped' : 'changing'
      round.waits = view.arrivals.map((arrival) => this.#unready({ ...arrival, claim: undefined }, unready).bundle)
      return round
    }
    const site = await siteNow()
    const queue = inOrder(await this.#claimed(view.arrivals), purposesOf(site))
    this.#holds.begin(site, queue)
    for (const queued of queue) await this.#next(queued, site, round)
    if (!this.#stopped) this.#holds.end(new Set(queue.map(({ mark }) => mark)))
    this.#forget(view)
    return round
  }

  async #next(queued: Queued, site: WatchedSite, round: Round): Promise<void> {
    const before = this.#stopped ? undefined : await this.#holds.before(queued)
    if (before !== undefined) {
      round.waits.push(heldBundle(queued, before, timeText(this.#options.clock())))
      return
    }
    const { bundle, tried, fresh, replaced } = await this.#handle(queued, site)
    if (fresh) round.bundles.push(bundle)
    if (bundle.outcome === 'imported' || bundle.outcome === 'duplicate') this.#holds.took(queued)
    if (replaced) {
      const other = await this.#other(queued)
      this.#holds.leave({ queued: other, tried: false })
      round.waits.push(this.#unready(other, 'replaced').bundle)
    } else if (bundle.outcome === 'waiting') {
      this.#holds.leave({ queued, tried })
      round.waits.push(bundle)
    } else round.waiting--
  }

  /** What has the name now: what follows in its channel has to wait for it as for any other. */
  async #other(queued: Queued): Promise<Queued> {
    const arrival = await lookAgain(this.#options.inbox, queued.name).catch(() => undefined)
    return arrival === undefined ? queued : { ...arrival, claim: await readClaim(this.#options.inbox, arrival) }
  }

  get #stopped(): boolean {
    return this.#options.signal?.aborted === true
  }

  /** Looks twice when something is new, so that what is being written is seen to change. */
  async #look(siteNow: () => Promise<WatchedSite>): Promise<InboxView> {
    const { inbox, settle, signal } = this.#options
    const sift = siftFor(inbox, siteNow, () => this.#stopped)
    let view = await lookInto(inbox, sift)
    if (view.arrivals.some(({ mark }) => !this.#seen.has(mark))) {
      this.#seen = new Set(view.arrivals.map(({ mark }) => mark))
      await setTimeout(settle, undefined, { signal }).catch(() => undefined)
      if (this.#stopped) return view
      view = await lookInto(inbox, sift)
      // Only what is as it was a moment ago counts as seen.
      this.#seen = new Set(view.arrivals.map(({ mark }) => mark).filter((mark) => this.#seen.has(mark)))
    }
    return view
  }

  async #claimed(arrivals: readonly Arrival[]): Promise<Queued[]> {
    const queue: Queued[] = []
    for (const arrival of arrivals) {
      if (this.#stopped) break
      const { mark } = arrival
      if (!this.#claims.has(mark)) this.#claims.set(mark, await readClaim(this.#options.inbox, arrival))
      queue.push({ ...arrival, claim: this.#claims.get(mark) })
    }
    return queue
  }

  async #handle(queued: Queued, site: WatchedSite): Promise<Handled> {
    const tried = this.#tried.get(queued.mark)
    // What gives way is asked once more before: by its report, which goes with it, and for the last time.
    const due = tried?.undecided === true && !this.#stopped && (await this.#holds.givesWay(queued))
    if (tried !== undefined && (this.#stopped || (tried.again > this.#round && !due)))
      return { bundle: tried.bundle, tried: true, fresh: false, replaced: false }
    if (this.#stopped) return this.#unready(queued, 'stopped')
    if (!this.#seen.has(queued.mark)) return this.#unready(queued, 'changing')
    let ended: Ended
    let known = false
    try {
      const brought = await this.#bring(queued, site)
      if (typeof brought === 'string') return this.#unready(queued, brought)
      ended = brought
      if ('error' in ended && this.#stopped) return this.#unready(queued, 'stopped')
      known = 'error' in ended && isFault(ended.error, 'ROLLBACK') && (await isDone(queued.claim, this.#options, site))
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
    return !(await this.#holds.givesWay(queued)) && !(await isDone(claim, this.#options, site))
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

  /** What has left needs no remembering. */
  #forget({ arrivals }: InboxView): void {
    const here = new Set(arrivals.map(({ mark }) => mark))
    for (const known of [this.#claims, this.#tried])
      for (const mark of known.keys()) if (!here.has(mark)) known.delete(mark)
  }
}
