/** Floor 4: Notary Project signatures: certificates, chains, envelopes and timestamps. No I/O, no clock, no trust. */
export { algorithmFor, hashFor, signPrimitive, verifyPrimitive, type SignatureAlgorithm } from './algorithm.ts'
export { type KeyUsage } from './certificate-extensions.ts'
export { parseCertificates } from './certificate-file.ts'
export { issuedBy, parseCertificate, selfSigned, type Certificate } from './certificate.ts'
export { checkChain, type ChainPurpose } from './chain.ts'
export { parseDistinguishedName } from './distinguished-name-text.ts'
export {
  distinguishedNameText,
  identityFault,
  namesSubset,
  type DistinguishedName,
  type NameAttribute,
} from './distinguished-name.ts'
