/** Floor 2: codecs for what libraries leave open. Pure; hostile input expected. */
export { canonicalBytes, canonicalJson, signingBytes, sortedJson } from './canonical-json.ts'
export {
  CERTIFICATE_HOLD,
  CRL_REASONS,
  crlReasonName,
  isCrlReason,
  isForGood,
  REMOVE_FROM_CRL,
  type CrlReason,
} from './crl-reason.ts'
export {
  der,
  derBits,
  derInteger,
  derNaturalHex,
  derNull,
  derOctets,
  derOid,
  derSequence,
  readDer,
  type DerElement,
} from './der.ts'
export { fingerprintWords, parseFingerprint } from './fingerprint-words.ts'
export { readDerExtensions, type DerExtension } from './der-extensions.ts'
export { DerScan } from './der-scan.ts'
export { DerError, DerFields, isDerValue, parseDer, type DerNode } from './der-tree.ts'
export {
  readBoolean,
  readNamedBits,
  readNaturalHex,
  readOid,
  readSmallNatural,
  readTime,
  readTrue,
} from './der-values.ts'
export {
  CODE_SIGNING,
  ECDSA_WITH_SHA2,
  hashesOf,
  MGF1,
  OCSP_SIGNING,
  RSA_WITH_SHA2,
  RSASSA_PSS,
  SHA2,
  TIME_STAMPING,
  type Sha2,
} from './object-identifier.ts'
export { decodePem, encodePem } from './pem.ts'
export { PBKDF2_ROUNDS, isSealedPkcs8, openSealedKey, sealPkcs8 } from './pkcs8.ts'
export { shapedList, shapedTable } from './shape.ts'
export { shapeFault } from './shape-fault.ts'
export { isSiteName, SITE_NAME_RULE } from './site-name.ts'
export { isJsonObject, LARGE_VALUES, parseJson, valuesIn, type Json, type JsonObject } from './strict-json.ts'
export { isTimeText, timeText, wholeSecond } from './time-text.ts'
export { readYaml, type YamlDocument } from './yaml-document.ts'
