/** Whether the signatures that a verdict trusts still lead to what their statements are anchored in, by what the state knows. */
import type { TrustedSignature } from '../../state/index.ts'
import type { Basis, StatementAnchors } from '../../trust/index.ts'

/**
 * True when each has an anchor of the statement that it met, and so does its timestamp where that statement asks for one.
 * Each, where enough of them might do: that costs a look at most. Of its own, and not of any statement: an anchor that
 * was taken out of one store may stand in that of another, which somebody else has to meet.
 */
export function leadToAnchors(signatures: readonly TrustedSignature[], anchors: Basis['anchors']): boolean {
  return signatures.every(({ statement, chain, timestampChain }) => {
    const named = anchors.get(statement)
    return named !== undefined && isSigned(chain, named) && isStamped(timestampChain, named)
  })
}

function holds(chain: readonly string[], anchors: ReadonlySet<string>): boolean {
  return chain.some((sha256) => anchors.has(sha256))
}

/** By which scheme it was signed is not written down: where a statement names stores for both, it must lead into both. */
function isSigned(chain: readonly string[], named: StatementAnchors): boolean {
  const signing = (['ca', 'signingAuthority'] as const).flatMap((kind) => named.get(kind) ?? [])
  return signing.length > 0 && signing.every((anchors) => holds(chain, anchors))
}

function isStamped(chain: readonly string[] | undefined, named: StatementAnchors): boolean {
  const anchors = named.get('tsa')
  return chain === undefined || anchors === undefined || holds(chain, anchors)
}
