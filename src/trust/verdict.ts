/** Verdicts: what was found about an artifact and each of its signatures, and why. */
import type { Code } from '../errors/index.ts'
import type { Digest } from '../oci/index.ts'
import type { Certificate, SignatureAlgorithm, TargetDigest } from '../signature/index.ts'
import type { Action, Check, Level } from './level.ts'

/** `inconclusive` is never shown or counted as trusted: something needed to decide was not at hand. */
export type Verdict = 'trusted' | 'rejected' | 'inconclusive'

/** `unreached`: an enforced check before it had failed. */
export type CheckOutcome = 'passed' | 'failed' | 'undecided' | 'skipped' | 'unreached'

export interface CheckResult {
  action: Action
  outcome: CheckOutcome
  /** True when it passed or is skipped by policy. */
  ok: boolean
  code?: Code
  detail?: string
  /** What is to be known about a check that passed. */
  notes?: string[]
}

export type Checks = Readonly<Record<Check, CheckResult>>

/** How a signature stands under one statement. Under level `trace` it is never trusted. */
export interface StatementVerdict {
  statement: string
  level: Level
  verdict: Verdict
  checks: Checks
  /** Of the check that decided. */
  code?: Code
  why: string
  /** What a trusted timestamp authority says: signed at this time or before. */
  timestamp?: Date
  /** That authority's, leaf to root. */
  timestampChain?: readonly Certificate[]
}

/** A signature that was found; its own fields are those of the statement it met, else of the one it came nearest to. */
export interface SignatureVerdict {
  /** Of the signature's manifest; of a detached signature itself. */
  manifest: Digest
  /** Subject of the certificate that signed, RFC 4514; proven only when integrity passed, believed only when authenticity did. */
  signer?: string
  /** SHA-256 of each certificate, leaf to root, lower-case hex. */
  thumbprints: string[]
  algorithm?: SignatureAlgorithm
  format?: 'jws' | 'cose'
  /** What the signer says; vouched for only by a signing authority. */
  signingTime?: Date
  /** Leaf to root, once the envelope is proven; for use within a run, no report shows it. */
  chain?: readonly Certificate[]
  /** As under the statement. */
  timestamp?: Date
  /** Of the authority whose time counted under some statement; of it a report shows the thumbprints. */
  timestampChain?: readonly Certificate[]
  expiry?: Date
  /** The site deprecates this algorithm since that day. */
  deprecated?: Date
  statement?: string
  checks: Checks
  verdict: Verdict
  code?: Code
  why?: string
  /** Under each statement it was held against. */
  under: StatementVerdict[]
}

/** `D` is what digests the judged may have: those of OCI, or for plain files also SHA-384. */
export interface ArtifactVerdict<D extends TargetDigest = Digest> {
  digest: D
  scope: string
  verdict: Verdict
  /** Absent when trusted. */
  code?: Code
  why: string
  remedy?: string
  /** Policy says `skip` for this repository by name: trusted unseen. To be shown wherever the verdict is. */
  skipped?: true
  /** Met, each by a signer of its own. */
  statements: string[]
  /** Asked for and not met. Of a count, all that are not met. */
  missing: string[]
  signatures: SignatureVerdict[]
  /** Signatures beyond the cap (or under `skip`), which were not looked at. */
  unjudged: number
  /** Digest of the trust material that judged. */
  policy: Digest
}
