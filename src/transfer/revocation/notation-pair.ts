/** Which of the lists held for a URL notation may go by: what it would take more lightly than we do is left out. */
import { compareNumbers, demandIssuedList, isAhead, type RevocationList } from '../../revocation/index.ts'
import { SallyportError } from '../../errors/index.ts'
import type { Certificate } from '../../signature/index.ts'
import type { ListPair } from './notation-cache.ts'

/** Why the list of a URL is left out. */
export type SeedFault =
  /** Its bytes, or what was kept beside them, can't be read any more. */
  | 'lost'
  | 'not of its issuer'
  | 'stale'
  | 'dated in the future'
  /** It says that there is a delta, and none is held that notation would add to it. */
  | 'without its delta'
  | 'with a stale delta'
  /** A certificate that an earlier list revoked for good, and this one does not name. */
  | 'forgets a certificate'
  /** Notation keeps one list for a URL, and a newer one of another issuer has it. */
  | 'another issuer has the URL'

export interface HeldPair extends ListPair {
  issuer: Certificate
}

/** RFC 5280 §5.2.4 c) and d), as notation has them. */
function addsTo(delta: RevocationList, base: RevocationList): boolean {
  const { deltaBase, number } = delta
  if (deltaBase === undefined || compareNumbers(deltaBase, base.number) > 0) return false
  if (compareNumbers(number, base.number) <= 0) return false
  const [one, two] = [delta.issuingPoint?.der, base.issuingPoint?.der]
  return one === undefined || two === undefined ? one === two : one.equals(two)
}

function isIssued(list: RevocationList, issuer: Certificate): boolean {
  try {
    demandIssuedList(list, issuer)
    return true
  } catch (error) {
    if (error instanceof SallyportError) return false
    throw error
  }
}

/**
 * The newest of the deltas that notation would add to the base. One with the base's own number, which is made along with
 * it, is none: notation refuses it, and the base alone would outlive it there.
 */
export function newestDelta(
  base: RevocationList,
  deltas: readonly RevocationList[],
  issuer: Certificate,
): RevocationList | undefined {
  return deltas
    .filter((delta) => addsTo(delta, base) && isIssued(delta, issuer))
    .reduce<RevocationList | undefined>(
      (best, delta) => (best === undefined || compareNumbers(delta.number, best.number) > 0 ? delta : best),
      undefined,
    )
}

/** What is wrong with a whole list and its delta, first fault first; undefined when notation may go by them. */
export function pairFault({ base, delta, issuer }: HeldPair, now: Date): SeedFault | undefined {
  if (base.deltaBase !== undefined || !isIssued(base, issuer)) return 'not of its issuer'
  if (now > base.nextUpdate) return 'stale'
  if (isAhead(base.thisUpdate, now) || (delta !== undefined && isAhead(delta.thisUpdate, now)))
    return 'dated in the future'
  // Notation takes a cached base whose delta is not there for whole: what the delta revokes would be good.
  if (delta === undefined && (base.freshest.length > 0 || base.freshestElsewhere)) return 'without its delta'
  if (delta !== undefined && now > delta.nextUpdate) return 'with a stale delta'
  return undefined
}

function top({ base, delta }: ListPair): string {
  return delta?.number ?? base.number
}

/** True when what lies in the cache is newer than what is held, and whole: then it stays, as nothing may go back. */
export function isNewer(there: HeldPair, held: ListPair, now: Date): boolean {
  const { base, delta, issuer } = there
  if (pairFault(there, now) !== undefined) return false
  if (delta !== undefined && newestDelta(base, [delta], issuer) === undefined) return false
  return compareNumbers(base.number, held.base.number) >= 0 && compareNumbers(top(there), top(held)) > 0
}
