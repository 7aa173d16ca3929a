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

/**
 * The answer in force about a certificate once another was offered, which the caller has proven (`demandIssuedAnswer`).
 * The later one is, but a certificate that was revoked for good stays it: stops whoever has got hold of the key of a
 * responder from taking a revocation back. In whatever order answers arrive, one is in force in the end.
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

/** True for a revocation that no later answer takes back. */
export function isRevokedForGood({
  status,
  reason,
}: {
  status: AnswerEntry['status']
  reason?: number | undefined
}): boolean {
  return status === 'revoked' && isForGood(reason)
}

type Said = readonly [entry: AnswerEntry, answer: OcspAnswer]

function compare([entry, answer]: Said, [other, otherAnswer]: Said): number {
  return (
    Number(isRevokedForGood(entry)) - Number(isRevokedForGood(other)) ||
    entry.thisUpdate.getTime() - other.thisUpdate.getTime() ||
    answer.producedAt.getTime() - otherAnswer.producedAt.getTime() ||
    entry.nextUpdate.getTime() - other.nextUpdate.getTime()
  )
}
