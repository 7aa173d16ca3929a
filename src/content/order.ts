/** The order of things: artifact by artifact, children before parents, referrers after their subject. */
import { SallyportError, type Side } from '../errors/index.ts'
import {
  blobsOf,
  DigestSet,
  isForeignLayer,
  isIndexType,
  platformText,
  type Descriptor,
  type Digest,
} from '../oci/index.ts'
import type { Graph, Omission } from './graph.ts'

/** One artifact of one repository, as it is pushed: blobs, then `manifests`, then `companions`, each in this order. */
export interface OrderedArtifact {
  repository: string
  root: Digest
  tags: string[]
  /** Children first, the root last. */
  manifests: Digest[]
  /** Referrers, referrers of referrers and signature-tag manifests, each after what it refers to. */
  companions: Digest[]
  /** Its blobs in the order of first need, each once; read from its manifests as often as it is asked, as they may be a million. */
  blobs: Iterable<Descriptor>
}

/** True for a blob that a bundle never holds: its maker forbids to hand it on. */
export function isLeftOut(blob: Descriptor): boolean {
  return isForeignLayer(blob.mediaType)
}

/** The blobs of a carried manifest that are carried too. */
export function carriedBlobs(graph: Graph, digest: Digest): Descriptor[] {
  const node = graph.nodes.get(digest)
  return node === undefined ? [] : blobsOf(node.manifest).filter((blob) => !isLeftOut(blob))
}

// Stops a hostile bundle from exhausting the stack; the walk stops sooner.
const MAX_DEPTH = 32

class Ordering {
  private readonly graph: Graph
  private readonly side: Side
  readonly companions: Digest[] = []
  private readonly seen = new Set<Digest>()

  constructor(graph: Graph, side: Side) {
    this.graph = graph
    this.side = side
  }

  /** The manifest and all below it that was not met before, children first. */
  tree(digest: Digest, into: Digest[] = [], depth = 0): Digest[] {
    if (this.seen.has(digest)) return into
    this.seen.add(digest)
    const node = this.graph.nodes.get(digest)
    const subject = `${this.graph.repository}@${digest}`
    if (node === undefined) throw new SallyportError('MANIFEST_MISSING', { side: this.side, subject })
    if (depth > MAX_DEPTH) throw new SallyportError('GRAPH_TOO_DEEP', { side: this.side, subject })
    for (const child of node.manifest.manifests)
      if (this.graph.nodes.has(child.digest)) this.tree(child.digest, into, depth + 1)
    into.push(digest)
    return into
  }

  /** What refers to these manifests. A child that refers to its sibling was met as a child: its index needs it first. */
  attach(digests: readonly Digest[], depth = 0): void {
    for (const digest of digests) {
      const companions = this.graph.companionsOf(digest).map(({ descriptor }) => descriptor.digest)
      const carried = companions.filter((companion) => this.graph.nodes.has(companion))
      for (const attached of [...this.graph.referrersOf(digest), ...carried]) {
        const added = this.tree(attached, [], depth + 1)
        // One by one: an index of indexes may hold more manifests than a call may have arguments.
        for (const one of added) this.companions.push(one)
        this.attach(added, depth + 1)
      }
    }
  }
}

class NeededBlobs implements Iterable<Descriptor> {
  readonly #graph: Graph
  readonly #digests: readonly Digest[]

  constructor(graph: Graph, digests: readonly Digest[]) {
    this.#graph = graph
    this.#digests = digests
  }

  *[Symbol.iterator](): Generator<Descriptor> {
    const met = new DigestSet()
    for (const digest of this.#digests)
      for (const blob of carriedBlobs(this.#graph, digest)) if (met.add(blob.digest)) yield blob
  }
}

/** The artifact under `root` as it is laid down and pushed. Throws MANIFEST_MISSING when the root is not carried. */
export function orderArtifact(graph: Graph, root: Digest, tags: string[], side: Side): OrderedArtifact {
  const ordering = new Ordering(graph, side)
  const manifests = ordering.tree(root)
  ordering.attach(manifests)
  const { companions } = ordering
  const blobs = new NeededBlobs(graph, [...manifests, ...companions])
  return { repository: graph.repository, root, tags, manifests, companions, blobs }
}

/** All that the carried manifests name and the graph does not hold, each with its reason. */
export function omissionsOf(graph: Graph): Omission[] {
  const omitted: Omission[] = []
  const add = (of: Digest, entry: Descriptor, why: Omission['why'], what: string | undefined): void => {
    const { digest, mediaType, size } = entry
    omitted.push({
      repository: graph.repository,
      digest,
      mediaType,
      size,
      of,
      why,
      ...(what === undefined ? {} : { what }),
    })
  }
  for (const [of, node] of [...graph.nodes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const child of isIndexType(node.descriptor.mediaType) ? node.manifest.manifests : []) {
      if (!graph.nodes.has(child.digest)) add(of, child, 'platform', child.platform && platformText(child.platform))
    }
    for (const blob of blobsOf(node.manifest)) if (isLeftOut(blob)) add(of, blob, 'foreign-layer', undefined)
    for (const referrer of graph.listed.get(of) ?? []) {
      if (!graph.nodes.has(referrer.digest)) add(of, referrer, 'referrer', referrer.artifactType)
    }
    for (const { tag, descriptor } of graph.companionsOf(of)) {
      if (!graph.nodes.has(descriptor.digest)) add(of, descriptor, 'referrer', tag)
    }
  }
  return omitted
}
