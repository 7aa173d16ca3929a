/** Which OCSP answer about a certificate may take the place of which: never an older one. */
import { isForGood } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import type { Certificate } from '../signature/index.ts'
import type { AnswerEntry } from './answer-entry.ts'
import { answerFault } from './answer-fault.ts'
import { entryOf, type OcspAnswer } from './answer.ts'
import { demandNotAhead } from './freshness.ts'

/** The certificate an answer is held for, by its issuer and serial number. */
export interface Asked {
  issuer: Certificate
  serial: string
}

export interface AnswerOffer {
  /** As of a list. An answer that takes a revocation back is `older`, whatever its date. */
  outcome: 'taken' | 'held' | 'older'
  /** In force from now on. */
  answer: OcspAnswer
}

/** Before every time that an answer can say. */
const YEAR_0 = new Date('0000-01-01T00:00:00Z').getTime()

/**
 * The answer in force about a certificate once another was offered, which the caller has proven (`demandIssuedAnswer`).
 * The later one is, but a certificate that was revoked for good stays it, from the earliest date on that any answer says
 * its key was lost: stops whoever has got hold of the key of a responder from taking a revocation back. In whatever order answers arrive, one is in force in the end.
 * Throws ANSWER_INVALID when it does not speak of the certificate; LIST_FUTURE; LIST_EQUIVOCATION when two answers of
 * one time say different things.
 */
export function offerAnswer(held: OcspAnswer | undefined, offered: OcspAnswer, asked: Asked, now: Date): AnswerOffer {
  const entry = spoken(offered, asked)
  demandNotAhead(entry.thisUpdate, now, 'the answer')
  demandNotAhead(offered.producedAt, now, 'the answer')
  if (held === undefined) return { outcome: 'taken', answer: offered }
  if (held.sha256 === offered.sha256) return { outcome: 'held', answer: held }
  const before = spoken(held, asked)
  const order = compare([entry, offered], [before, held])
  if (order > 0) return { outcome: 'taken', answer: offered }
  if (order < 0) return { outcome: 'older', answer: held }
  if (entry.status !== before.status || entry.reason !== before.reason)
    throw new SallyportError('LIST_EQUIVOCATION', {
      side: 'bundle',
      subject: `certificate ${asked.serial}`,
      detail: `two OCSP answers of one time: ${before.status} and ${entry.status}`,
    })
  return { outcome: 'held', answer: held }
}

function spoken(answer: OcspAnswer, { issuer, serial }: Asked): AnswerEntry {
  const entry = entryOf(answer, issuer, serial)
  if (entry === undefined) throw answerFault('it does not speak of the certificate it is held for')
  return entry
}

/** True for a revocation that no later answer takes back; not for one with words that nobody knows, which says nothing. */
export function isRevokedForGood({
  status,
  reason,
  unknownCritical,
}: {
  status: AnswerEntry['status']
  reason?: number | undefined
  unknownCritical?: boolean | undefined
}): boolean {
  return status === 'revoked' && isForGood(reason) && unknownCritical !== true
}

type Said = readonly [entry: AnswerEntry, answer: OcspAnswer]

function compare([entry, answer]: Said, [other, otherAnswer]: Said): number {
  return (
    Number(isRevokedForGood(entry)) - Number(isRevokedForGood(other)) ||
    (isRevokedForGood(entry) ? reach(entry) - reach(other) : 0) ||
    entry.thisUpdate.getTime() - other.thisUpdate.getTime() ||
    answer.producedAt.getTime() - otherAnswer.producedAt.getTime() ||
    entry.nextUpdate.getTime() - other.nextUpdate.getTime()
  )
}

/** The more it excuses the less: no invalidity date excuses nothing. */
function reach({ invalidity }: AnswerEntry): number {
  return invalidity === undefined ? 0 : -1 - (invalidity.getTime() - YEAR_0)
}
