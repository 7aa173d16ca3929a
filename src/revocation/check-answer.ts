/** What a carried OCSP answer says of one certificate. */
import { SallyportError } from '../errors/index.ts'
import type { Certificate } from '../signature/index.ts'
import { demandIssuedAnswer } from './answer-issuer.ts'
import { isRevokedForGood } from './answer-replacing.ts'
import { entryOf, type OcspAnswer } from './answer.ts'
import type { AnswerEntry } from './answer-entry.ts'
import { good, unknown, type Finding } from './check-finding.ts'
import { revokedText } from './check-list.ts'
import { isExcused, type RevocationKnowledge, type RevocationTerms, type Subject } from './check-terms.ts'
import { freshness, isAhead } from './freshness.ts'

interface Said {
  entry: AnswerEntry
  responder: Certificate
}

/**
 * By the answer that is held about the certificate.
 * @param standing - of the responder's own certificate
 */
export function byAnswer(
  knowledge: RevocationKnowledge,
  terms: RevocationTerms,
  subject: Subject,
  standing: (responder: Certificate) => Finding['status'],
): Finding {
  const { certificate, issuer } = subject
  const answer = knowledge.answer(issuer.spkiSha256, certificate.serial)
  if (answer === undefined) return unknown('no OCSP answer is held')
  const said = proven(answer, subject)
  if ('fault' in said) return unknown(`the OCSP answer does not count: ${said.fault}`)
  const { entry, responder } = said
  // Stops a responder that was revoked, as its key was lost perhaps, from going on speaking.
  const by = responder === issuer ? 'good' : standing(responder)
  if (by === 'revoked') return unknown('the OCSP answer is by a responder that was revoked')
  if (entry.unknownCritical) return unknown('the OCSP answer says something that is not known here')
  const excused = entry.status === 'revoked' && isExcused(entry, subject)
  if (isRevokedForGood(entry) && !excused)
    return { status: 'revoked', forGood: true, detail: `${revokedText(entry)} by an OCSP answer` }
  if (entry.status === 'unknown') return unknown('the OCSP responder did not know the certificate')
  if (isAhead(answer.producedAt, terms.now)) return unknown('the OCSP answer was made in the future')
  const age = freshness(entry, terms, 'the OCSP answer')
  if ('fault' in age) return unknown(age.fault)
  if (entry.status === 'revoked' && !excused)
    return { status: 'revoked', forGood: false, detail: `${revokedText(entry)} by an OCSP answer` }
  if (responder !== issuer && terms.now > responder.notAfter)
    return unknown("the OCSP answer's responder has a certificate that expired")
  // Stops the thief of a responder's key while the list that revokes it is kept back.
  if (by === 'unknown')
    return unknown('the OCSP answer is by a responder of which it is not known whether it was revoked')
  const notes = age.note === undefined ? [] : [age.note]
  if (excused) notes.push(`${revokedText(entry)} by an OCSP answer, but signed before its key was lost`)
  return good(...notes)
}

function proven(answer: OcspAnswer, { certificate, issuer }: Subject): Said | { fault: string } {
  try {
    const responder = demandIssuedAnswer(answer, issuer)
    const entry = entryOf(answer, issuer, certificate.serial)
    return entry === undefined ? { fault: 'it speaks of others' } : { entry, responder }
  } catch (error) {
    if (error instanceof SallyportError) return { fault: error.message }
    throw error
  }
}
