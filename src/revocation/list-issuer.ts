/** Who may speak of whom: that a list is its issuer's, and that it covers the certificate it is asked about. */
import { DerError, parseDer, readOid } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { distinguishedNameText, type Certificate } from '../signature/index.ts'
import type { RevocationList } from './list.ts'
import { signatureFault } from './list-signature.ts'

/**
 * Returns when the issuer made the list and the list can be relied on for what it covers ({@link scopeFault}).
 * Neither the time nor whether the issuer itself is trusted or revoked is looked at.
 * Throws LIST_INVALID: another name, byte for byte, or key identifier; an issuer that is no CA or has no cRLSign;
 * a critical extension that is not known; an indirect list, one for some reasons or for attribute certificates;
 * a signature that is not by the issuer's key, or over SHA-1 or weaker.
 */
export function demandIssuedList(list: RevocationList, issuer: Certificate): void {
  const broken = issuerFault(list, issuer)
  if (broken !== undefined)
    throw new SallyportError('LIST_INVALID', {
      side: 'bundle',
      subject: `the list of ${distinguishedNameText(issuer.subject)}`,
      detail: broken,
    })
}

function issuerFault(list: RevocationList, issuer: Certificate): string | undefined {
  const { issuingPoint, authorityKeyId, unknownCritical, signed } = list
  if (!list.rawIssuer.equals(issuer.rawSubject)) return 'it is of another issuer'
  if (issuer.basicConstraints?.ca !== true) return 'its issuer is not a CA'
  // Without keyUsage a key may do anything: too much for one that decides what is revoked.
  if (issuer.keyUsage?.bits.has('cRLSign') !== true) return 'keyUsage of its issuer lacks cRLSign'
  if (unknownCritical.length > 0) return `its critical extension ${unknownCritical[0]} is not known`
  if (list.indirect) return 'it is indirect: it may be about certificates of others'
  if (issuingPoint?.someReasons) return 'it is for some reasons only'
  if (issuingPoint?.only === 'attribute') return 'it is for attribute certificates only'
  try {
    const keyId = subjectKeyId(issuer)
    // Stops a list of the issuer's former or next key from standing for this one.
    if (authorityKeyId !== undefined && keyId !== undefined && authorityKeyId !== keyId)
      return "it is by another of the issuer's keys"
    return signatureFault(issuer, signed.algorithm, signed.bytes, signed.signature)
  } catch (error) {
    if (error instanceof DerError) return error.message
    throw error
  }
}

/**
 * Kept when a whole list may be the one of this address, by the distribution point that it names or for want of one.
 * Stops a genuine list of another part of the issuer's certificates from being laid in the place of this one, where its
 * higher number would keep the right one out. Throws LIST_INVALID.
 */
export function demandPublishedAt({ issuingPoint }: Pick<RevocationList, 'issuingPoint'>, url: string): void {
  if (issuingPoint?.urls === undefined || issuingPoint.urls.includes(url)) return
  throw new SallyportError('LIST_INVALID', {
    side: 'bundle',
    subject: url,
    detail: 'it is of another distribution point',
  })
}

const SUBJECT_KEY_ID = '2.5.29.14'

/** The subjectKeyIdentifier in hex. Throws DerError when it is malformed. */
function subjectKeyId({ der }: Certificate): string | undefined {
  const extensions = parseDer(der).children[0]?.children.find(({ tag }) => tag === 0xa3)?.children[0]?.children ?? []
  const found = extensions.find(({ children: [name] }) => name !== undefined && readOid(name) === SUBJECT_KEY_ID)
  const value = found?.children.at(-1)
  if (value === undefined) return undefined
  const keyId = parseDer(value.contents)
  if (keyId.tag !== 0x04) throw new DerError("the issuer's key identifier is malformed")
  return keyId.contents.toString('hex')
}

/**
 * Why the list says nothing of this certificate when it was had for `url`, a distribution point of the certificate; a
 * delta is asked by the url of its base. Undefined when it covers it, by its issuingDistributionPoint or for want of one.
 * Stops the list of another part of the issuer's certificates, as genuine as the right one, from being put in its place:
 * what is revoked in the one does not stand in the other.
 */
export function scopeFault(
  { issuingPoint }: RevocationList,
  certificate: Certificate,
  url: string,
): string | undefined {
  if (issuingPoint === undefined) return undefined
  const { urls, only, someReasons, indirect } = issuingPoint
  const authority = certificate.basicConstraints?.ca === true
  if (urls !== undefined && !urls.includes(url)) return 'the list is of another distribution point'
  if (only === 'user' && authority) return 'the list is for certificates of users, and this is one of an authority'
  if (only === 'authority' && !authority) return 'the list is for certificates of authorities, and this is not one'
  if (only === 'attribute') return 'the list is for attribute certificates'
  return someReasons || indirect ? 'the list is for some reasons only, or indirect' : undefined
}

/** True when two lists of one issuer are about the same certificates: a delta changes no list of another scope. */
export function sameScope({ issuingPoint: one }: RevocationList, { issuingPoint: other }: RevocationList): boolean {
  if (one === undefined || other === undefined) return one === other
  return one.der.equals(other.der)
}
