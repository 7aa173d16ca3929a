/** What the bundles of the corpus hold: small artifacts, all made here from plain bytes. */
import type { PackedRepository } from '../../src/bundle/index.ts'
import { sortedJson } from '../../src/codec/index.ts'
import { Graph } from '../../src/content/index.ts'
import {
  descriptorJson,
  digestOf,
  OCI_EMPTY,
  OCI_INDEX,
  OCI_MANIFEST,
  parseManifest,
  signatureTag,
  type Algorithm,
  type Descriptor,
  type Digest,
  type Manifest,
  type Platform,
  type SignatureSuffix,
} from '../../src/oci/index.ts'

export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json'
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar'
export const AMD64: Platform = { os: 'linux', architecture: 'amd64' }
export const ARM64: Platform = { os: 'linux', architecture: 'arm64' }

export type Parts = Partial<
  Pick<Manifest, 'artifactType' | 'config' | 'layers' | 'manifests' | 'subject' | 'mediaType'>
> & {
  annotations?: Record<string, string>
}

function only({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size }
}

/** One repository in the making. Its graph is filled by hand, so that it may hold what no honest source would give. */
export class Shelf {
  readonly graph: Graph
  readonly bindings = new Map<string, Descriptor>()
  readonly untagged: Descriptor[] = []
  readonly removed: string[] = []
  tags: 'complete' | 'partial' = 'partial'
  private readonly blobs: Map<Digest, Buffer>
  private readonly to: string

  constructor(name: string, blobs: Map<Digest, Buffer>) {
    this.graph = new Graph(name)
    this.blobs = blobs
    this.to = name.slice(name.indexOf('/') + 1)
  }

  blob(mediaType: string, content: string | Buffer, algorithm?: Algorithm): Descriptor {
    const bytes = Buffer.from(content as string)
    const digest = digestOf(bytes, algorithm)
    this.blobs.set(digest, bytes)
    return { mediaType, digest, size: bytes.length }
  }

  config(platform: Platform, note = 'config'): Descriptor {
    const { os, architecture } = platform
    return this.blob(OCI_CONFIG, JSON.stringify({ architecture, os, note, rootfs: { type: 'layers', diff_ids: [] } }))
  }

  layer(note: string, mediaType = OCI_LAYER, algorithm?: Algorithm): Descriptor {
    return this.blob(mediaType, `the bytes of layer ${note}\n`, algorithm)
  }

  /** A manifest of any bytes, standing in the graph as `reading`: what a reader is meant to make of it. */
  raw(mediaType: string, content: string, reading: Partial<Manifest> = {}, algorithm?: Algorithm): Descriptor {
    const bytes = Buffer.from(content)
    const descriptor = { mediaType, digest: digestOf(bytes, algorithm), size: bytes.length }
    const manifest: Manifest = { kind: 'image', mediaType, layers: [], manifests: [], annotations: {}, ...reading }
    this.graph.nodes.set(descriptor.digest, { descriptor, bytes, manifest })
    return descriptor
  }

  manifest(parts: Parts): Descriptor {
    const mediaType = parts.mediaType ?? OCI_MANIFEST
    const { artifactType, config = this.blob(OCI_EMPTY, '{}'), layers = [], subject, annotations } = parts
    return this.document(mediaType, {
      schemaVersion: 2,
      mediaType,
      ...(artifactType === undefined ? {} : { artifactType }),
      config: descriptorJson(config),
      layers: layers.map(descriptorJson),
      ...(subject === undefined ? {} : { subject: descriptorJson(only(subject)) }),
      ...(annotations === undefined ? {} : { annotations }),
    })
  }

  index(parts: Parts): Descriptor {
    const mediaType = parts.mediaType ?? OCI_INDEX
    const manifests = (parts.manifests ?? []).map(descriptorJson)
    return this.document(mediaType, { schemaVersion: 2, mediaType, manifests })
  }

  private document(mediaType: string, document: object): Descriptor {
    const text = JSON.stringify(document)
    return this.raw(mediaType, text, parseManifest(Buffer.from(text), mediaType, 'source', this.graph.repository))
  }

  image(note: string, platform = AMD64, layers = [this.layer(note)]): Descriptor {
    return { ...this.manifest({ config: this.config(platform, note), layers }), platform }
  }

  /** A piece that informs or revokes, of the one spelling that FORMAT 8.7 and 8.8 give it. */
  piece(artifactType: string, title: string, content: string): Descriptor {
    const config = this.blob(OCI_EMPTY, '{}')
    const layer = { ...this.blob(artifactType, content), annotations: { 'org.opencontainers.image.title': title } }
    const text = sortedJson({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType,
      config: descriptorJson(config),
      layers: [descriptorJson(layer)],
    })
    return this.raw(OCI_MANIFEST, text, parseManifest(Buffer.from(text), OCI_MANIFEST, 'source', this.graph.repository))
  }

  tag(tag: string, descriptor: Descriptor): void {
    this.bindings.set(tag, only(descriptor))
  }

  /** Lists `referrer` for its subject; `carried: false` leaves it out of the bundle. */
  refer(subject: Descriptor, referrer: Descriptor, artifactType?: string): void {
    const entry = { ...only(referrer), ...(artifactType === undefined ? {} : { artifactType }) }
    const all = [...(this.graph.listed.get(subject.digest) ?? []), entry]
    this.graph.listed.set(
      subject.digest,
      all.sort((a, b) => (a.digest < b.digest ? -1 : 1)),
    )
  }

  accompany(subject: Descriptor, suffix: SignatureSuffix, descriptor: Descriptor): void {
    const entry = { tag: signatureTag(subject.digest, suffix), descriptor: only(descriptor) }
    const all = [...(this.graph.companions.get(subject.digest) ?? []), entry]
    this.graph.companions.set(subject.digest, all)
  }

  packed(): PackedRepository {
    const { graph, bindings, untagged, to, tags, removed } = this
    return { graph, bindings, untagged, to, tags, removed }
  }
}

/** Everything one bundle is to hold. */
export class Goods {
  readonly blobs = new Map<Digest, Buffer>()
  readonly shelves: Shelf[] = []

  shelf(name: string): Shelf {
    const shelf = new Shelf(name, this.blobs)
    this.shelves.push(shelf)
    return shelf
  }

  repositories(): PackedRepository[] {
    return this.shelves.map((shelf) => shelf.packed())
  }
}

/** The plainest content: one image under one tag. */
export function oneImage(fill: (shelf: Shelf) => void = (shelf) => shelf.tag('1.0', shelf.image('one'))): Goods {
  const goods = new Goods()
  fill(goods.shelf('registry.example/team/app'))
  return goods
}
