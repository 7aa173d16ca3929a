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
export { der, derBits, derInteger, derNull, derOctets, derOid, derSequence, readDer, type DerElement } from './der.ts'
export { fingerprintWords, parseFingerprint } from './fingerprint-words.ts'
export { DerScan } from './der-scan.ts'
export { DerError, DerFields, isDerValue, parseDer, type DerNode } from './der-tree.ts'
export { readBoolean, readNamedBits, readNaturalHex, readOid, readSmallNatural, readTime } from './der-values.ts'
export { decodePem, encodePem } from './pem.ts'
export { PBKDF2_ROUNDS, isSealedPkcs8, openSealedKey, sealPkcs8 } from './pkcs8.ts'
export { isSecond } from './second.ts'
export { shapedList, shapedTable } from './shape.ts'
export { isSiteName, SITE_NAME_RULE } from './site-name.ts'
export { isJsonObject, LARGE_VALUES, parseJson, valuesIn, type Json, type JsonObject } from './strict-json.ts'
export { crowdedYaml, yamlFaults, type YamlFault } from './yaml-bounds.ts'
