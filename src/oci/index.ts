/** Floor 3: the OCI nouns. Pure. */
export { algorithmOf, digestOf, hasherFor, hexOf, isDigest, type Algorithm, type Digest } from './digest.ts'
export {
  descriptorJson,
  isMediaType,
  parseDescriptor,
  parseMediaType,
  platformText,
  type Descriptor,
  type Platform,
} from './descriptor.ts'
export { blobsOf, MANIFEST_CAP, parseManifest, referrerDescriptor, type Manifest } from './manifest.ts'
export {
  CERTIFICATE,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  ENVELOPE_CAP,
  isBlobType,
  isEnvelopeType,
  isForeignLayer,
  isIndexType,
  isLaw,
  isManifestType,
  isSignatureType,
  MANIFEST_TYPES,
  OCI_EMPTY,
  OCI_INDEX,
  OCI_MANIFEST,
  OCSP_ANSWER,
  REVOCATION_LIST,
  REVOCATION_LIST_CAP,
} from './media-type.ts'
export { isHost, isRepositoryPath, isTag, parseReference, repositoryName, type Reference } from './reference.ts'
export { servedType } from './served-type.ts'
export { Column } from './column.ts'
export { DigestTable } from './digest-table.ts'
export { DigestNumbers, DigestSet } from './digest-set.ts'
export { DescriptorTable } from './descriptor-table.ts'
export { isSealed, Sealer, type Seal } from './seal.ts'
export {
  isReservedTag,
  fallbackTag,
  parseSignatureTag,
  signatureTag,
  SIGNATURE_SUFFIXES,
  type SignatureSuffix,
} from './signature-tag.ts'
export { verified, verifying, type RunningHash } from './verify.ts'
