/** A source registry in memory and an export of it up to its promise, for tests of what a hostile source can say. */
import { arrange, promise, proveReadable, type Content, type Promise3 } from '../../src/bundle/index.ts'
import { MemoryPlace, type Choice, type MemoryRepository } from '../../src/content/index.ts'
import { digestOf, OCI_INDEX, OCI_MANIFEST, type Descriptor, type Digest } from '../../src/oci/index.ts'
import { gather } from '../../src/transfer/place/gather.ts'

export const CONFIG = 'application/vnd.oci.image.config.v1+json'
export const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip'

export function repository(path = 'a', place = new MemoryPlace('h.example', 'source')): MemoryRepository {
  return place.repository(path)
}

export function blob(to: MemoryRepository, text: string, mediaType = LAYER): Descriptor {
  const bytes = Buffer.from(text)
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length }
  to.blobs.set(descriptor.digest, bytes)
  return descriptor
}

/** Puts the document as it is, under any media type. */
export async function put(to: MemoryRepository, document: object, mediaType: string): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(document))
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length }
  await to.pushManifest(descriptor, bytes)
  return descriptor
}

export function image(
  to: MemoryRepository,
  layers: readonly Descriptor[] = [],
  more: object = {},
): Promise<Descriptor> {
  const config = blob(to, '{}', CONFIG)
  return put(to, { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers, ...more }, OCI_MANIFEST)
}

export function index(to: MemoryRepository, manifests: readonly Descriptor[]): Promise<Descriptor> {
  return put(to, { schemaVersion: 2, mediaType: OCI_INDEX, manifests }, OCI_INDEX)
}

export interface Picked {
  source: MemoryRepository
  tags: string[]
  digests?: Digest[]
  choice?: Choice
}

/** The promise over what was picked, read back as a receiver would. */
export async function promised(picked: readonly Picked[]): Promise<{ content: Content; files: Promise3 }> {
  const selections = picked.map(({ source, tags, digests = [], choice = { referrers: 'all' } }) => ({
    source,
    tags,
    digests,
    choice,
    complete: false,
  }))
  const repositories = await gather(selections, { map: [], concurrency: 4 })
  const content = arrange(repositories, 'source')
  const files = promise(
    {
      channel: 'vendor-a',
      purpose: 'content',
      sequence: 1,
      audience: ['site-a'],
      previous: { 'site-a': null },
      map: [],
      created: '2026-01-01T00:00:00Z',
      validUntil: '2026-02-01T00:00:00Z',
      exporter: { name: 'test', version: '1' },
    },
    repositories,
    content,
  )
  proveReadable(files, content)
  return { content, files }
}
