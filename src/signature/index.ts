/** Floor 4: certificates, chains, envelopes, timestamps. No clock, no trust; no I/O but the programs of plugins. */
export {
  algorithmFor,
  hashFor,
  SIGNATURE_ALGORITHMS,
  signPrimitive,
  verifyPrimitive,
  type SignatureAlgorithm,
} from './algorithm.ts'
export { type KeyUsage } from './certificate-extensions.ts'
export { parseCertificates } from './certificate-file.ts'
export { issuedBy, parseCertificate, selfSigned, type Certificate } from './certificate.ts'
export { rememberingReader, type ChainReader } from './chain-reader.ts'
export { checkChain, type ChainPurpose } from './chain.ts'
export { parseDistinguishedName } from './distinguished-name-text.ts'
export {
  distinguishedNameText,
  identityFault,
  namesSubset,
  type DistinguishedName,
  type NameAttribute,
} from './distinguished-name.ts'
export { freshTimestamp, readTimestampResponse, timestampRequest, type TimestampRequest } from './timestamp-request.ts'
export { openTimestamp, type Timestamp } from './timestamp-token.ts'
export { ENVELOPE_CAP } from './envelope-fault.ts'
export { COSE, JWS, openEnvelope, openEnvelopeAsync, type Envelope, type EnvelopeType } from './envelope.ts'
export { type SigningScheme } from './headers.ts'
export { readTarget, targetPayload, type SignedTarget, type TargetDigest } from './payload.ts'
export { withoutParameters } from './media-type-parameters.ts'
export { sealEnvelope, type SealTerms } from './seal.ts'
export {
  EMPTY_CONFIG,
  envelopeOf,
  signatureManifest,
  SIGNATURE_TYPE,
  THUMBPRINTS,
  type SignatureManifestTerms,
} from './signature-manifest.ts'
export { localSigner, type Signer } from './signer.ts'
export { openPlugin, type Plugin, type PluginTerms } from './plugin.ts'
export {
  pluginAlgorithm,
  pluginEnvelope,
  pluginSigner,
  type PluginEnvelope,
  type PluginEnvelopeTerms,
} from './plugin-signer.ts'
export {
  pluginFinder,
  type PluginVerifier,
  type VerifierCapability,
  type VerifierQuery,
  type VerifierVerdict,
} from './plugin-verifier.ts'
