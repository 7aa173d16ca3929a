/** Denials of what lies within an artifact: an index that nobody denied may hold an image that was. */
import type { Graph, OrderedArtifact } from '../../content/index.ts'
import { SallyportError, unlessFault } from '../../errors/index.ts'
import { algorithmOf, digestOf, parseManifest, type Descriptor, type Digest } from '../../oci/index.ts'
import type { ArtifactVerdict } from '../../trust/index.ts'
import type { Readable } from '../trust/found-signatures.ts'
import type { KnownRevocations } from './known-revocations.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'

const MANIFESTS_CAP = 10_000

/** The digest of the same bytes by the other hash. */
export function otherDigest(digest: Digest, bytes: Uint8Array): Digest {
  return digestOf(bytes, algorithmOf(digest) === 'sha256' ? 'sha512' : 'sha256')
}

/**
 * Every manifest that comes with an artifact, under each of its digests, and what an index names and the bundle leaves
 * out, which may lie there already. Stops what was denied from being let in as a referrer or under the signature tag of
 * something else, which no policy judges, by the hash that no denial names, and by a bundle without it that brings the
 * tags of its index back.
 */
export function namesCarried(
  graph: Graph | undefined,
  { manifests, companions }: Pick<OrderedArtifact, 'manifests' | 'companions'>,
): Digest[] {
  return [...manifests, ...companions].flatMap((digest) => {
    const node = graph?.nodes.get(digest)
    if (node === undefined) return [digest]
    return [digest, otherDigest(digest, node.bytes), ...node.manifest.manifests.map((child) => child.digest)]
  })
}

/** The verdict, unless something within the artifact was denied. */
export function withoutDenied(
  verdict: ArtifactVerdict,
  manifests: readonly Digest[],
  known: KnownRevocations,
): ArtifactVerdict {
  const child = known.anyDenials ? manifests.find((digest) => known.denied(digest) !== undefined) : undefined
  if (child === undefined || verdict.code === 'ARTIFACT_DENIED') return verdict
  const why = `${child} within it was denied: ${known.denied(child)?.reason ?? ''}`
  return { ...verdict, verdict: 'rejected', code: 'ARTIFACT_DENIED', why, signatures: [], statements: [], missing: [] }
}

/**
 * The manifests within an artifact where it lies, each by both hashes, and its own digest by the other; nothing is asked for where nothing
 * was denied. A child that is left out there can't be pulled, but may come back: its digest counts.
 */
export async function manifestsWithin(
  source: Readable,
  root: Descriptor,
  known: KnownRevocations,
  options: RunOptions,
): Promise<{ aliases: Digest[]; manifests: Digest[] }> {
  if (!known.anyDenials) return { aliases: [], manifests: [] }
  const aliases: Digest[] = []
  const others: Digest[] = []
  const found = new Set<Digest>()
  const open = [root]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    checkInterrupted(options)
    const asked = source.manifest(next)
    const bytes = next === root ? await asked : await unlessFault(asked, 'MANIFEST_MISSING')
    if (bytes === undefined) continue
    const alias = otherDigest(next.digest, bytes)
    if (next === root) aliases.push(alias)
    else others.push(alias)
    const subject = `${source.repository}@${next.digest}`
    for (const child of parseManifest(bytes, next.mediaType, 'source', subject).manifests) {
      if (found.has(child.digest)) continue
      if (found.size >= MANIFESTS_CAP) throw new SallyportError('GRAPH_TOO_LARGE', { side: 'source', subject })
      found.add(child.digest)
      open.push(child)
    }
  }
  return { aliases, manifests: [...found, ...others] }
}
