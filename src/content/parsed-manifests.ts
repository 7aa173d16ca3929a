/** Manifests are kept as bytes, and parsed when they are looked at: parsed, those of a million blobs take 300 MB. */
import type { Side } from '../errors/index.ts'
import { parseManifest, type Manifest } from '../oci/index.ts'
import type { GraphNode } from './graph.ts'

// Those looked at last stay parsed, so many bytes of them: all of most bundles. Parsed, they take twice that.
const KEPT_BYTES = 4 * 1024 * 1024

const kept = new Map<ParsedNode, Manifest>()
let keptBytes = 0

function keep(node: ParsedNode, manifest: Manifest): Manifest {
  kept.set(node, manifest)
  keptBytes += node.bytes.length
  for (const oldest of kept.keys()) {
    if (keptBytes <= KEPT_BYTES || oldest === node) break
    kept.delete(oldest)
    keptBytes -= oldest.bytes.length
  }
  return manifest
}

/** A node whose manifest is parsed from its bytes, at first and again whenever it is no longer kept. */
export class ParsedNode implements GraphNode {
  readonly descriptor: GraphNode['descriptor']
  readonly bytes: Buffer
  readonly #side: Side
  readonly #subject: string

  /** Throws as {@link parseManifest}; nothing does later. Duty of the caller: nobody changes the bytes. */
  constructor(descriptor: GraphNode['descriptor'], bytes: Buffer, side: Side, subject: string) {
    this.descriptor = descriptor
    this.bytes = bytes
    this.#side = side
    this.#subject = subject
    keep(this, this.#parse())
  }

  get manifest(): Manifest {
    const manifest = kept.get(this)
    if (manifest === undefined) return keep(this, this.#parse())
    // The last in the order of the map is the one that was looked at last.
    kept.delete(this)
    kept.set(this, manifest)
    return manifest
  }

  #parse(): Manifest {
    return parseManifest(this.bytes, this.descriptor.mediaType, this.#side, this.#subject)
  }
}
