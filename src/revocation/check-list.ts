/** What the lists of one distribution point say of one certificate. */
import { CERTIFICATE_HOLD, isForGood, REMOVE_FROM_CRL } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import type { Certificate } from '../signature/index.ts'
import { isExcused, type RevocationKnowledge, type RevocationTerms, type Subject } from './check-terms.ts'
import { good, unknown, type Finding } from './check-finding.ts'
import { freshness } from './freshness.ts'
import { isForever, type ListEntry } from './list-entry.ts'
import { demandIssuedList, sameScope, scopeFault } from './list-issuer.ts'
import { compareNumbers } from './list-number.ts'
import type { RevocationList } from './list.ts'

/** True for an address that lists or answers can be had under: another scheme is never asked. */
export function isWebUrl(url: string): boolean {
  return /^https?:\/\//i.test(url)
}

/** Reasons (RFC 5280 §5.3.1) as reports name them. */
const REASONS = [
  'no reason given',
  'key compromised',
  'authority compromised',
  'affiliation changed',
  'superseded',
  'cessation of operation',
  'on hold',
  '',
  'removed from the list',
  'privilege withdrawn',
  'attribute authority compromised',
]

export function revokedText({
  revoked,
  reason = 0,
}: {
  revoked?: Date | undefined
  reason?: number | undefined
}): string {
  return `revoked on ${revoked?.toISOString() ?? 'an unknown date'} (${REASONS[reason] ?? ''})`
}

/** Why nothing is known of what nothing revokes. */
export const DISPUTED = 'its issuer said another thing, which was refused'

type Fault = { fault: string }

/** Reads lists for a run: what is proven once is not proven again. */
export class ListCheck {
  readonly #knowledge: RevocationKnowledge
  readonly #terms: RevocationTerms
  readonly #proven = new WeakMap<RevocationList, Map<string, string | undefined>>()

  constructor(knowledge: RevocationKnowledge, terms: RevocationTerms) {
    this.#knowledge = knowledge
    this.#terms = terms
  }

