/** The fold of what a site knows of revocation. All of it guards against replay, so none of it is taken from LevelDB. */
import type { JsonObject } from '../codec/index.ts'
import { SallyportError, type Code } from '../errors/index.ts'
import type { Digest } from '../oci/index.ts'
import { countOf, digestIn, hashIn, objectOf, objectsOf, oneOf, secondsIn, textOf } from './fields.ts'
import type { JournalRow } from './journal-row.ts'
import { LayeredMap } from './layered-map.ts'
import { LIST_FORMS, type Denial, type ListPlace, type ListRow, type Origin } from './revocation-entry.ts'
import type { HeldDenial, HeldList } from './revocation-queries.ts'

/** Lists of one place that nobody looked at yet, oldest first, behind the one that was looked at last. */
interface Unseen {
  before: HeldList | undefined
  changes: readonly HeldList[]
}

const NUMBER = /^(?:0|[1-9a-f][0-9a-f]{0,63})$/

/** An answer is for one serial of one issuer, whoever gave it; a list is for the address it is published at. */
function placeKey({ issuer, url, form, serial }: ListPlace): string {
  return [issuer, form, form === 'answer' ? serial : url].join('\0')
}

function denialKey({ artifact, signer = '' }: Pick<Denial, 'artifact' | 'signer'>): string {
  return `${artifact} ${signer}`
}

function isLess(a: string, b: string): boolean {
  return a.length === b.length ? a < b : a.length < b.length
}

export class RevocationLedger {
  readonly #lists: LayeredMap<string, HeldList>
  readonly #unseen: LayeredMap<string, Unseen>
  readonly #denials: LayeredMap<string, HeldDenial>
  #rejudged: { n: number; through: number; policy: Digest | undefined }

  constructor(from?: RevocationLedger) {
    this.#lists = new LayeredMap(from === undefined ? undefined : from.#lists)
    this.#unseen = new LayeredMap(from === undefined ? undefined : from.#unseen)
    this.#denials = new LayeredMap(from === undefined ? undefined : from.#denials)
    this.#rejudged = from === undefined ? { n: 0, through: 0, policy: undefined } : from.#rejudged
  }

