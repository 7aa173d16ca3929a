/** Floor 5: which publishers a site believes. Takes bytes, policy and `now`, gives verdicts; no file, no socket, no clock. */
export { ATTEMPT_CAP } from './attempt-order.ts'
export { pathTo } from './authentic-time.ts'
export { basisOf, type Basis, type StatementAnchors } from './basis.ts'
export { deprecatedSince, type AlgorithmRule, type AlgorithmRules } from './algorithm-rule.ts'
export { certificateFacts, type CertificateFacts } from './certificate-facts.ts'
export {
  explainFiles,
  explainPolicy,
  type FileStatementExplanation,
  type PolicyExplanation,
  type StatementExplanation,
} from './explain.ts'
export { faultOf, type Finding } from './finding.ts'
export { judgeArtifact, judgeWith, type ArtifactQuery, type BlobQuery, type Judge, type JudgeTerms } from './judge.ts'
export type {
  Denials,
  FindPlugin,
  JudgeMeans,
  RevocationAnswer,
  RevocationCheck,
  RevocationQuery,
} from './judge-means.ts'
export { type Action, type Actions, type Check, type Level, type Override } from './level.ts'
export { checkTrustMaterial, POLICY_FILE, POLICY_FILES, readTrustMaterial, type TrustMaterial } from './material.ts'
export { ORIGIN, type FoundSignature } from './open-signature.ts'
export { PLAIN_REVOCATION, type Measure, type RevocationPolicy } from './revocation-policy.ts'
export { isStoreName, storeKind, type StoreKind, type StoreName } from './store-name.ts'
export { anchorFault, STORE_FOLDER } from './trust-store.ts'
export type {
  ArtifactVerdict,
  CheckOutcome,
  CheckResult,
  Checks,
  SignatureVerdict,
  StatementVerdict,
  Verdict,
} from './verdict.ts'
