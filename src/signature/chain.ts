/** The rules of the Notary Project for certificate chains (signature specification, Certificate Requirements). */
import { OCSP_SIGNING, TIME_STAMPING } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { issuedBy, selfSigned, type Certificate } from './certificate.ts'
import type { KeyUsage } from './certificate-extensions.ts'
import { distinguishedNameText } from './distinguished-name.ts'

export type ChainPurpose = 'codeSigning' | 'timestamping'

/** No issuer nests deeper; each certificate costs a signature check. */
const MAX_LENGTH = 16

/**
 * Returns when the chain, signer first, is whole and ordered up to a self-signed root and every certificate may stand
 * where it stands. Where the specification and notation differ, the stricter of the two rules. Neither the time nor
 * revocation nor trust is looked at, nor any extension but the three the specification honours.
 * Throws CHAIN_INVALID with the certificate as subject and the rule as detail.
 */
export function checkChain(chain: readonly Certificate[], purpose: ChainPurpose): void {
  const { length } = chain
  if (length === 0 || length > MAX_LENGTH)
    throw new SallyportError('CHAIN_INVALID', { side: 'bundle', detail: `${length} certificates` })
  chain.forEach((certificate, at) => {
    const broken =
      (certificate.sha1Signed ? 'signed over SHA-1 or weaker' : undefined) ??
      linkFault(certificate, chain[at + 1]) ??
      (at === 0 ? leafFault(certificate, purpose) : issuerFault(certificate, at - 1))
    if (broken !== undefined)
      throw new SallyportError('CHAIN_INVALID', {
        side: 'bundle',
        subject: `certificate ${at + 1} of ${length}, ${distinguishedNameText(certificate.subject)}`,
        detail: broken,
      })
  })
}

/** Stops chains that are cut off, out of order, padded with strangers, or go on beyond their root. */
function linkFault(certificate: Certificate, next: Certificate | undefined): string | undefined {
  const root = selfSigned(certificate)
  if (next === undefined) return root ? undefined : 'the chain does not end in a self-signed root'
  if (root) return 'a self-signed certificate stands before the end'
  return issuedBy(certificate, next) ? undefined : 'not issued by the next certificate'
}

/** @param below - CA certificates between this one and the leaf */
function issuerFault(certificate: Certificate, below: number): string | undefined {
  const { basicConstraints, keyUsage } = certificate
  if (basicConstraints?.ca !== true) return 'an issuer must be a CA by its basicConstraints'
  if (!basicConstraints.critical) return 'basicConstraints of a CA must be critical'
  if (basicConstraints.pathLength !== undefined && basicConstraints.pathLength < below)
    return `its path length allows ${basicConstraints.pathLength} CAs below it, not ${below}`
  if (keyUsage === undefined) return 'keyUsage is missing'
  if (!keyUsage.critical) return 'keyUsage must be critical'
  if (!keyUsage.bits.has('keyCertSign')) return 'keyUsage of a CA must have keyCertSign'
  return isWeakKey(certificate) ? 'the key of a CA is too weak or of an unknown kind' : undefined
}

/** RSA below 2048 bits, a curve that no signer may use, or a kind of key notation does not know. */
function isWeakKey({ publicKey }: Certificate): boolean {
  const { modulusLength = 0, namedCurve = '' } = publicKey.asymmetricKeyDetails ?? {}
  switch (publicKey.asymmetricKeyType) {
    case 'rsa':
      return modulusLength < 2048
    case 'ec':
      return !['prime256v1', 'secp384r1', 'secp521r1'].includes(namedCurve)
    default:
      return publicKey.asymmetricKeyType !== 'ed25519'
  }
}

const FOREIGN_USAGES: readonly KeyUsage[] = [
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
]

function leafFault(certificate: Certificate, purpose: ChainPurpose): string | undefined {
  const { basicConstraints, keyUsage } = certificate
  // Stops a CA key, which may sign whatever it likes, from signing in its own name.
  if (basicConstraints?.ca === true) return 'a signer must not be a CA'
  if (keyUsage === undefined) return 'keyUsage is missing'
  if (!keyUsage.critical) return 'keyUsage must be critical'
  if (!keyUsage.bits.has('digitalSignature')) return 'keyUsage of a signer must have digitalSignature'
  const foreign = FOREIGN_USAGES.find((bit) => keyUsage.bits.has(bit))
  if (foreign !== undefined) return `keyUsage of a signer must not have ${foreign}`
  if (certificate.algorithm === undefined)
    return 'the key is neither RSA of 2048, 3072 or 4096 bits nor on P-256, P-384 or P-521'
  return purpose === 'codeSigning' ? codeSigningFault(certificate) : timestampingFault(certificate)
}

const FOREIGN_PURPOSES = new Map([
  ['2.5.29.37.0', 'anyExtendedKeyUsage'],
  ['1.3.6.1.5.5.7.3.1', 'serverAuth'],
  ['1.3.6.1.5.5.7.3.2', 'clientAuth'],
  ['1.3.6.1.5.5.7.3.4', 'emailProtection'],
  [TIME_STAMPING, 'timeStamping'],
  [OCSP_SIGNING, 'OCSPSigning'],
])

/** The specification refuses anyExtendedKeyUsage, notation OCSPSigning; the rest both. */
function codeSigningFault({ extendedKeyUsage }: Certificate): string | undefined {
  const foreign = extendedKeyUsage?.oids.map((oid) => FOREIGN_PURPOSES.get(oid)).find((name) => name !== undefined)
  return foreign === undefined ? undefined : `extendedKeyUsage of a signer must not have ${foreign}`
}

/** RFC 3161 §2.3: critical, and nothing but timeStamping. */
function timestampingFault({ extendedKeyUsage }: Certificate): string | undefined {
  if (extendedKeyUsage === undefined) return 'extendedKeyUsage is missing'
  if (!extendedKeyUsage.critical) return 'extendedKeyUsage of a timestamp signer must be critical'
  const [only, ...more] = extendedKeyUsage.oids
  return only === TIME_STAMPING && more.length === 0 ? undefined : 'extendedKeyUsage must be timeStamping alone'
}
