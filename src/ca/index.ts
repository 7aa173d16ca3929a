/** Floor 4: makes keys, certificates and revocation lists, and says who may issue what. */
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
export {
  buildRevocationList,
  REVOCATION_REASONS,
  type RevocationListTerms,
  type RevocationReason,
  type RevokedEntry,
} from './revocation-list.ts'
export {
  baseEntries,
  deltaEntries,
  isUnlisted,
  newRegister,
  readRegister,
  REGISTER_CAP,
  release,
  revocationOf,
  revoke,
  withBase,
  withDelta,
  withNextNumber,
  writeRegister,
  type IssuedList,
  type Revocation,
  type RevocationRegister,
  type RevokedCertificate,
} from './revocation-register.ts'
export { isScope, scopeBeyond } from './scope.ts'
export { subjectDer, subjectFault, subjectMember, type Subject } from './subject.ts'
