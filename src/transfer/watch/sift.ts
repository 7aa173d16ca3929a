/** Which files beyond the cap of an inbox are looked at all the same: whoever fills it with files that are none starves no bundle. */
import { inspectHead } from '../../tuf/index.ts'
import { judgedHead, type RoundStart } from './hold.ts'
import type { Arrival, Sift } from './inbox.ts'
import { lookAtHead, SHORTEST } from './order.ts'

/** Marks of one round, which looks twice. */
const KNOWN_CAP = 100_000

/**
 * For one round: the kind of a file whose head verifies, since claims are anybody's to make; undefined of all others. A
 * copy that is not whole is of another kind, so that however many there are, they don't take a whole one's place.
 * @param start - is asked when the cap is met first; what it throws is thrown
 */
export function siftFor(inbox: string, start: () => Promise<RoundStart>, isStopped: () => boolean): Sift {
  const known = new Map<string, string | undefined>()
  return async (arrival) => {
    if (arrival.size < SHORTEST || isStopped()) return undefined
    const { mark } = arrival
    if (known.has(mark)) return known.get(mark)
    const kind = await kindOf(inbox, arrival, await start())
    if (known.size < KNOWN_CAP) known.set(mark, kind)
    return kind
  }
}

function kindOf(inbox: string, arrival: Arrival, start: RoundStart): Promise<string | undefined> {
  return lookAtHead(inbox, arrival, (head, ended) => {
    const { channel } = inspectHead(head)
    const pinned = start.pins.get(channel)
    if (pinned === undefined) return undefined
    judgedHead(head, pinned, start)
    return `${ended ? 'whole' : 'begun'} ${channel}`
  })
}
