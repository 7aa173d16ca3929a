/**
 * Which list may take the place of which: never an older one. What an issuer revoked for good stays revoked, whatever
 * later lists say, and the order in which the lists of an issuer arrive makes no difference in the end.
 */
import { SallyportError } from '../errors/index.ts'
import { droppedOf } from './dropped.ts'
import { demandNotAhead } from './freshness.ts'
import { demandRoom, KeptEntries } from './kept.ts'
import { isForever } from './list-entry.ts'
import { sameScope } from './list-issuer.ts'
import { compareNumbers, decimalOf } from './list-number.ts'
import type { RevocationList } from './list.ts'

/** What is in force for one issuer and URL of whole lists. */
export interface ListsInForce {
  base?: RevocationList | undefined
  /** At the address of the delta that is offered. */
  delta?: RevocationList | undefined
  /** All other deltas of the issuer that are held; those of another scope than the base are passed over. */
  others?: readonly RevocationList[] | undefined
  kept?: KeptEntries | undefined
}

export interface Offer {
  /** `held`: it is in force already; `older`: the one in force is newer, and stays (LIST_ROLLBACK is for a report). */
  outcome: 'taken' | 'held' | 'older'
  /** In force from now on. A delta that its base has overtaken is left out: nothing needs it. */
  base: RevocationList
  delta?: RevocationList
  /** Revoked for good by a list seen here, and not named by those in force. An older list may add to them. */
  kept: KeptEntries
  /** `kept` is not what it was: it has to be written down, even when the list is older. */
  keptChanged: boolean
}

export interface OfferTerms {
  now: Date
}

/**
 * What is in force once a list, whole or delta, was offered. The caller has proven it (`demandIssuedList`), and that it
 * is of the issuer and URL; a stale list is let in as well, for it may name what the one in force does not.
 * Throws LIST_FUTURE; LIST_EQUIVOCATION for other bytes under the number of the list in force; LIST_BASE_MISSING for
 * a delta whose base is newer than the one in force, or when there is none; LIMIT_EXCEEDED when too much would be kept.
 */
export function offerList(inForce: ListsInForce, offered: RevocationList, terms: OfferTerms): Offer {
  demandNotAhead(offered.thisUpdate, terms.now, 'the list')
  const outcome = offered.deltaBase === undefined ? rank(inForce.base, offered) : rankDelta(inForce, offered)
  const isDelta = offered.deltaBase !== undefined
  const base = isDelta || outcome !== 'taken' ? inForce.base : offered
  if (base === undefined) throw new TypeError('a list was held against none')
  const delta = isDelta && outcome === 'taken' ? offered : inForce.delta
  const useful = delta !== undefined && isUseful(delta, base) ? delta : undefined
  const others = (inForce.others ?? []).filter((one) => [inForce.base, base].some((of) => of && sameScope(one, of)))
  const now = [base, useful, ...others.filter((one) => isUseful(one, base))].filter((one) => one !== undefined)
  const kept = keptNow([inForce.base, inForce.delta, ...others, offered], now, inForce)
  const before = inForce.kept ?? new KeptEntries()
  return { outcome, base, ...(useful && { delta: useful }), kept, keptChanged: !kept.equals(before) }
}

/** False for a delta that its list has overtaken, or of another part of the issuer's certificates. */
function isUseful(delta: RevocationList, base: RevocationList): boolean {
  return compareNumbers(delta.number, base.number) >= 0 && sameScope(delta, base)
}

/** Lower by number or by date is older: the one alone would let an issuer's wrong counter or clock turn lists back. */
function rank(held: RevocationList | undefined, offered: RevocationList): Offer['outcome'] {
  if (held === undefined) return 'taken'
  // By what is signed: of a signature by ECDSA anyone can write the other form, and would raise the alarm with it.
  if (held.signed.bytes.equals(offered.signed.bytes)) return 'held'
  const order = compareNumbers(offered.number, held.number)
  // Stops a split view: one list for one site, another for the next, both genuine.
  if (order === 0)
    throw new SallyportError('LIST_EQUIVOCATION', {
      side: 'bundle',
      subject: `list number ${decimalOf(held.number)}`,
      detail: `SHA-256 ${held.sha256} is held, ${offered.sha256} was offered`,
    })
  return order < 0 || offered.thisUpdate < held.thisUpdate ? 'older' : 'taken'
}

function rankDelta({ base, delta }: ListsInForce, offered: RevocationList): Offer['outcome'] {
  const { deltaBase = '0', number } = offered
  if (base === undefined || compareNumbers(deltaBase, base.number) > 0)
    throw new SallyportError('LIST_BASE_MISSING', {
      side: 'bundle',
      detail: `it changes list number ${decimalOf(deltaBase)}, and ${base === undefined ? 'none' : `number ${decimalOf(base.number)}`} is held`,
    })
  // One with the number of its base was made along with it and adds nothing, but says that nothing was added.
  if (compareNumbers(number, base.number) < 0 || offered.thisUpdate < base.thisUpdate) return 'older'
  // Stops the changes of another part of the issuer's certificates from taking the place of these.
  if (!sameScope(offered, base)) return 'older'
  return rank(delta, offered)
}

/**
 * For each serial number ever named for good here, the highest list that named it: kept unless that one is in force.
 * By the number and not by the order of arrival: stops an issuer's list from being withheld until it drops out unseen.
 */
function keptNow(
  seen: readonly (RevocationList | undefined)[],
  now: readonly RevocationList[],
  { kept = new KeptEntries() }: ListsInForce,
): KeptEntries {
  const past = seen.filter((list) => list !== undefined).filter((list) => !now.includes(list))
  const dropped = past.map((list) => droppedOf(list, now))
  const all = dropped.reduce((sum, some) => sum.unite(some), stillKept(kept, now))
  demandRoom(all.size)
  return all
}

function stillKept(kept: KeptEntries, now: readonly RevocationList[]): KeptEntries {
  return kept.filter(({ serial, number }) => {
    const naming = now.filter((list) => compareNumbers(list.number, number) >= 0)
    return !naming.some((list) => {
      const entry = list.find(serial)
      return entry !== undefined && isForever(entry)
    })
  })
}
