import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout } from '../../fixtures/layouts/build.ts'
import { layoutTarget, openLayout, type Target } from '../../src/content/index.ts'
import { isFault, type Code } from '../../src/errors/index.ts'
import { fallbackTag } from '../../src/oci/index.ts'
import { bodyOf, index, manifest, piece, pushImage, randomBlob, type Piece } from '../contract/content.ts'
import { changeIndexJson, nameOf, readIndexJson, REF_NAME, scratch } from './scratch.ts'

function fault(code: Code): (error: unknown) => boolean {
  return (error) => isFault(error, code)
}

async function image(target: Target, more: Parameters<typeof manifest>[1] = {}): Promise<Piece> {
  const layer = randomBlob(100)
  const made = manifest(layer, more)
  await pushImage(target, layer, made)
  return made
}

describe('content/layout-target', () => {
  const fresh = scratch()
  const files = (dir: string): string[] =>
    readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.sallyport-'))

  it('writes nothing before the first push', async () => {
    const dir = fresh('layout')
    const place = layoutTarget(dir)
    assert.equal(await place.repository('demo/app').resolve('1.0'), undefined)
    await place.close()
    assert.throws(() => readdirSync(dir), { code: 'ENOENT' })
  })

  it('writes full names for skopeo and containerd', async () => {
    const dir = fresh('layout')
    const place = layoutTarget(dir)
    const target = place.repository('registry.example/demo/app')
    const made = await image(target)
    await target.tag('1.0', made.descriptor, made.bytes)
    await place.close()
    const name = 'registry.example/demo/app:1.0'
    const [entry] = readIndexJson(dir).manifests
    assert.deepEqual(entry?.annotations, { [REF_NAME]: name, 'io.containerd.image.name': name })
    const layout = await openLayout(dir)
    assert.deepEqual(layout.repositories(), ['registry.example/demo/app'])
    assert.deepEqual(files(dir), [])
  })

  it('leaves no half blob and no lock behind', async () => {
    const dir = fresh('layout')
    const place = layoutTarget(dir)
    const { descriptor } = randomBlob(10)
    await assert.rejects(place.repository('a').pushBlob(descriptor, bodyOf(Buffer.alloc(10))), fault('DIGEST_MISMATCH'))
    await place.close()
    assert.deepEqual(files(dir), [])
  })

  it('gives an untagged root an entry, and its children none', async () => {
    const dir = fresh('layout')
    const place = layoutTarget(dir)
    const target = place.repository('demo/app')
    const child = await image(target)
    const root = index(child)
    await target.pushManifest(root.descriptor, root.bytes)
    await place.close()
    assert.deepEqual(
      readIndexJson(dir).manifests.map((entry) => [entry.digest, entry.annotations]),
      [[root.descriptor.digest, undefined]],
    )
  })

  it('finds no untagged root that a killed run left without an entry, so that it is pushed again', async () => {
    const dir = fresh('layout')
    const place = layoutTarget(dir)
    const made = await image(place.repository('demo/app'))
    const later = layoutTarget(dir).repository('demo/app')
    assert.equal(await later.resolve(made.descriptor.digest), undefined)
    await assert.rejects(later.manifest(made.descriptor), (error) => isFault(error, 'MANIFEST_MISSING'))
    await place.close()
    assert.notEqual(await layoutTarget(dir).repository('demo/app').resolve(made.descriptor.digest), undefined)
  })

  it('keeps the manifest that a moved tag left, without a name', async () => {
    const dir = fresh('layout')
    const place = layoutTarget(dir)
    const target = place.repository('demo/app')
    const [first, second] = [await image(target), await image(target)]
    await target.tag('v', first.descriptor, first.bytes)
    await target.tag('v', second.descriptor, second.bytes)
    const named = (): (string | undefined)[][] =>
      readIndexJson(dir).manifests.map((entry) => [entry.digest, nameOf(entry)])
    assert.deepEqual(named(), [
      [second.descriptor.digest, 'demo/app:v'],
      [first.descriptor.digest, undefined],
    ])
    await target.tag('v', first.descriptor, first.bytes)
    assert.deepEqual(named(), [
      [first.descriptor.digest, 'demo/app:v'],
      [second.descriptor.digest, undefined],
    ])
    await place.close()
  })

  it('tags nothing that is not there', async () => {
    const place = layoutTarget(fresh('layout'))
    const made = manifest(randomBlob(10))
    const tagging = place.repository('demo/app').tag('v', made.descriptor, made.bytes)
    await assert.rejects(tagging, fault('MANIFEST_MISSING'))
    await place.close()
  })

  it('refuses tags and paths outside the grammar', async () => {
    const place = layoutTarget(fresh('layout'))
    for (const path of ['', '../up', 'Upper', 'a b', 'a:b', 'a@b', 'a//b'])
      assert.throws(() => place.repository(path), fault('REFERENCE_INVALID'), path)
    const target = place.repository('demo/app')
    const made = await image(target)
    await assert.rejects(target.tag('a/b', made.descriptor, made.bytes), fault('REFERENCE_INVALID'))
    await place.close()
  })

  it("keeps other tools' entries, members and annotations", async () => {
    const dir = fresh('layout')
    const demo = await buildDemoLayout(dir)
    changeIndexJson(dir, (document) => {
      document['annotations'] = { kept: 'yes' }
      Object.assign(document.manifests[0] ?? {}, { 'x-unknown': 1 })
    })
    const before = readIndexJson(dir)
    const place = layoutTarget(dir)
    const target = place.repository('demo/new')
    const made = await image(target)
    await target.tag('v', made.descriptor, made.bytes)
    await place.close()
    const after = readIndexJson(dir)
    assert.deepEqual(after['annotations'], { kept: 'yes' })
    for (const entry of before.manifests)
      assert.ok(after.manifests.some((other) => JSON.stringify(other) === JSON.stringify(entry)))
    assert.equal(after.manifests.length, before.manifests.length + 1)
    assert.equal((await openLayout(dir)).source(demo.repository).repository, demo.repository)
  })

  it("unites a fallback list with others' entries, unknown members too", async () => {
    const dir = fresh('layout')
    const demo = await buildDemoLayout(dir)
    const place = layoutTarget(dir)
    const target = place.repository('demo/app')
    const note = await image(target, { artifactType: 'application/vnd.example.note', subject: demo.index })
    const entry = (): string => {
      const name = fallbackTag(demo.index.digest)
      const found = readIndexJson(dir).manifests.filter((item) => nameOf(item) === name)
      assert.equal(found.length, 1)
      return readFileSync(join(dir, 'blobs', found[0]?.digest.replace(':', '/') ?? ''), 'utf8')
    }
    const list = JSON.parse(entry()) as { manifests: object[] }
    Object.assign(list.manifests[0] ?? {}, { 'x-unknown': { deep: true } })
    const changed = piece('application/vnd.oci.image.index.v1+json', JSON.stringify(list))
    await target.pushManifest(changed.descriptor, changed.bytes)
    await target.tag(fallbackTag(demo.index.digest), changed.descriptor, changed.bytes)
    assert.equal(await target.listReferrers(demo.index, [note.descriptor]), 'fallback')
    const united = JSON.parse(entry()) as { manifests: { digest: string }[] }
    const wanted = [demo.sbom.digest, demo.signature.digest, note.descriptor.digest].sort()
    assert.deepEqual(
      united.manifests.map(({ digest }) => digest),
      wanted,
    )
    assert.ok(entry().includes('{"deep":true}'))
    await place.close()
  })

  it('refuses a second writer and lets it in when the first has closed', async () => {
    const dir = fresh('layout')
    const [first, second] = [layoutTarget(dir), layoutTarget(dir)]
    const { descriptor, bytes } = randomBlob(10)
    await first.repository('a').pushBlob(descriptor, bodyOf(bytes))
    await assert.rejects(second.repository('a').pushBlob(descriptor, bodyOf(bytes)), fault('LAYOUT_LOCKED'))
    await first.close()
    await second.repository('a').pushBlob(descriptor, bodyOf(bytes))
    await second.close()
  })

  const refused: [string, (dir: string) => void][] = [
    ['a folder of other things', (dir) => writeFileSync(join(dir, 'thesis.txt'), 'mine')],
    [
      'an index without oci-layout',
      (dir) => writeFileSync(join(dir, 'index.json'), '{"schemaVersion":2,"manifests":[]}'),
    ],
    ['a layout of another version', (dir) => writeFileSync(join(dir, 'oci-layout'), '{"imageLayoutVersion":"9"}')],
    ['a folder whose blobs are a link', (dir) => symlinkSync(fresh('nowhere'), join(dir, 'blobs'))],
    [
      'a layout that lost its index',
      (dir) => {
        writeFileSync(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
        mkdirSync(join(dir, 'blobs', 'sha256'), { recursive: true })
        writeFileSync(join(dir, 'blobs', 'sha256', 'a'.repeat(64)), '')
      },
    ],
  ]
  for (const [what, make] of refused) {
    it(`refuses to write into ${what}`, async () => {
      const dir = fresh('layout')
      mkdirSync(dir)
      make(dir)
      const before = readdirSync(dir, { recursive: true })
      const place = layoutTarget(dir)
      const { descriptor, bytes } = randomBlob(10)
      await assert.rejects(place.repository('a').pushBlob(descriptor, bodyOf(bytes)), fault('LAYOUT_MALFORMED'))
      await place.close()
      assert.deepEqual(readdirSync(dir, { recursive: true }), before)
    })
  }

  it('goes on with a folder whose making was cut off', async () => {
    const dir = fresh('layout')
    mkdirSync(join(dir, 'blobs', 'sha256'), { recursive: true })
    writeFileSync(join(dir, 'blobs', 'sha256', '.sallyport-tmp-0123'), 'half')
    writeFileSync(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
    const place = layoutTarget(dir)
    const made = await image(place.repository('a'))
    await place.repository('a').tag('v', made.descriptor, made.bytes)
    await place.close()
    assert.deepEqual(files(dir), [])
    assert.equal((await openLayout(dir)).repositories().length, 1)
  })

  it('proves a damaged blob as damaged and heals it by a push', async () => {
    const dir = fresh('layout')
    const place = layoutTarget(dir)
    const target = place.repository('a')
    const { descriptor, bytes } = randomBlob(10)
    await target.pushBlob(descriptor, bodyOf(bytes))
    writeFileSync(join(dir, 'blobs', descriptor.digest.replace(':', '/')), Buffer.alloc(10))
    await assert.rejects(target.proveBlob(descriptor), fault('DIGEST_MISMATCH'))
    await target.pushBlob(descriptor, bodyOf(bytes))
    await target.proveBlob(descriptor)
    rmSync(join(dir, 'blobs', descriptor.digest.replace(':', '/')))
    await assert.rejects(target.proveBlob(descriptor), fault('BLOB_MISSING'))
    await place.close()
  })
})
