/** A certificate of a judged chain, and what tells here whether it is revoked. */
import { REMOVE_FROM_CRL } from '../../codec/index.ts'
import { isRevokedForGood } from '../../revocation/index.ts'
import type { HeldList, KnownCertificate } from '../../state/index.ts'
import { saysOf, type HeldLists, type Said } from '../revocation/held-lists.ts'
import { timeText } from '../run/run.ts'
import { isFetched, listFact, listStatus, speaksOf, type ListStatus } from './lists.ts'

/** A certificate, and what tells whether it is revoked. */
export interface CertificateStanding extends Omit<KnownCertificate, 'crlUrls' | 'ocspUrls'> {
  crlUrls: string[]
  ocspUrls: string[]
  /** Those in force here that speak of it: whole lists, deltas of its issuer, answers, and whatever list revokes it for good. */
  lists: ListStatus[]
  /**
   * Since when, by what is in force here, whatever its age; a hold counts while it lasts, and not against an answer that
   * says good and is fresh.
   */
  revoked: string | null
  /** Addresses that it names and of which nothing is held. */
  missing: string[]
}

/** @param held - those in force of its issuer */
export async function standingOf(
  known: KnownCertificate,
  held: readonly HeldList[],
  inForce: HeldLists,
  now: Date,
): Promise<CertificateStanding> {
  const lists: HeldList[] = []
  // As in a verdict: what a list revokes for good counts at whatever address.
  for (const one of held)
    if (speaksOf(one)(known) || (one.form !== 'answer' && (await inForce.revokesForGood(one, known.serial))))
      lists.push(one)
  const had = new Set(lists.map(({ url }) => url))
  const lost = new Set<HeldList>()
  // As in a verdict: of one that names no responder no answer is asked.
  const mayBeGood = ({ nextUpdate }: HeldList): boolean => known.ocspUrls.length > 0 && nextUpdate >= timeText(now)
  let last: Said | undefined
  // A delta has the last word on what its list says, and an answer on both; what is revoked for good stays revoked.
  for (const form of ['base', 'delta', 'answer'] as const)
    for (const list of lists.filter((one) => one.form === form)) {
      const found = await inForce.load(list)
      if ((found?.list ?? found?.answer) === undefined || found?.issuerCertificate === undefined) lost.add(list)
      const said = found && saysOf(found)(known.serial)
      if (said === undefined || said.status === 'unknown' || (last !== undefined && isRevokedForGood(last))) continue
      if (said.status === 'revoked' || mayBeGood(list)) last = said
    }
  const revoked = last?.reason === REMOVE_FROM_CRL ? undefined : last?.revoked
  return {
    ...known,
    crlUrls: [...known.crlUrls],
    ocspUrls: [...known.ocspUrls],
    lists: lists.map((list) => listStatus(listFact(list, [known], lost.has(list) ? 'lost' : 'held'), now)),
    revoked: revoked === undefined ? null : timeText(revoked),
    missing: known.crlUrls.filter((url) => isFetched(url) && !had.has(url)),
  }
}
