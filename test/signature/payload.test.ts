import assert from 'node:assert/strict'
import { readTarget, targetPayload } from '../../src/signature/payload.ts'
import { TARGET, refuses } from './envelope-fixture.ts'

const read = (value: unknown): unknown =>
  readTarget(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))
const target = (members: object): unknown => ({ targetArtifact: { ...TARGET, ...members } })

describe('signature/payload', () => {
  it('gives back the descriptor and the user metadata', () => {
    const metadata = { 'io.sallyport.origin': 'registry.example/app', b: '', a: 'ä "' }
    assert.deepEqual(readTarget(targetPayload(TARGET, metadata)), { ...TARGET, annotations: metadata })
    assert.deepEqual(readTarget(targetPayload(TARGET)), { ...TARGET, annotations: {} })
  })

  it('signs nothing of the descriptor but type, digest and size', () => {
    const rich = { ...TARGET, annotations: { x: 'y' }, urls: ['http://h/'], artifactType: 'a/b' }
    assert.deepEqual(targetPayload(rich), targetPayload(TARGET))
  })

  it('writes equal bytes whatever the order of the metadata', () => {
    assert.deepEqual(targetPayload(TARGET, { a: '1', b: '2' }), targetPayload(TARGET, { b: '2', a: '1' }))
  })

  it('refuses user metadata under the reserved prefix', () => {
    refuses('USAGE', () => targetPayload(TARGET, { 'io.cncf.notary.x': 'y' }))
  })

  it('reads the optional members of the specification', () => {
    assert.deepEqual(read(target({ artifactType: 'a/b' })), { ...TARGET, annotations: {} })
    assert.deepEqual(read(target({ digest: `sha512:${'a'.repeat(128)}` })), {
      ...TARGET,
      digest: `sha512:${'a'.repeat(128)}`,
      annotations: {},
    })
  })

  it('reads a media type with parameters, as a plain file may have, as it was signed', () => {
    const mediaType = 'text/plain;  charset=UTF-8'
    assert.deepEqual(read(target({ mediaType })), { ...TARGET, mediaType, annotations: {} })
  })

  const wrong: Readonly<Record<string, unknown>> = {
    'a media type with a parameter twice': target({ mediaType: 'text/plain; a=1; a=2' }),
    'a media type without a subtype': target({ mediaType: 'text; a=1' }),
    'no JSON': 'x',
    nothing: '',
    'an array': [target({})],
    'no target': {},
    'a null target': { targetArtifact: null },
    'a member beside the target': { targetArtifact: TARGET, extra: 1 },
    'a data member in the target': target({ data: 'e30=' }),
    'urls in the target': target({ urls: ['http://h/'] }),
    'a platform in the target': target({ platform: { os: 'linux', architecture: 'arm64' } }),
    'no media type': target({ mediaType: undefined }),
    'no digest': target({ digest: undefined }),
    'no size': target({ size: undefined }),
    'a negative size': target({ size: -1 }),
    'a fractional size': target({ size: 1.5 }),
    'a size as text': target({ size: '528' }),
    'an upper-case digest': target({ digest: `sha256:${'A'.repeat(64)}` }),
    'a digest of sha384 that is too short': target({ digest: `sha384:${'a'.repeat(95)}` }),
    'a digest of sha384 that is too long': target({ digest: `sha384:${'a'.repeat(97)}` }),
    'an upper-case digest of sha384': target({ digest: `sha384:${'A'.repeat(96)}` }),
    'a digest of sha384 and a line end': target({ digest: `sha384:${'a'.repeat(96)}\n` }),
    'a digest of sha384 and no size': target({ digest: `sha384:${'a'.repeat(96)}`, size: undefined }),
    'a digest of sha224': target({ digest: `sha224:${'a'.repeat(56)}` }),
    'annotations that are not text': target({ annotations: { a: 1 } }),
    'a member twice (C3)': `{"targetArtifact":${JSON.stringify(TARGET)},"targetArtifact":${JSON.stringify(TARGET)}}`,
    'a digest twice (C3)': `{"targetArtifact":{"digest":"${TARGET.digest}",${JSON.stringify(TARGET).slice(1)}}`,
    'a byte-order mark (C3)': `\u{feff}${JSON.stringify(target({}))}`,
    '__proto__ (C3)': `{"targetArtifact":{"__proto__":{},${JSON.stringify(TARGET).slice(1)}}`,
    'nesting 100000 deep (C3)': `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    'bytes after the document': `${JSON.stringify(target({}))}x`,
  }
  for (const [what, value] of Object.entries(wrong)) {
    it(`refuses ${what}`, () => {
      refuses('ENVELOPE_MALFORMED', () => read(value))
    })
  }

  it('gives back a digest by SHA-384, which only plain files have', () => {
    const digest = `sha384:${'0123456789abcdef'.repeat(6)}` as const
    const signed = { mediaType: 'text/plain', digest, size: 7 }
    assert.deepEqual(readTarget(targetPayload(signed, { a: 'b' })), { ...signed, annotations: { a: 'b' } })
    assert.equal(JSON.parse(targetPayload(signed).toString()).targetArtifact.digest, digest)
  })

  it('refuses a payload beyond its cap', () => {
    refuses('LIMIT_EXCEEDED', () => readTarget(Buffer.alloc(4 * 1024 * 1024 + 1, 0x20)))
  })
})
