/**
 * The graph of one repository: manifests by digest, what refers to them, and the tags that sign them.
 * Nothing is left out silently: what is listed but not carried is found by comparing `listed` with `nodes`.
 */
import { verified, type Descriptor, type Digest, type Manifest } from '../oci/index.ts'
import type { Side } from '../errors/index.ts'
import { ParsedNode } from './parsed-manifests.ts'

export interface GraphNode {
  descriptor: Descriptor
  bytes: Buffer
  /** Not to be changed, nor held for long: a large one is parsed again when it is asked for. */
  readonly manifest: Manifest
}

/** A tag that belongs to another manifest (`sha256-<hex>.sig` and its like). */
export interface CompanionTag {
  tag: string
  descriptor: Descriptor
}

export interface Omission {
  repository: string
  digest: Digest
  mediaType: string
  size: number
  /** The manifest that names it. */
  of: Digest
  why: 'platform' | 'referrer' | 'foreign-layer'
  /** `os/arch` or the artifact type, where there is one. */
  what?: string
}

export class Graph {
  readonly repository: string
  readonly nodes = new Map<Digest, GraphNode>()
  /** Every referrer that some list names, by subject, sorted by digest. */
  readonly listed = new Map<Digest, Descriptor[]>()
  readonly companions = new Map<Digest, CompanionTag[]>()

  constructor(repository: string) {
    this.repository = repository
  }

  /** Adds a manifest that is proven against its descriptor; the node that stands for it. */
  add(descriptor: Descriptor, bytes: Buffer, side: Side): GraphNode {
    const subject = `${this.repository}@${descriptor.digest}`
    const node = new ParsedNode(descriptor, verified(bytes, descriptor, side, subject), side, subject)
    this.nodes.set(descriptor.digest, node)
    return node
  }

  /**
   * The carried referrers of a manifest, sorted by digest. One that is carried for another reason and does not name the
   * manifest itself is none, whatever a list says.
   */
  referrersOf(digest: Digest): Digest[] {
    return (this.listed.get(digest) ?? [])
      .map((entry) => entry.digest)
      .filter((entry) => this.nodes.get(entry)?.manifest.subject?.digest === digest)
  }

  /** The signature tags of a manifest, sorted. */
  companionsOf(digest: Digest): CompanionTag[] {
    return (this.companions.get(digest) ?? []).toSorted((a, b) => (a.tag < b.tag ? -1 : 1))
  }
}

export function byDigest(a: { digest: Digest }, b: { digest: Digest }): number {
  return a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0
}
