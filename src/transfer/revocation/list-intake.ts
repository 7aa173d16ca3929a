/** What is in force once carried lists and answers were let in: judged in memory, all or none, then written by the caller. */
import { SallyportError, type Code } from '../../errors/index.ts'
import {
  compareNumbers,
  entryOf,
  isRevokedForGood,
  offerAnswer,
  offerList,
  type ListsInForce,
  type Offer,
  type RevocationList,
} from '../../revocation/index.ts'
import type { Certificate } from '../../signature/index.ts'
import type { ListForm, ListPlace, ProvenList } from '../../state/index.ts'
import type { HeldLists, InForce } from './held-lists.ts'
import { decimalOf } from './item.ts'
import type { CarriedAnswer, CarriedList } from './information.ts'
import { timeText } from '../run/run.ts'

/** A carried list or answer, and what became of it. */
export interface ListReport {
  form: ListForm
  url: string
  /** SHA-256 of the issuer's SubjectPublicKeyInfo. */
  issuer: string
  /** In decimal; null for an answer. */
  number: string | null
  /** Of the certificate; null for a list. */
  serial: string | null
  thisUpdate: string
  nextUpdate: string
  /** `older` than the one in force, which stays. */
  outcome: Offer['outcome']
  /** Past its next update when it came. */
  stale: boolean
  code?: Code
}

export interface Intake {
  reports: ListReport[]
  /** To be written, in this order. */
  changed: ProvenList[]
}

export type OfferedList = Pick<CarriedList, 'url' | 'issuer' | 'list'>
export type OfferedAnswer = Pick<CarriedAnswer, 'url' | 'issuer' | 'serial' | 'answer'>

const RANK = { taken: 2, held: 1, older: 0 } as const

/**
 * Lists whole before deltas, answers last; each is set against what was let in before it. What was revoked for good is kept
 * even when its certificate has expired: a timestamped signature outlives it.
 */
export class ListIntake {
  readonly #held: HeldLists
  readonly #now: Date
  readonly #reports: ListReport[] = []
  readonly #changed = new Map<string, ProvenList>()

  constructor(held: HeldLists, now: Date) {
    this.#held = held
    this.#now = now
  }

  /** Throws LIST_FUTURE, LIST_EQUIVOCATION, LIST_BASE_MISSING, LIMIT_EXCEEDED, with the address as subject. */
  async take(lists: readonly OfferedList[], answers: readonly OfferedAnswer[]): Promise<void> {
    const isDelta = ({ list }: OfferedList): boolean => list.deltaBase !== undefined
    for (const list of lists.filter((one) => !isDelta(one))) await this.#at(list.url, () => this.#takeBase(list))
    for (const list of lists.filter(isDelta)) await this.#at(list.url, () => this.#takeDelta(list))
    for (const answer of answers) await this.#at(answer.url, () => this.#takeAnswer(answer))
  }

  get result(): Intake {
    return { reports: this.#reports, changed: [...this.#changed.values()] }
  }

  async #at(subject: string, take: () => Promise<void>): Promise<void> {
    try {
      await take()
    } catch (error) {
      if (!(error instanceof SallyportError) || error.subject === subject) throw error
      const { code, side, message, remedy } = error
      throw new SallyportError(code, { side, subject, detail: message, remedy, cause: error })
    }
  }

  async #takeBase({ url, issuer, list }: OfferedList): Promise<void> {
    const place = { issuer: issuer.spkiSha256, url, form: 'base' } as const
    const held = await this.#held.load(place)
    demandKept(held)
    const before = held?.list === undefined ? rankLost(held?.row, list) : undefined
    if (before === 'older') return this.#report(place, list, 'older')
    const inForce = await this.#inForce(place, held)
    const offer = offerList(inForce, list, { now: this.#now })
    if (offer.outcome === 'taken' || offer.keptChanged) this.#put(place, offer, held, issuer)
    this.#report(place, list, offer.outcome)
  }

  async #takeDelta({ url, issuer, list }: OfferedList): Promise<void> {
    const spki = issuer.spkiSha256
    const place = { issuer: spki, url, form: 'delta' } as const
    const held = await this.#held.load(place)
    if (held?.list === undefined && rankLost(held?.row, list) === 'older') return this.#report(place, list, 'older')
    const bases = await this.#basesOf(spki, url)
    let best: Offer['outcome'] | undefined
    let missing: unknown
    for (const base of bases) {
      const inForce = await this.#held.load(base)
      demandKept(inForce)
      try {
        const offer = offerList({ base: inForce?.list, delta: held?.list, kept: inForce?.kept }, list, {
          now: this.#now,
        })
        if (offer.keptChanged) this.#put(base, offer, inForce, issuer)
        // Stops the changes of another part of the issuer's certificates from taking the place of these.
        const outcome = sameScope(inForce?.list, list) ? offer.outcome : 'older'
        if (best === undefined || RANK[outcome] > RANK[best]) best = outcome
      } catch (error) {
        if (!(error instanceof SallyportError) || error.code !== 'LIST_BASE_MISSING') throw error
        missing = error
      }
    }
    if (best === undefined) throw missing ?? new SallyportError('LIST_BASE_MISSING', { side: 'bundle', subject: url })
    if (best === 'taken') {
      const inForce = { row: undefined, list, issuerCertificate: issuer.der }
      this.#held.put(place, inForce)
      this.#change(place, provenList(place, inForce, list))
    }
    this.#report(place, list, best)
  }

