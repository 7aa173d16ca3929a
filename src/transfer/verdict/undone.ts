/**
 * That a signer was revoked or denied since, where a heap of other signatures keeps a verdict from being decided: whoever
 * may push to a repository must not keep what was let in there from being taken away.
 */
import { CODES, type Code } from '../../errors/index.ts'
import type { KnownCertificate, ListPlace, RecordedSignature, RecordedVerdict, State } from '../../state/index.ts'
import type { ArtifactVerdict, SignatureVerdict } from '../../trust/index.ts'
import type { KnownRevocations } from '../revocation/known-revocations.ts'

export interface Undone {
  code: Code
  why: string
}

/** The exit status of what was trusted before it was revoked or denied. */
const REVOKED = 14

/**
 * Why an undecided artifact is not trusted any more: what an earlier verdict stood on, and this one lacks, was revoked or
 * denied. Undefined when that is not known of any. All that stands beside those signatures is left out of account: who
 * is trusted now must be among those that were judged.
 */
export async function undoneSince(
  verdict: Pick<ArtifactVerdict, 'digest' | 'missing' | 'signatures'>,
  stood: RecordedVerdict | undefined,
  state: State,
  known: KnownRevocations,
): Promise<Undone | undefined> {
  const lacking = new Set(verdict.missing)
  for (const signature of stood?.signatures ?? []) {
    const now = verdict.signatures.find(({ manifest }) => manifest === signature.manifest)
    const undone =
      now?.chain !== undefined
        ? undoneUnder(now, lacking)
        : lacking.has(signature.statement)
          ? await undoneUnread(verdict, signature, state, known)
          : undefined
    if (undone !== undefined) return { ...undone, why: `${signature.manifest}: ${undone.why}` }
  }
  return undefined
}

/** By the judgement itself, times that excuse included. */
function undoneUnder({ under }: SignatureVerdict, lacking: ReadonlySet<string>): Undone | undefined {
  for (const { statement, code, why, checks } of under)
    if (code !== undefined && CODES[code][0] === REVOKED)
      if (lacking.has(statement) && checks.authenticity.outcome === 'passed') return { code, why }
  return undefined
}

/** By what the journal has of its chain: it is gone, or can't be read, so that no time in it can excuse it. */
async function undoneUnread(
  { digest }: Pick<ArtifactVerdict, 'digest'>,
  { chain }: RecordedSignature,
  state: State,
  known: KnownRevocations,
): Promise<Undone | undefined> {
  const certificates = chain.flatMap((sha256) => state.certificate(sha256) ?? [])
  const [leaf] = certificates
  const denial = state.denials().find(({ artifact, signer }) => artifact === digest && signer === leaf?.spki)
  if (leaf !== undefined && denial !== undefined) return { code: 'SIGNATURE_DENIED', why: `denied: ${denial.reason}` }
  for (const certificate of certificates)
    if (certificate.spki !== certificate.issuer && (await isRevoked(certificate, known)))
      return {
        code: 'CERTIFICATE_REVOKED',
        why: `${certificate.subject.slice(0, 200)}, serial number ${certificate.serial}: revoked`,
      }
  return undefined
}

/** For good, by whatever is held of its issuer. */
async function isRevoked({ issuer, serial }: KnownCertificate, { lists }: KnownRevocations): Promise<boolean> {
  const places: ListPlace[] = [{ issuer, url: '', form: 'answer', serial }]
  for (const form of ['base', 'delta'] as const)
    places.push(...lists.urls(issuer, form).map((url) => ({ issuer, url, form })))
  for (const place of places) if (await lists.revokesForGood(place, serial)) return true
  return false
}
