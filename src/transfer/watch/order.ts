/** In which order the bundles of an inbox are taken: what revokes before what is judged, and each channel from its oldest. */
import { BundleReader, fileInput, type Head } from '../../bundle/index.ts'
import type { Digest } from '../../oci/index.ts'
import { inspectHead, type Purpose } from '../../tuf/index.ts'
import type { Arrival } from './inbox.ts'

/** What a bundle's head says of itself. Nothing is proven: it decides on the order alone. */
export interface Claim {
  channel: string
  sequence: number
  id: Digest
}

/** Bytes; no head is that short. Empty files in any number cost nothing more than a look. */
export const SHORTEST = 1024

/** The head of an open bundle; nothing of it is proven. Throws as {@link BundleReader.head}, FILE_UNREADABLE. */
export async function readHead(path: string): Promise<Head> {
  const input = fileInput(path)
  try {
    return await new BundleReader(input).head()
  } finally {
    await input.close()
  }
}

/** The claim of an open bundle; undefined when there is none to be read, which the import will tell more of. */
export async function readClaim(path: string): Promise<Claim | undefined> {
  try {
    const { channel, sequence, id } = inspectHead(await readHead(path))
    return { channel, sequence, id }
  } catch {
    return undefined
  }
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
