/**
 * Was any certificate of a chain revoked? By lists and OCSP answers that are held, at one time, and nothing else: what
 * they leave open is unknown, never good (trust-store-trust-policy.md, "Certificate Revocation Evaluation").
 */
import { distinguishedNameText, type Certificate } from '../signature/index.ts'
import { byAnswer } from './check-answer.ts'
import { good, together, unknown, type Finding } from './check-finding.ts'
import { DISPUTED, isWebUrl, ListCheck } from './check-list.ts'
import type { Query, RevocationKnowledge, RevocationTerms, Subject } from './check-terms.ts'

export type RevocationResult =
  | { status: 'good'; notes?: readonly string[] }
  | { status: 'revoked'; code: 'CERTIFICATE_REVOKED'; detail: string }
  | { status: 'unknown'; detail: string }

/**
 * Answers for chains, leaf to root, every certificate but the root being asked about; the chains have been proven whole.
 * It remembers what it has proven of a list: one for each run, and `knowledge` stays as it is for as long.
 *
 * - The issuer's OCSP answer comes first. Lists are asked when there is none, or it leaves open; whatever the answer, a
 *   certificate that any list of the issuer revoked for good is revoked, whichever lists it names.
 * - Of an issuer in `mustHave` each list that the certificate names must be there and not hold it, whatever the answer.
 * - Each URL that the certificate names for lists must be answered, with its delta where there is one.
 * - Revoked for good stands whatever the age of the list; a hold and everything else needs a list that is not stale.
 * - `signingTime` (or `timestampTime`, see the terms) before the invalidityDate of an entry excuses, for signers alone.
 */
export function revocationCheck(
  knowledge: RevocationKnowledge,
  terms: RevocationTerms,
): (query: Query) => RevocationResult {
  const lists = new ListCheck(knowledge, terms)

  function byLists(subject: Subject): Finding[] {
    const { crlUrls, crlElsewhere } = subject.certificate
    const urls = crlUrls.filter(isWebUrl)
    const found = urls.map((url) => lists.ofUrl(subject, url))
    if (crlElsewhere || (urls.length === 0 && crlUrls.length > 0))
      found.push(unknown('it names a list that no address leads to'))
    return found
  }

  /** By the lists of the issuer that the certificate does not name. */
  function elsewhere(subject: Subject): Finding[] {
    const { certificate, issuer } = subject
    const urls = (knowledge.urls?.(issuer.spkiSha256) ?? []).filter((url) => !certificate.crlUrls.includes(url))
    return urls.map((url) => lists.ofUrl(subject, url))
  }

  /** Of a responder: whichever list names it counts, and where it does not say `noCheck` those that it names must be held. */
  function standingOf(responder: Certificate, issuer: Certificate): Finding['status'] {
    const subject = { certificate: responder, issuer }
    const listed = byLists(subject)
    if ([...listed, ...elsewhere(subject)].some(({ status }) => status === 'revoked')) return 'revoked'
    return responder.ocspNoCheck ? 'good' : together(listed).status
  }

  function ofOne(subject: Subject): Finding {
    const { certificate, issuer } = subject
    const listed = byLists(subject)
    const byList = together(listed)
    const answer = byAnswer(knowledge, terms, subject, (responder) => standingOf(responder, issuer))
    // What its issuer revoked for good it did, wherever it says so: an address may be kept up no more, or be kept back.
    // Since when it was, the certificate's own list knows best.
    const isDated = listed.some((finding) => finding.status === 'good' && finding.excused === true)
    for (const finding of [byList, answer, ...(isDated ? [] : elsewhere(subject))])
      if (finding.status === 'revoked' && finding.forGood) return finding
    const hasResponder = certificate.ocspUrls.length > 0
    if (answer.status === 'revoked') return answer
    if (hasResponder && knowledge.disputed?.(issuer.spkiSha256, 'answer', certificate.serial) === true)
      return byList.status === 'revoked' ? byList : unknown(`the OCSP answer is disputed: ${DISPUTED}`)
    if (terms.mustHave.has(issuer.spkiSha256)) {
      // A good answer is no list: a responder, or whoever holds its key, says good of whatever it likes.
      if (listed.length === 0) return unknown('it names no list, which the policy demands')
      if (byList.status !== 'good') return byList
    }
    if (hasResponder && answer.status === 'good') return answer
    if (listed.length > 0) return byList
    if (hasResponder) return answer
    return good('it has no way to be revoked')
  }

  return ({ chain, purpose, signingTime, timestampTime }) => {
    // A timestamp vouches for others and never for its own authority, which could date itself back.
    const vouched =
      purpose === 'codeSigning' ? (signingTime ?? (terms.timestampCounts ? timestampTime : undefined)) : undefined
    const found = chain.slice(0, -1).map((certificate, index): Finding => {
      const issuer = chain[index + 1]
      if (issuer === undefined) return unknown('its issuer is missing')
      return named(ofOne({ certificate, issuer, signed: vouched }), certificate)
    })
    return resultOf(chain.length === 0 ? unknown('the chain is empty') : together(found))
  }
}

/** With the certificate it is about. */
function named(finding: Finding, { subject, serial }: Certificate): Finding {
  const name = `${distinguishedNameText(subject)}, serial number ${serial}`
  if (finding.status === 'good') return good(...finding.notes.map((note) => `${name}: ${note}`))
  return { ...finding, detail: `${name}: ${finding.detail}` }
}

function resultOf(finding: Finding): RevocationResult {
  switch (finding.status) {
    case 'good':
      return { status: 'good', ...(finding.notes.length > 0 && { notes: finding.notes }) }
    case 'revoked':
      return { status: 'revoked', code: 'CERTIFICATE_REVOKED', detail: finding.detail }
    case 'unknown':
      return { status: 'unknown', detail: finding.detail }
  }
}
