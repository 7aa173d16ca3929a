/** What a caller may lend to a judgement: knowledge of revocations, and plugins. */
import type { Code } from '../errors/index.ts'
import type { Certificate, ChainPurpose, PluginVerifier } from '../signature/index.ts'

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

/**
 * The plugin a signature names, at least of that version, or undefined when there is none.
 * A SallyportError that it or `verify` throws makes a signature inconclusive, never trusted; INTERRUPTED goes on.
 */
export type FindPlugin = (wanted: { name: string; minVersion?: string }) => Promise<PluginVerifier | undefined>

export interface JudgeMeans {
  /** Without it revocation is unknown wherever the policy asks for it. */
  revocation?: RevocationCheck | undefined
  /** Without it a signature that names a plugin is inconclusive. */
  verifyByPlugin?: FindPlugin | undefined
}
