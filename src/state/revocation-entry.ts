/** The rows of revocation and of what it undoes, each with what it promises. The ledger refuses what they may not say. */
import { isDigest, type Digest } from '../oci/index.ts'
import { demandDigest, given } from './entry.ts'
import { isHash } from './fields.ts'
import type { Entry } from './journal-row.ts'
import { runsOf } from './more-rows.ts'

/** The bundle that brought it; null: the operator of this site. */
export type Origin = { channel: string; id: string } | null

export const LIST_FORMS = ['base', 'delta', 'answer'] as const
/** A whole revocation list, one of changes, or an OCSP answer for one certificate. */
export type ListForm = (typeof LIST_FORMS)[number]

/** What a list is held under: nothing is ever matched by a name alone. */
export interface ListPlace {
  /** SHA-256 of the issuer's SubjectPublicKeyInfo, hex. */
  issuer: string
  /** Exactly as the certificate has it. */
  url: string
  form: ListForm
  /** Of the certificate, hex; of an answer only, and then always. */
  serial?: string | undefined
}

/** A list that was proven: parsed, issued by its issuer, dated, and let in by the rules of what may replace what. */
export interface ProvenList extends ListPlace {
  /** DER. */
  bytes: Uint8Array
  /** CRL number, hex without leading zeros; of lists always, of answers never. */
  number?: string | undefined
  /** `YYYY-MM-DDTHH:MM:SSZ`, as all times here. */
  thisUpdate: string
  nextUpdate: string
  deltaBase?: string | undefined
  /** Of an answer: it says that its certificate is revoked for good, which no other answer takes back. */
  forGood?: true | undefined
  /** The entries that stay revoked although this list dropped them, in a form that the caller reads again. */
  kept?: Uint8Array | undefined
  /** DER. */
  issuerCertificate: Uint8Array
}

/** `list`: this list is in force here from now on; its bytes were durable before the row was. */
export interface ListRow extends Omit<ProvenList, 'bytes' | 'kept' | 'issuerCertificate'> {
  digest: Digest
  kept?: Digest | undefined
  issuerCertificate: Digest
  from: Origin
}

/** An artifact that nobody may trust here, or its signatures by one key. Never a signature: those can be made anew. */
export interface Denial {
  artifact: Digest
  /** SHA-256 of the SubjectPublicKeyInfo of a signing certificate, hex: only his signatures are denied then. */
  signer?: string | undefined
  reason: string
  since: string
}

/** What a certificate of a judged chain says, so that the artifacts behind a revoked serial are found. */
export interface KnownCertificate {
  /** Of the DER, hex. */
  sha256: string
  /** SHA-256 of its SubjectPublicKeyInfo, hex. */
  spki: string
  /** The same of its issuer: its own for a root. */
  issuer: string
  serial: string
  notAfter: string
  subject: string
  crlUrls: readonly string[]
  ocspUrls: readonly string[]
}

/** An artifact in its place at a target. */
export interface ArtifactPlace {
  target: string
  /** The repository's path there. */
  path: string
  digest: Digest
}

export const MEASURES = ['report', 'retag', 'remove'] as const
export const OUTCOMES = ['done', 'impossible', 'failed'] as const

/** `quarantine`: a measure was taken against an artifact, and how it ended. */
export interface Quarantine extends ArtifactPlace {
  measure: (typeof MEASURES)[number]
  outcome: (typeof OUTCOMES)[number]
  detail: string
  /** That pointed at it before. */
  tags: readonly string[]
  /** Where its copy is kept, `path@digest` at the target. */
  at?: string | undefined
}

/** `release`: these persons let it out again. */
export interface Release extends ArtifactPlace {
  reason: string
  by: readonly string[]
}

/** @param floor - a time that is signed in it and not ahead of this site's clock */
export function listEntry({ from, ...list }: ListRow, floor: string): Entry {
  for (const digest of [list.digest, list.issuerCertificate, list.kept]) demandDigest(digest ?? null)
  return { kind: 'list', body: given({ ...list, floor, from: from === null ? null : { ...from } }) }
}

/** One entry for each run of denials that fits a row. */
export function denialsEntries(denials: readonly Denial[], from: Origin): Entry[] {
  for (const { artifact, signer } of denials)
    if (!isDigest(artifact) || !isHash(signer ?? '0'.repeat(64))) throw new TypeError('not a denial')
  return runsOf(denials.map((denial) => given({ ...denial }))).map((run) => ({
    kind: 'denials',
    body: { denials: run, from: from === null ? null : { ...from } },
  }))
}

/** One entry for each run of certificates that fits a row; they are numbered on from `first`. */
export function certificatesEntries(certificates: readonly KnownCertificate[], first: number): Entry[] {
  let next = first
  return runsOf(
    certificates.map((known) => given({ ...known, crlUrls: [...known.crlUrls], ocspUrls: [...known.ocspUrls] })),
  ).map((run) => {
    const entry: Entry = { kind: 'certificates', body: { certificates: run, first: next } }
    next += run.length
    return entry
  })
}

export function rejudgedEntry(through: number, policy?: Digest): Entry {
  return { kind: 'rejudged', body: given({ through, policy }) }
}

export function quarantineEntry(quarantine: Quarantine): Entry {
  demandDigest(quarantine.digest)
  return { kind: 'quarantine', body: given({ ...quarantine, tags: [...quarantine.tags] }) }
}

export function releaseEntry(release: Release): Entry {
  demandDigest(release.digest)
  return { kind: 'release', body: { ...release, by: [...release.by] } }
}

/** `forget`: the target is used no more; nothing there is judged again until an import goes there. */
export interface Forget {
  target: string
  reason: string
}

export function forgetEntry({ target, reason }: Forget): Entry {
  return { kind: 'forget', body: { target, reason } }
}

/** @param every - seconds; null: it is expected no more */
export function expectEntry(channel: string, every: number | null): Entry {
  return { kind: 'expect', body: { channel, every } }
}