  async #takeAnswer({ url, issuer, serial, answer }: OfferedAnswer): Promise<void> {
    const place = { issuer: issuer.spkiSha256, url, form: 'answer', serial } as const
    const held = await this.#held.load(place)
    const entry = entryOf(answer, issuer, serial)
    if (entry === undefined) throw new TypeError('an answer that does not speak of its certificate')
    const times = { thisUpdate: timeText(entry.thisUpdate), nextUpdate: timeText(entry.nextUpdate) }
    const forGood = isRevokedForGood(entry) ? { forGood: true as const } : {}
    const row = held?.answer === undefined ? held?.row : undefined
    // Of one whose bytes are lost, the row says what must still not come back.
    const lost =
      row !== undefined && (row.forGood === forGood.forGood ? times.thisUpdate < row.thisUpdate : row.forGood === true)
    const { outcome } = lost
      ? { outcome: 'older' as const }
      : offerAnswer(held?.answer, answer, { issuer, serial }, this.#now)
    if (outcome === 'taken') {
      this.#held.put(place, { row: undefined, answer, issuerCertificate: issuer.der })
      this.#change(place, { ...place, ...times, ...forGood, bytes: answer.der, issuerCertificate: issuer.der })
    }
    this.#tell({ ...place, number: null, ...times, outcome })
  }

  /** The whole lists that this address adds to: those that name it, else all of the issuer, whose certificates do. */
  async #basesOf(issuer: string, url: string): Promise<ListPlace[]> {
    const places = this.#held.urls(issuer, 'base').map((at) => ({ issuer, url: at, form: 'base' as const }))
    const naming: ListPlace[] = []
    for (const place of places)
      if ((await this.#held.load(place))?.list?.freshest.includes(url) === true) naming.push(place)
    return naming.length > 0 ? naming : places
  }

  async #inForce({ issuer }: ListPlace, held: InForce | undefined): Promise<ListsInForce> {
    let delta: RevocationList | undefined
    for (const url of held?.list?.freshest ?? []) {
      const list = (await this.#held.load({ issuer, url, form: 'delta' }))?.list
      if (list !== undefined && (delta === undefined || compareNumbers(list.number, delta.number) > 0)) delta = list
    }
    return { base: held?.list, delta, kept: held?.kept }
  }

  #put(place: ListPlace, { base, kept }: Offer, held: InForce | undefined, issuer: Certificate): void {
    const issuerCertificate = (base === held?.list ? held.issuerCertificate : undefined) ?? issuer.der
    const inForce = { row: undefined, list: base, kept, issuerCertificate }
    this.#held.put(place, inForce)
    this.#change(place, provenList(place, inForce, base))
  }

  #change(place: ListPlace, list: ProvenList): void {
    const key = [place.issuer, place.form, place.serial ?? place.url].join('\0')
    // To the end: a list that is in force twice in one run is written as it is at last.
    this.#changed.delete(key)
    this.#changed.set(key, list)
  }

  #report(place: ListPlace, list: RevocationList, outcome: Offer['outcome']): void {
    const times = { thisUpdate: timeText(list.thisUpdate), nextUpdate: timeText(list.nextUpdate) }
    this.#tell({ ...place, number: decimalOf(list.number), ...times, outcome })
  }

  #tell({ form, url, issuer, number, serial, thisUpdate, nextUpdate, outcome }: Told): void {
    this.#reports.push({
      form,
      url,
      issuer,
      number,
      serial: serial ?? null,
      thisUpdate,
      nextUpdate,
      outcome,
      stale: nextUpdate < timeText(this.#now),
      ...(outcome === 'older' ? { code: 'LIST_ROLLBACK' as const } : {}),
    })
  }
}

type Told = ListPlace & Pick<ListReport, 'number' | 'thisUpdate' | 'nextUpdate' | 'outcome'>

function sameScope(base: RevocationList | undefined, delta: RevocationList): boolean {
  const [one, other] = [base?.issuingPoint, delta.issuingPoint]
  return one === undefined || other === undefined ? one === other : one.der.equals(other.der)
}

/** What later lists dropped can't be told any more, and would be forgotten by the next row. */
function demandKept(held: InForce | undefined): void {
  if (held?.row === undefined || held.list !== undefined || !held.keptLost) return
  throw new SallyportError('JOURNAL_BROKEN', {
    side: 'state',
    subject: held.row.digest,
    detail: 'the entries kept beside this list are missing or damaged',
  })
}

/** Against a list whose bytes are lost: what its row says must still not come back. */
function rankLost(row: InForce['row'], list: RevocationList): 'older' | undefined {
  if (row?.number === undefined) return undefined
  const order = compareNumbers(list.number, row.number)
  if (order === 0 && row.digest !== `sha256:${list.sha256}`)
    throw new SallyportError('LIST_EQUIVOCATION', {
      side: 'bundle',
      subject: `list number ${decimalOf(list.number)}`,
      detail: `${row.digest} is held, sha256:${list.sha256} was offered`,
    })
  return order < 0 || timeText(list.thisUpdate) < row.thisUpdate ? 'older' : undefined
}

function provenList(place: ListPlace, { kept, issuerCertificate }: InForce, list: RevocationList): ProvenList {
  return {
    ...place,
    bytes: list.der,
    number: list.number,
    thisUpdate: timeText(list.thisUpdate),
    nextUpdate: timeText(list.nextUpdate),
    ...(list.deltaBase === undefined ? {} : { deltaBase: list.deltaBase }),
    ...(kept === undefined || kept.size === 0 ? {} : { kept: kept.bytes }),
    issuerCertificate: issuerCertificate ?? Buffer.alloc(0),
  }
}
