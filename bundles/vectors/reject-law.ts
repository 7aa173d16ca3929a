/** `reject/`: manifests that a trusted exporter signed and that two readers could take for different things (O1 to O10). */
import type { Code } from '../../src/errors/index.ts'
import {
  descriptorJson,
  digestOf,
  OCI_EMPTY,
  OCI_INDEX,
  OCI_MANIFEST,
  type Descriptor,
  type Manifest,
} from '../../src/oci/index.ts'
import { solo } from './channels.ts'
import { AMD64, oneImage, OCI_LAYER, type Shelf } from './goods.ts'
import { pack } from './pack.ts'
import type { RejectVector } from './vector.ts'

const MANIFEST = '(team/app@)?sha256:[0-9a-f]{64}'

function row(code: Code, reason: string, fill: (shelf: Shelf) => void, subject = MANIFEST): RejectVector {
  return { code, reason, subject, tar: pack(solo, 1, oneImage(fill)).tar, pinned: solo, next: 'sequence-9-after-7' }
}

/** An image manifest with its members overwritten; it stands in the graph as if it were honest. */
export function image(
  shelf: Shelf,
  change: Record<string, unknown>,
  mediaType = OCI_MANIFEST,
  reading: Partial<Manifest> = {},
): Descriptor {
  const config = shelf.config(AMD64)
  const layers = [shelf.layer('one')]
  const document = {
    schemaVersion: 2,
    mediaType,
    config: descriptorJson(config),
    layers: layers.map(descriptorJson),
    ...change,
  }
  return shelf.raw(mediaType, JSON.stringify(document), { config, layers, ...reading })
}

const tagged = (change: Record<string, unknown>) => (shelf: Shelf) => shelf.tag('1.0', image(shelf, change))

/** An index with its members overwritten, in the same way. */
export function indexed(shelf: Shelf, change: Record<string, unknown>, mediaType = OCI_INDEX): void {
  const child = shelf.image('child')
  const document = { schemaVersion: 2, mediaType, manifests: [descriptorJson(child)], ...change }
  shelf.tag('1.0', shelf.raw(mediaType, JSON.stringify(document), { kind: 'index', manifests: [child] }))
}

function deep(shelf: Shelf): void {
  let below = shelf.image('bottom')
  for (let level = 1; level <= 34; level++) {
    const text = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [descriptorJson(below)] })
    // The exporter's own walk would refuse this depth: in its graph the chain is cut in the middle.
    const cut = level === 17
    if (cut) shelf.tag('half', below)
    below = shelf.raw(OCI_INDEX, text, { kind: 'index', manifests: cut ? [] : [below] })
  }
  shelf.tag('top', below)
}

export function lawRejects(): RejectVector[] {
  const empty = { mediaType: OCI_EMPTY, digest: digestOf(Buffer.from('{}')), size: 2 }
  const layer = (change: object): Record<string, unknown> => ({
    layers: [{ mediaType: OCI_LAYER, digest: `sha256:${'ab'.repeat(32)}`, size: 5, ...change }],
  })
  return [
    row('MANIFEST_AMBIGUOUS', 'image-with-manifests', tagged({ manifests: [] })),
    row('MANIFEST_AMBIGUOUS', 'image-calls-itself-index', tagged({ mediaType: OCI_INDEX })),
    row('MANIFEST_AMBIGUOUS', 'image-with-fslayers', tagged({ fsLayers: [] })),
    row('MANIFEST_AMBIGUOUS', 'index-with-layers', (shelf) => indexed(shelf, { layers: [] })),
    row('MANIFEST_AMBIGUOUS', 'index-with-config', (shelf) => indexed(shelf, { config: empty })),
    row('MANIFEST_MALFORMED', 'schema-version-1', tagged({ schemaVersion: 1 })),
    row('MANIFEST_MALFORMED', 'layers-no-list', tagged({ layers: {} })),
    row('MANIFEST_MALFORMED', 'index-without-manifests', (shelf) => indexed(shelf, { manifests: undefined })),
    row('SCHEMA1_REFUSED', 'signed-schema-1', (shelf) => {
      const type = 'application/vnd.docker.distribution.manifest.v1+prettyjws'
      shelf.tag('1.0', shelf.raw(type, '{"schemaVersion":1}'))
    }),
    row('JSON_MALFORMED', 'manifest-member-twice', (shelf) => {
      const config = shelf.config(AMD64)
      const text = JSON.stringify({ schemaVersion: 2, config: descriptorJson(config), layers: [] })
      shelf.tag('1.0', shelf.raw(OCI_MANIFEST, text.replace('"layers"', '"layers":[],"layers"'), { config }))
    }),
    row('DESCRIPTOR_MALFORMED', 'negative-size', tagged(layer({ size: -1 }))),
    row('DESCRIPTOR_MALFORMED', 'media-type-with-escape', tagged(layer({ mediaType: 'application/\u001b[2J' }))),
    row('DESCRIPTOR_MALFORMED', 'one-digest-two-sizes', (shelf) => {
      const one = shelf.layer('one')
      shelf.tag('1.0', image(shelf, { layers: [one, { ...one, size: one.size + 1 }] }))
    }),
    row('DIGEST_MALFORMED', 'sha1', tagged(layer({ digest: `sha1:${'ab'.repeat(20)}` }))),
    row('DIGEST_MALFORMED', 'upper-case', tagged(layer({ digest: `sha256:${'AB'.repeat(32)}` }))),
    row('DIGEST_MALFORMED', 'short', tagged(layer({ digest: `sha256:${'ab'.repeat(31)}` }))),
    row('CENSUS_MISMATCH', 'layer-nobody-carries', tagged(layer({})), '^(transfer\\.json|SHA256SUMS)$'),
    row(
      'CENSUS_MISMATCH',
      'child-dropped-silently',
      (shelf) => {
        const child = shelf.image('child')
        const gone = { ...child, digest: digestOf(Buffer.from('gone')) }
        const document = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [child, gone].map(descriptorJson) }
        shelf.tag('1.0', shelf.raw(OCI_INDEX, JSON.stringify(document), { kind: 'index', manifests: [child] }))
      },
      '^(transfer\\.json|SHA256SUMS)$',
    ),
    row('SIZE_MISMATCH', 'manifest-longer-than-the-index-says', (shelf) => {
      const one = shelf.image('one')
      shelf.tag('1.0', { ...one, size: one.size - 1 })
    }),
    row('SIZE_MISMATCH', 'envelope-longer-than-its-descriptor', (shelf) => {
      const envelope = shelf.blob('application/jose+json', '{"payload":"twelve bytes and more"}')
      shelf.tag(
        '1.0',
        shelf.manifest({ artifactType: 'application/vnd.cncf.notary.signature', layers: [{ ...envelope, size: 5 }] }),
      )
    }),
    row('GRAPH_TOO_DEEP', 'thirty-four-indexes', deep),
  ]
}
