/** A certificate of a judged chain, and what tells here whether it is revoked. */
import { entryOf } from '../../revocation/index.ts'
import { parseCertificate } from '../../signature/index.ts'
import type { HeldList, KnownCertificate } from '../../state/index.ts'
import type { HeldLists, InForce } from '../revocation/held-lists.ts'
import { timeText } from '../run/run.ts'
import { listFact, listStatus, type ListStatus } from './lists.ts'

/** A certificate, and what tells whether it is revoked. */
export interface CertificateStanding extends Omit<KnownCertificate, 'crlUrls' | 'ocspUrls'> {
  crlUrls: string[]
  ocspUrls: string[]
  /** Those in force here that speak of it: whole lists, deltas of its issuer, answers. */
  lists: ListStatus[]
  /** Since when, by what is in force here, whatever its age; a hold counts while it lasts. */
  revoked: string | null
  /** Addresses that it names and of which nothing is held. */
  missing: string[]
}

const REMOVED = 8

/** What a list or an answer says: since when it is revoked, null for taken back or good, undefined for nothing. */
function revokedBy({ list, kept, answer, issuerCertificate }: InForce, serial: string): Date | null | undefined {
  if (answer !== undefined) {
    const issuer = issuerCertificate && parseCertificate(issuerCertificate)
    const entry = issuer && entryOf(answer, issuer, serial)
    return entry?.status === 'revoked' ? entry.revoked : undefined
  }
  const entry = list?.find(serial) ?? kept?.find(serial)
  if (entry === undefined) return undefined
  return entry.reason === REMOVED ? null : entry.revoked
}

/** @param held - those in force of its issuer */
export async function standingOf(
  known: KnownCertificate,
  held: readonly HeldList[],
  inForce: HeldLists,
  now: Date,
): Promise<CertificateStanding> {
  const lists = held.filter(({ form, url, serial }) => {
    if (form === 'answer') return serial === known.serial
    return form === 'base' ? known.crlUrls.includes(url) : known.crlUrls.length > 0
  })
  const had = new Set(lists.map(({ url }) => url))
  const lost = new Set<HeldList>()
  let revoked: Date | null = null
  // A delta has the last word on what its list says.
  for (const form of ['base', 'delta', 'answer'] as const)
    for (const list of lists.filter((one) => one.form === form)) {
      const found = await inForce.load(list)
      if ((found?.list ?? found?.answer) === undefined || found?.issuerCertificate === undefined) lost.add(list)
      const says = found && revokedBy(found, known.serial)
      if (says !== undefined) revoked = says
    }
  return {
    ...known,
    crlUrls: [...known.crlUrls],
    ocspUrls: [...known.ocspUrls],
    lists: lists.map((list) => listStatus(listFact(list, [known], lost.has(list) ? 'lost' : 'held'), now)),
    revoked: revoked === null ? null : timeText(revoked),
    missing: known.crlUrls.filter((url) => /^https?:/i.test(url) && !had.has(url)),
  }
}
