/** `watch`: a drop folder. What is put there is proven, imported, and put aside with a report; and how the site stands is told. */
import { setTimeout } from 'node:timers/promises'
import { exitOf, readFault, SallyportError } from '../../errors/index.ts'
import { State, stateMark } from '../../state/index.ts'
import { alone } from '../run/alone.ts'
import { checkInterrupted, tell, timeText } from '../run/run.ts'
import { writeStatus, type StatusFiles } from '../status/file.ts'
import { siteFacts, siteStatus, type Alarm, type SiteFacts, type SiteStatus } from '../status/site.ts'
import { watchedSentence } from './bundle.ts'
import { DONE, REJECTED, type InboxView, type Strange } from './inbox.ts'
import type { WatchedBundle, WatchRun } from '../status/watch-run.ts'
import { lowestExit } from '../run/exit.ts'
import { alarmsExit } from '../status/site.ts'
import type { WatchReport } from './report.ts'
import { Rounds, type Round, type RoundOptions, type Shelves } from './round.ts'
import { Shelf } from './shelf.ts'

export interface WatchOptions extends RoundOptions {
  files: StatusFiles
  /** Milliseconds between two looks. */
  interval: number
  /** Looks once, and ends; a dry run does so, too, and neither moves nor writes anything. */
  once?: boolean | undefined
}

const BUNDLES_CAP = 1000
/** Of files that wait, at each look: a journal of notes is no place for ten thousand. */
const NOTES_CAP = 100
/**
 * Watches until it is told to stop, which is its good end; with `once` it looks once. What is wrong with a bundle stands in
 * the report; what keeps it from watching at all is thrown: FILE_UNREADABLE, FOLDER_LOCKED, OUTPUT_FAILED, the codes of
 * opening a state. With `once` also INTERRUPTED. After a kill anywhere the next watch goes on.
 */
export async function watch(options: WatchOptions): Promise<WatchReport> {
  if (options.dryRun === true) return begun(options, undefined)
  const { inbox } = options
  const work = (): Promise<WatchReport> => {
    const shelves = { done: Shelf.open(inbox, DONE), rejected: Shelf.open(inbox, REJECTED) }
    return begun(options, shelves)
  }
  // Two that move files of one inbox would each report what the other did.
  return alone(inbox, work, { fault: (cause) => readFault(cause, 'state', inbox) })
}

async function begun(options: WatchOptions, shelves: Shelves | undefined): Promise<WatchReport> {
  const watching = new Watch(options, new Rounds(options, shelves))
  await watching.begin()
  return options.once === true || options.dryRun === true ? watching.once() : watching.untilStopped()
}

/** Of what was tried: its channel goes no further before somebody has looked at it. */
function waitAlarm({ name, code, why, channel, sequence }: WatchedBundle): Alarm[] {
  if (code === undefined || code === 'INTERNAL') return []
  const what = channel === undefined ? 'it' : `bundle ${sequence ?? 0} of channel ${channel}`
  return [{ code, subject: name, detail: `${what} waits in the inbox: ${why ?? ''}` }]
}

class Watch {
  readonly #options: WatchOptions
  readonly #rounds: Rounds
  readonly #bundles = new Map<string, WatchedBundle>()
  /** Statuses of what was handled, also of what the report has no room for. */
  readonly #exits = new Set<number>()
  #waiting: WatchedBundle[] = []
  /** What was told of that which lies there still. */
  #told = new Set<string>()
  readonly #run: WatchRun
  #others: Strange[] = []
  #facts: { mark: string; facts: SiteFacts } | undefined
  #status: SiteStatus | null = null
  #trouble = 0

  constructor(options: WatchOptions, rounds: Rounds) {
    this.#options = options
    this.#rounds = rounds
    const time = timeText(options.clock())
    this.#run = { time, imported: 0, duplicate: 0, rejected: 0, waiting: 0, strange: 0, last: null }
  }

