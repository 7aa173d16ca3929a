/** What an export says of revocation: how each certificate can be revoked, by what is carried, and until when that holds. */
import { REMOVE_FROM_CRL } from '../../codec/index.ts'
import type { Code } from '../../errors/index.ts'
import { decimalOf, entryOf } from '../../revocation/index.ts'
import { distinguishedNameText } from '../../signature/index.ts'
import type { Lacking } from './lacking.ts'
import type { RevocationPieceReport } from '../revocation/information.ts'
import { timesOf, type Collected } from './proof.ts'
import type { RevocableCertificate } from './wants.ts'
import { timeText } from '../run/run.ts'

/** One certificate of a chain, roots left out. */
export interface RevocableReport {
  /** `sha256:` of the certificate. */
  fingerprint: string
  subject: string
  serial: string
  /** SHA-256 of the issuer's SubjectPublicKeyInfo. */
  issuer: string
  /** What its chains are for; empty for one that only the plan names. */
  purposes: ('signing' | 'timestamping')[]
  /** What it says of itself; `none`: it has no way to be revoked. */
  revocable: 'list' | 'answer' | 'both' | 'none'
  /** Numbers of the lists that are carried for it. */
  numbers: string[]
  /** The first time that something carried for it goes stale; null when nothing is. */
  nextUpdate: string | null
  /** It does so before the next planned bundle. */
  staleBeforeNext: boolean
  /** Since when it is revoked, by what is carried. */
  revoked: string | null
}

export interface LackingReport {
  kind: Lacking['kind']
  url: string
  issuer: string
  code: Code
  why: string
  /**
   * `by name`: the plan accepts it; `by its lists`: of an OCSP answer, whose certificate stands in carried lists too;
   * `by policy`: it speaks of signers that no statement of the policy believes.
   */
  accepted: 'by name' | 'by its lists' | 'by policy'
}

export interface CollectedReport {
  from: 'network' | 'folder' | 'none' | 'kept'
  certificates: RevocableReport[]
  pieces: RevocationPieceReport[]
  lacking: LackingReport[]
  warnings: string[]
}

/** notation takes no larger list. */
const NOTATION_CAP = 32 * 1024 * 1024

const WAYS = { 'true true': 'both', 'true false': 'list', 'false true': 'answer', 'false false': 'none' } as const

function speaksOf(
  { certificate, issuer, crlUrls, freshestUrls }: RevocableCertificate,
  pieces: readonly Collected[],
): Collected[] {
  const own = pieces.filter((piece) => piece.issuer.spkiSha256 === issuer.spkiSha256)
  const bases = own.filter((piece) => piece.kind === 'list' && crlUrls.includes(piece.url))
  const places = new Set([
    ...freshestUrls,
    ...bases.flatMap((base) => (base.kind === 'list' ? base.list.freshest : [])),
  ])
  const deltas = own.filter((piece) => piece.kind === 'delta' && places.has(piece.url))
  const answers = own.filter((piece) => piece.kind === 'answer' && piece.serial === certificate.serial)
  return [...bases, ...deltas, ...answers]
}

/** When a piece says that the certificate was revoked; a delta takes a hold of its base back. */
function revokedBy(serial: string, pieces: readonly Collected[]): Date | undefined {
  let since: Date | undefined
  for (const piece of pieces) {
    if (piece.kind === 'answer') {
      const entry = entryOf(piece.answer, piece.issuer, serial)
      if (entry?.status === 'revoked') since = entry.revoked
      continue
    }
    const entry = piece.list.find(serial)
    if (entry !== undefined) since = entry.reason === REMOVE_FROM_CRL ? undefined : entry.revoked
  }
  return since
}

function certificateReport(
  revocable: RevocableCertificate,
  pieces: readonly Collected[],
  nextBundle: Date,
): RevocableReport {
  const { certificate, issuer, purposes, crlUrls, ocspUrls } = revocable
  const speaking = speaksOf(revocable, pieces)
  const [first] = speaking.map((piece) => timesOf(piece).nextUpdate).sort((a, b) => a.getTime() - b.getTime())
  const revoked = revokedBy(certificate.serial, speaking)
  return {
    fingerprint: `sha256:${certificate.sha256}`,
    subject: distinguishedNameText(certificate.subject),
    serial: certificate.serial,
    issuer: issuer.spkiSha256,
    purposes: [...purposes].sort(),
    revocable: WAYS[`${crlUrls.length > 0} ${ocspUrls.length > 0}`],
    numbers: speaking.flatMap((piece) => (piece.kind === 'answer' ? [] : [decimalOf(piece.list.number)])),
    nextUpdate: first === undefined ? null : timeText(first),
    staleBeforeNext: first !== undefined && first < nextBundle,
    revoked: revoked === undefined ? null : timeText(revoked),
  }
}

export interface ReportTerms {
  from: CollectedReport['from']
  certificates: readonly RevocableCertificate[]
  collected: readonly Collected[]
  pieces: RevocationPieceReport[]
  lacking: LackingReport[]
  warnings: readonly string[]
  nextBundle: Date
}

export function lackingReports(lacking: readonly Lacking[]): LackingReport[] {
  return lacking.flatMap(({ kind, url, issuer, fault, accepted }) =>
    accepted === undefined ? [] : [{ kind, url, issuer, code: fault.code, why: fault.message, accepted }],
  )
}

/** The report, with what a person should look at among the warnings. */
export function collectedReport(terms: ReportTerms): CollectedReport {
  const { from, collected, pieces, lacking, nextBundle } = terms
  const certificates = terms.certificates.map((one) => certificateReport(one, collected, nextBundle))
  const large = collected.filter((piece) => piece.kind !== 'answer' && piece.list.der.length > NOTATION_CAP)
  return {
    from,
    certificates,
    pieces,
    lacking,
    warnings: [
      ...terms.warnings,
      ...large.map(({ url }) => `${url}: over 32 MiB, which notation does not take`),
      ...certificates.flatMap(({ subject, revoked }) =>
        revoked === null ? [] : [`${subject} was revoked ${revoked}`],
      ),
    ],
  }
}
