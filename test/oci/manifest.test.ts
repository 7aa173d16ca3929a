import assert from 'node:assert/strict'
import type { Json, JsonObject } from '../../src/codec/index.ts'
import { isFault, type Code } from '../../src/errors/index.ts'
import {
  blobsOf,
  DOCKER_LIST,
  DOCKER_MANIFEST,
  OCI_EMPTY,
  OCI_INDEX,
  OCI_MANIFEST,
  parseManifest,
} from '../../src/oci/index.ts'

const hex = (digit: string): string => `sha256:${digit.repeat(64)}`
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: hex('c'), size: 2 }
const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: hex('1'), size: 512 }
const child = { mediaType: OCI_MANIFEST, digest: hex('d'), size: 300 }

const IMAGE: JsonObject = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer] }
const INDEX: JsonObject = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [child] }
const IMAGES = [OCI_MANIFEST, DOCKER_MANIFEST]
const INDEXES = [OCI_INDEX, DOCKER_LIST]
const SCHEMA1 = ['json', 'prettyjws'].map((form) => `application/vnd.docker.distribution.manifest.v1+${form}`)

const bytesOf = (document: Json): Buffer => Buffer.from(JSON.stringify(document))
const parse = (document: Json, mediaType: string) =>
  parseManifest(bytesOf(document), mediaType, 'source', 'the subject')

function refused(code: Code, document: Json, mediaType: string): void {
  assert.throws(
    () => parse(document, mediaType),
    (error) => isFault(error, code) && error.side === 'source' && (error.subject ?? '').startsWith('the subject'),
  )
}

