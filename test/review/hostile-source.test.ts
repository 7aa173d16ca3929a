import assert from 'node:assert/strict'
import { joined } from '../../src/bundle/member-body.ts'
import { parseTransfer } from '../../src/bundle/transfer.ts'
import { byDigest } from '../../src/content/index.ts'
import { exitOf, isFault, type Code } from '../../src/errors/index.ts'
import { digestOf, DOCKER_MANIFEST, isReservedTag, OCI_MANIFEST, signatureTag } from '../../src/oci/index.ts'
import { blob, CONFIG, image, index, LAYER, promised, put, repository } from './source-world.ts'

const code = (wanted: Code) => (error: { code?: string }) => error.code === wanted

describe('review: what a source says', () => {
  it('carries a referrer whose annotation holds line feeds', async () => {
    const source = repository()
    const subject = await image(source)
    await image(source, [], { subject, artifactType: 'x/y', annotations: { description: 'one\ntwo\u0007' } })
    await source.tag('v1', subject)
    const { content } = await promised([{ source, tags: ['v1'] }])
    assert.match(content.generated[0]?.bytes.toString() ?? '', /one\\ntwo\\u0007/)
  })

  it('names a platform of any spelling that is left out', async () => {
    const source = repository()
    const child = await image(source)
    const odd = { ...child, platform: { os: `a\u0001${'b'.repeat(5000)}`, architecture: 'c' } }
    const plain = {
      ...(await image(source, [blob(source, 'amd64')])),
      platform: { os: 'linux', architecture: 'amd64' },
    }
    await source.tag('v1', await index(source, [odd, plain]))
    const { files } = await promised([
      { source, tags: ['v1'], choice: { platforms: ['linux/amd64'], referrers: 'all' } },
    ])
    assert.equal(files.transfer.omitted.length, 1)
  })

  it('refuses sizes that leave the whole numbers', async () => {
    const source = repository()
    const layers = [blob(source, 'a'), blob(source, 'b')].map((layer) => ({ ...layer, size: 2 ** 53 - 1 }))
    await source.tag('v1', await image(source, layers))
    await assert.rejects(promised([{ source, tags: ['v1'] }]), code('LIMIT_EXCEEDED'))
  })

  it('refuses more envelopes than a reader holds', async () => {
    const source = repository()
    const layers = Array.from({ length: 20 }, (_, i) => ({
      ...blob(source, `e${i}`, 'application/vnd.dsse.envelope.v1+json'),
      size: 32 * 1024 * 1024,
    }))
    await source.tag('v1', await image(source, layers))
    await assert.rejects(promised([{ source, tags: ['v1'] }]), code('LIMIT_EXCEEDED'))
  })

  it('takes no list at its word that a tagged manifest refers to another', async () => {
    const source = repository()
    const subject = await image(source)
    const stranger = await image(source, [blob(source, 'q')])
    await source.tag('v1', subject)
    await source.tag('v2', stranger)
    source.referrers = async (digest) => (digest === subject.digest ? [stranger] : [])
    const { files } = await promised([{ source, tags: ['v1', 'v2'], choice: { referrers: 'none' } }])
    assert.deepEqual(files.transfer.repositories[0]?.referrers, [])
  })

  for (const referrers of ['all', 'signatures'] as const)
    for (const names of ['another subject', 'no subject'] as const)
      it(`refuses a list that names a manifest of ${names}, where ${referrers} are taken`, async () => {
        const source = repository()
        const [subject, other] = [await image(source), await image(source, [blob(source, 'o')])]
        const artifactType = 'application/vnd.cncf.notary.signature'
        const stranger = await image(source, [], {
          artifactType,
          ...(names === 'no subject' ? {} : { subject: other }),
        })
        await source.tag('v1', subject)
        source.referrers = async (digest) => (digest === subject.digest ? [{ ...stranger, artifactType }] : [])
        await assert.rejects(promised([{ source, tags: ['v1'], choice: { referrers } }]), code('SUBJECT_MISMATCH'))
      })

  for (const mediaType of [
    'application/vnd.oci.artifact.manifest.v1+json',
    'application/vnd.cncf.oras.artifact.manifest.v1+json',
    'application/vnd.example.unknown.v9+json',
  ])
    it(`names a referrer of type ${mediaType} as left out, and carries the others`, async () => {
      const source = repository()
      const subject = await image(source)
      const artifactType = 'application/vnd.example.sbom'
      const odd = await put(source, { mediaType, artifactType, blobs: [blob(source, 'sbom')], subject }, mediaType)
      const known = await image(source, [blob(source, 'known')], { subject, artifactType })
      await source.tag('v1', subject)
      source.referrers = async (digest) =>
        digest === subject.digest ? [odd, known].map((entry) => ({ ...entry, artifactType })).sort(byDigest) : []
      const { files, content } = await promised([{ source, tags: ['v1'] }])
      const left = { repository: source.repository, digest: odd.digest, mediaType, size: odd.size }
      assert.deepEqual(files.transfer.omitted, [{ ...left, of: subject.digest, why: 'referrer', what: artifactType }])
      assert.deepEqual(files.transfer.repositories[0]?.referrers, [known.digest])
      assert.ok(!content.law.some(({ descriptor }) => descriptor.digest === odd.digest))
    })

  it('refuses one manifest under two media types, and says that it is the source that says so', async () => {
    const places = ['a', 'b'].map((path) => repository(path))
    const config = places.map((place) => blob(place, '{}', CONFIG))[0]
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [] }))
    for (const [i, mediaType] of [OCI_MANIFEST, DOCKER_MANIFEST].entries()) {
      const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length }
      await places[i]?.pushManifest(descriptor, bytes)
      await places[i]?.tag('v1', descriptor)
    }
    const picked = places.map((source) => ({ source, tags: ['v1'] }))
    for (const alone of picked) await promised([alone])
    await assert.rejects(promised(picked), (error) => {
      assert.ok(isFault(error, 'CENSUS_MISMATCH'))
      return error.side === 'source' && exitOf(error) === 20
    })
  })

  it('refuses to export a tag that no reader accepts', async () => {
    const source = repository()
    await source.tag('__proto__', await image(source))
    await assert.rejects(promised([{ source, tags: ['__proto__'] }]), code('JSON_MALFORMED'))
  })
})

