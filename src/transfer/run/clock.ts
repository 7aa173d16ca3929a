/** By which time a run judges: the clock, or one that an operator names with a reason; never below what was seen signed. */
import { SallyportError, type Code } from '../../errors/index.ts'
import type { State } from '../../state/index.ts'
import { nowOf, tell, timeText, type RunOptions } from './run.ts'

/** Another time than the clock's to judge by. */
export interface AsOf {
  time: Date
  /** Goes into report and journal. */
  reason: string
}

/** As reports have it. */
export interface AsOfReport {
  time: string
  reason: string
}

export interface ClockOptions extends RunOptions {
  asOf?: AsOf | undefined
  /** A time that has passed for certain, of this program's making: no clock before it is right. */
  built?: Date | undefined
}

const YEAR = 365 * 86_400_000
/**
 * Roots are made for five years: a clock that far beyond all that was ever signed finds every channel expired anyway, so
 * to stop there costs nothing, and says which of the two is wrong.
 */
const FAR = 5 * YEAR

export interface ClockDoubt {
  code: Extract<Code, 'CLOCK_BEHIND' | 'CLOCK_AHEAD'>
  /** Nothing is to be judged by this clock. */
  certain: boolean
  detail: string
}

/** What speaks against the clock, or undefined. A year without anything signed is a doubt, five are taken for certain. */
export function clockDoubt(floor: string | undefined, now: Date, built?: Date): ClockDoubt | undefined {
  if (floor !== undefined && now.getTime() < Date.parse(floor))
    return { code: 'CLOCK_BEHIND', certain: true, detail: `seen: ${floor}` }
  if (built !== undefined && now.getTime() < built.getTime())
    return { code: 'CLOCK_BEHIND', certain: true, detail: `this program was made ${timeText(built)}` }
  const newest = Math.max(floor === undefined ? 0 : Date.parse(floor), built?.getTime() ?? 0)
  const ahead = now.getTime() - newest
  if (newest === 0 || ahead <= YEAR) return undefined
  const days = Math.floor(ahead / 86_400_000)
  const detail = `${days} days after the newest time that is known to have passed, ${timeText(new Date(newest))}`
  // Where nothing was ever seen there is only the age of this program, which is used for as long as it works.
  return { code: 'CLOCK_AHEAD', certain: floor !== undefined && ahead > FAR, detail }
}

/**
 * The time to judge by. A doubtful clock is named in a note; with `asOf` the clock is not asked.
 * Throws CLOCK_BEHIND, also for an `asOf` below what was seen signed: nobody can be talked into an expired bundle that the
 * site has gone past. Throws CLOCK_AHEAD for a clock five years beyond all that is known.
 */
export function judgingTime(state: Pick<State, 'floor'> | undefined, options: ClockOptions): Date {
  const { asOf, built } = options
  const time = asOf?.time ?? nowOf(options)
  // An operator who names a time knows better than the date of a program, but not than what this site has seen.
  const doubt = clockDoubt(state?.floor, time, asOf === undefined ? built : undefined)
  if (doubt === undefined || (asOf !== undefined && doubt.code === 'CLOCK_AHEAD')) return time
  if (doubt.certain)
    throw new SallyportError(doubt.code, {
      side: 'state',
      subject: timeText(time),
      detail: doubt.detail,
      // Here the clock was not asked, and to set it would change nothing.
      remedy: asOf === undefined ? undefined : 'name a time with --as-of that is not before what was seen signed',
    })
  tell(options, { type: 'note', text: `is the clock right? It says ${timeText(time)}, ${doubt.detail}` })
  return time
}

/** What a report says of it; nothing when the clock was gone by. */
export function asOfMember({ asOf }: Pick<ClockOptions, 'asOf'>): { asOf?: AsOfReport } {
  return asOf === undefined ? {} : { asOf: { time: timeText(asOf.time), reason: asOf.reason } }
}

/** Journaled before anything that was judged at this time, so that nobody has to guess why it was let in. */
export async function recordAsOf(state: State, { asOf }: Pick<ClockOptions, 'asOf'>, what: string): Promise<void> {
  if (asOf !== undefined) await state.note(`${what} judged as of ${timeText(asOf.time)}: ${asOf.reason}`)
}

/**
 * True when nothing that stands here may be judged again in this run, and be taken away for it: the time is an operator's
 * for the one bundle, or a clock's that is in doubt even after that bundle. It stays to be looked at, and a note says so.
 */
export function standsOver(state: Pick<State, 'floor'>, now: Date, options: ClockOptions): boolean {
  const doubt =
    options.asOf === undefined ? clockDoubt(state.floor, now, options.built)?.detail : 'judged as of another time'
  if (doubt === undefined) return false
  tell(options, { type: 'note', text: `what stands here already was not judged again: ${doubt}` })
  return true
}
