/** What the lists and answers of a bundle revoke that those of an earlier one did not, for whoever approves it. */
import { CERTIFICATE_HOLD, crlReasonName, REMOVE_FROM_CRL } from '../../codec/index.ts'
import { entryOf, type Denial, type ListEntry } from '../../revocation/index.ts'
import { distinguishedNameText, type Certificate } from '../../signature/index.ts'
import type { CarriedAnswer, CarriedList } from '../revocation/information.ts'
import { timeText } from '../run/run.ts'
import { denialsBeyond, noLongerAboard, SHOWN, type Carried, type NoLongerAboard } from './no-longer-aboard.ts'

/** A certificate that is revoked now and was not before, or was on hold alone. */
export interface RevokedCertificate {
  /** SHA-256 of the issuer's SubjectPublicKeyInfo. */
  issuer: string
  issuerName: string
  serial: string
  /** Where its certificate is aboard: a list has serial numbers alone. */
  subject: string | null
  /** CRLReason by its name. */
  reason: string
  revoked: string
  /** What says so. */
  url: string
}

export interface NewlyRevoked extends NoLongerAboard {
  /** The first of them; all whose subject is known, before the others. */
  certificates: RevokedCertificate[]
  /** How many there are in all. */
  count: number
  denials: Denial[]
}

type Said = Pick<ListEntry, 'serial' | 'revoked' | 'reason'>

function revokes(entry: Said | undefined): entry is Said {
  return entry !== undefined && entry.reason !== REMOVE_FROM_CRL
}

function* entriesOf(
  { lists, answers }: Carried,
  known: ReadonlySet<string>,
): Generator<{ issuer: Certificate; url: string; entry: Said }> {
  for (const { list, issuer, url } of lists)
    if (!known.has(list.sha256)) for (const entry of list.entries()) yield { issuer, url, entry }
  for (const { answer, issuer, url, serial } of answers) {
    const entry = entryOf(answer, issuer, serial)
    if (entry?.status !== 'revoked' || entry.revoked === undefined) continue
    yield { issuer, url, entry: { serial, revoked: entry.revoked, reason: entry.reason } }
  }
}

/** What earlier lists and answers of an issuer say of a serial number: by any of them it was known. */
class Before {
  readonly #lists: ReadonlyMap<string, CarriedList[]>
  readonly #answers: ReadonlyMap<string, CarriedAnswer>

  constructor({ lists, answers }: Carried) {
    this.#lists = Map.groupBy(lists, ({ issuer }) => issuer.spkiSha256)
    this.#answers = new Map(answers.map((one) => [`${one.issuer.spkiSha256} ${one.serial}`, one]))
  }

  /** A hold that became final is news. */
  knew({ spkiSha256 }: Certificate, { serial, reason }: Said): boolean {
    const isSame = (old: Said | undefined): boolean =>
      revokes(old) && (old.reason !== CERTIFICATE_HOLD || reason === CERTIFICATE_HOLD)
    if ((this.#lists.get(spkiSha256) ?? []).some(({ list }) => isSame(list.find(serial)))) return true
    const held = this.#answers.get(`${spkiSha256} ${serial}`)
    const entry = held && entryOf(held.answer, held.issuer, serial)
    return entry?.status === 'revoked' && (entry.reason !== CERTIFICATE_HOLD || reason === CERTIFICATE_HOLD)
  }
}

/** The subject of a certificate aboard with this issuer and serial number; his signature on it is proven. */
function subjectsIn({ lists, answers }: Carried): (issuer: Certificate, serial: string) => string | null {
  const aboard = new Map([...lists, ...answers].map(({ issuer }) => [issuer.sha256, issuer]))
  const bySerial = Map.groupBy(aboard.values(), ({ serial }) => serial)
  return (issuer, serial) => {
    const found = bySerial.get(serial)?.find((one) => one.x509.verify(issuer.publicKey))
    return found === undefined ? null : distinguishedNameText(found.subject)
  }
}

const NOTHING: Carried = { lists: [], answers: [], denials: undefined }

/**
 * What a bundle revokes that the earlier one did not, and what of that one it leaves out.
 *
 * @param now - undefined for a bundle without any: what it leaves out is all there was
 * @param before - of the bundle to compare with; without one all that is revoked is new
 */
export function newlyRevoked(now: Carried = NOTHING, before: Carried = NOTHING): NewlyRevoked {
  const known = new Before(before)
  const subject = subjectsIn(now)
  // Authorities: nobody must miss one among the many that its revocation, or another's, drags along.
  const named: RevokedCertificate[] = []
  const found: RevokedCertificate[] = []
  const counted = new Set<string>()
  for (const { issuer, url, entry } of entriesOf(now, new Set(before.lists.map(({ list }) => list.sha256)))) {
    const key = `${issuer.spkiSha256} ${entry.serial}`
    if (!revokes(entry) || counted.has(key) || known.knew(issuer, entry)) continue
    counted.add(key)
    const whose = subject(issuer, entry.serial)
    if (whose === null && found.length >= SHOWN) continue
    ;(whose === null ? found : named).push({
      issuer: issuer.spkiSha256,
      issuerName: distinguishedNameText(issuer.subject),
      serial: entry.serial,
      subject: whose,
      reason: crlReasonName(entry.reason),
      revoked: timeText(entry.revoked),
      url,
    })
  }
  const certificates = [...named, ...found].slice(0, Math.max(SHOWN, named.length))
  return { certificates, count: counted.size, denials: denialsBeyond(now, before), ...noLongerAboard(now, before) }
}
