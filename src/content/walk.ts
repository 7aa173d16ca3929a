/** Fills a graph from a source: index → manifest → referrers and signature tags, at every manifest of the tree. */
import { isFault, SallyportError, unlessFault } from '../errors/index.ts'
import {
  isBlobType,
  isManifestType,
  isSignatureType,
  signatureTag,
  SIGNATURE_SUFFIXES,
  type Descriptor,
  type Digest,
} from '../oci/index.ts'
import type { CompanionTag, Graph, GraphNode } from './graph.ts'
import { chosenChildren } from './platforms.ts'
import type { Source } from './source.ts'
import { tagSetOf } from './tag-set.ts'

/** What of an artifact is taken; the rest is named as left out. */
export interface Choice {
  /** Platforms as `os/arch[/variant]`; undefined takes all. */
  platforms?: readonly string[] | undefined
  referrers: 'all' | 'signatures' | 'none'
}

/** Runs one request; the caller bounds how many run at once. */
export type Gate = <T>(task: () => Promise<T>) => Promise<T>

// Stops link loops and chains built to exhaust us (CVE-2023-33957); real graphs are 3 or 4 deep.
const MAX_DEPTH = 16
// Stops endless referrers; a bundle of a million blobs stays below it.
const MAX_MANIFESTS = 1_000_000

function takes(referrer: Descriptor, choice: Choice): boolean {
  // An opaque manifest has no subject that all readers agree on, and its blobs would stay behind. It is named as left out:
  // older registries still list artifact manifests of before OCI 1.1, which no image beside them is to wait for.
  if (!isManifestType(referrer.mediaType)) return false
  if (choice.referrers === 'all') return true
  return choice.referrers === 'signatures' && isSignatureType(referrer.artifactType ?? '')
}

// As much law as any bundle may hold; more would only be refused when all of it has been fetched.
const MAX_BYTES = 512 * 1024 * 1024
// What was listed stays in memory as objects, which take some times what they took on the wire.
const LISTED_BYTES = 200

/** What all walks of one run may hold of manifests and lists. Stops a source whose documents fill the memory. */
export class WalkBudget {
  readonly #left = { manifests: MAX_BYTES, lists: MAX_BYTES }

  /** Throws GRAPH_TOO_LARGE. */
  take(bytes: number, of: 'manifests' | 'lists', repository: string): void {
    this.#left[of] -= bytes
    if (this.#left[of] >= 0) return
    const detail = `over ${MAX_BYTES} bytes of ${of}`
    throw new SallyportError('GRAPH_TOO_LARGE', { side: 'source', subject: repository, detail })
  }
}

function weightOf({ annotations = {} }: Descriptor): number {
  let weight = LISTED_BYTES
  for (const [name, value] of Object.entries(annotations)) weight += name.length + value.length
  return weight
}

/** A manifest on the way down. */
interface Step {
  descriptor: Descriptor
  /** What its children are told of as listed in. */
  name: string
  /** The index that lists it, if one does. */
  index?: string
}

export class Walk {
  private readonly source: Source
  private readonly graph: Graph
  private readonly gate: Gate
  private readonly loading = new Map<Digest, Promise<GraphNode>>()
  private readonly looking = new Map<Digest, Promise<void>>()
  private readonly budget: WalkBudget
  private tags: Promise<ReadonlySet<string> | undefined> | undefined

  constructor(source: Source, graph: Graph, gate: Gate, budget = new WalkBudget()) {
    this.source = source
    this.graph = graph
    this.gate = gate
    this.budget = budget
  }

  /**
   * Kept when the artifact and all that its choice takes stand in the graph. Any failure to list or fetch throws.
   * @param name - what the root is called in errors that its choice can heal
   */
  async artifact(root: Descriptor, choice: Choice, name = this.nameOf(root.digest)): Promise<void> {
    await this.visit({ descriptor: root, name }, choice, 0, new Set())
  }

  private nameOf(digest: Digest): string {
    return `${this.graph.repository}@${digest}`
  }

  private async visit(
    { descriptor, name, index }: Step,
    choice: Choice,
    depth: number,
    seen: Set<Digest>,
  ): Promise<void> {
    const subject = this.nameOf(descriptor.digest)
    if (depth > MAX_DEPTH)
      throw new SallyportError('GRAPH_TOO_DEEP', { side: 'source', subject, detail: `over ${MAX_DEPTH} levels` })
    if (seen.has(descriptor.digest)) return
    seen.add(descriptor.digest)
    const node = await this.load(descriptor, index)
    const step = (entry: Descriptor): Step => ({ descriptor: entry, name: this.nameOf(entry.digest) })
    const children = chosenChildren(node.manifest.manifests, choice.platforms)
    const below = children.map((child): Step => ({ ...step(child), index: name }))
    await this.look(descriptor.digest)
    for (const referrer of this.graph.listed.get(descriptor.digest) ?? []) {
      if (!takes(referrer, choice)) continue
      await this.checkSubject(referrer, descriptor.digest)
      below.push(step(referrer))
    }
    for (const companion of choice.referrers === 'none' ? [] : this.graph.companionsOf(descriptor.digest)) {
      if (choice.referrers === 'signatures' && companion.tag.endsWith('.sbom')) continue
      below.push(step(companion.descriptor))
    }
    await Promise.all(below.map((child) => this.visit(child, choice, depth + 1, seen)))
  }

