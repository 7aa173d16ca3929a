/** How old each revocation list is that a site holds, and when the site goes blind without the next one. */
import type { HeldList, KnownCertificate, ListForm, State } from '../../state/index.ts'

/** What stands still between two changes of the state. */
export interface ListFacts {
  /** SHA-256 of the issuer's SubjectPublicKeyInfo, hex. */
  issuer: string
  url: string
  form: ListForm
  /** Of the certificate; null for a list. */
  serial: string | null
  /** In decimal; null for an OCSP answer. */
  number: string | null
  thisUpdate: string
  nextUpdate: string
  /** When the last certificate known here expires that hangs on it; null when none does. */
  neededUntil: string | null
  /** `lost`: a file of it in the state is missing or damaged, and what it says is not known. */
  bytes: 'held' | 'lost'
}

export interface ListStatus extends ListFacts {
  ageSeconds: number
  /** Negative once it is stale. */
  daysToBlind: number
  /** Past its next update or lost, and a certificate that is not expired hangs on it. */
  blind: boolean
}

/** True for the certificates of its issuer that a list or an answer speaks of. */
export function speaksOf({ form, url, serial }: HeldList): (certificate: KnownCertificate) => boolean {
  if (form === 'answer') return (one) => one.serial === serial
  if (form === 'base') return (one) => one.crlUrls.includes(url)
  // Where a delta lies is said by its base, too.
  return (one) => one.crlUrls.length > 0
}

/** True for those that are left alone once it grows old: not by an answer, where they have lists too. */
function hangs(list: HeldList): (certificate: KnownCertificate) => boolean {
  const isNamed = speaksOf(list)
  return (one) => isNamed(one) && (list.form !== 'answer' || one.crlUrls.length === 0)
}

/** True for the address of a list that can be fetched, and so be missed. */
export function isFetched(url: string): boolean {
  return /^https?:/i.test(url)
}

/** Whether all that a list is made of is there. Each file is read and hashed. */
export async function bytesOf(
  state: Pick<State, 'listBytes'>,
  { digest, kept, issuerCertificate }: HeldList,
): Promise<ListFacts['bytes']> {
  for (const named of [digest, kept, issuerCertificate])
    if (named !== undefined && (await state.listBytes(named)) === undefined) return 'lost'
  return 'held'
}

/** @param certificates - all that the issuer's key is known to have issued */
export function listFact(
  list: HeldList,
  certificates: readonly KnownCertificate[],
  bytes: ListFacts['bytes'],
): ListFacts {
  const { issuer, url, form, serial, number, thisUpdate, nextUpdate } = list
  const neededUntil = certificates
    .filter(hangs(list))
    .map(({ notAfter }) => notAfter)
    .toSorted()
    .at(-1)
  return {
    issuer,
    url,
    form,
    serial: serial ?? null,
    number: number === undefined ? null : BigInt(`0x${number}`).toString(),
    thisUpdate,
    nextUpdate,
    neededUntil: neededUntil ?? null,
    bytes,
  }
}

/** Orders lists by issuer, address and form. */
export function listKey({ issuer, url, form, serial }: Pick<ListFacts, 'issuer' | 'url' | 'form' | 'serial'>): string {
  return [issuer, url, form, serial ?? ''].join(' ')
}

/** The lists in force, in the order of issuer, address and form. */
export async function listFacts(
  state: Pick<State, 'heldLists' | 'certificatesInUse' | 'listBytes'>,
): Promise<ListFacts[]> {
  const issued = new Map<string, KnownCertificate[]>()
  const facts: ListFacts[] = []
  for (const list of state.heldLists()) {
    const certificates = issued.get(list.issuer) ?? state.certificatesInUse(list.issuer)
    issued.set(list.issuer, certificates)
    facts.push(listFact(list, certificates, await bytesOf(state, list)))
  }
  return facts.sort((a, b) => (listKey(a) < listKey(b) ? -1 : 1))
}

export function listStatus(facts: ListFacts, now: Date): ListStatus {
  const left = Date.parse(facts.nextUpdate) - now.getTime()
  const needed = facts.neededUntil !== null && Date.parse(facts.neededUntil) > now.getTime()
  return {
    ...facts,
    ageSeconds: Math.floor((now.getTime() - Date.parse(facts.thisUpdate)) / 1000),
    daysToBlind: Math.floor(left / 86_400) / 1000,
    blind: (left < 0 || facts.bytes === 'lost') && needed,
  }
}
