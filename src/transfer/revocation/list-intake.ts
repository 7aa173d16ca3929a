/** What is in force once carried lists and answers were let in: judged in memory, all or none, then written by the caller. */
import { isFault, SallyportError, type Code } from '../../errors/index.ts'
import {
  compareNumbers,
  decimalOf,
  entryOf,
  isRevokedForGood,
  offerAnswer,
  offerList,
  type Offer,
  type RevocationList,
} from '../../revocation/index.ts'
import type { Certificate } from '../../signature/index.ts'
import type { ListPlace, ProvenList } from '../../state/index.ts'
import type { HeldLists, InForce } from './held-lists.ts'
import {
  listReport,
  toldOfAnswer,
  toldOfList,
  type ListReport,
  type OfferedAnswer,
  type OfferedList,
  type Told,
} from './list-report.ts'
import { timeText } from '../run/run.ts'

export interface Intake {
  reports: ListReport[]
  /** To be written, in this order. */
  changed: ProvenList[]
}

/** What becomes of a list that can't be let in: it ends the intake, or is left out, is told, and its place is disputed. */
export type Faults = 'thrown' | 'left out'

/** Of a list alone: other faults are the state's, or the run's. */
const LEAVABLE: readonly Code[] = ['LIST_FUTURE', 'LIST_EQUIVOCATION', 'LIST_BASE_MISSING', 'LIMIT_EXCEEDED']

const RANK = { taken: 2, held: 1, older: 0 } as const

/**
 * Lists whole before deltas, answers last; each is set against what was let in before it. What was revoked for good is kept
 * even when its certificate has expired: a timestamped signature outlives it.
 */
export class ListIntake {
  readonly #held: HeldLists
  readonly #now: Date
  readonly #faults: Faults
  readonly #reports: ListReport[] = []
  readonly #changed = new Map<string, ProvenList>()

  constructor(held: HeldLists, now: Date, faults: Faults = 'thrown') {
    this.#held = held
    this.#now = now
    this.#faults = faults
  }

  /** Throws LIST_FUTURE, LIST_EQUIVOCATION, LIST_BASE_MISSING, LIMIT_EXCEEDED, unless they are left out, with the address as subject. */
  async take(lists: readonly OfferedList[], answers: readonly OfferedAnswer[]): Promise<void> {
    const isDelta = ({ list }: OfferedList): boolean => list.deltaBase !== undefined
    for (const one of lists.filter((list) => !isDelta(list))) await this.#at(toldOfList(one), () => this.#takeBase(one))
    for (const one of lists.filter(isDelta)) await this.#at(toldOfList(one), () => this.#takeDelta(one))
    for (const one of answers) await this.#at(toldOfAnswer(one), () => this.#takeAnswer(one))
  }

  get result(): Intake {
    return { reports: this.#reports, changed: [...this.#changed.values()] }
  }

  async #at(told: Told, take: () => Promise<void>): Promise<void> {
    const { url: subject } = told
    try {
      await take()
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      const { code, side, message, remedy } = error
      if (this.#faults === 'left out' && side === 'bundle' && LEAVABLE.includes(code)) {
        this.#held.dispute(told)
        this.#tell(told, 'refused', code)
        return
      }
      if (error.subject === subject) throw error
      throw new SallyportError(code, { side, subject, detail: message, remedy, cause: error })
    }
  }

