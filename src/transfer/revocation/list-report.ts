/** What is told of a list or answer that came, and of what became of it. */
import type { Code } from '../../errors/index.ts'
import { decimalOf, entryOf, type Offer } from '../../revocation/index.ts'
import type { ListForm, ListPlace } from '../../state/index.ts'
import { timeText } from '../run/run.ts'
import type { CarriedAnswer, CarriedList } from './information.ts'

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
  /** `older` than the one in force, which stays; `refused`: it was left out, and nothing counts as good by what is in force there. */
  outcome: Offer['outcome'] | 'refused'
  /** Past its next update when it came. */
  stale: boolean
  code?: Code
}

export type OfferedList = Pick<CarriedList, 'url' | 'issuer' | 'list'>
export type OfferedAnswer = Pick<CarriedAnswer, 'url' | 'issuer' | 'serial' | 'answer'>

/** What a list says of itself, and where it is held. */
export type Told = ListPlace & Pick<ListReport, 'number' | 'thisUpdate' | 'nextUpdate'>

export function toldOfList({ url, issuer, list }: OfferedList): Told {
  return {
    issuer: issuer.spkiSha256,
    url,
    form: list.deltaBase === undefined ? 'base' : 'delta',
    number: decimalOf(list.number),
    thisUpdate: timeText(list.thisUpdate),
    nextUpdate: timeText(list.nextUpdate),
  }
}

export function toldOfAnswer({ url, issuer, serial, answer }: OfferedAnswer): Told {
  const entry = entryOf(answer, issuer, serial)
  if (entry === undefined) throw new TypeError('an answer that does not speak of its certificate')
  const [thisUpdate, nextUpdate] = [timeText(entry.thisUpdate), timeText(entry.nextUpdate)]
  return { issuer: issuer.spkiSha256, url, form: 'answer', serial, number: null, thisUpdate, nextUpdate }
}

/** @param code - why it was refused */
export function listReport(told: Told, outcome: ListReport['outcome'], now: Date, code?: Code): ListReport {
  const { form, url, issuer, number, serial = null, thisUpdate, nextUpdate } = told
  const why = outcome === 'older' ? 'LIST_ROLLBACK' : code
  const stale = nextUpdate < timeText(now)
  return { form, url, issuer, number, serial, thisUpdate, nextUpdate, outcome, stale, ...(why && { code: why }) }
}
