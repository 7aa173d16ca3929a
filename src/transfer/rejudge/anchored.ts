/** Whether the chains behind an artifact still lead to what a policy is anchored in, by what the state knows of them. */
import type { KnownCertificate } from '../../state/index.ts'

/** A certificate by the SHA-256 of its DER, hex. */
export type ChainLinks = (sha256: string) => KnownCertificate | undefined

/**
 * True when each certificate that issued none of the others has an anchor on its way up, itself counted. Not any of them:
 * the signature that was counted may be the one whose anchor is gone, while another that was not stands.
 */
export function leadsToAnchors(behind: readonly string[], links: ChainLinks, anchors: ReadonlySet<string>): boolean {
  const known = behind.flatMap((sha256) => links(sha256) ?? [])
  // What can't be looked up can't be said to lead anywhere.
  if (known.length === 0 || known.length < behind.length) return false
  const issuing = new Set(known.filter(({ spki, issuer }) => spki !== issuer).map(({ issuer }) => issuer))
  const leaves = known.filter(({ spki }) => !issuing.has(spki))
  return leaves.length > 0 && leaves.every((leaf) => leads(leaf, known, anchors))
}

function leads(leaf: KnownCertificate, known: readonly KnownCertificate[], anchors: ReadonlySet<string>): boolean {
  const seen = new Set<string>()
  for (let open = [leaf]; open.length > 0;) {
    if (open.some(({ sha256 }) => anchors.has(sha256))) return true
    for (const { spki } of open) seen.add(spki)
    const above = new Set(open.map(({ issuer }) => issuer))
    open = known.filter(({ spki }) => above.has(spki) && !seen.has(spki))
  }
  return false
}
