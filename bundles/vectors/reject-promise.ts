/** `reject/`: promises that a trusted exporter signed and that do not hold (FORMAT "transfer.json", "Sums", "Census"). */
import type { JsonObject } from '../../src/codec/index.ts'
import type { Code } from '../../src/errors/index.ts'
import { DescriptorTable, digestOf, OCI_MANIFEST } from '../../src/oci/index.ts'
import { solo } from './channels.ts'
import { AMD64, Goods, OCI_LAYER, oneImage, type Shelf } from './goods.ts'
import { pack, type Forgery } from './pack.ts'
import type { RejectVector } from './vector.ts'

const TRANSFER = '^transfer\\.json$'
const SUMS = '^SHA256SUMS'

function row(code: Code, reason: string, subject: string, forgery: Forgery, goods: Goods = oneImage()): RejectVector {
  return { code, reason, subject, tar: pack(solo, 1, goods, forgery).tar, pinned: solo, next: 'sequence-9-after-7' }
}

const text = (edit: (text: string) => string) => (bytes: Buffer) => Buffer.from(edit(bytes.toString()))
const first = (document: JsonObject): JsonObject => (document['repositories'] as JsonObject[])[0] ?? {}
const counts = (document: JsonObject): JsonObject => document['counts'] as JsonObject
const spdx = 'application/spdx+json'

function withReferrer(shelf: Shelf): void {
  const image = shelf.image('one')
  shelf.tag('1.0', image)
  shelf.refer(image, shelf.manifest({ artifactType: spdx, layers: [shelf.blob(spdx, '{}')], subject: image }), spdx)
}

function formats(): RejectVector[] {
  return [
    row('FORMAT_UNSUPPORTED', 'version-2', '^sallyport/2$', {
      transfer: (document) => void Object.assign(document, { format: 'sallyport/2', novel: true }),
    }),
    row('FEATURE_UNKNOWN', 'volumes', '^volumes$', {
      transfer: (document) => void (document['requires'] = ['volumes']),
    }),
    row('JSON_MALFORMED', 'transfer-member-twice', TRANSFER, {
      bytes: { 'transfer.json': text((json) => json.replace('"omitted":', '"omitted":[],"omitted":')) },
    }),
    row('JSON_MALFORMED', 'index-byte-order-mark', '^index\\.json$', {
      bytes: { 'index.json': text((json) => `\ufeff${json}`) },
    }),
    row('LAYOUT_MALFORMED', 'index-without-manifests', '^index\\.json$', {
      index: (document) => void delete document['manifests'],
    }),
    row('TRANSFER_MALFORMED', 'further-member', TRANSFER, { transfer: (document) => void (document['novel'] = true) }),
    row('TRANSFER_MALFORMED', 'not-canonical', TRANSFER, {
      bytes: { 'transfer.json': text((json) => json.replace(',', ', ')) },
    }),
    row('TRANSFER_MALFORMED', 'no-audience', TRANSFER, { transfer: (document) => void (document['audience'] = []) }),
    row('TRANSFER_MALFORMED', 'tag-with-slash', TRANSFER, {
      transfer: (document) => void (first(document)['bindings'] = { '../1.0': digestOf(Buffer.alloc(0)) }),
    }),
    row('TRANSFER_MALFORMED', 'repository-twice', TRANSFER, {
      transfer: (document) => void (document['repositories'] = [first(document), first(document)]),
    }),
    row('TRANSFER_MALFORMED', 'removed-and-bound', TRANSFER, {
      transfer: (document) => void (first(document)['removed'] = ['0.9', '1.0']),
    }),
    row('TRANSFER_MALFORMED', 'removed-twice', TRANSFER, {
      transfer: (document) => void (first(document)['removed'] = ['0.9', '0.9']),
    }),
    row('SUMS_MALFORMED', 'upper-case', SUMS, {
      bytes: { SHA256SUMS: text((sums) => sums.replace(/^[0-9a-f]+/, (hex) => hex.toUpperCase())) },
    }),
    row('SUMS_MALFORMED', 'line-twice', SUMS, {
      bytes: { SHA256SUMS: text((sums) => sums.replace(/[^\n]+\n$/, (line) => line + line)) },
    }),
    row('SUMS_MALFORMED', 'name-of-another-digest', SUMS, {
      bytes: { SHA256SUMS: text((sums) => sums.replace(/..\n$/, '00\n')) },
    }),
    row('SUMS_MALFORMED', 'carriage-return', SUMS, {
      bytes: { SHA256SUMS: text((sums) => sums.replaceAll('\n', '\r\n')) },
    }),
    row('SUMS_MALFORMED', 'empty-sha512sums', '^SHA512SUMS', { bytes: { SHA512SUMS: () => Buffer.alloc(0) } }),
  ]
}

