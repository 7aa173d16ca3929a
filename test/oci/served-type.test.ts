import assert from 'node:assert/strict'
import type { JsonObject } from '../../src/codec/index.ts'
import { isFault, type Code } from '../../src/errors/index.ts'
import { DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, servedType } from '../../src/oci/index.ts'

const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: `sha256:${'c'.repeat(64)}`, size: 2 }
const IMAGE: JsonObject = { schemaVersion: 2, config, layers: [] }
const INDEX: JsonObject = { schemaVersion: 2, manifests: [] }
const SCHEMA1 = ['json', 'prettyjws'].map((form) => `application/vnd.docker.distribution.manifest.v1+${form}`)
const OTHER = 'application/vnd.example.unknown.v9+json'
const GENERIC = [
  'application/json',
  'text/json',
  'text/plain',
  'application/octet-stream',
  'binary/octet-stream',
  'Application/JSON',
]

const typeOf = (body: JsonObject | string, served: string): string | undefined =>
  servedType(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), served, 'source', 'it')

function refused(code: Code, body: JsonObject | string, served: string): void {
  assert.throws(
    () => typeOf(body, served),
    (error) => isFault(error, code) && error.side === 'source' && error.subject === 'it',
    `${code} for ${JSON.stringify(body)} as ${served}`,
  )
}

describe('oci/served-type', () => {
  it('believes a type that says what it is, whatever the body says', () => {
    for (const type of [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST, ...SCHEMA1])
      for (const body of [IMAGE, INDEX, { ...IMAGE, mediaType: OCI_INDEX }, 'no JSON'])
        assert.equal(typeOf(body, type), type)
  })

  for (const served of GENERIC) {
    it(`takes under ${served} the type that the body gives itself`, () => {
      for (const mediaType of [OCI_MANIFEST, DOCKER_MANIFEST])
        assert.equal(typeOf({ ...IMAGE, mediaType }, served), mediaType)
      for (const mediaType of [OCI_INDEX, DOCKER_LIST]) assert.equal(typeOf({ ...INDEX, mediaType }, served), mediaType)
    })

    it(`tells under ${served} by its members what leaves the type out`, () => {
      assert.equal(typeOf(IMAGE, served), OCI_MANIFEST)
      assert.equal(typeOf({ schemaVersion: 2, layers: [] }, served), OCI_MANIFEST)
      assert.equal(typeOf(` \n\t${JSON.stringify(INDEX)}`, served), OCI_INDEX)
      assert.equal(typeOf({ ...INDEX, mediaType: 'text/plain' }, served), OCI_INDEX)
    })

    it(`refuses under ${served} what two readers take for two things`, () => {
      refused('MANIFEST_AMBIGUOUS', { ...IMAGE, ...INDEX }, served)
      refused('MANIFEST_AMBIGUOUS', { ...INDEX, layers: [] }, served)
      refused('MANIFEST_AMBIGUOUS', { schemaVersion: 2, Config: config, Layers: [] }, served)
      refused('MANIFEST_AMBIGUOUS', { ...IMAGE, MediaType: OCI_INDEX }, served)
      refused('JSON_MALFORMED', `{"mediaType":"${OTHER}","mediaType":"${OCI_MANIFEST}"}`, served)
      refused('JSON_MALFORMED', JSON.stringify(IMAGE).slice(0, -1), served)
    })

    it(`refuses schema 1 under ${served}`, () => {
      for (const mediaType of SCHEMA1) refused('SCHEMA1_REFUSED', { schemaVersion: 1, mediaType }, served)
      refused('SCHEMA1_REFUSED', { schemaVersion: 1, name: 'a', fsLayers: [], history: [], signatures: [] }, served)
      refused('SCHEMA1_REFUSED', { schemaVersion: 2, fsLayers: [] }, served)
    })

    it(`leaves under ${served} what gives itself another type as it came, unless it has the members of a manifest`, () => {
      for (const mediaType of [OTHER, 'nonsense']) {
        assert.equal(typeOf({ schemaVersion: 2, blobs: [], mediaType }, served), served)
        for (const body of [IMAGE, INDEX]) refused('MANIFEST_AMBIGUOUS', { ...body, mediaType }, served)
      }
    })

    it(`takes under ${served} an empty type for none, and refuses one that only loose readers know`, () => {
      assert.equal(typeOf({ ...IMAGE, mediaType: '' }, served), OCI_MANIFEST)
      for (const mediaType of [`${OCI_MANIFEST} `, OCI_INDEX.toUpperCase(), 'Application/JSON'])
        refused('MANIFEST_AMBIGUOUS', { mediaType }, served)
    })

    it(`tells under ${served} of no manifest where neither speaks of one`, () => {
      for (const body of ['', 'not found', '[]', '"x"', '{}', '{"error":"maintenance"}', '<html></html>'])
        assert.equal(typeOf(body, served), undefined)
      for (const schemaVersion of ['2', 3, null]) assert.equal(typeOf({ schemaVersion, config }, served), undefined)
    })
  }

  it('leaves a type that nobody knows as it is, but for a body that gives itself one that all know', () => {
    for (const body of [IMAGE, INDEX, { mediaType: OTHER }, 'no JSON', '{"a":1,"a":2}', ''])
      assert.equal(typeOf(body, OTHER), OTHER)
    for (const mediaType of [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST, ...SCHEMA1, `${OCI_INDEX} `])
      refused('MANIFEST_AMBIGUOUS', { mediaType }, OTHER)
  })
})
