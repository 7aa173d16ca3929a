/** One look into an inbox: what is whole is imported, in its order, and leaves; what can't be now waits, and does not hold up others. */
import { setTimeout } from 'node:timers/promises'
import { exitOf, isFault } from '../errors/index.ts'
import { State } from '../state/index.ts'
import type { Purpose } from '../tuf/index.ts'
import { clockDoubt, type ClockOptions } from './clock.ts'
import { importBundle } from './import.ts'
import type { ImportOptions } from './import-terms.ts'
import { openPlace } from './place.ts'
import { tell, timeText } from './run.ts'
import { DONE, lookInto, openArrival, REJECTED, type Arrival, type InboxView } from './watch-inbox.ts'
import { inOrder, readClaim, type Claim, type Queued } from './watch-order.ts'
import { importExit, outcomeOfImport, type Ended, type WatchedBundle, type WatchOutcome } from './watch-report.ts'
import { underName, watchedBundle, watchedSentence } from './watch-bundle.ts'
import type { Shelf } from './watch-shelf.ts'

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
  /** In the inbox still. */
  waiting: number
}

/** Without its last two blocks a file is taken for one that is being copied, for so long after its last change. */
const PATIENCE = 3_600_000
/** Rounds that a bundle is left alone at most, after so many tries that failed. */
const PAUSE_CAP = 64

/** What a round goes by. */
interface Site {
  registry: ImportOptions['registry']
  purposes: ReadonlyMap<string, Purpose>
  floor: string | undefined
}

interface Tried {
  tries: number
  /** The round in which it is tried again. */
  again: number
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
  #round = 0

  constructor(options: RoundOptions, shelves: Shelves | undefined) {
    this.#options = options
    this.#shelves = shelves
  }

