/** What a caller may lend to a judgement: knowledge of revocations, and plugins. */
import type { Code } from '../errors/index.ts'
import type { Certificate, ChainPurpose, Envelope } from '../signature/index.ts'

export interface RevocationQuery {
  /** Leaf to root. */
  chain: readonly Certificate[]
  purpose: ChainPurpose
  /** A signing time that an authority vouches for. */
  signingTime?: Date
}

/** `good` says that no certificate of the chain but the root was revoked; `unknown`, that it cannot be told here. */
export type RevocationAnswer =
  { status: 'good' } | { status: 'revoked'; code: Code; detail: string } | { status: 'unknown'; detail: string }

export type RevocationCheck = (query: RevocationQuery) => RevocationAnswer | Promise<RevocationAnswer>

export type PluginCapability = 'SIGNATURE_VERIFIER.TRUSTED_IDENTITY' | 'SIGNATURE_VERIFIER.REVOCATION_CHECK'

export interface PluginRequest {
  envelope: Envelope
  /** As the statement writes them. */
  trustedIdentities: readonly string[]
  /** What it is to check: of its capabilities those the policy asks for. */
  capabilities: readonly PluginCapability[]
}

export interface PluginAnswer {
  /** Critical attributes it has understood and judged. */
  processedAttributes: readonly string[]
  results: Readonly<Partial<Record<PluginCapability, { success: boolean; reason?: string }>>>
}

export interface VerificationPlugin {
  capabilities: readonly PluginCapability[]
  verify(request: PluginRequest): Promise<PluginAnswer>
}

/**
 * The plugin a signature names, at least of that version, or undefined when there is none.
 * What it or `verify` throws makes a signature inconclusive, never trusted.
 */
export type FindPlugin = (plugin: { name: string; minVersion?: string }) => Promise<VerificationPlugin | undefined>

export interface JudgeMeans {
  /** Without it revocation is unknown wherever the policy asks for it. */
  revocation?: RevocationCheck | undefined
  /** Without it a signature that names a plugin is inconclusive. */
  verifyByPlugin?: FindPlugin | undefined
}
