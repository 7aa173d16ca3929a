import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { layoutTarget, type TargetPlace } from '../../src/content/index.ts'
import { isFault } from '../../src/errors/index.ts'
import { hexOf, type Digest } from '../../src/oci/index.ts'
import { index, manifest, piece, pushImage, randomBlob } from '../contract/content.ts'

describe('content/layout-delete', () => {
  let dir: string
  let place: TargetPlace

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'sallyport-layout-delete-'))
    place = layoutTarget(dir)
  })
  afterEach(async () => {
    await place.close()
    rmSync(dir, { recursive: true })
  })

  const denied = (error: unknown): boolean => isFault(error, 'DELETE_DENIED')
  const file = (digest: Digest): boolean => existsSync(join(dir, 'blobs', 'sha256', hexOf(digest)))
  const image = async (repository: string, more: Parameters<typeof manifest>[1] = {}) => {
    const layer = randomBlob(500)
    const made = manifest(layer, more)
    await pushImage(place.repository(repository), layer, made)
    return { ...made, layer }
  }

  it('keeps a manifest that a tag of another repository leads to', async () => {
    const made = await image('a')
    const [a, b] = [place.repository('a'), place.repository('b')]
    await a.tag('1', made.descriptor, made.bytes)
    await b.tag('1', made.descriptor, made.bytes)
    await assert.rejects(a.deleteManifest(made.descriptor.digest), denied)
    assert.equal((await a.resolve('1'))?.digest, made.descriptor.digest)
    await b.untag('1')
    await a.deleteManifest(made.descriptor.digest)
    assert.ok(!file(made.descriptor.digest))
  })

  it('keeps a manifest that an index lists, and gives those of an index that goes entries of their own', async () => {
    const [one, two, both] = [await image('a'), await image('a'), await image('a')]
    const target = place.repository('a')
    const [first, second] = [index(one, both), index(two, both)]
    for (const [tag, made] of [
      ['first', first],
      ['second', second],
    ] as const) {
      await target.pushManifest(made.descriptor, made.bytes)
      await target.tag(tag, made.descriptor, made.bytes)
    }
    await assert.rejects(target.deleteManifest(both.descriptor.digest), denied)
    await target.deleteManifest(first.descriptor.digest)
    await place.close()
    place = layoutTarget(dir)
    const again = place.repository('a')
    for (const { descriptor } of [one, two, both]) assert.ok(await again.resolve(descriptor.digest))
    const { manifests } = JSON.parse(readFileSync(join(dir, 'index.json'), 'utf8')) as {
      manifests: { digest: string }[]
    }
    const listed = manifests.map(({ digest }) => digest).sort()
    assert.deepEqual(listed, [second.descriptor.digest, one.descriptor.digest].sort())
  })

  it('keeps a layer that a hostile index calls its child', async () => {
    const made = await image('a')
    const target = place.repository('a')
    await target.tag('good', made.descriptor, made.bytes)
    const { digest, size } = made.layer.descriptor
    const claimed = { mediaType: 'application/vnd.example.thing', digest, size }
    const text = JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [claimed],
    })
    const hostile = piece('application/vnd.oci.image.index.v1+json', text)
    await target.pushManifest(hostile.descriptor, hostile.bytes)
    await target.tag('bad', hostile.descriptor, hostile.bytes)
    await assert.rejects(target.deleteManifest(digest), denied)
    await target.deleteManifest(hostile.descriptor.digest)
    await assert.rejects(target.deleteManifest(digest), denied)
    await target.proveBlob(made.layer.descriptor)
  })

  it('forgets what it pushed in this run, and takes away what a killed run left', async () => {
    const made = await image('a')
    const target = place.repository('a')
    await target.deleteManifest(made.descriptor.digest)
    assert.ok(!file(made.descriptor.digest))
    await place.close()
    assert.equal(await layoutTarget(dir).repository('a').resolve(made.descriptor.digest), undefined)
    // The index goes first: a kill behind it leaves a file that nothing leads to.
    place = layoutTarget(dir)
    await place.repository('a').pushBlob(made.descriptor, {
      open: async function* () {
        yield made.bytes
      },
    })
    assert.ok(file(made.descriptor.digest))
    const missing = (error: unknown): boolean => isFault(error, 'MANIFEST_MISSING')
    await assert.rejects(place.repository('a').deleteManifest(made.descriptor.digest), missing)
    assert.ok(!file(made.descriptor.digest))
  })
})
