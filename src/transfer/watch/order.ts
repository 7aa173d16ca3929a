/** In which order the bundles of an inbox are taken: what revokes before what is judged, and each channel from its oldest. */
import { BundleReader, fileInput, type Head } from '../../bundle/index.ts'
import type { Digest } from '../../oci/index.ts'
import { inspectHead, type Purpose } from '../../tuf/index.ts'
import { openArrival, type Arrival } from './inbox.ts'

/** What a bundle's head says of itself. Nothing is proven: it decides on the order alone. */
export interface Claim {
  channel: string
  sequence: number
  id: Digest
}

/** Bytes; no head is that short. Empty files in any number cost nothing more than a look. */
export const SHORTEST = 1024

/**
 * What `look` makes of the head in a file of the inbox, of which nothing is proven; undefined when there is none to be read or
 * `look` throws: whatever is the matter with the file, its import will tell.
 */
export async function lookAtHead<T>(
  inbox: string,
  arrival: Arrival,
  look: (head: Head, ended: boolean) => T,
): Promise<T | undefined> {
  // The head of a file that is being copied is whole long before its end.
  const opened = await openArrival(inbox, arrival, true).catch(() => undefined)
  if (opened === undefined) return undefined
  try {
    return look(await readHead(opened.path), opened.ended)
  } catch {
    return undefined
  } finally {
    await opened.close()
  }
}

async function readHead(path: string): Promise<Head> {
  const input = fileInput(path)
  try {
    return await new BundleReader(input).head()
  } finally {
    await input.close()
  }
}

/** The claim of a file; undefined for one that makes none. */
export async function readClaim(inbox: string, arrival: Arrival): Promise<Claim | undefined> {
  if (arrival.size < SHORTEST) return undefined
  return lookAtHead(inbox, arrival, (head) => {
    const { channel, sequence, id } = inspectHead(head)
    return { channel, sequence, id }
  })
}

const RANK = { revocation: 0, trust: 1, content: 2 } as const
/** Of a channel that is not pinned, or of what has no head. */
const LAST = 3

export interface Queued extends Arrival {
  claim: Claim | undefined
}

/** @param purposeOf - of a pinned channel: what a bundle says of its own purpose would let it push in */
export function inOrder(arrivals: readonly Queued[], purposeOf: (channel: string) => Purpose | undefined): Queued[] {
  const rank = ({ claim }: Queued): number => {
    const purpose = claim === undefined ? undefined : purposeOf(claim.channel)
    return purpose === undefined ? LAST : RANK[purpose]
  }
  return arrivals.toSorted((a, b) => {
    const [one, other] = [a.claim, b.claim]
    if (rank(a) !== rank(b)) return rank(a) - rank(b)
    if (one !== undefined && other !== undefined) {
      if (one.channel !== other.channel) return one.channel < other.channel ? -1 : 1
      if (one.sequence !== other.sequence) return one.sequence - other.sequence
    } else if (one !== other) return one === undefined ? 1 : -1
    return a.name < b.name ? -1 : 1
  })
}
