/** Copies an artifact with all that belongs to it between two repositories of one target, and reads the copy back. */
import type { Target } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { hexOf, type Digest } from '../../oci/index.ts'
import { checkInterrupted, tell, type RunOptions } from '../run/run.ts'
import { heldBlobs, type AttachedTag, type TargetGraph, type TargetNode } from './target-graph.ts'

/** The tag of a copy in quarantine: a registry that clears away what has no tag must leave it. */
export function quarantineTag(digest: Digest): string {
  return `quarantined-${hexOf(digest).slice(0, 64)}`
}

export interface CopyTerms extends RunOptions {
  from: Target
  /** The path of `from` at the same registry, so that no bytes need flow. */
  mountFrom: string
  to: Target
  /** Points a signature tag at its manifest, which is there. */
  tag: (attached: AttachedTag, node: TargetNode) => Promise<void>
}

function notThere(target: Target, digest: Digest): SallyportError {
  const subject = `${target.repository}@${digest}`
  return new SallyportError('READ_BACK_MISMATCH', { side: 'target', subject, detail: 'it is not there after the copy' })
}

async function copyNode({ descriptor, bytes, manifest }: TargetNode, terms: CopyTerms): Promise<void> {
  const { from, to, mountFrom } = terms
  for (const blob of heldBlobs(manifest)) {
    checkInterrupted(terms)
    if (await to.hasBlob(blob)) continue
    await to.pushBlob(blob, { open: (at) => from.blob(blob, at) }, mountFrom)
    if (!(await to.hasBlob(blob))) throw notThere(to, blob.digest)
  }
  await to.pushManifest(descriptor, bytes)
  await to.manifest(descriptor)
}

/**
 * Kept when every manifest and blob was read back, referrers are listed and signature tags stand; what is there already
 * is not sent again. Throws what the target throws: then the copy is not whole, and nothing may rest on it.
 */
export async function copyGraph(graph: TargetGraph, terms: CopyTerms): Promise<void> {
  tell(terms, { type: 'phase', phase: 'copying' })
  for (const node of graph.nodes.values()) await copyNode(node, terms)
  for (const [subject, referrers] of graph.referrers) {
    const node = graph.nodes.get(subject)
    if (node !== undefined) await terms.to.listReferrers(node.descriptor, referrers)
  }
  await terms.to.settleReferrers?.(1, terms.signal)
  for (const attached of graph.signatureTags) {
    const node = graph.nodes.get(attached.descriptor.digest)
    if (node !== undefined) await terms.tag(attached, node)
  }
}