  /** Why a list is not the issuer's, with the certificate that the chain has of it. */
  #fault(list: RevocationList, issuer: Certificate): string | undefined {
    const known = this.#proven.get(list) ?? new Map<string, string | undefined>()
    this.#proven.set(list, known)
    if (!known.has(issuer.sha256)) known.set(issuer.sha256, proofFault(list, issuer))
    return known.get(issuer.sha256)
  }

  /** What is held of a URL, when it is the issuer's and covers the certificate. */
  #held(
    list: RevocationList | undefined,
    { certificate, issuer }: Subject,
    url: string,
    what: string,
  ): RevocationList | Fault {
    if (list === undefined) return { fault: `${what} is not held` }
    const fault = this.#fault(list, issuer) ?? scopeFault(list, certificate, url)
    return fault === undefined ? list : { fault: `${what} does not count: ${fault}` }
  }

  /** By the distribution point of this URL, which the certificate names. */
  ofUrl(subject: Subject, url: string): Finding {
    const { issuer, certificate } = subject
    const spki = issuer.spkiSha256
    const name = `the list of ${url}`
    const base = this.#held(this.#knowledge.base(spki, url), subject, url, name)
    if (!('fault' in base) && base.deltaBase !== undefined) return unknown(`${name} is a delta and no whole list`)
    const delta = 'fault' in base ? undefined : this.#deltaOf(base, subject, url)
    const lists: { list: RevocationList; what: string }[] = []
    if (!('fault' in base)) lists.push({ list: base, what: name })
    if (delta !== undefined && !('fault' in delta)) lists.push({ list: delta, what: `the delta of ${url}` })
    const entries = lists.map(({ list }) => list.find(certificate.serial))
    const others = this.#deltas(subject, url).filter((one) => !lists.some(({ list }) => list === one))
    const changed = others.map((list) => list.find(certificate.serial)).filter(bindsForever)
    const named = [...entries, ...changed, this.#knowledge.kept(spki, url)?.find(certificate.serial)]
    // Whatever else is missing, stale or dated ahead: what was revoked for good stays revoked.
    const forGood = named.find((entry) => bindsForever(entry) && !isExcused(entry, subject))
    if (forGood !== undefined) return { status: 'revoked', forGood: true, detail: `${revokedText(forGood)} by ${name}` }
    if (this.#knowledge.disputed?.(spki, 'base', url) === true) return unknown(`${name} is disputed: ${DISPUTED}`)
    if ('fault' in base) return unknown(base.fault)
    if (deltaPlaces(base, certificate).some((at) => this.#knowledge.disputed?.(spki, 'delta', at)))
      return unknown(`the delta of ${url} is disputed: ${DISPUTED}`)
    if (delta !== undefined && 'fault' in delta) return unknown(delta.fault)
    if (entries.some((entry) => entry?.unknownCritical)) return unknown(`${name} says something that is not known here`)
    // RFC 5280 §5.3.1: "may only appear in delta CRLs".
    if (entries[0]?.reason === REMOVE_FROM_CRL) return unknown(`${name} removes a certificate, which only a delta can`)
    const notes: string[] = []
    for (const { list, what } of lists) {
      const age = freshness(list, this.#terms, what)
      if ('fault' in age) return unknown(age.fault)
      if (age.note !== undefined) notes.push(age.note)
    }
    const hold = latest(entries)
    if (hold?.reason === CERTIFICATE_HOLD && !isExcused(hold, subject))
      return { status: 'revoked', forGood: false, detail: `${revokedText(hold)} by ${name}` }
    const excused = named.filter((entry) => entry !== undefined).filter((entry) => isExcused(entry, subject))
    const told = excused.map((entry) => `${revokedText(entry)} by ${name}, but signed before its key was lost`)
    return { ...good(...notes, ...told), ...(excused.some(bindsForever) ? { excused: true as const } : {}) }
  }

  /**
   * Every delta that is held, whichever its list: one may lie at an address that is named no more, be overtaken by its
   * list, or have a silent newer one beside it.
   */
  #deltas(subject: Subject, url: string): RevocationList[] {
    const spki = subject.issuer.spkiSha256
    return this.#knowledge.deltaUrls(spki).flatMap((place) => {
      const delta = this.#held(this.#knowledge.delta(spki, place), subject, url, 'the delta')
      return 'fault' in delta ? [] : [delta]
    })
  }

  /**
   * The delta that a base, or the certificate, says there is; undefined when neither does. Stops the newest changes from
   * being left out: what they are not here to say is not known.
   */
  #deltaOf(base: RevocationList, subject: Subject, url: string): RevocationList | Fault | undefined {
    const { certificate, issuer } = subject
    const named = deltaPlaces(base, certificate)
    if (named.length === 0 && !base.freshestElsewhere) return undefined
    const name = `the delta of ${url}`
    const faults: string[] = []
    // The URLs are alternatives (RFC 5280 §4.2.1.13): the newest delta that is to be had under any of them.
    let newest: RevocationList | undefined
    for (const place of named.filter(isWebUrl)) {
      const delta = this.#held(this.#knowledge.delta(issuer.spkiSha256, place), subject, url, name)
      const fault = 'fault' in delta ? delta.fault : chainFault(delta, base)
      if (fault !== undefined || 'fault' in delta) faults.push(fault ?? '')
      else if (newest === undefined || compareNumbers(delta.number, newest.number) > 0) newest = delta
    }
    return newest ?? { fault: faults[0] ?? `${name} can't be had: it has no address` }
  }
}

/** Where the newest changes lie: the list has the first word, since it knows what became of its deltas. */
function deltaPlaces({ freshest, freshestElsewhere }: RevocationList, certificate: Certificate): readonly string[] {
  return freshest.length > 0 || freshestElsewhere ? freshest : certificate.freshestCrlUrls
}

function proofFault(list: RevocationList, issuer: Certificate): string | undefined {
  try {
    demandIssuedList(list, issuer)
    return undefined
  } catch (error) {
    if (error instanceof SallyportError) return error.message
    throw error
  }
}

/**
 * RFC 5280 §5.2.4. One with the number of its base is made along with it: it changes nothing, and tells that there was
 * nothing newer, which is what the base alone can't.
 */
function chainFault(delta: RevocationList, base: RevocationList): string | undefined {
  if (delta.deltaBase === undefined) return 'the delta is a whole list'
  if (compareNumbers(delta.deltaBase, base.number) > 0) return 'the delta is for a newer list than the one held'
  if (compareNumbers(delta.number, base.number) < 0) return 'the delta is older than its list'
  return sameScope(delta, base) ? undefined : 'the delta has another scope than its list'
}

type Named = Pick<ListEntry, 'revoked' | 'reason' | 'invalidity' | 'unknownCritical'>

function bindsForever<T extends Named>(entry: T | undefined): entry is T {
  return entry !== undefined && isForever(entry)
}

/** Of a hold and its end the later one counts, and of one time the hold, as in notation. */
function latest(entries: readonly (ListEntry | undefined)[]): ListEntry | undefined {
  return entries.reduce<ListEntry | undefined>((last, entry) => {
    if (entry === undefined || isForGood(entry.reason)) return last
    return last === undefined || entry.revoked > last.revoked ? entry : last
  }, undefined)
}