describe('review: what a promise says', () => {
  async function document(): Promise<Record<string, unknown>> {
    const source = repository()
    await source.tag('v1', await image(source, [blob(source, 'l', LAYER)]))
    const { files } = await promised([{ source, tags: ['v1'] }])
    return JSON.parse(joined(files.files.get('transfer.json')?.pieces() ?? []).toString()) as Record<string, unknown>
  }
  const bytes = (value: unknown): Buffer => Buffer.from(`${JSON.stringify(value)}\n`)

  it('accepts it as it was made', async () => {
    assert.equal(parseTransfer(bytes(await document())).channel, 'vendor-a')
  })

  it('refuses a required feature that is no text', () => {
    const text = '{"format":"sallyport/1","requires":[{"toString":1}]}'
    assert.throws(() => parseTransfer(Buffer.from(text)), code('TRANSFER_MALFORMED'))
  })

  it('refuses a signature tag or fallback tag as a tag of its own', async () => {
    const hex = 'a'.repeat(64)
    for (const tag of [`sha256-${hex}`, `sha512-${hex}`, `sha256-${hex}.sig`]) {
      assert.ok(isReservedTag(tag))
      const made = await document()
      const [first] = made['repositories'] as Record<string, object>[]
      assert.ok(first)
      first['bindings'] = { [tag]: `sha256:${hex}` }
      assert.throws(() => parseTransfer(bytes(made)), code('TRANSFER_MALFORMED'))
    }
  })

  it('refuses a fallback tag among the signature tags', async () => {
    const hex = 'a'.repeat(64)
    const made = await document()
    const [first] = made['repositories'] as Record<string, object>[]
    assert.ok(first)
    first['companions'] = { [signatureTag(`sha256:${hex}`, 'sig')]: `sha256:${hex}` }
    assert.doesNotThrow(() => parseTransfer(bytes(made)))
    first['companions'] = { [`sha256-${hex}`]: `sha256:${hex}` }
    assert.throws(() => parseTransfer(bytes(made)), code('TRANSFER_MALFORMED'))
  })

  it('refuses one repository in two parts', async () => {
    const made = await document()
    const [first] = made['repositories'] as unknown[]
    made['repositories'] = [first, first]
    assert.throws(() => parseTransfer(bytes(made)), code('TRANSFER_MALFORMED'))
  })
})
