/** The site's rules for signature algorithms: allowed, deprecated since a day, or refused. */
import type { SignatureAlgorithm } from '../signature/index.ts'

/** A deprecated algorithm still counts, and is named in every verdict from that day (00:00 UTC) on. */
export type AlgorithmRule = 'allowed' | 'refused' | { deprecated: Date }
export type AlgorithmRules = Readonly<Partial<Record<SignatureAlgorithm, AlgorithmRule>>>

/** True when the site takes no signature of this algorithm. It is the signature's own algorithm, not those of the chain. */
export function isRefused(rules: AlgorithmRules | undefined, algorithm: SignatureAlgorithm): boolean {
  return rules?.[algorithm] === 'refused'
}

/** The day since when an algorithm is deprecated, if that day has come. */
export function deprecatedSince(
  rules: AlgorithmRules | undefined,
  algorithm: SignatureAlgorithm,
  now: Date,
): Date | undefined {
  const rule = rules?.[algorithm]
  return typeof rule === 'object' && rule.deprecated <= now ? rule.deprecated : undefined
}
