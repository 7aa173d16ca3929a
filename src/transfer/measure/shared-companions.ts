/** What comes with a manifest that stays: its signatures and other referrers, its signature tags, the list of them. */
import { fallbackTag, signatureTag, SIGNATURE_SUFFIXES, type Digest } from '../../oci/index.ts'
import type { AttachedTag, TargetGraph } from './target-graph.ts'

/** The manifests of the graph that name each manifest as their subject, there or not. */
function referrersIn({ nodes }: TargetGraph): Map<Digest, Digest[]> {
  const found = new Map<Digest, Digest[]>()
  for (const [digest, { manifest }] of nodes) {
    if (manifest.subject === undefined) continue
    const known = found.get(manifest.subject.digest)
    if (known === undefined) found.set(manifest.subject.digest, [digest])
    else known.push(digest)
  }
  return found
}

/**
 * Adds to what is shared all of the graph that refers to it, with what that needs in turn; so too what refers to something
 * outside of the graph. Stops an index from having the signatures of another image taken away by calling it, or them, its
 * children: without them the image would be removed at the next look. The root is never added.
 * @param lists - the graph's own referrers lists
 */
export function shareCompanions(graph: TargetGraph, lists: readonly AttachedTag[], shared: Map<Digest, string>): void {
  const referrers = referrersIn(graph)
  const tagged = new Map(graph.signatureTags.map(({ tag, descriptor }) => [tag, descriptor.digest]))
  const listed = new Map(lists.map(({ tag, descriptor }) => [tag, descriptor.digest]))
  const staying = new Set([...shared.keys(), ...[...referrers.keys()].filter((subject) => !graph.nodes.has(subject))])
  const share = (digest: Digest, subject: Digest): void => {
    staying.add(digest)
    if (!shared.has(digest)) shared.set(digest, subject)
  }
  const whole = new Set<Digest>()
  // Sets go on to what is added to them on the way.
  for (const subject of staying) {
    // Whoever can write a referrers list must not be able to shield what it names: it stays alone.
    const list = listed.get(fallbackTag(subject))
    if (list !== undefined && list !== graph.root) share(list, subject)
    const named = SIGNATURE_SUFFIXES.flatMap((suffix) => tagged.get(signatureTag(subject, suffix)) ?? [])
    const trees = new Set([...(referrers.get(subject) ?? []), ...named])
    for (const digest of trees) {
      if (digest === graph.root || whole.has(digest)) continue
      whole.add(digest)
      share(digest, subject)
      for (const child of graph.nodes.get(digest)?.manifest.manifests ?? []) trees.add(child.digest)
    }
  }
}