  async #takeBase(offered: OfferedList): Promise<void> {
    const { url, issuer, list } = offered
    const place = { issuer: issuer.spkiSha256, url, form: 'base' } as const
    const held = await this.#held.load(place)
    demandKept(held)
    const before = held?.list === undefined ? rankLost(held?.row, list) : undefined
    if (before === 'older') return this.#report(offered, 'older')
    const others = await this.#deltasOf(place.issuer)
    const offer = offerList({ base: held?.list, others, kept: held?.kept }, list, { now: this.#now })
    if (offer.outcome === 'taken' || offer.keptChanged) this.#put(place, offer, held, issuer)
    this.#report(offered, offer.outcome)
  }

  async #takeDelta(offered: OfferedList): Promise<void> {
    const { url, issuer, list } = offered
    const spki = issuer.spkiSha256
    const place = { issuer: spki, url, form: 'delta' } as const
    const held = await this.#held.load(place)
    if (held?.list === undefined && rankLost(held?.row, list) === 'older') return this.#report(offered, 'older')
    const bases = await this.#basesOf(spki, url)
    const others = await this.#deltasOf(spki, url)
    let best: Offer['outcome'] | undefined
    let missing: unknown
    for (const base of bases) {
      const inForce = await this.#held.load(base)
      demandKept(inForce)
      try {
        const before = { base: inForce?.list, delta: held?.list, others, kept: inForce?.kept }
        const offer = offerList(before, list, { now: this.#now })
        if (offer.keptChanged) this.#put(base, offer, inForce, issuer)
        if (best === undefined || RANK[offer.outcome] > RANK[best]) best = offer.outcome
      } catch (error) {
        if (!isFault(error, 'LIST_BASE_MISSING')) throw error
        missing = error
      }
    }
    if (best === undefined) throw missing ?? new SallyportError('LIST_BASE_MISSING', { side: 'bundle', subject: url })
    if (best === 'taken') {
      const inForce = { row: undefined, list, issuerCertificate: issuer.der }
      this.#held.put(place, inForce)
      this.#change(place, provenList(place, inForce, list))
    }
    this.#report(offered, best)
  }

  async #takeAnswer(offered: OfferedAnswer): Promise<void> {
    const { url, issuer, serial, answer } = offered
    const place = { issuer: issuer.spkiSha256, url, form: 'answer', serial } as const
    const held = await this.#held.load(place)
    const entry = entryOf(answer, issuer, serial)
    if (entry === undefined) throw new TypeError('an answer that does not speak of its certificate')
    const times = { thisUpdate: timeText(entry.thisUpdate), nextUpdate: timeText(entry.nextUpdate) }
    const forGood = isRevokedForGood(entry) ? { forGood: true as const } : {}
    const row = held?.answer === undefined ? held?.row : undefined
    // Of one whose bytes are lost, the row says what must still not come back.
    const lost =
      row !== undefined && forGood.forGood !== true && (row.forGood === true || times.thisUpdate < row.thisUpdate)
    const { outcome } = lost
      ? { outcome: 'older' as const }
      : offerAnswer(held?.answer, answer, { issuer, serial }, this.#now)
    if (outcome === 'taken') {
      this.#held.put(place, { row: undefined, answer, issuerCertificate: issuer.der })
      this.#change(place, { ...place, ...times, ...forGood, bytes: answer.der, issuerCertificate: issuer.der })
    }
    this.#tell(toldOfAnswer(offered), outcome)
  }

  /** The whole lists that this address adds to: those that name it, else all of the issuer, whose certificates do. */
  async #basesOf(issuer: string, url: string): Promise<ListPlace[]> {
    const places = this.#held.urls(issuer, 'base').map((at) => ({ issuer, url: at, form: 'base' as const }))
    const naming: ListPlace[] = []
    for (const place of places)
      if ((await this.#held.load(place))?.list?.freshest.includes(url) === true) naming.push(place)
    return naming.length > 0 ? naming : places
  }

  /** At all addresses of the issuer but this one: a list may cease to name one, and some are named by certificates alone. */
  async #deltasOf(issuer: string, except?: string): Promise<RevocationList[]> {
    const found: RevocationList[] = []
    for (const url of this.#held.urls(issuer, 'delta')) {
      const list = url === except ? undefined : (await this.#held.load({ issuer, url, form: 'delta' }))?.list
      if (list !== undefined) found.push(list)
    }
    return found
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

  #report(offered: OfferedList, outcome: ListReport['outcome']): void {
    this.#tell(toldOfList(offered), outcome)
  }

  #tell(told: Told, outcome: ListReport['outcome'], code?: Code): void {
    this.#reports.push(listReport(told, outcome, this.#now, code))
  }
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
