/** What a site remembers of the certificates that its trust hangs on, so that a later revocation finds the artifacts. */
import { distinguishedNameText, type Certificate } from '../signature/index.ts'
import type { SignatureVerdict } from './verdict.ts'

export interface CertificateFacts {
  /** Hex, of the certificate. */
  sha256: string
  /** Hex, of its SubjectPublicKeyInfo. */
  spki: string
  /** The {@link spki} of the certificate above it; of a root its own. */
  issuer: string
  /** Lower-case hex without leading zeros. */
  serial: string
  notAfter: Date
  /** RFC 4514; says what a stranger wrote, until the chain is trusted. */
  subject: string
  /** Of every scheme, in the order of the certificate. */
  crlUrls: string[]
  ocspUrls: string[]
}

function* factsOf(chain: readonly Certificate[]): Generator<CertificateFacts> {
  for (const [i, certificate] of chain.entries()) {
    const { sha256, spkiSha256, serial, notAfter, subject, crlUrls, ocspUrls } = certificate
    yield {
      sha256,
      spki: spkiSha256,
      issuer: (chain[i + 1] ?? certificate).spkiSha256,
      serial,
      notAfter,
      subject: distinguishedNameText(subject),
      crlUrls: [...crlUrls],
      ocspUrls: [...ocspUrls],
    }
  }
}

/**
 * Each certificate once that these signatures, or their timestamps, rest on. Of a signature whose check of authenticity did
 * not pass they are a stranger's word: to be left out of what is kept, or anyone could fill it.
 */
export function certificateFacts(
  signatures: readonly Pick<SignatureVerdict, 'chain' | 'timestampChain'>[],
): CertificateFacts[] {
  const found = new Map<string, CertificateFacts>()
  for (const { chain = [], timestampChain = [] } of signatures)
    for (const facts of [...factsOf(chain), ...factsOf(timestampChain)])
      if (!found.has(facts.sha256)) found.set(facts.sha256, facts)
  return [...found.values()]
}
