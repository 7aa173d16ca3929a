/** Whose word an OCSP answer is: the issuer's own, or that of a responder the issuer made for it (RFC 6960 §4.2.2.2). */
import { hash } from 'node:crypto'
import { OCSP_SIGNING } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { distinguishedNameText, issuedBy, parseCertificate, type Certificate } from '../signature/index.ts'
import { keyOctets, isIdOf } from './answer-entry.ts'
import { answerFault, strictly } from './answer-fault.ts'
import type { OcspAnswer } from './answer.ts'
import { signatureFault } from './list-signature.ts'

/**
 * The certificate whose key signed: the issuer's own, or a responder's that the issuer made for OCSP. The answer then
 * holds for those certificates of this issuer that it speaks of, in the time it states.
 * @param now - when given, a responder's certificate must be valid then; it must be when the answer was made, always
 *
 * Throws ANSWER_INVALID: about no certificate of this issuer; a responder that the issuer did not make, that is not
 * made for OCSP, that came without its certificate; SHA-1 in a signature; a signature that is another's. Whether the
 * responder itself was revoked is the caller's to ask.
 */
export function demandIssuedAnswer(answer: OcspAnswer, issuer: Certificate, now?: Date): Certificate {
  return strictly(() => {
    if (!answer.entries.some(({ id }) => isIdOf(id, issuer)))
      throw answerFault(`it is about no certificate of ${distinguishedNameText(issuer.subject)}`)
    const responder = responderOf(answer, issuer)
    if (responder !== issuer) demandDelegated(responder, answer, now)
    const { algorithm, bytes, signature } = answer.signed
    const broken = signatureFault(responder, algorithm, bytes, signature)
    if (broken !== undefined) throw answerFault(broken)
    return responder
  })
}

function isNamed({ responder }: OcspAnswer, certificate: Certificate): boolean {
  if ('name' in responder) return responder.name.equals(certificate.rawSubject)
  return responder.keyHash.equals(hash('sha1', keyOctets(certificate), 'buffer'))
}

/** The issuer first: an authority may carry its own certificate along. */
function responderOf(answer: OcspAnswer, issuer: Certificate): Certificate {
  const named = answer.certificates.map(read).filter((certificate) => isNamed(answer, certificate))
  const delegated = named.find(
    // Stops the responder of another authority, of the same name even, from speaking for this one.
    (certificate) => certificate.spkiSha256 !== issuer.spkiSha256 && issuedBy(certificate, issuer),
  )
  if (delegated !== undefined) return delegated
  if (isNamed(answer, issuer)) return issuer
  throw answerFault('neither the issuer made it nor a responder whose certificate it carries')
}

function read(der: Buffer): Certificate {
  try {
    return parseCertificate(der)
  } catch (cause) {
    if (!(cause instanceof SallyportError)) throw cause
    throw answerFault('a certificate that came along is malformed', cause)
  }
}

function demandDelegated(responder: Certificate, { producedAt }: OcspAnswer, now: Date | undefined): void {
  const { extendedKeyUsage, keyUsage, notBefore, notAfter, sha1Signed, unknownCritical } = responder
  // Stops each certificate the issuer ever made, a signer's among them, from saying that it was never revoked.
  if (extendedKeyUsage?.oids.includes(OCSP_SIGNING) !== true) throw answerFault('its responder is not made for OCSP')
  if (keyUsage !== undefined && !keyUsage.bits.has('digitalSignature')) throw answerFault('its responder may not sign')
  if (sha1Signed) throw answerFault("its responder's certificate is signed over SHA-1 or weaker")
  if (unknownCritical.length > 0) throw answerFault("its responder's certificate has an unknown critical extension")
  const times = now === undefined ? [producedAt] : [producedAt, now]
  if (times.some((time) => time < notBefore || time > notAfter))
    throw answerFault("its responder's certificate was not valid when it counts")
}
