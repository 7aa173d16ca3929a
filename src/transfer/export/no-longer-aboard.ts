/** What an earlier bundle said on revocation and this one does not say any more, for whoever approves it. */
import { REMOVE_FROM_CRL } from '../../codec/index.ts'
import { entryOf, type Denial } from '../../revocation/index.ts'
import { distinguishedNameText, type Certificate } from '../../signature/index.ts'
import type { CarriedAnswer, CarriedList, RevocationInformation } from '../revocation/information.ts'

/** What a bundle carries on revocation. */
export type Carried = Pick<RevocationInformation, 'lists' | 'answers' | 'denials'>

/** A list or an answer that was aboard, and that nothing of its issuer and address took the place of. */
export interface AbsentPiece {
  kind: 'list' | 'delta' | 'answer'
  issuerName: string
  /** Of the certificate that an answer is about; lists have none. */
  serial: string | null
  url: string
}

export interface NoLongerAboard {
  /**
   * Serial numbers that the earlier list of an address named and this one does not: a hold that ended, an expiry, or a slip.
   * Of lists that are absent, of deltas and of answers those that nothing of their issuer revokes any more. The first of them.
   */
  dropped: { issuerName: string; serial: string; url: string }[]
  droppedCount: number
  /** The first of them: lists before answers, answers that revoked before others. */
  absent: AbsentPiece[]
  absentCount: number
  /** What was denied and is not, or of the signatures of one key alone. */
  droppedDenials: Denial[]
}

/** A person reads so many; a compromised authority may revoke a million. */
export const SHOWN = 100

/** The denials that the other one has not; its reason is no part of a denial. */
export function denialsBeyond({ denials = [] }: Carried, other: Carried): Denial[] {
  const keyOf = ({ artifact, signer }: Denial): string => `${artifact} ${signer ?? ''}`
  const known = new Set((other.denials ?? []).map(keyOf))
  return denials.filter((denial) => !known.has(keyOf(denial)))
}

function kindOf({ list }: CarriedList): 'list' | 'delta' {
  return list.deltaBase === undefined ? 'list' : 'delta'
}

function listKey(carried: CarriedList): string {
  return [kindOf(carried), carried.issuer.spkiSha256, carried.url].join('\0')
}

function answerKey({ issuer, serial }: Pick<CarriedAnswer, 'issuer' | 'serial'>): string {
  return `${issuer.spkiSha256} ${serial}`
}

function isRevoking({ answer, issuer, serial }: CarriedAnswer): boolean {
  return entryOf(answer, issuer, serial)?.status === 'revoked'
}

/** Whether any list or answer of the issuer aboard revokes a serial number. */
function revokedIn({ lists, answers }: Carried): (issuer: Certificate, serial: string) => boolean {
  const byIssuer = Map.groupBy(lists, ({ issuer }) => issuer.spkiSha256)
  const revoked = new Set(answers.filter(isRevoking).map(answerKey))
  return (issuer, serial) =>
    revoked.has(answerKey({ issuer, serial })) ||
    (byIssuer.get(issuer.spkiSha256) ?? []).some(({ list }) => {
      const entry = list.find(serial)
      return entry !== undefined && entry.reason !== REMOVE_FROM_CRL
    })
}

/** Each serial number that the earlier pieces revoked and these leave out, and by which piece; one may come twice. */
function* droppedOf(now: Carried, before: Carried): Generator<{ issuer: Certificate; serial: string; url: string }> {
  const isRevoked = revokedIn(now)
  const byKey = new Map(now.lists.map((one) => [listKey(one), one.list]))
  for (const carried of before.lists) {
    const { list, issuer, url } = carried
    const held = byKey.get(listKey(carried))
    if (held?.sha256 === list.sha256) continue
    // What one list of an address leaves out no list of another address says for it. What a delta leaves out its base may.
    const isNamed = (serial: string): boolean =>
      held === undefined || list.deltaBase !== undefined ? isRevoked(issuer, serial) : held.find(serial) !== undefined
    for (const { serial, reason } of list.entries())
      if (reason !== REMOVE_FROM_CRL && !isNamed(serial)) yield { issuer, serial, url }
  }
  for (const answer of before.answers) if (isRevoking(answer) && !isRevoked(answer.issuer, answer.serial)) yield answer
}

function absentOf(now: Carried, before: Carried): AbsentPiece[] {
  const lists = new Set(now.lists.map(listKey))
  const answers = new Set(now.answers.map(answerKey))
  const gone = before.answers.filter((one) => !answers.has(answerKey(one)))
  return [
    ...before.lists
      .filter((one) => !lists.has(listKey(one)))
      .map((one) => ({ kind: kindOf(one), issuer: one.issuer, serial: null, url: one.url })),
    ...[...gone.filter(isRevoking), ...gone.filter((one) => !isRevoking(one))].map(({ issuer, serial, url }) => {
      return { kind: 'answer' as const, issuer, serial, url }
    }),
  ].map(({ issuer, ...piece }) => ({ ...piece, issuerName: distinguishedNameText(issuer.subject) }))
}

/**
 * What is left out against an earlier bundle: stops whoever makes bundles from starving sites of one list, answer or
 * denial while the person who approves is shown only what is new. A piece that is there proves itself; one that isn't, nothing does.
 */
export function noLongerAboard(now: Carried, before: Carried): NoLongerAboard {
  const dropped: NoLongerAboard['dropped'] = []
  const counted = new Set<string>()
  for (const { issuer, serial, url } of droppedOf(now, before)) {
    const key = `${answerKey({ issuer, serial })} ${url}`
    if (counted.has(key)) continue
    counted.add(key)
    if (dropped.length < SHOWN) dropped.push({ issuerName: distinguishedNameText(issuer.subject), serial, url })
  }
  const absent = absentOf(now, before)
  return {
    dropped,
    droppedCount: counted.size,
    absent: absent.slice(0, SHOWN),
    absentCount: absent.length,
    droppedDenials: denialsBeyond(before, now),
  }
}