  /**
   * One look. A stop ends it early, with what was done until then.
   * Throws FILE_UNREADABLE, MEDIUM_UNREADABLE for the inbox, and what opening state or credentials throws.
   */
  async next(): Promise<Round> {
    this.#round++
    const view = await this.#look()
    const round: Round = { bundles: [], view, waiting: view.more + view.arrivals.length }
    if (this.#stopped || !view.arrivals.some(({ mark }) => this.#seen.has(mark))) return round
    const site = await this.#site()
    const queue = inOrder(await this.#claimed(view.arrivals), (channel) => site.purposes.get(channel))
    // A channel goes no further than its first bundle that has to wait: the one behind it would make it a rollback.
    const held = new Set<string>()
    for (const queued of queue) {
      const channel = queued.claim?.channel
      if (channel !== undefined && held.has(channel)) continue
      const bundle = await this.#handle(queued, site)
      if (this.#stopped && bundle === undefined) break
      if (bundle !== undefined) round.bundles.push(bundle)
      if (bundle !== undefined && bundle.outcome !== 'waiting') round.waiting--
      else if (channel !== undefined) held.add(channel)
    }
    this.#forget(view)
    return round
  }

  get #stopped(): boolean {
    return this.#options.signal?.aborted === true
  }

  /** Looks twice when something is new, so that what is being written is seen to change. */
  async #look(): Promise<InboxView> {
    const { inbox, settle, signal } = this.#options
    let view = await lookInto(inbox)
    if (view.arrivals.some(({ mark }) => !this.#seen.has(mark))) {
      this.#seen = new Set(view.arrivals.map(({ mark }) => mark))
      await setTimeout(settle, undefined, { signal }).catch(() => undefined)
      if (this.#stopped) return view
      view = await lookInto(inbox)
      // Only what is as it was a moment ago counts as seen.
      this.#seen = new Set(view.arrivals.map(({ mark }) => mark).filter((mark) => this.#seen.has(mark)))
    }
    return view
  }

  async #site(): Promise<Site> {
    const registry = await this.#options.access()
    const state = await State.open(this.#options.state, { now: this.#options.clock(), write: false })
    try {
      const purposes = new Map(state.channels().map(({ channel, purpose }) => [channel, purpose]))
      return { registry, purposes, floor: state.floor }
    } finally {
      await state.close()
    }
  }

  async #claimed(arrivals: readonly Arrival[]): Promise<Queued[]> {
    const queue: Queued[] = []
    for (const arrival of arrivals) {
      if (this.#stopped) break
      const { mark } = arrival
      if (!this.#claims.has(mark)) {
        const opened = await openArrival(this.#options.inbox, arrival).catch(() => undefined)
        this.#claims.set(mark, opened === undefined ? undefined : await readClaim(opened.path))
        await opened?.close()
      }
      queue.push({ ...arrival, claim: this.#claims.get(mark) })
    }
    return queue
  }

  /** What became of it; undefined when it has to wait and there is nothing new to say, or when a stop cut it short. */
  async #handle(queued: Queued, site: Site): Promise<WatchedBundle | undefined> {
    const tried = this.#tried.get(queued.mark)
    if ((tried !== undefined && tried.again > this.#round) || !this.#seen.has(queued.mark)) return undefined
    let ended: Ended | undefined
    let known = false
    try {
      ended = await this.#bring(queued, site)
      if (ended === undefined) return undefined
      if ('error' in ended && this.#stopped) return undefined
      known = 'error' in ended && isFault(ended.error, 'ROLLBACK') && (await this.#isDone(queued.claim, site))
    } catch (error) {
      ended = { error, exit: exitOf(error) }
    }
    return this.#settle(queued, ended, known ? 'duplicate' : this.#outcome(ended, site))
  }

  #outcome(ended: Ended, { floor }: Site): WatchOutcome {
    const outcome = outcomeOfImport(ended)
    // What has expired, or is of a time to come, by a clock in doubt may be good by the right one.
    const timely = ended.exit === 15 || ended.exit === 16
    const doubt = outcome === 'rejected' && timely && clockDoubt(floor, this.#options.clock(), this.#options.built)
    return doubt === undefined || doubt === false ? outcome : 'waiting'
  }

  /** Undefined while it is being copied, and when another file has its name. */
  async #bring(queued: Queued, { registry }: Site): Promise<Ended | undefined> {
    const { inbox, clock, settle: _settle, document: _document, access: _access, ...options } = this.#options
    const opened = await openArrival(inbox, queued)
    if (opened === undefined) return undefined
    try {
      if (!opened.ended && clock().getTime() - queued.changed < PATIENCE) return undefined
      const report = await importBundle({ ...options, registry, now: clock(), input: { file: opened.path } })
      return { report, exit: importExit(report) }
    } catch (error) {
      return { error, exit: exitOf(error) }
    } finally {
      await opened.close()
    }
  }

  /** True when this very bundle came to its end at this target once: its head was proven before it was found to be old. */
  async #isDone(claim: Claim | undefined, { registry }: Site): Promise<boolean> {
    if (claim === undefined) return false
    const place = openPlace(this.#options.to, registry)
    const state = await State.open(this.#options.state, { now: this.#options.clock(), write: false })
    try {
      const bundle = await state.bundle(claim.channel, claim.sequence)
      return bundle?.id === claim.id && (await state.importDone(place.name, claim.id))
    } finally {
      await state.close()
      await place.close()
    }
  }

  #settle(queued: Queued, given: Ended, outcome: WatchOutcome): WatchedBundle {
    const ended = 'error' in given ? { ...given, error: underName(given.error, queued.name) } : given
    let bundle = this.#told(queued, ended, outcome)
    if (outcome !== 'waiting' && this.#shelves !== undefined) {
      try {
        const shelf = this.#shelves[outcome === 'rejected' ? 'rejected' : 'done']
        const at = shelf.put(queued, this.#options.document(ended))
        // Another file has its name by now: it is handled as what it is.
        if (at === undefined) return this.#wait(queued, { ...bundle, outcome: 'waiting' })
        bundle = { ...bundle, at: `${outcome === 'rejected' ? REJECTED : DONE}/${at}` }
      } catch (error) {
        return this.#wait(queued, this.#told(queued, { error, exit: exitOf(error) }, 'waiting'))
      }
      this.#tried.delete(queued.mark)
    } else if (outcome === 'waiting') this.#wait(queued, bundle)
    tell(this.#options, { type: 'note', text: watchedSentence(bundle) })
    return bundle
  }

  #wait({ mark }: Queued, bundle: WatchedBundle): WatchedBundle {
    const tries = (this.#tried.get(mark)?.tries ?? 0) + 1
    this.#tried.set(mark, { tries, again: this.#round + Math.min(2 ** (tries - 1), PAUSE_CAP), bundle })
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
