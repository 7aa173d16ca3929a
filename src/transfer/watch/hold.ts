/** Which bundle of a channel has to wait for an older one: taken first, it would make the older one a rollback. */
import type { Head } from '../../bundle/index.ts'
import { judgeHead, type Purpose } from '../../tuf/index.ts'
import type { Pinned } from '../site/pinned.ts'
import { lookAtHead, type Queued } from './order.ts'

/** What a round knows of the channels, as it begins. */
export interface RoundStart {
  pins: ReadonlyMap<string, Pinned>
  /** By channel: when its last bundle was accepted first. */
  heard: ReadonlyMap<string, string | undefined>
  /** Heads are not found expired by a clock that may be wrong. */
  inDoubt: boolean
  now: Date
}

/** A bundle that stays in the inbox. */
export interface Left {
  queued: Queued
  /** It was tried, and target, policy, clock or state were at fault; else it is not whole yet. */
  tried: boolean
}

/**
 * How long a channel stands still for a file that is not whole, in milliseconds. Whoever writes into the inbox may have
 * a head that verifies, too: half of any bundle. Touching, renaming and copying it anew buys no more time.
 */
const HOLD = 3_600_000
/**
 * How long a channel stands still for a bundle that can't be decided, in milliseconds, once something follows: what follows
 * may be just what decides it. Counted by the journal, since a file can be touched.
 */
const UNDECIDED_HOLD = 24 * 3_600_000
/** No head has expired by this time. */
const NEVER = new Date(0)

type Judged = 'new' | 'repeat' | 'unproven'

export function purposesOf({ pins }: RoundStart): (channel: string) => Purpose | undefined {
  return (channel) => pins.get(channel)?.purpose
}

/** What a head is for a site with these pins. Throws what `judgeHead` throws. */
export function judgedHead(
  bundle: Head,
  pinned: Pinned,
  { inDoubt, now }: Pick<RoundStart, 'inDoubt' | 'now'>,
): 'new' | 'repeat' {
  return judgeHead({ ...pinned, bundle, now: inDoubt ? NEVER : now }).repeat ? 'repeat' : 'new'
}

export class Holds {
  readonly #inbox: string
  #start: RoundStart | undefined
  #queue: readonly Queued[] = []
  #left = new Map<string, Left[]>()
  /** The sequences that this round took. */
  #taken = new Map<string, number>()
  /** By channel: since when something is held, and what was accepted then. */
  readonly #since = new Map<string, { from: number; accepted: string }>()
  #held = new Set<string>()
  /** By mark: what a head was found to be by those pins. */
  readonly #judged = new Map<string, { by: string; as: Judged }>()

  constructor(inbox: string) {
    this.#inbox = inbox
  }

  begin(start: RoundStart, queue: readonly Queued[] = []): void {
    this.#start = start
    this.#queue = queue
    this.#left = new Map()
    this.#taken = new Map()
    this.#held = new Set()
  }

  took({ claim }: Queued): void {
    if (claim !== undefined) this.#taken.set(claim.channel, claim.sequence)
  }

  leave(left: Left): void {
    const channel = left.queued.claim?.channel
    if (channel === undefined) return
    const all = this.#left.get(channel)
    if (all === undefined) this.#left.set(channel, [left])
    else all.push(left)
  }

  /** The older bundle of the channel that this one, next in order, has to wait for. */
  async before(queued: Queued): Promise<Left | undefined> {
    const pinned = queued.claim === undefined ? undefined : this.#start?.pins.get(queued.claim.channel)
    if (pinned === undefined) return undefined
    for (const left of this.#left.get(pinned.channel) ?? []) {
      // What was written into an older one's file meanwhile may be newer than this one.
      if ((left.queued.claim?.sequence ?? 0) > (queued.claim?.sequence ?? 0)) continue
      // Stops whoever writes into the inbox from blocking a channel, of revocations say, by a file that claims it.
      if (!(await this.#isProven(left, pinned))) continue
      // A target that is down for a night is no attack, and what it holds up is whole.
      if (left.tried || this.#isInTime(queued, pinned)) return left
    }
    return undefined
  }

  /** True when a bundle that can't be decided has held up for long enough what follows it and is proven. */
  async givesWay({ claim }: Queued): Promise<boolean> {
    if (claim === undefined || this.#start === undefined || this.#start.inDoubt) return false
    const { channel, sequence, id } = claim
    const { pins, heard, now } = this.#start
    const [pinned, since] = [pins.get(channel), heard.get(channel)]
    // It was accepted when it was tried first. By a clock that was set back it has not waited long.
    if (pinned?.trusted.lastId !== id || since === undefined) return false
    if (now.getTime() - Date.parse(since) < UNDECIDED_HOLD) return false
    for (const later of this.#queue) {
      if (later.claim?.channel !== channel || later.claim.sequence <= sequence) continue
      // Stops whoever writes into the inbox from pushing a bundle out by a file that claims its channel.
      if ((await this.#judgedAs(later, pinned)) === 'new') return true
    }
    return false
  }

  /** Ends a round that went through the whole inbox; what has left it needs no remembering. */
  end(marks: ReadonlySet<string>): void {
    for (const mark of this.#judged.keys()) if (!marks.has(mark)) this.#judged.delete(mark)
    for (const channel of this.#since.keys()) if (!this.#held.has(channel)) this.#since.delete(channel)
  }

  #isInTime({ arrived }: Queued, pinned: Pinned): boolean {
    const now = this.#start?.now.getTime() ?? 0
    const accepted = markOf(pinned)
    const before = this.#since.get(pinned.channel)
    const since = before?.accepted === accepted ? before : { from: now, accepted }
    this.#since.set(pinned.channel, since)
    this.#held.add(pinned.channel)
    // A watch that cron starts each time anew remembers nothing: the file that is held says how long it lies there.
    return now - Math.min(since.from, arrived) < HOLD
  }

  async #isProven({ queued, tried }: Left, pinned: Pinned): Promise<boolean> {
    if (!tried && (queued.claim?.sequence ?? 0) <= (this.#taken.get(pinned.channel) ?? 0)) return false
    const as = await this.#judgedAs(queued, pinned)
    // The last one that was accepted may have come no further than its head; half a copy of it is nothing to wait for.
    return as === 'new' || (tried && as === 'repeat')
  }

  async #judgedAs(queued: Queued, pinned: Pinned): Promise<Judged> {
    const { mark } = queued
    const by = `${markOf(pinned)} ${this.#start?.inDoubt}`
    let judged = this.#judged.get(mark)
    if (judged?.by !== by) {
      judged = { by, as: await this.#judge(queued, pinned) }
      this.#judged.set(mark, judged)
    }
    return judged.as
  }

  async #judge(queued: Queued, pinned: Pinned): Promise<Judged> {
    const { inDoubt = false, now = NEVER } = this.#start ?? {}
    const judged = await lookAtHead(this.#inbox, queued, (head) => judgedHead(head, pinned, { inDoubt, now }))
    return judged ?? 'unproven'
  }
}

/** Changes with every root and head that the site accepts. */
function markOf({ trusted: { version, counters, lastId } }: Pinned): string {
  return `${version} ${counters.targets} ${lastId ?? ''}`
}
