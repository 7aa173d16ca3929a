/** One look into an inbox: what is whole is imported, in its order, and leaves; what can't be now waits, and does not hold up others. */
import { setTimeout } from 'node:timers/promises'
import { detailOf, exitOf, isFault, SallyportError } from '../errors/index.ts'
import { State } from '../state/index.ts'
import type { Purpose } from '../tuf/index.ts'
import type { ClockOptions } from './clock.ts'
import { importBundle } from './import.ts'
import type { ImportOptions, ImportReport } from './import-terms.ts'
import { openPlace } from './place.ts'
import { checkInterrupted, tell, timeText } from './run.ts'
import { DONE, lookInto, openArrival, REJECTED, type Arrival, type InboxView } from './watch-inbox.ts'
import { inOrder, readClaim, type Claim, type Queued } from './watch-order.ts'
import { importExit, outcomeOfImport, type Ended, type WatchedBundle, type WatchOutcome } from './watch-report.ts'
import type { Shelf } from './watch-shelf.ts'

export interface RoundOptions extends Omit<ImportOptions, 'input' | 'now' | 'dryRun'>, Pick<ClockOptions, 'built'> {
  inbox: string
  /** Milliseconds in which a file that is whole does not change. */
  settle: number
  /** The clock: a watch outlives the one `now` of other runs. */
  clock: () => Date
  /** The report that goes beside a bundle: what `import --json` would have printed. */
  document: (ended: Ended) => string
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

interface Tried {
  tries: number
  /** The round in which it is tried again. */
  again: number
  bundle: WatchedBundle
}

export class Rounds {
  readonly #options: RoundOptions
  readonly #shelves: Readonly<Record<'done' | 'rejected', Shelf>>
  /** Marks of what lay there at the last look: it is in no copying any more when it has not changed. */
  #seen = new Set<string>()
  readonly #claims = new Map<string, Claim | undefined>()
  readonly #tried = new Map<string, Tried>()
  #round = 0

  constructor(options: RoundOptions, shelves: Readonly<Record<'done' | 'rejected', Shelf>>) {
    this.#options = options
    this.#shelves = shelves
  }

