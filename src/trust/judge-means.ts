/** What a caller may lend to a judgement: knowledge of revocations and denials, and plugins. */
import type { Certificate, ChainPurpose, PluginVerifier, TargetDigest } from '../signature/index.ts'

export interface RevocationQuery {
  /** Leaf to root. */
  chain: readonly Certificate[]
  purpose: ChainPurpose
  /** A signing time that a trusted signing authority vouches for. */
  signingTime?: Date
  /** By a trusted timestamp the signature was made then at the latest; whether that counts is the check's to say. */
  timestampTime?: Date
}

/**
 * `good` says that no certificate of the chain but the root was revoked, perhaps with what is to be known about that
 * (told in the verdict); `unknown`, that it cannot be told here.
 */
export type RevocationAnswer =
  | { status: 'good'; notes?: readonly string[] }
  | { status: 'revoked'; code: 'CERTIFICATE_REVOKED'; detail: string }
  | { status: 'unknown'; detail: string }

/**
 * Times may excuse what is revoked and change nothing else: the check is asked once for a chain without them, and again
 * with those of a signature only when the answer is `revoked`.
 */
export type RevocationCheck = (query: RevocationQuery) => RevocationAnswer | Promise<RevocationAnswer>

/**
 * What this site has denied by name. A denied artifact is rejected whatever stands beside it; a denied signature (what is
 * signed, and the key that signed it) counts for nothing, and the other artifacts of its signer go on counting. Where a
 * statement skips, its artifact is rejected while the signature lies beside it: nothing else could vouch for it there.
 */
export interface Denials {
  artifact(digest: TargetDigest): { reason: string } | undefined
  /** @param signerSpki - SHA-256 of the signer's SubjectPublicKeyInfo, hex */
  signature(digest: TargetDigest, signerSpki: string): { reason: string } | undefined
  /** True when the signature of some key on it is denied. */
  anySignature(digest: TargetDigest): boolean
}

/**
 * The plugin a signature names, at least of that version, or undefined when there is none.
 * A SallyportError that it or `verify` throws makes a signature inconclusive, never trusted; INTERRUPTED goes on.
 */
export type FindPlugin = (wanted: { name: string; minVersion?: string }) => Promise<PluginVerifier | undefined>

export interface JudgeMeans {
  /** Without it revocation is unknown wherever the policy asks for it. */
  revocation?: RevocationCheck | undefined
  /** Heeded at every level, `skip` and `trace` among them. */
  denials?: Denials | undefined
  /** Without it a signature that names a plugin is inconclusive. */
  verifyByPlugin?: FindPlugin | undefined
}