  private load(descriptor: Descriptor, index?: string): Promise<GraphNode> {
    const known = this.loading.get(descriptor.digest)
    if (known !== undefined) return known
    if (this.loading.size >= MAX_MANIFESTS) {
      throw new SallyportError('GRAPH_TOO_LARGE', {
        side: 'source',
        subject: this.graph.repository,
        detail: `over ${MAX_MANIFESTS} manifests`,
      })
    }
    const promise = this.gate(() => this.given(descriptor, index)).then((bytes) => {
      this.budget.take(bytes.length, 'manifests', this.graph.repository)
      return this.graph.add(descriptor, bytes, 'source')
    })
    this.loading.set(descriptor.digest, promise)
    return promise
  }

  private async given(descriptor: Descriptor, index: string | undefined): Promise<Buffer> {
    const { mediaType } = descriptor
    if (index === undefined || isManifestType(mediaType)) return this.source.manifest(descriptor)
    if (isBlobType(mediaType)) throw ofBlobs(index, descriptor)
    try {
      const bytes = await this.source.manifest(descriptor)
      // In a layout manifests and blobs lie together.
      if (bytes[0] !== 0x7b) throw ofBlobs(index, descriptor)
      return bytes
    } catch (cause) {
      if (!isFault(cause, 'MANIFEST_MISSING', 'MANIFEST_TOO_LARGE')) throw cause
      throw ofBlobs(index, descriptor, cause)
    }
  }

  /** Lists once what refers to a manifest and which tags sign it. */
  private look(digest: Digest): Promise<void> {
    let promise = this.looking.get(digest)
    if (promise === undefined) {
      promise = this.list(digest)
      this.looking.set(digest, promise)
    }
    return promise
  }

  private async list(digest: Digest): Promise<void> {
    // Once a repository: a set of all its tags for each manifest would take a minute for 10,000 of both.
    this.tags ??= tagSetOf(this.source)
    const [referrers, present] = await Promise.all([this.gate(() => this.source.referrers(digest)), this.tags])
    for (const referrer of referrers) this.budget.take(weightOf(referrer), 'lists', this.graph.repository)
    if (referrers.length > 0) this.graph.listed.set(digest, referrers)
    const companions: CompanionTag[] = []
    for (const suffix of SIGNATURE_SUFFIXES) {
      const tag = signatureTag(digest, suffix)
      if (present?.has(tag) === false) continue
      const descriptor = present === undefined ? await this.find(tag) : await this.resolve(tag)
      if (descriptor !== undefined) companions.push({ tag, descriptor })
    }
    if (companions.length > 0) this.graph.companions.set(digest, companions)
  }

  // Stops a poisoned list, which would bind a stranger's signature or SBOM to this manifest.
  private async checkSubject(referrer: Descriptor, subject: Digest): Promise<void> {
    const { manifest } = await this.load(referrer)
    if (manifest.subject?.digest === subject) return
    throw new SallyportError('SUBJECT_MISMATCH', {
      side: 'source',
      subject: `${this.graph.repository}@${referrer.digest}`,
      detail: `listed for ${subject}, names ${manifest.subject?.digest ?? 'none'}`,
    })
  }

  /** What a tag names that nothing lists. A repository that is said to be unknown has given its manifest already. */
  private find(tag: string): Promise<Descriptor | undefined> {
    return this.gate(() => unlessFault(this.source.resolve(tag), 'REPOSITORY_MISSING'))
  }

  private async resolve(tag: string): Promise<Descriptor> {
    const descriptor = await this.gate(() => this.source.resolve(tag))
    // The list names the tag: one that is gone now was not "none", it moved under us.
    if (descriptor === undefined)
      throw new SallyportError('MANIFEST_MISSING', { side: 'source', subject: `${this.graph.repository}:${tag}` })
    return descriptor
  }
}

// BuildKit lists the layers of a cache in an index. No format of ours has a place for them, and registries refuse it.
function ofBlobs(index: string, { digest, mediaType }: Descriptor, cause?: unknown): SallyportError {
  const detail = `${digest} of type ${mediaType}`
  return new SallyportError('INDEX_OF_BLOBS', { side: 'source', subject: index, detail, cause })
}
