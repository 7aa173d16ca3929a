import assert from 'node:assert/strict'
import { Graph, orderArtifact } from '../../src/content/index.ts'
import { digestOf, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST, type Descriptor, type Digest } from '../../src/oci/index.ts'

const EMPTY = { mediaType: OCI_EMPTY, digest: digestOf(Buffer.from('{}')), size: 2 }

function add(graph: Graph, mediaType: string, members: object): Descriptor {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...members }))
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length }
  graph.add(descriptor, bytes, 'source')
  return descriptor
}

function image(graph: Graph, name: string, subject?: Descriptor): Descriptor {
  return add(graph, OCI_MANIFEST, { config: EMPTY, layers: [], annotations: { name }, ...(subject && { subject }) })
}

describe('content/order', () => {
  it('puts children before their index and referrers behind all manifests', () => {
    const graph = new Graph('registry.example/a')
    const child = image(graph, 'child')
    const root = add(graph, OCI_INDEX, { manifests: [child] })
    const sbom = image(graph, 'sbom', root)
    const signature = image(graph, 'signature', sbom)
    graph.listed.set(root.digest, [sbom])
    graph.listed.set(sbom.digest, [signature])
    const { manifests, companions } = orderArtifact(graph, root.digest, [], 'source')
    assert.deepEqual(manifests, [child.digest, root.digest])
    assert.deepEqual(companions, [sbom.digest, signature.digest])
  })

  it('keeps a child that refers to its sibling among the manifests, before their index', () => {
    const graph = new Graph('registry.example/a')
    const subject = image(graph, 'image')
    const attestation = image(graph, 'attestation', subject)
    const root = add(graph, OCI_INDEX, { manifests: [subject, attestation] })
    graph.listed.set(subject.digest, [attestation])
    const { manifests, companions } = orderArtifact(graph, root.digest, [], 'source')
    assert.deepEqual(manifests, [subject.digest, attestation.digest, root.digest])
    assert.deepEqual(companions, [])
  })

  it('names each digest once however often it is met', () => {
    const graph = new Graph('registry.example/a')
    const child = image(graph, 'child')
    const inner = add(graph, OCI_INDEX, { manifests: [child, child] })
    const root = add(graph, OCI_INDEX, { manifests: [child, inner] })
    graph.listed.set(child.digest, [inner])
    const { manifests, companions } = orderArtifact(graph, root.digest, [], 'source')
    assert.deepEqual(manifests, [child.digest, inner.digest, root.digest])
    assert.deepEqual(companions, [])
  })

  it('takes a referrer with more manifests than a call may have arguments', () => {
    const graph = new Graph('registry.example/a')
    const root = image(graph, 'image')
    const parts = Array.from({ length: 4 }, (_, part) =>
      add(graph, OCI_INDEX, { manifests: Array.from({ length: 35_000 }, (__, at) => image(graph, `${part} ${at}`)) }),
    )
    graph.listed.set(root.digest, [add(graph, OCI_INDEX, { manifests: parts, subject: root })])
    const { companions } = orderArtifact(graph, root.digest, [], 'source')
    assert.equal(companions.length, 4 * 35_000 + 4 + 1)
  })

  it('refuses nesting beyond its depth and a root that is not carried', () => {
    const graph = new Graph('registry.example/a')
    let root = image(graph, 'leaf')
    for (let depth = 0; depth < 40; depth++) root = add(graph, OCI_INDEX, { manifests: [root] })
    assert.throws(() => orderArtifact(graph, root.digest, [], 'bundle'), { code: 'GRAPH_TOO_DEEP' })
    const absent: Digest = digestOf(Buffer.from('absent'))
    assert.throws(() => orderArtifact(graph, absent, [], 'bundle'), { code: 'MANIFEST_MISSING' })
  })
})
