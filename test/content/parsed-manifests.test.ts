/** A graph gives the same manifests however often they were forgotten meanwhile. */
import assert from 'node:assert/strict'
import { Graph } from '../../src/content/index.ts'
import { digestOf, OCI_MANIFEST, type Descriptor } from '../../src/oci/index.ts'

const MIB = 1024 * 1024

function manifest(n: number, padding: number): { descriptor: Descriptor; bytes: Buffer } {
  const empty = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestOf(Buffer.from('{}')), size: 2 }
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: empty,
      layers: [{ mediaType: 'application/octet-stream', digest: digestOf(Buffer.from(`${n}`)), size: n }],
      annotations: { padding: 'x'.repeat(padding) },
    }),
  )
  return { descriptor: { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length }, bytes }
}

describe('content/parsed-manifests', () => {
  it('parses again what it no longer keeps', () => {
    const graph = new Graph('a/b')
    // Eight times as much as stays parsed.
    const all = Array.from({ length: 32 }, (_, n) => manifest(n, MIB))
    for (const { descriptor, bytes } of all) graph.add(descriptor, bytes, 'bundle')
    for (let round = 0; round < 2; round++) {
      for (const [n, { descriptor }] of all.entries()) {
        const node = graph.nodes.get(descriptor.digest) ?? assert.fail()
        assert.deepEqual(
          node.manifest.layers.map(({ size }) => size),
          [n],
        )
        assert.equal(node.manifest.kind, 'image')
      }
    }
  })

  it('gives one object for a manifest that is looked at again and again', () => {
    const graph = new Graph('a/b')
    const { descriptor, bytes } = manifest(1, 10)
    const node = graph.add(descriptor, bytes, 'bundle')
    assert.equal(node.manifest, node.manifest)
  })

  it('refuses a manifest that is none when it is added, not later', () => {
    const bytes = Buffer.from('{"schemaVersion":1}')
    const descriptor = { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length }
    assert.throws(() => new Graph('a/b').add(descriptor, bytes, 'bundle'), { code: 'MANIFEST_MALFORMED' })
  })
})
