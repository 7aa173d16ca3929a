import assert from 'node:assert/strict'
import { Graph, Walk, WalkBudget, type Source } from '../../src/content/index.ts'
import { isFault } from '../../src/errors/index.ts'
import { digestOf, OCI_INDEX, OCI_MANIFEST, type Descriptor, type Digest } from '../../src/oci/index.ts'

const MIB = 1024 * 1024
const describeBytes = (mediaType: string, bytes: Buffer): Descriptor => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
})

/** An index of as many manifests of 4 MiB each, made when they are asked for. */
function wide(count: number): { source: Source; root: Descriptor; given: () => number } {
  const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(Buffer.from('{}')), size: 2 }
  const manifest = (n: number): Buffer => {
    const annotations = { n: String(n), filler: 'x'.repeat(4 * MIB - 4096) }
    return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [], annotations }))
  }
  const numbers = new Map<Digest, number>()
  const manifests = Array.from({ length: count }, (_, n) => {
    const child = describeBytes(OCI_MANIFEST, manifest(n))
    numbers.set(child.digest, n)
    return child
  })
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }))
  let given = 0
  const source = {
    repository: 'wide',
    tags: () => Promise.resolve([]),
    referrers: () => Promise.resolve([]),
    manifest: ({ digest }: Descriptor) => {
      given++
      const number = numbers.get(digest)
      return Promise.resolve(number === undefined ? index : manifest(number))
    },
  } as unknown as Source
  return { source, root: describeBytes(OCI_INDEX, index), given: () => given }
}

describe('content/walk', () => {
  it('stops at manifests that fill the memory, over all walks of one run', async function () {
    this.timeout(120_000)
    const { source, root, given } = wide(140)
    const budget = new WalkBudget()
    const walk = (): Promise<void> => {
      const graph = new Graph('wide')
      return new Walk(source, graph, (task) => task(), budget).artifact(root, { referrers: 'all' })
    }
    await assert.rejects(walk(), (error) => isFault(error, 'GRAPH_TOO_LARGE'))
    assert.ok(given() >= 128)
    await assert.rejects(walk(), (error) => isFault(error, 'GRAPH_TOO_LARGE'))
  })

  for (const [what, mediaType, content] of [
    ['a layer by its type', 'application/vnd.oci.image.layer.v1.tar+gzip', '{}'],
    ['the config of a build cache by its type', 'application/vnd.buildkit.cacheconfig.v0', '{"layers":[]}'],
    ['what is no JSON object', 'application/vnd.example.unknown', 'some bytes'],
  ] as const)
    it(`refuses an index that lists ${what}, in a layout too`, async () => {
      const bytes = Buffer.from(content)
      const child = describeBytes(mediaType, bytes)
      const listing = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [child] }))
      const root = describeBytes(OCI_INDEX, listing)
      // As of a layout, where manifests and blobs lie together.
      const source = {
        repository: 'cache',
        tags: () => Promise.resolve([]),
        referrers: () => Promise.resolve([]),
        manifest: ({ digest }: Descriptor) => Promise.resolve(digest === root.digest ? listing : bytes),
      } as unknown as Source
      await assert.rejects(
        new Walk(source, new Graph('cache'), (task) => task()).artifact(root, { referrers: 'all' }),
        (error) => isFault(error, 'INDEX_OF_BLOBS') && error.subject === `cache@${root.digest}`,
      )
    })
})
