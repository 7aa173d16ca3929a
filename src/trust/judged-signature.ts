/** A signature after judging, and how it is told in a verdict. */
import { COSE } from '../signature/index.ts'
import { deprecatedSince, type AlgorithmRules } from './algorithm-rule.ts'
import { CheckRecord } from './check-outcome.ts'
import { actionsOf, CHECKS } from './level.ts'
import type { OpenSignature } from './open-signature.ts'
import type { SignatureVerdict, StatementVerdict } from './verdict.ts'

export interface JudgedSignature {
  signature: OpenSignature
  /** Under each statement: first those required, in their order, then those that trace. */
  under: StatementVerdict[]
}

/** Who signed, as far as thresholds count people: the digest of the public key, whatever certificate holds it. */
export function signerOf({ signature }: JudgedSignature): string | undefined {
  return signature.chain?.leaf.spkiSha256
}

/** How near to trust a judgement came: by its verdict, else by the checks that passed. */
function nearness({ verdict, checks }: Pick<StatementVerdict, 'verdict' | 'checks'>): number {
  if (verdict === 'trusted') return 2 * CHECKS.length
  if (verdict === 'inconclusive') return CHECKS.length
  return CHECKS.filter((check) => checks[check].outcome === 'passed').length
}

/** Of several the one nearest to trust, the first of equals. */
export function nearest<T extends Pick<StatementVerdict, 'verdict' | 'checks'>>(judged: readonly T[]): T | undefined {
  return judged.toSorted((a, b) => nearness(b) - nearness(a))[0]
}

/**
 * The signature by the statement it was counted for, else the one it came nearest to; tracing ones stand for it only
 * where nothing is required.
 * @param required - how many of the statements are not for tracing
 * @param met - by number of statement the signer who was counted for it
 */
export function describeSignature(
  judged: JudgedSignature,
  required: number,
  met: ReadonlyMap<number, string>,
  algorithms: AlgorithmRules | undefined,
  now: Date,
): SignatureVerdict {
  const { signature, under } = judged
  const { found, envelope, chain } = signature
  const own = under.slice(0, required)
  const signer = signerOf(judged)
  const counted = own.find(({ verdict }, i) => verdict === 'trusted' && signer !== undefined && met.get(i) === signer)
  const best = counted ?? nearest(own.length > 0 ? own : under)
  const verdict: SignatureVerdict = {
    manifest: found.manifest,
    thumbprints: [...(chain?.thumbprints ?? [])],
    checks: best?.checks ?? new CheckRecord(actionsOf('trace')).checks,
    verdict: best?.verdict ?? 'rejected',
    under,
  }
  if (best !== undefined) {
    verdict.statement = best.statement
    verdict.why = best.why
    if (best.code !== undefined) verdict.code = best.code
    if (best.timestamp !== undefined) verdict.timestamp = best.timestamp
  }
  const stamped = best?.timestampChain ?? under.find(({ timestampChain }) => timestampChain)?.timestampChain
  if (stamped !== undefined) verdict.timestampChain = stamped
  if (envelope === undefined || chain === undefined) return verdict
  verdict.signer = chain.signer
  verdict.chain = chain.certificates
  verdict.algorithm = envelope.algorithm
  verdict.format = envelope.mediaType === COSE ? 'cose' : 'jws'
  const signingTime = envelope.signingTime ?? envelope.authenticSigningTime
  if (signingTime !== undefined) verdict.signingTime = signingTime
  if (envelope.expiry !== undefined) verdict.expiry = envelope.expiry
  const deprecated = deprecatedSince(algorithms, envelope.algorithm, now)
  if (deprecated !== undefined) verdict.deprecated = deprecated
  return verdict
}
