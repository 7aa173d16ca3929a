/** Verdicts as reports carry them: plain JSON, times as text. */
import type { Code } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { SignatureAlgorithm, TargetDigest } from '../../signature/index.ts'
import type { ArtifactVerdict, Check, CheckResult, Level, SignatureVerdict, Verdict } from '../../trust/index.ts'
import { timeText } from '../run/run.ts'

export interface SignatureReport {
  /** The signature's manifest; of a detached signature the digest of its own bytes. */
  manifest: Digest
  /** Subject of the signing certificate; proven only when the checks of integrity and authenticity passed. */
  signer?: string
  /** SHA-256 of each certificate, leaf first. */
  thumbprints: string[]
  /** SHA-256 of the signer's public key: what a denial of his word names. */
  signerKey?: string
  algorithm?: SignatureAlgorithm
  format?: 'jws' | 'cose'
  /** What the signer says. */
  signingTime?: string
  /** What a trusted timestamp authority says: signed at this time or before. */
  timestamp?: string
  /** SHA-256 of each certificate of that authority, leaf first. */
  timestampChain?: string[]
  expiry?: string
  /** The site deprecates the algorithm since that day. */
  deprecated?: string
  /** The statement it met, or came nearest to. */
  statement?: string
  checks: Record<Check, CheckResult>
  verdict: Verdict
  code?: Code
  why?: string
  /** How it stands under each statement it was held against. */
  under: { statement: string; level: Level; verdict: Verdict; code?: Code; why: string }[]
}

export interface VerdictReport<D extends TargetDigest = Digest> {
  digest: D
  /** What policies call the repository; for a plain file the statement that was asked for. */
  scope: string
  verdict: Verdict
  /** Absent when trusted. */
  code?: Code
  why: string
  remedy?: string
  /** Policy says `skip` for this repository by name: trusted unseen. */
  skipped?: true
  statements: string[]
  missing: string[]
  signatures: SignatureReport[]
  /** Signatures that were not looked at. */
  unjudged: number
  /** Digest of the trust material that judged. */
  policy: Digest
}

function optional<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V }
}

function timed<K extends string>(key: K, time: Date | undefined): { [P in K]?: string } {
  return optional(key, time === undefined ? undefined : timeText(time))
}

function signatureReport(signature: SignatureVerdict): SignatureReport {
  const { manifest, thumbprints, checks, verdict, under } = signature
  return {
    manifest,
    ...optional('signer', signature.signer),
    thumbprints,
    ...optional('signerKey', signature.chain?.[0]?.spkiSha256),
    ...optional('algorithm', signature.algorithm),
    ...optional('format', signature.format),
    ...timed('signingTime', signature.signingTime),
    ...timed('timestamp', signature.timestamp),
    ...optional(
      'timestampChain',
      signature.timestampChain?.map(({ sha256 }) => sha256),
    ),
    ...timed('expiry', signature.expiry),
    ...timed('deprecated', signature.deprecated),
    ...optional('statement', signature.statement),
    checks: { ...checks },
    verdict,
    ...optional('code', signature.code),
    ...optional('why', signature.why),
    under: under.map(({ statement, level, verdict: met, code, why }) => ({
      statement,
      level,
      verdict: met,
      ...optional('code', code),
      why,
    })),
  }
}

export function verdictReport<D extends TargetDigest>(verdict: ArtifactVerdict<D>): VerdictReport<D> {
  const { digest, scope, why, statements, missing, signatures, unjudged, policy } = verdict
  return {
    digest,
    scope,
    verdict: verdict.verdict,
    ...optional('code', verdict.code),
    why,
    ...optional('remedy', verdict.remedy),
    ...optional('skipped', verdict.skipped),
    statements,
    missing,
    signatures: signatures.map(signatureReport),
    unjudged,
    policy,
  }
}
