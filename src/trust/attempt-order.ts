/** Which signatures of an artifact are judged when there are more than will be judged. */
import type { FoundSignature } from './open-signature.ts'

/** As many signatures of one artifact are judged (notation's own default); the rest only counts as unjudged. */
export const ATTEMPT_CAP = 100

/**
 * Each signature once: those that a verdict stood on before, then those whose annotation names one of the anchors
 * (thumbprints in lower-case hex), then by digest of manifest; unreadable ones last. The annotation is anyone's to write,
 * so it only helps against a heap that grew by itself: whoever can add signatures at the source can keep an artifact out, never let one in.
 */
export function inOrder(signatures: readonly FoundSignature[], anchorsOf: () => ReadonlySet<string>): FoundSignature[] {
  // A store may hold thousands of anchors, and most artifacts have one signature.
  if (signatures.length < 2) return [...signatures]
  const anchors = anchorsOf()
  const rank = ({ fault, first, thumbprints = [] }: FoundSignature): number => {
    if (fault !== undefined) return 3
    if (first === true) return 0
    return thumbprints.some((thumbprint) => anchors.has(thumbprint.toLowerCase())) ? 1 : 2
  }
  const unique = new Map(signatures.map((signature) => [signature.manifest, signature]))
  return [...unique.values()]
    .map((signature) => ({ signature, rank: rank(signature) }))
    .sort((a, b) => a.rank - b.rank || (a.signature.manifest < b.signature.manifest ? -1 : 1))
    .map(({ signature }) => signature)
}