  settle(): void {
    for (const map of [this.#lists, this.#unseen, this.#denials]) map.settle()
  }

  /** What the last `rejudged` row says, and its number. */
  get rejudged(): { n: number; through: number; policy: Digest | undefined } {
    return this.#rejudged
  }

  list(place: ListPlace): HeldList | undefined {
    return this.#lists.get(placeKey(place))
  }

  lists(): HeldList[] {
    return [...this.#lists.values()].sort((a, b) => a.n - b.n)
  }

  unseen(): { list: HeldList; before: HeldList | undefined }[] {
    return [...this.#unseen.values()]
      .flatMap(({ before, changes }) => changes.slice(-1).map((list) => ({ list, before })))
      .sort((a, b) => a.list.n - b.list.n)
  }

  /** The ones that are not in force, each once. */
  freshDenials(denials: readonly Denial[]): Denial[] {
    const fresh = new Map(denials.map((denial) => [denialKey(denial), denial]))
    return [...fresh].filter(([key]) => this.#denials.get(key) === undefined).map(([, denial]) => denial)
  }

  denials(): HeldDenial[] {
    return [...this.#denials.values()].sort((a, b) => a.n - b.n)
  }

  /** The lists in force, those that came since lists were looked at last, and those that were looked at then. */
  keptLists(): HeldList[] {
    const unseen = [...this.#unseen.values()].flatMap(({ before, changes }) => [before ?? [], ...changes].flat())
    return [...new Set([...this.#lists.values(), ...unseen])]
  }

  /** Every file of `lists/` that one of {@link keptLists} names. */
  files(): Set<Digest> {
    return new Set(
      this.keptLists().flatMap(({ digest, kept, issuerCertificate }) => [digest, issuerCertificate, kept ?? []].flat()),
    )
  }

  /** Throws LIST_ROLLBACK, LIST_EQUIVOCATION for a list that would set its place back. */
  demandForward(list: Omit<ListRow, 'from' | 'kept' | 'issuerCertificate'>): void {
    const held = this.list(list)
    if (held === undefined) return
    const refuse = (code: Code, detail: string): SallyportError =>
      new SallyportError(code, { side: 'bundle', subject: list.url, detail: `${list.form}, ${detail}` })
    // Whatever its date: of two responders one may hear of a revocation later, or of its reaching further back.
    if (list.forGood === true) return
    if (held.forGood === true) throw refuse('LIST_ROLLBACK', 'it takes back what is revoked for good')
    if (list.thisUpdate < held.thisUpdate)
      throw refuse('LIST_ROLLBACK', `of ${list.thisUpdate}; the one in force is of ${held.thisUpdate}`)
    // Answers carry no number, and a responder signs one anew whenever it is asked: only their time can fall.
    if (list.number === undefined || held.number === undefined) return
    if (isLess(list.number, held.number))
      throw refuse('LIST_ROLLBACK', `number 0x${list.number}; the one in force is 0x${held.number}`)
    if (list.number === held.number && list.digest !== held.digest)
      throw refuse('LIST_EQUIVOCATION', `number 0x${list.number} is ${held.digest} and ${list.digest}`)
  }

  /** A `list` row. Throws what {@link demandForward} throws, TypeError. */
  take(row: JournalRow): void {
    const list = { ...listIn(row), n: row.n, time: row.time }
    this.demandForward(list)
    const key = placeKey(list)
    const unseen = this.#unseen.get(key) ?? { before: this.#lists.get(key), changes: [] }
    this.#unseen.set(key, { ...unseen, changes: [...unseen.changes, list] })
    this.#lists.set(key, list)
  }

  /** A `denials` row: the set only grows, and the first reason stays. */
  deny(row: JournalRow): void {
    const from = originIn(row)
    for (const item of objectsOf(row, 'denials')) {
      const signer = item['signer'] === undefined ? {} : { signer: hashIn(item, 'signer') }
      const artifact = digestIn(item, 'artifact')
      const denial = { artifact, ...signer, reason: textOf(item, 'reason'), since: textOf(item, 'since') }
      const key = denialKey(denial)
      if (this.#denials.get(key) === undefined) this.#denials.set(key, { ...denial, from, n: row.n })
    }
  }

  /** A `rejudged` row: what came behind `through` stays to be looked at, and `through` never falls. */
  look(row: JournalRow): void {
    const through = countOf(row, 'through')
    if (through >= row.n || through < this.#rejudged.through) throw new TypeError('through does not fit its row')
    const policy = row['policy'] === undefined ? undefined : digestIn(row, 'policy')
    const unseen = [...this.#unseen]
    for (const [key, { before, changes }] of unseen) {
      const rest = changes.filter(({ n }) => n > through)
      if (rest.length === 0) this.#unseen.delete(key)
      else this.#unseen.set(key, { before: changes[changes.length - rest.length - 1] ?? before, changes: rest })
    }
    this.#rejudged = { n: row.n, through, policy }
  }
}

function originIn(row: JsonObject): Origin {
  if (row['from'] === null) return null
  const from = objectOf(row, 'from')
  return { channel: textOf(from, 'channel'), id: textOf(from, 'id') }
}

function numberIn(row: JsonObject, name: string): string {
  const number = textOf(row, name)
  if (!NUMBER.test(number)) throw new TypeError(`member ${name} is not a number in hex`)
  return number
}

/** The members of the form, and no others of these: a list without a number could be followed by any. */
function listIn(row: JsonObject): ListRow {
  const form = oneOf(row, 'form', LIST_FORMS)
  const wanted = { serial: form === 'answer', number: form !== 'answer', deltaBase: form === 'delta' }
  for (const [name, isWanted] of Object.entries(wanted))
    if ((row[name] !== undefined) !== isWanted) throw new TypeError(`member ${name} does not fit ${form}`)
  if (row['forGood'] !== undefined && (row['forGood'] !== true || form !== 'answer'))
    throw new TypeError(`member forGood does not fit ${form}`)
  const kept = row['kept'] === undefined ? {} : { kept: digestIn(row, 'kept') }
  return {
    issuer: hashIn(row, 'issuer'),
    url: textOf(row, 'url'),
    form,
    ...(wanted.serial ? { serial: textOf(row, 'serial') } : {}),
    digest: digestIn(row, 'digest'),
    ...(wanted.number ? { number: numberIn(row, 'number') } : {}),
    thisUpdate: secondsIn(row, 'thisUpdate'),
    nextUpdate: secondsIn(row, 'nextUpdate'),
    ...(wanted.deltaBase ? { deltaBase: numberIn(row, 'deltaBase') } : {}),
    ...(row['forGood'] === true ? { forGood: true as const } : {}),
    ...kept,
    issuerCertificate: digestIn(row, 'issuerCertificate'),
    from: originIn(row),
  }
}
