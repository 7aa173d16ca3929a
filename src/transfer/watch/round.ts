/** One look into an inbox: what is whole is imported, in its order, and leaves; what can't be now waits, and does not hold up others. */
import { setTimeout } from 'node:timers/promises'
import type { ImportOptions } from '../import/terms.ts'
import type { ClockOptions } from '../run/clock.ts'
import { timeText } from '../run/run.ts'
import type { WatchedBundle } from '../status/watch-run.ts'
import { heldBundle, unreadyBundle, type Unready } from './bundle.ts'
import { Holds, purposesOf } from './hold.ts'
import { lookAgain, lookInto, type Arrival, type InboxView } from './inbox.ts'
import { inOrder, readClaim, type Claim, type Queued } from './order.ts'
import type { Ended } from './report.ts'
import type { Shelf } from './shelf.ts'
import { siftFor } from './sift.ts'
import { siteOf, type WatchedSite } from './site.ts'
import { Trials } from './trial.ts'

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

export class Rounds {
  readonly #options: RoundOptions
  /** Marks of what lay there at the last look: it is in no copying any more when it has not changed. */
  #seen = new Set<string>()
  readonly #claims = new Map<string, Claim | undefined>()
  readonly #holds: Holds
  readonly #trials: Trials

  constructor(options: RoundOptions, shelves: Shelves | undefined) {
    this.#options = options
    this.#holds = new Holds(options.inbox)
    this.#trials = new Trials(options, shelves, this.#holds)
  }

  /**
   * One look. A stop ends it early, with what was done until then.
   * Throws FILE_UNREADABLE, MEDIUM_UNREADABLE for the inbox, and what opening state or credentials throws.
   */
  async next(): Promise<Round> {
    this.#trials.beginRound()
    let known: WatchedSite | undefined
    const siteNow = async (): Promise<WatchedSite> => (known ??= await siteOf(this.#options))
    const view = await this.#look(siteNow)
    const round: Round = { bundles: [], view, waits: [], waiting: view.more + view.arrivals.length }
    if (this.#stopped || !view.arrivals.some(({ mark }) => this.#seen.has(mark))) {
      const unready = this.#stopped ? 'stopped' : 'changing'
      round.waits = view.arrivals.map((arrival) => this.#unready({ ...arrival, claim: undefined }, unready))
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
    const { bundle, tried, fresh, replaced } = await this.#trials.handle(queued, site, this.#seen.has(queued.mark))
    if (fresh) round.bundles.push(bundle)
    if (bundle.outcome === 'imported' || bundle.outcome === 'duplicate') this.#holds.took(queued)
    if (replaced) {
      const other = await this.#other(queued)
      this.#holds.leave({ queued: other, tried: false })
      round.waits.push(this.#unready(other, 'replaced'))
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

  #unready(queued: Queued, unready: Unready): WatchedBundle {
    return unreadyBundle(queued, unready, timeText(this.#options.clock()))
  }

  /** What has left needs no remembering. */
  #forget({ arrivals }: InboxView): void {
    const here = new Set(arrivals.map(({ mark }) => mark))
    for (const mark of this.#claims.keys()) if (!here.has(mark)) this.#claims.delete(mark)
    this.#trials.keep(here)
  }
}
