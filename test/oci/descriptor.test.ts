import assert from 'node:assert/strict'
import type { Json, JsonObject } from '../../src/codec/index.ts'
import { isFault } from '../../src/errors/index.ts'
import { descriptorJson, OCI_MANIFEST, parseDescriptor, platformText } from '../../src/oci/index.ts'

const digest = `sha256:${'a'.repeat(64)}`
const BASE: JsonObject = { mediaType: OCI_MANIFEST, digest, size: 7 }
const parse = (value: Json | undefined) => parseDescriptor(value, 'bundle', 'the subject')
const changed = (change: JsonObject): JsonObject => ({ ...BASE, ...change })

const TYPES_REFUSED: readonly Json[] = [
  ['', 'a', 'a/', '/b', 'a/b/c', 'a b/c', 'a/b c', 'a/b;v=1', 'a/b, c/d', '.a/b', 'a/.b', '+a/b', 'a/b\n', 'a\u0000/b'],
  ['text/html; charset=utf-8', 'ä/b', `${'a'.repeat(128)}/b`, `a/${'b'.repeat(128)}`, 'a/b\u202e', '*/*', 'a/*'],
  [null, 7, true, [], {}, [OCI_MANIFEST]],
].flat()

/** O2: each of these would move all offsets behind it, or stand for bytes that no one counts. */
const SIZES_REFUSED: readonly Json[] = [
  -1,
  0.5,
  1e-7,
  2 ** 53,
  2 ** 63,
  -(2 ** 53),
  Number.NaN,
  Infinity,
  '7',
  '',
  null,
  true,
  [],
  [7],
  {},
]

describe('oci/descriptor', () => {
  it('gives back what it says, and writes it in the order of the spec', () => {
    const full = changed({
      artifactType: 'application/x',
      platform: { os: 'linux', architecture: 'arm64', variant: 'v8', 'os.version': '10.0' },
      urls: ['https://elsewhere.example/layer'],
      annotations: { b: '1', a: '\u202e', __x: '' },
    })
    assert.deepEqual(parse(full), full)
    assert.deepEqual(descriptorJson(parse(full)), full)
    assert.deepEqual(
      Object.keys(descriptorJson(parse(full))),
      'mediaType digest size artifactType platform urls annotations'.split(' '),
    )
    assert.deepEqual(descriptorJson(parse(BASE)), BASE)
  })

  it('leaves out what is empty, and what no reader of ours needs', () => {
    const padded = changed({
      artifactType: '',
      platform: null,
      urls: [],
      annotations: null,
      data: 'eA==',
      extra: { a: 1 },
    })
    assert.deepEqual(parse(padded), BASE)
    assert.deepEqual(parse(changed({ urls: null })), BASE)
    assert.deepEqual(parse(changed({ platform: { os: '', variant: '' } })).platform, { os: '', architecture: '' })
  })

  it('takes sizes from nothing to the last whole number', () => {
    for (const size of [0, 1, 2 ** 33, Number.MAX_SAFE_INTEGER]) assert.equal(parse(changed({ size })).size, size)
  })

  const refused = (code: 'DESCRIPTOR_MALFORMED' | 'DIGEST_MALFORMED', value: Json | undefined): void =>
    assert.throws(
      () => parse(value),
      (error) => isFault(error, code) && error.side === 'bundle' && error.subject === 'the subject',
    )

  for (const size of SIZES_REFUSED)
    it(`refuses the size ${typeof size === 'number' ? size : JSON.stringify(size)}`, () =>
      refused('DESCRIPTOR_MALFORMED', changed({ size })))

  for (const mediaType of TYPES_REFUSED)
    it(`refuses the media type ${JSON.stringify(mediaType).slice(0, 60)}`, () =>
      refused('DESCRIPTOR_MALFORMED', changed({ mediaType })))

  for (const bad of [null, 7, 'a', 'sha1:00', `sha256:${'A'.repeat(64)}`, [digest]])
    it(`refuses the digest ${JSON.stringify(bad).slice(0, 40)}`, () =>
      refused('DIGEST_MALFORMED', changed({ digest: bad })))

  const SHAPES: Record<string, Json | undefined> = {
    'no descriptor': undefined,
    null: null,
    'a text': digest,
    'a list': [BASE],
    'no size': { mediaType: OCI_MANIFEST, digest },
    'no media type': { digest, size: 7 },
    'an artifact type that is none': changed({ artifactType: 'x' }),
    'an artifact type that is no text': changed({ artifactType: null }),
    'annotations as a list': changed({ annotations: ['a'] }),
    'annotations as a text': changed({ annotations: 'a' }),
    'an annotation that is a number': changed({ annotations: { a: 1 } }),
    'an annotation that is null': changed({ annotations: { a: null } }),
    'urls as a text': changed({ urls: 'https://a.example' }),
    'urls with a number': changed({ urls: ['https://a.example', 1] }),
    'a platform as a text': changed({ platform: 'linux/amd64' }),
    'a platform as a list': changed({ platform: [] }),
    'a platform with an os of numbers': changed({ platform: { os: 1, architecture: 'amd64' } }),
    'a platform with a variant of null': changed({ platform: { os: 'linux', architecture: 'arm', variant: null } }),
  }
  for (const [what, value] of Object.entries(SHAPES))
    it(`refuses ${what}`, () => refused('DESCRIPTOR_MALFORMED', value))

  it('names a platform as people write it', () => {
    assert.equal(platformText({ os: 'linux', architecture: 'arm64', variant: 'v8' }), 'linux/arm64/v8')
    assert.equal(platformText({ os: 'linux', architecture: 'amd64', 'os.version': '10' }), 'linux/amd64')
    assert.equal(platformText({ os: '', architecture: '' }), '')
  })
})
