/** What a watch asks the site's state for: how it stands as a round begins, and whether a bundle came to its end here. */
import { State } from '../../state/index.ts'
import { clockDoubt } from '../run/clock.ts'
import type { ImportOptions } from '../import/terms.ts'
import { placeName } from '../place/place.ts'
import { pinnedIn } from '../site/pinned.ts'
import type { RoundStart } from './hold.ts'
import type { Claim } from './order.ts'
import type { RoundOptions } from './round.ts'

/** What a round goes by. */
export interface WatchedSite extends RoundStart {
  registry: ImportOptions['registry']
}

/** Throws what opening the state or credentials throws. */
export async function siteOf({ access, state: dir, clock, built }: RoundOptions): Promise<WatchedSite> {
  const registry = await access()
  const now = clock()
  const state = await State.open(dir, { now, write: false })
  try {
    const names = state.channels().map(({ channel }) => channel)
    const pins = new Map(names.map((channel) => [channel, pinnedIn(state)(channel)]))
    const heard = new Map(names.map((channel) => [channel, state.heard(channel)]))
    return { registry, pins, heard, now, inDoubt: clockDoubt(state.floor, now, built) !== undefined }
  } finally {
    await state.close()
  }
}

/** True when this very bundle came to its end at this target once: its head was proven before it was found to be old. */
export async function isDone(claim: Claim | undefined, { to, state: dir, clock }: RoundOptions): Promise<boolean> {
  if (claim === undefined) return false
  const state = await State.open(dir, { now: clock(), write: false })
  try {
    const bundle = await state.bundle(claim.channel, claim.sequence)
    return bundle?.id === claim.id && (await state.importDone(placeName(to), claim.id))
  } finally {
    await state.close()
  }
}
