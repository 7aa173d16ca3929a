/**
 * All that belongs to an artifact where it lies at a target: children, signatures and other referrers, signature tags, the
 * lists that name them. A site must be able to take a hostile artifact away: what its lists claim and is not so is left
 * out, never a reason to stop.
 */
import type { Target } from '../../content/index.ts'
import { SallyportError, unlessFault, type Code } from '../../errors/index.ts'
import {
  blobsOf,
  fallbackTag,
  isForeignLayer,
  parseManifest,
  signatureTag,
  SIGNATURE_SUFFIXES,
  type Descriptor,
  type Digest,
  type Manifest,
} from '../../oci/index.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'

export interface TargetNode {
  descriptor: Descriptor
  bytes: Buffer
  manifest: Manifest
}

/** A tag that belongs to a manifest of the graph, and what it names. */
export interface AttachedTag {
  tag: string
  descriptor: Descriptor
}

export interface TargetGraph {
  root: Digest
  /** In the order to push them: children before their index, what refers after what it refers to. */
  nodes: Map<Digest, TargetNode>
  /** By subject; only those that name it themselves. */
  referrers: Map<Digest, Descriptor[]>
  /** Signature tags; what they name stands in `nodes`. */
  signatureTags: AttachedTag[]
  /** Children that are not there, by choice of platforms perhaps. */
  absent: Digest[]
}

const MAX_DEPTH = 16
const MAX_MANIFESTS = 100_000
/** Of manifests; parsed they take several times as much. */
const MAX_BYTES = 256 * 1024 * 1024

/** What is wrong with content, as opposed to a target that does not answer. */
const OF_CONTENT: readonly Code[] = [
  'MANIFEST_MISSING',
  'MANIFEST_MALFORMED',
  'MANIFEST_AMBIGUOUS',
  'MANIFEST_TOO_LARGE',
  'SCHEMA1_REFUSED',
  'DESCRIPTOR_MALFORMED',
  'DIGEST_MALFORMED',
  'DIGEST_MISMATCH',
  'SIZE_MISMATCH',
  'READ_BACK_MISMATCH',
  'JSON_MALFORMED',
  'LAYOUT_MALFORMED',
]

/** What was read, or undefined when the content is not what was claimed. */
export function ifSound<T>(task: Promise<T>): Promise<T | undefined> {
  return unlessFault(task, ...OF_CONTENT)
}

/** The blobs of a manifest that a registry holds; a layer that may not be handed on it never had. */
export function heldBlobs(manifest: Manifest): Descriptor[] {
  return blobsOf(manifest).filter(({ mediaType }) => !isForeignLayer(mediaType))
}

export async function readNode(target: Target, descriptor: Descriptor): Promise<TargetNode> {
  const { mediaType, digest, size } = descriptor
  const bytes = await target.manifest({ mediaType, digest, size })
  const manifest = parseManifest(bytes, mediaType, 'target', `${target.repository}@${digest}`)
  return { descriptor: { mediaType, digest, size }, bytes, manifest }
}

class TargetWalk {
  readonly graph: TargetGraph
  readonly #target: Target
  readonly #options: RunOptions
  readonly #seen = new Set<Digest>()
  #bytes = 0

  constructor(target: Target, root: Digest, options: RunOptions) {
    this.#target = target
    this.#options = options
    this.graph = { root, nodes: new Map(), referrers: new Map(), signatureTags: [], absent: [] }
  }

  #refuse(code: 'GRAPH_TOO_DEEP' | 'GRAPH_TOO_LARGE', digest: Digest): SallyportError {
    return new SallyportError(code, { side: 'target', subject: `${this.#target.repository}@${digest}` })
  }

  /** A manifest with its tree, then all that refers to any of it. */
  async artifact(node: TargetNode, depth: number): Promise<void> {
    const added: Digest[] = []
    await this.#tree(node, depth, added)
    for (const digest of added) await this.#attach(digest, depth + 1)
  }

  async #tree(node: TargetNode, depth: number, added: Digest[]): Promise<void> {
    checkInterrupted(this.#options)
    const { digest } = node.descriptor
    if (this.#seen.has(digest)) return
    if (depth > MAX_DEPTH) throw this.#refuse('GRAPH_TOO_DEEP', digest)
    this.#bytes += node.bytes.length
    // Stops whoever may push referrers from filling the memory of a run that is about other artifacts, too.
    if (this.#seen.size >= MAX_MANIFESTS || this.#bytes > MAX_BYTES) throw this.#refuse('GRAPH_TOO_LARGE', digest)
    this.#seen.add(digest)
    for (const child of node.manifest.manifests) {
      const below = await ifSound(readNode(this.#target, child))
      if (below === undefined) this.graph.absent.push(child.digest)
      else await this.#tree(below, depth + 1, added)
    }
    this.graph.nodes.set(digest, node)
    added.push(digest)
  }

  async #attach(subject: Digest, depth: number): Promise<void> {
    const target = this.#target
    const listed: Descriptor[] = []
    for (const entry of (await ifSound(target.referrers(subject))) ?? []) {
      const node = await ifSound(readNode(target, entry))
      // Stops a poisoned list from having a stranger's signature taken away with this artifact.
      if (node?.manifest.subject?.digest !== subject) continue
      listed.push(entry)
      await this.artifact(node, depth)
    }
    if (listed.length > 0) this.graph.referrers.set(subject, listed)
    for (const suffix of SIGNATURE_SUFFIXES) await this.#signatureTag(signatureTag(subject, suffix), depth)
  }

  async #signatureTag(tag: string, depth: number): Promise<void> {
    const descriptor = await ifSound(this.#target.resolve(tag))
    const node = descriptor === undefined ? undefined : await ifSound(readNode(this.#target, descriptor))
    if (descriptor === undefined || node === undefined) return
    this.graph.signatureTags.push({ tag, descriptor })
    await this.artifact(node, depth)
  }
}

/** The tags under which a registry without the Referrers API lists what refers to these manifests. */
export async function referrersListsAt(target: Target, subjects: Iterable<Digest>): Promise<AttachedTag[]> {
  const lists: AttachedTag[] = []
  for (const subject of subjects) {
    const tag = fallbackTag(subject)
    const descriptor = await target.resolve(tag)
    if (descriptor !== undefined) lists.push({ tag, descriptor })
  }
  return lists
}

/**
 * The graph under a manifest of the target. Throws when the root itself is not there or not sound, GRAPH_TOO_DEEP,
 * GRAPH_TOO_LARGE, and what a target that does not answer throws.
 */
export async function graphAt(target: Target, root: Descriptor, options: RunOptions): Promise<TargetGraph> {
  const walk = new TargetWalk(target, root.digest, options)
  await walk.artifact(await readNode(target, root), 0)
  return walk.graph
}