  /** A site that can't be read is better told at once than by every bundle. */
  async begin(): Promise<void> {
    const state = await State.open(this.#options.state, { now: this.#options.clock(), write: false })
    await state.close()
  }

  async once(): Promise<WatchReport> {
    for (;;) {
      const round = await this.#rounds.next()
      this.#take(round)
      checkInterrupted(this.#options)
      // Those beyond the cap are here once others have left; when none left, it is their turn the next time.
      if (round.view.more === 0 || round.bundles.every(({ outcome }) => outcome === 'waiting')) break
    }
    await this.#tellStatus()
    return this.#report(false)
  }

  async untilStopped(): Promise<WatchReport> {
    const { signal, interval } = this.#options
    const isStopped = (): boolean => signal?.aborted === true
    while (!isStopped()) {
      try {
        this.#take(await this.#rounds.next())
        this.#trouble = 0
      } catch (error) {
        this.#suffer(error)
      }
      await this.#tellStatus()
      await setTimeout(interval, undefined, { signal }).catch(() => undefined)
    }
    return this.#report(true)
  }

  /** An inbox that is not mounted or a state that is being restored may be there again at the next look. */
  #suffer(error: unknown): void {
    if (!(error instanceof SallyportError)) throw error
    this.#trouble = exitOf(error)
    tell(this.#options, { type: 'note', text: `${error.code}: ${error.message} (${error.subject ?? ''})` })
  }

  #take({ bundles, waits, view, waiting }: Round): void {
    const run = this.#run
    run.time = timeText(this.#options.clock())
    run.waiting = waiting
    run.strange = view.strangeCount
    this.#others = view.strange
    for (const bundle of bundles) {
      run.last = bundle
      if (bundle.outcome === 'waiting') continue
      run[bundle.outcome]++
      this.#exits.add(bundle.exit)
      if (this.#bundles.size < BUNDLES_CAP) this.#bundles.set(bundle.at, bundle)
    }
    // Junk in any number must not hide a bundle that is held up or that failed.
    const isSilent = ({ code, waitsFor }: WatchedBundle): boolean => code === undefined && waitsFor === undefined
    this.#waiting = waits.toSorted((a, b) => Number(isSilent(a)) - Number(isSilent(b)))
    this.#tellLeft(view)
  }

  /** Once for as long as it lies there. What was tried is told by the round, with each try. */
  #tellLeft({ strange }: Pick<InboxView, 'strange'>): void {
    const dryRun = this.#options.dryRun === true
    const untried = this.#waiting.filter(({ code }) => code === undefined).slice(0, NOTES_CAP)
    const notes = [
      // A file that is touched again and again has another reason each time, and is no news.
      ...untried.map(
        (bundle) => [`${bundle.name}/${bundle.waitsFor === undefined}`, watchedSentence(bundle, dryRun)] as const,
      ),
      ...strange.map(({ name, what }) => [`${name}/${what}`, `${name} is left alone: ${what}`] as const),
    ]
    for (const [key, text] of notes) if (!this.#told.has(key)) tell(this.#options, { type: 'note', text })
    this.#told = new Set(notes.map(([key]) => key))
  }

  /** Folding a long journal costs seconds: only when it has grown. */
  async #factsNow(): Promise<SiteFacts> {
    const { state: dir, clock } = this.#options
    const mark = stateMark(dir)
    if (this.#facts?.mark === mark) return this.#facts.facts
    const state = await State.open(dir, { now: clock(), write: false })
    try {
      this.#facts = { mark, facts: await siteFacts(state) }
      return this.#facts.facts
    } finally {
      await state.close()
    }
  }

  async #tellStatus(): Promise<void> {
    try {
      const status = siteStatus(await this.#factsNow(), this.#options.clock(), this.#options.built)
      this.#status = { ...status, alarms: [...status.alarms, ...this.#waiting.flatMap(waitAlarm).slice(0, NOTES_CAP)] }
      if (this.#options.dryRun !== true) writeStatus(this.#status, this.#run, this.#options.files)
    } catch (error) {
      this.#suffer(error)
    }
  }

  #report(stopped: boolean): WatchReport {
    return {
      ...this.#run,
      inbox: this.#options.inbox,
      target: this.#options.to,
      bundles: [...this.#bundles.values(), ...this.#waiting.slice(0, BUNDLES_CAP)],
      others: this.#others,
      status: this.#status,
      stopped,
      dryRun: this.#options.dryRun === true,
      exit: stopped ? 0 : this.#exit(),
    }
  }

  #exit(): number {
    return lowestExit([
      ...this.#exits,
      ...this.#waiting.map(({ exit }) => exit),
      alarmsExit(this.#status?.alarms ?? []),
      this.#trouble,
    ])
  }
}
