/** Floor 4: makes keys and certificates, and says who may issue what. Revocation lists will be made here too. */
export { demandMayIssue, roomBelow, type Authority, type Wanted } from './authority.ts'
export { buildCertificate, type CertificateTerms, type Issuer } from './certificate.ts'
export { DELEGATION_CAP, readDelegation, writeDelegation, type Delegation } from './delegation.ts'
export type { CertificateKind } from './extensions.ts'
export { openSigningKey, sealSigningKey } from './key-file.ts'
export {
  certificateSignature,
  generateKey,
  issuerKey,
  KEY_ALGORITHMS,
  keyAlgorithmOf,
  type IssuerKey,
  type KeyAlgorithm,
} from './key.ts'
export { isScope, scopeBeyond } from './scope.ts'
export { subjectDer, subjectFault, subjectMember, type Subject } from './subject.ts'