describe('oci/manifest', () => {
  it('reads an image: what it is, what it refers to, and its blobs in the order of need', () => {
    const subject = { mediaType: OCI_MANIFEST, digest: hex('5'), size: 9 }
    const said = {
      mediaType: OCI_MANIFEST,
      config,
      layers: [layer, config],
      artifactType: 'application/x',
      subject,
      annotations: { a: 'b' },
    }
    const manifest = parse({ ...IMAGE, ...said }, OCI_MANIFEST)
    assert.deepEqual(manifest, { ...said, kind: 'image', manifests: [] })
    assert.deepEqual(blobsOf(manifest), [config, layer, config])
  })

  it('reads an index, its children in order, twice the same too', () => {
    const other = { ...child, digest: hex('e'), platform: { os: 'linux', architecture: 'arm64' } }
    for (const mediaType of INDEXES) {
      const manifest = parse({ ...INDEX, mediaType, manifests: [other, child, other] }, mediaType)
      assert.deepEqual([manifest.kind, manifest.manifests, manifest.layers], ['index', [other, child, other], []])
      assert.deepEqual(blobsOf(manifest), [])
    }
  })

  it('takes the config for the artifact type where none is named', () => {
    for (const artifactType of [undefined, ''])
      assert.equal(
        parse({ ...IMAGE, ...(artifactType === undefined ? {} : { artifactType }) }, OCI_MANIFEST).artifactType,
        config.mediaType,
      )
    assert.equal(parse({ ...IMAGE, config: { ...config, mediaType: OCI_EMPTY } }, OCI_MANIFEST).artifactType, OCI_EMPTY)
    assert.equal(parse(INDEX, OCI_INDEX).artifactType, undefined)
  })

  it('reads what leaves out all that it may', () => {
    const { mediaType: _, ...untyped } = IMAGE
    for (const type of IMAGES) assert.equal(parse(untyped, type).mediaType, type)
    for (const layers of [undefined, null, []]) {
      const bare: JsonObject = { schemaVersion: 2, config, ...(layers === undefined ? {} : { layers }) }
      assert.deepEqual(blobsOf(parse(bare, OCI_MANIFEST)), [config])
    }
    assert.equal(parse({ ...IMAGE, subject: null, annotations: null }, OCI_MANIFEST).subject, undefined)
  })

  it('keeps what it does not know whole and closed, whatever its bytes are', () => {
    for (const type of ['application/vnd.oci.image.manifest.v3+json', 'application/x', '', `${OCI_MANIFEST};a=b`])
      for (const bytes of [bytesOf(IMAGE), Buffer.from('{{{'), Buffer.alloc(0)]) {
        const manifest = parseManifest(bytes, type, 'source', 'x')
        assert.deepEqual([manifest.kind, blobsOf(manifest), manifest.manifests], ['opaque', [], []])
      }
  })

  it('refuses Docker schema 1, before a byte of it is looked at', () => {
    for (const type of SCHEMA1)
      for (const bytes of [bytesOf(IMAGE), Buffer.from('{{{')])
        assert.throws(() => parseManifest(bytes, type, 'target', 'x'), { code: 'SCHEMA1_REFUSED', side: 'target' })
  })

  /** O1 (CVE-2021-41190): one client runs these bytes as an image, another as an index. */
  const HYBRIDS: [base: JsonObject, types: string[], changes: JsonObject[]][] = [
    [
      { schemaVersion: 2, config, layers: [layer] },
      IMAGES,
      [[], null, [child], {}, 'x', 0, false].map((manifests) => ({ manifests })),
    ],
    [
      { schemaVersion: 2, manifests: [child] },
      INDEXES,
      [
        ...[[], null, [layer], {}, 'x', 0].map((layers) => ({ layers })),
        ...[config, null, {}, [], 'x', false].map((value) => ({ config: value })),
      ],
    ],
    [{ schemaVersion: 2, config, layers: [layer] }, IMAGES, [{ fsLayers: [] }, { fsLayers: [{ blobSum: hex('a') }] }]],
    [{ schemaVersion: 2, manifests: [child] }, INDEXES, [{ fsLayers: [] }, { fsLayers: null }]],
  ]
  for (const [base, types, changes] of HYBRIDS)
    for (const type of types)
      for (const change of changes)
        it(`refuses ${type} with ${JSON.stringify(change).slice(0, 60)}`, () => {
          parse(base, type)
          refused('MANIFEST_AMBIGUOUS', { ...base, ...change }, type)
          // Where the hybrid names its own type, that makes it no better.
          refused('MANIFEST_AMBIGUOUS', { ...base, ...change, mediaType: type }, type)
        })

  for (const type of [...IMAGES, ...INDEXES])
    for (const own of [...IMAGES, ...INDEXES, ...SCHEMA1, '', null, 7, [type], `${type} `, type.toUpperCase()])
      if (own !== type)
        it(`refuses ${type} that calls itself ${JSON.stringify(own)}`, () =>
          refused('MANIFEST_AMBIGUOUS', { ...(INDEXES.includes(type) ? INDEX : IMAGE), mediaType: own }, type))

  /** Go's readers match members without regard to case, by Unicode's folding, and take the last of two. */
  const TWINS: [JsonObject, string, JsonObject][] = [
    [IMAGE, OCI_MANIFEST, { Layers: [child] }],
    [IMAGE, OCI_MANIFEST, { layerſ: [child] }],
    [IMAGE, OCI_MANIFEST, { CONFIG: config }],
    [IMAGE, OCI_MANIFEST, { Manifests: [child] }],
    [IMAGE, OCI_MANIFEST, { MediaType: OCI_INDEX }],
    [IMAGE, OCI_MANIFEST, { mediatype: OCI_MANIFEST }],
    [IMAGE, OCI_MANIFEST, { Subject: child }],
    [IMAGE, OCI_MANIFEST, { artifacttype: 'application/x' }],
    [IMAGE, OCI_MANIFEST, { SchemaVersion: 1 }],
    [IMAGE, OCI_MANIFEST, { FSLayers: [] }],
    [IMAGE, OCI_MANIFEST, { Annotations: {} }],
    [INDEX, OCI_INDEX, { Manifests: [] }],
    [INDEX, OCI_INDEX, { manifestſ: [] }],
    [INDEX, OCI_INDEX, { Layers: [] }],
    [INDEX, OCI_INDEX, { CONFIG: config }],
    [IMAGE, OCI_MANIFEST, { config: { ...config, Digest: hex('e') } }],
    [IMAGE, OCI_MANIFEST, { config: { ...config, SIZE: 3 } }],
    [IMAGE, OCI_MANIFEST, { config: { ...config, mediatype: OCI_EMPTY } }],
    [IMAGE, OCI_MANIFEST, { layers: [{ ...layer, Urls: ['https://canary.example'] }] }],
    [IMAGE, OCI_MANIFEST, { subject: { ...child, digeſt: hex('e') } }],
    [INDEX, OCI_INDEX, { manifests: [{ ...child, Platform: { os: 'linux' } }] }],
    [INDEX, OCI_INDEX, { manifests: [{ ...child, platform: { os: 'linux', OS: 'windows', architecture: 'arm' } }] }],
  ]
  for (const [base, type, change] of TWINS)
    it(`refuses a member that another reader takes for another one: ${JSON.stringify(change).slice(0, 80)}`, () => {
      parse(base, type)
      assert.throws(
        () => parse({ ...base, ...change }, type),
        (error) => isFault(error, 'MANIFEST_AMBIGUOUS', 'DESCRIPTOR_MALFORMED'),
      )
    })

  it('takes members that only look like one of ours, and any name among annotations', () => {
    parse({ ...IMAGE, layer: [child], manifest: [child], 'layers ': 1, Comment: 'x' }, OCI_MANIFEST)
    parse({ ...IMAGE, annotations: { Layers: '', layers: '', Digest: '' } }, OCI_MANIFEST)
    parse({ ...IMAGE, config: { ...config, data: 'e30=', extra: 1 } }, OCI_MANIFEST)
  })

  const SHAPES: [Code, string, string, JsonObject | Json][] = [
    ...[null, 7, 'x', true, [], [IMAGE]].map((value): [Code, string, string, Json] => [
      'MANIFEST_MALFORMED',
      JSON.stringify(value).slice(0, 20),
      OCI_MANIFEST,
      value,
    ]),
    ...[1, 3, '2', null, undefined, 2.5, [2]].map((schemaVersion): [Code, string, string, Json] => [
      'MANIFEST_MALFORMED',
      `schema version ${JSON.stringify(schemaVersion)}`,
      OCI_MANIFEST,
      { ...IMAGE, schemaVersion: schemaVersion as Json },
    ]),
    ...[null, {}, 'x', 0].map((manifests): [Code, string, string, Json] => [
      'MANIFEST_MALFORMED',
      `children ${JSON.stringify(manifests)}`,
      OCI_INDEX,
      { ...INDEX, manifests },
    ]),
    ['MANIFEST_MALFORMED', 'an index without children', OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX }],
    ['MANIFEST_MALFORMED', 'layers as an object', OCI_MANIFEST, { ...IMAGE, layers: {} }],
    ['DESCRIPTOR_MALFORMED', 'no config', OCI_MANIFEST, { schemaVersion: 2, layers: [] }],
    ['DESCRIPTOR_MALFORMED', 'a config of null', OCI_MANIFEST, { ...IMAGE, config: null }],
    ['DESCRIPTOR_MALFORMED', 'a layer of null', OCI_MANIFEST, { ...IMAGE, layers: [layer, null] }],
    ['DESCRIPTOR_MALFORMED', 'a layer of negative size', OCI_MANIFEST, { ...IMAGE, layers: [{ ...layer, size: -1 }] }],
    ['DIGEST_MALFORMED', 'a layer of sha1', OCI_MANIFEST, { ...IMAGE, layers: [{ ...layer, digest: 'sha1:0' }] }],
    ['DIGEST_MALFORMED', 'a child in upper case', OCI_INDEX, { ...INDEX, manifests: [{ ...child, digest: hex('D') }] }],
    ['DESCRIPTOR_MALFORMED', 'a subject that is a text', OCI_MANIFEST, { ...IMAGE, subject: hex('a') }],
    ['DESCRIPTOR_MALFORMED', 'annotations of numbers', OCI_MANIFEST, { ...IMAGE, annotations: { a: 1 } }],
    ['DESCRIPTOR_MALFORMED', 'an artifact type that is none', OCI_MANIFEST, { ...IMAGE, artifactType: 'none' }],
  ]
  for (const [code, what, type, document] of SHAPES) it(`refuses ${what}`, () => refused(code, document, type))

  it('refuses what is not strict JSON', () => {
    const text = JSON.stringify(IMAGE)
    for (const bad of [`${text} x`, `\ufeff${text}`, text.slice(0, -1), text.replace('{', '{"layers":[],'), ''])
      assert.throws(() => parseManifest(Buffer.from(bad), OCI_MANIFEST, 'source', 'x'), { code: 'JSON_MALFORMED' })
  })
})