  /** Throws FILE_UNREADABLE, MEDIUM_UNREADABLE for the inbox, INTERRUPTED, and what opening the state throws. */
  async next(): Promise<Round> {
    this.#round++
    const view = await this.#look()
    const steady = view.arrivals.filter(({ mark }) => this.#seen.has(mark))
    const purposes = steady.length === 0 ? new Map<string, Purpose>() : await this.#purposes()
    const queue = inOrder(await this.#claimed(view.arrivals), (channel) => purposes.get(channel))
    const bundles: WatchedBundle[] = []
    // A channel goes no further than its first bundle that has to wait: the one behind it would make it a rollback.
    const held = new Set<string>()
    let left = view.more
    for (const queued of queue) {
      checkInterrupted(this.#options)
      const channel = queued.claim?.channel
      const bundle = channel !== undefined && held.has(channel) ? undefined : await this.#handle(queued, steady)
      if (bundle !== undefined) bundles.push(bundle)
      if (bundle !== undefined && bundle.outcome !== 'waiting') continue
      left++
      if (channel !== undefined) held.add(channel)
    }
    this.#forget(view)
    return { bundles, view, waiting: left }
  }

  /** Looks twice when something is new, so that what is being written is seen to change. */
  async #look(): Promise<InboxView> {
    const { inbox, settle, signal } = this.#options
    let view = await lookInto(inbox)
    if (view.arrivals.some(({ mark }) => !this.#seen.has(mark))) {
      this.#seen = new Set(view.arrivals.map(({ mark }) => mark))
      await setTimeout(settle, undefined, { signal }).catch(() => undefined)
      checkInterrupted(this.#options)
      view = await lookInto(inbox)
      // Only what is as it was a moment ago counts as seen.
      this.#seen = new Set(view.arrivals.map(({ mark }) => mark).filter((mark) => this.#seen.has(mark)))
    }
    return view
  }

  async #purposes(): Promise<Map<string, Purpose>> {
    const state = await State.open(this.#options.state, { now: this.#options.clock(), write: false })
    try {
      return new Map(state.channels().map(({ channel, purpose }) => [channel, purpose]))
    } finally {
      await state.close()
    }
  }

  async #claimed(arrivals: readonly Arrival[]): Promise<Queued[]> {
    const queue: Queued[] = []
    for (const arrival of arrivals) {
      checkInterrupted(this.#options)
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

  /** What became of it; undefined when it has to wait and there is nothing new to say. */
  async #handle(queued: Queued, steady: readonly Arrival[]): Promise<WatchedBundle | undefined> {
    const tried = this.#tried.get(queued.mark)
    if (tried !== undefined && tried.again > this.#round) return undefined
    if (!steady.some(({ mark }) => mark === queued.mark)) return undefined
    let ended: Ended
    try {
      const opened = await openArrival(this.#options.inbox, queued)
      if (opened === undefined) return undefined
      try {
        const age = this.#options.clock().getTime() - queued.changed
        if (!opened.ended && age < PATIENCE) return undefined
        ended = await this.#bring(opened.path)
      } finally {
        await opened.close()
      }
      if (this.#isStop(ended)) checkInterrupted(this.#options)
    } catch (error) {
      if (isFault(error, 'INTERRUPTED')) throw error
      ended = { error, exit: exitOf(error) }
    }
    const known = 'error' in ended && isFault(ended.error, 'ROLLBACK') ? await this.#isDone(queued.claim) : false
    return this.#settle(queued, ended, known ? 'duplicate' : outcomeOfImport(ended))
  }

  #isStop(ended: Ended): boolean {
    return 'error' in ended && this.#options.signal?.aborted === true
  }

  async #bring(path: string): Promise<Ended> {
    const { inbox: _inbox, clock, settle: _settle, document: _document, ...options } = this.#options
    try {
      const report: ImportReport = await importBundle({ ...options, now: clock(), input: { file: path } })
      return { report, exit: importExit(report) }
    } catch (error) {
      return { error, exit: exitOf(error) }
    }
  }

  /** True when this very bundle came to its end at this target once: its head was proven before it was found to be old. */
  async #isDone(claim: Claim | undefined): Promise<boolean> {
    if (claim === undefined) return false
    const place = openPlace(this.#options.to, this.#options.registry)
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
    const ended = 'error' in given ? { ...given, error: named(given.error, queued.name) } : given
    let bundle = this.#bundle(queued, ended, outcome)
    if (outcome !== 'waiting') {
      try {
        const shelf = this.#shelves[outcome === 'rejected' ? 'rejected' : 'done']
        const at = shelf.put(queued, this.#options.document(ended))
        // Another file has its name by now: it is handled as what it is.
        if (at === undefined) return this.#wait(queued, { ...bundle, outcome: 'waiting' })
        bundle = { ...bundle, at: `${outcome === 'rejected' ? REJECTED : DONE}/${at}` }
      } catch (error) {
        return this.#wait(queued, this.#bundle(queued, { error, exit: exitOf(error) }, 'waiting'))
      }
      this.#tried.delete(queued.mark)
    } else this.#wait(queued, bundle)
    tell(this.#options, { type: 'note', text: sentence(bundle) })
    return bundle
  }

  #wait({ mark }: Queued, bundle: WatchedBundle): WatchedBundle {
    const tries = (this.#tried.get(mark)?.tries ?? 0) + 1
    this.#tried.set(mark, { tries, again: this.#round + Math.min(2 ** (tries - 1), PAUSE_CAP), bundle })
    return bundle
  }

  #bundle({ name, claim }: Queued, ended: Ended, outcome: WatchOutcome): WatchedBundle {
    const time = timeText(this.#options.clock())
    const base = { name, at: name, outcome, time, ...(claim === undefined ? {} : claimed(claim)) }
    if (outcome === 'duplicate') return { ...base, exit: 0, why: 'it was imported before' }
    const { exit } = ended
    if ('error' in ended) {
      const { error } = ended
      const code = error instanceof SallyportError ? error.code : 'INTERNAL'
      return { ...base, exit, code, why: error instanceof Error ? error.message : String(error) }
    }
    const refused = (ended.report.artifacts ?? []).find(({ verdict }) => verdict !== 'trusted')
    if (refused === undefined) return { ...base, exit }
    return { ...base, exit, code: refused.code ?? 'POLICY_UNMET', why: `${refused.repository}: ${refused.why}` }
  }

  /** What has left needs no remembering. */
  #forget({ arrivals }: InboxView): void {
    const here = new Set(arrivals.map(({ mark }) => mark))
    for (const known of [this.#claims, this.#tried])
      for (const mark of known.keys()) if (!here.has(mark)) known.delete(mark)
  }
}

function claimed({ channel, sequence }: Claim): Pick<WatchedBundle, 'channel' | 'sequence'> {
  return { channel, sequence }
}

/** The error under the name that people know, instead of that of a descriptor. */
function named(error: unknown, name: string): unknown {
  if (!(error instanceof SallyportError) || error.subject?.startsWith('/proc/self/fd/') !== true) return error
  const subject = error.subject.replace(/^\/proc\/self\/fd\/\d+/, name)
  return new SallyportError(error.code, {
    side: error.side,
    subject,
    detail: detailOf(error),
    remedy: error.remedy,
    cause: error,
  })
}

function sentence({ name, outcome, at, code, why }: WatchedBundle): string {
  const reason = code === undefined ? '' : `: ${code}${why === undefined ? '' : `, ${why}`}`
  if (outcome === 'waiting') return `${name} waits${reason}`
  return `${name} ${outcome === 'duplicate' ? 'was imported before' : outcome}${reason}; it is in ${at}`
}
