/** Certificates of one's own, as reports show them. */
import type { CertificateKind, Delegation, KeyAlgorithm } from '../../ca/index.ts'
import { fingerprintWords } from '../../codec/index.ts'
import type { Certificate } from '../../signature/index.ts'
import type { EntryTerms } from './entry.ts'
import { subjectText } from './subject.ts'
import { timeText } from '../run/run.ts'

export interface CaListing {
  /** Of its folder. */
  name: string
  kind: CertificateKind
  purpose: Delegation['purpose']
  subject: string
  /** Subject of its issuer; null when it signs itself. */
  issuedBy: string | null
  algorithm: KeyAlgorithm
  /** `sha256:` and hex, of the certificate; null in a dry run, which makes none. */
  fingerprint: string | null
  /** The fingerprint to be read aloud; empty in a dry run. */
  words: string[]
  /** SHA-256 of its SubjectPublicKeyInfo, hex; null in a dry run. */
  keyHash: string | null
  notBefore: string
  notAfter: string
  /** How many authorities may stand below; null is no limit, and for what issues nothing. */
  pathLength: number | null
  /** The repositories it was made for; empty is no limit. Verifiers do not see it. */
  scope: string[]
  /** Where its own revocation list will lie. */
  crlUrl: string | null
}

/** The listing of a certificate that is there. */
export function listing(
  name: string,
  record: Omit<Delegation, 'format'>,
  certificate: Certificate,
  algorithm: KeyAlgorithm,
): CaListing {
  const { kind, purpose, from, to, notBefore, notAfter, pathLength, scope, crlUrl } = record
  return {
    name,
    kind,
    purpose,
    subject: to.subject,
    issuedBy: from?.subject ?? null,
    algorithm,
    fingerprint: `sha256:${certificate.sha256}`,
    words: fingerprintWords(certificate.sha256),
    keyHash: certificate.spkiSha256,
    notBefore,
    notAfter,
    pathLength,
    scope: [...scope],
    crlUrl,
  }
}

/** The listing of a certificate that a dry run does not make. */
export function plannedListing(name: string, terms: Omit<EntryTerms, 'issuer'>, issuedBy: string | null): CaListing {
  const { kind, purpose, subject, algorithm, notBefore, notAfter, pathLength, scope, crlUrl } = terms
  return {
    name,
    kind,
    purpose,
    subject: subjectText(subject),
    issuedBy,
    algorithm,
    fingerprint: null,
    words: [],
    keyHash: null,
    notBefore: timeText(notBefore),
    notAfter: timeText(notAfter),
    pathLength: pathLength ?? null,
    scope: [...scope],
    crlUrl,
  }
}