function census(): RejectVector[] {
  const stowaway = Buffer.from('nobody names this')
  const layer = { mediaType: OCI_LAYER, digest: digestOf(stowaway), size: stowaway.length }
  const withStowaway = oneImage()
  withStowaway.blobs.set(layer.digest, stowaway)
  const { mediaType, digest, size } = new Goods().shelf('registry.example/x').layer('one')
  const plain = { mediaType, digest, size }
  const referrer = oneImage(withReferrer)
  const two = oneImage((shelf) => {
    shelf.tag('1.0', shelf.image('one'))
    shelf.tag('2.0', shelf.image('two', AMD64))
  })
  return [
    row('CENSUS_MISMATCH', 'further-target', '^extra\\.json$', {
      head: {},
      targets: { 'extra.json': Buffer.alloc(3) },
    }),
    row('CENSUS_MISMATCH', 'index-is-no-target', '^index\\.json$', { head: {}, targets: { 'index.json': null } }),
    row(
      'CENSUS_MISMATCH',
      'stowaway-in-payload',
      '^(transfer\\.json|SHA256SUMS)$',
      { content: (content) => void content.payload.add(layer) },
      withStowaway,
    ),
    row('CENSUS_MISMATCH', 'layer-missing', '^(transfer\\.json|SHA256SUMS)$', {
      content: (content) => void (content.payload = DescriptorTable.of([...content.payload].slice(0, -1))),
    }),
    row('CENSUS_MISMATCH', 'law-and-payload-in-another-order', SUMS, {
      content: (content) => void (content.payload = DescriptorTable.of([...content.payload].toReversed())),
    }),
    row('CENSUS_MISMATCH', 'count-of-law', TRANSFER, {
      transfer: (document) => void ((counts(document)['law'] as JsonObject)['sha256'] = 2),
    }),
    row('CENSUS_MISMATCH', 'count-of-manifests', TRANSFER, {
      transfer: (document) => void (counts(document)['manifests'] = 7),
    }),
    row('CENSUS_MISMATCH', 'count-of-bytes', TRANSFER, {
      transfer: (document) => void (counts(document)['bytes'] = 7),
    }),
    row('CENSUS_MISMATCH', 'prerequisite', TRANSFER, {
      transfer: (document) => void (document['prerequisites'] = [layer.digest]),
    }),
    row(
      'CENSUS_MISMATCH',
      'unlisted-referrer',
      '^(transfer\\.json|SHA256SUMS)$',
      { transfer: (document) => void (first(document)['referrers'] = []) },
      referrer,
    ),
    row('CENSUS_MISMATCH', 'referrer-without-subject', 'team/app@sha256:', {
      transfer: (document) =>
        void (first(document)['referrers'] = [
          Object.values(first(document)['bindings'] as Record<string, string>)[0] ?? '',
        ]),
    }),
    row('CENSUS_MISMATCH', 'tag-in-no-index', 'team/app@sha256:', {
      index: (document) => void (document['manifests'] = []),
    }),
    row(
      'CENSUS_MISMATCH',
      'index-names-a-further-tag',
      '^(index\\.json|SHA256SUMS)$',
      {
        transfer: (document) => {
          delete (first(document)['bindings'] as JsonObject)['2.0']
          first(document)['untagged'] = [...(two.shelves[0]?.bindings.values() ?? [])]
            .slice(1)
            .map(({ digest }) => digest)
        },
      },
      two,
    ),
    row('MANIFEST_MISSING', 'tag-of-a-layer', 'team/app@sha256:', {
      transfer: (document) => void ((first(document)['bindings'] as JsonObject)['2.0'] = plain.digest),
      index: (document) => void (document['manifests'] as JsonObject[]).push({ ...plain, mediaType: OCI_MANIFEST }),
    }),
    row('CENSUS_MISMATCH', 'omission-invented', '^(transfer\\.json|SHA256SUMS)$', {
      transfer: (document) =>
        void (document['omitted'] = [
          {
            repository: 'registry.example/team/app',
            digest: layer.digest,
            mediaType: OCI_LAYER,
            size: 5,
            of: Object.values(first(document)['bindings'] as Record<string, string>)[0] ?? '',
            why: 'platform',
          },
        ]),
    }),
  ]
}

export function promiseRejects(): RejectVector[] {
  return [...formats(), ...census()]
}
