/** Tags that name another manifest: cosign's `sha256-<hex>.sig|.att|.sbom` and the referrers fallback `sha256-<hex>`. */
import { algorithmOf, hexOf, isDigest, type Digest } from './digest.ts'

export const SIGNATURE_SUFFIXES = ['sig', 'att', 'sbom'] as const
export type SignatureSuffix = (typeof SIGNATURE_SUFFIXES)[number]

const TAG = /^(sha256|sha512)-([0-9a-f]{64}|[0-9a-f]{128})(?:\.(sig|att|sbom))?$/

/** The fallback tag under which the referrers of `digest` are listed (distribution spec, referrers tag schema). */
export function fallbackTag(digest: Digest): string {
  // The schema cuts the encoded part at 64 characters.
  return `${algorithmOf(digest)}-${hexOf(digest).slice(0, 64)}`
}

export function signatureTag(digest: Digest, suffix: SignatureSuffix): string {
  return `${algorithmOf(digest)}-${hexOf(digest)}.${suffix}`
}

// A fallback tag holds 64 digits of the digest, whatever its algorithm.
const RESERVED = /^sha(?:256|512)-[0-9a-f]{64}(?:[0-9a-f]{64})?(?:\.(?:sig|att|sbom))?$/

/** True for a tag that belongs to another manifest, and so is nobody's own: a signature tag or a fallback tag. */
export function isReservedTag(tag: string): boolean {
  return RESERVED.test(tag)
}

/** What a tag says it belongs to: the subject's digest, and the suffix or null for a fallback tag; undefined for others. */
export function parseSignatureTag(tag: string): { subject: Digest; suffix: SignatureSuffix | null } | undefined {
  const match = TAG.exec(tag)
  const subject = `${match?.[1]}:${match?.[2]}`
  if (match === null || !isDigest(subject)) return undefined
  return { subject, suffix: (match[3] as SignatureSuffix | undefined) ?? null }
}
