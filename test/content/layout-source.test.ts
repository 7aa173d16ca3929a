import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout, buildZooLayout, type DemoLayout } from '../../fixtures/layouts/build.ts'
import { openLayout } from '../../src/content/index.ts'
import { isFault, type Code } from '../../src/errors/index.ts'
import { collect, digests } from '../contract/content.ts'
import { changeIndexJson, nameOf, REF_NAME, scratch } from './scratch.ts'

function fault(code: Code): (error: unknown) => boolean {
  return (error) => isFault(error, code)
}

describe('content/layout-source', () => {
  const fresh = scratch()
  const demoIn = async (): Promise<[string, DemoLayout]> => {
    const dir = fresh('demo')
    return [dir, await buildDemoLayout(dir)]
  }
  const blobPath = (dir: string, digest: string): string => join(dir, 'blobs', digest.replace(':', '/'))

  it('tells the repositories of a layout apart', async () => {
    const dir = fresh('zoo')
    const zoo = await buildZooLayout(dir)
    const layout = await openLayout(dir)
    assert.deepEqual(layout.repositories(), zoo.repositories)
    assert.deepEqual(await layout.source(zoo.repositories[0]).tags(), Object.keys(zoo.tags).sort())
    assert.deepEqual(await layout.source(zoo.repositories[1]).tags(), ['shared'])
    assert.equal(await layout.source(zoo.repositories[1]).resolve('nested'), undefined)
    assert.throws(() => layout.source('registry.example/zoo/three'), fault('REPOSITORY_MISSING'))
  })

  it('finds a referrer that no name and no fallback tag leads to', async () => {
    const dir = fresh('zoo')
    const zoo = await buildZooLayout(dir)
    const source = (await openLayout(dir)).source(zoo.repositories[0])
    const found = await source.referrers(zoo.tags.artifact.digest)
    assert.deepEqual(digests(found), [zoo.stray.digest])
    assert.equal(found[0]?.artifactType, 'application/vnd.example.note')
  })

  it('finds nameless manifests and unknown ones by digest', async () => {
    const dir = fresh('zoo')
    const zoo = await buildZooLayout(dir)
    const layout = await openLayout(dir)
    const source = layout.source(zoo.repositories[0])
    assert.deepEqual(digests(layout.unnamed).sort(), [zoo.nameless.digest, zoo.stray.digest].sort())
    for (const wanted of [zoo.nameless, zoo.unknown]) {
      assert.equal((await source.resolve(wanted.digest))?.mediaType, wanted.mediaType)
      await source.manifest(wanted)
    }
  })

  it('reads a layer with a sha512 digest', async () => {
    const dir = fresh('zoo')
    const zoo = await buildZooLayout(dir)
    const source = (await openLayout(dir)).source(zoo.repositories[0])
    assert.equal((await collect(source.blob(zoo.sha512Layer))).length, zoo.sha512Layer.size)
  })

  it('lists what a fallback list names, even when it is not there', async () => {
    const [dir, demo] = await demoIn()
    rmSync(blobPath(dir, demo.signature.digest))
    const source = (await openLayout(dir)).source(demo.repository)
    assert.ok(digests(await source.referrers(demo.index.digest)).includes(demo.signature.digest))
    await assert.rejects(source.manifest(demo.signature), fault('MANIFEST_MISSING'))
  })

  it('fails to list referrers rather than name fewer', async () => {
    const [dir, demo] = await demoIn()
    const layout = await openLayout(dir)
    rmSync(blobPath(dir, demo.cosign.digest))
    await assert.rejects(layout.source(demo.repository).referrers(demo.index.digest), fault('MANIFEST_MISSING'))
    // A second question is answered no better than the first.
    await assert.rejects(layout.source(demo.repository).referrers(demo.index.digest), fault('MANIFEST_MISSING'))
  })

  it('passes over a child that is left out', async () => {
    const [dir, demo] = await demoIn()
    rmSync(blobPath(dir, demo.arm64.digest))
    const source = (await openLayout(dir)).source(demo.repository)
    assert.equal((await source.referrers(demo.index.digest)).length, 2)
    assert.equal(await source.resolve(demo.arm64.digest), undefined)
  })

  it('refuses a fallback tag that is no index', async () => {
    const [dir, demo] = await demoIn()
    const tag = demo.arm64.digest.replace(':', '-')
    const { mediaType, digest, size } = demo.amd64
    changeIndexJson(dir, ({ manifests }) => {
      manifests.push({ mediaType, digest, size, annotations: { [REF_NAME]: tag } })
    })
    const source = (await openLayout(dir)).source(demo.repository)
    await assert.rejects(source.referrers(demo.arm64.digest), fault('LAYOUT_MALFORMED'))
  })

  const renamed: [string, Record<string, string>, string, string][] = [
    ['bare tags', { [REF_NAME]: 'v1' }, 'local/N-demo', 'v1'],
    ['containerd names', { 'io.containerd.image.name': 'docker.io/library/a:v2' }, 'docker.io/library/a', 'v2'],
    [
      'docker save',
      { [REF_NAME]: 'v3', 'io.containerd.image.name': 'docker.io/library/a:v3' },
      'docker.io/library/a',
      'v3',
    ],
    [
      'oras copies, with the old name left in',
      { [REF_NAME]: 'v4', 'io.containerd.image.name': 'a.example/b:1' },
      'local/N-demo',
      'v4',
    ],
  ]
  for (const [what, annotations, repository, tag] of renamed) {
    it(`reads the names of ${what}`, async () => {
      const [dir, demo] = await demoIn()
      changeIndexJson(dir, (index) => {
        const { mediaType, digest, size } = demo.index
        index.manifests = [{ mediaType, digest, size, annotations }]
      })
      const name = repository.replace('N', /(\d+)-demo$/.exec(dir)?.[1] ?? '')
      const layout = await openLayout(dir)
      assert.deepEqual(layout.repositories(), [name])
      assert.equal((await layout.source(name).resolve(tag))?.digest, demo.index.digest)
    })
  }

  it('refuses one name with two digests', async () => {
    const [dir, demo] = await demoIn()
    changeIndexJson(dir, ({ manifests }) => {
      const latest = manifests.find((entry) => nameOf(entry)?.endsWith(':latest') === true)
      manifests.push({ ...demo.amd64, annotations: latest?.annotations ?? {} })
    })
    await assert.rejects(openLayout(dir), fault('LAYOUT_MALFORMED'))
  })

  const broken: [string, Code, (dir: string) => void][] = [
    ['no oci-layout', 'LAYOUT_MALFORMED', (dir) => rmSync(join(dir, 'oci-layout'))],
    ['no index.json', 'LAYOUT_MALFORMED', (dir) => rmSync(join(dir, 'index.json'))],
    [
      'version 2',
      'LAYOUT_MALFORMED',
      (dir) => writeFileSync(join(dir, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}'),
    ],
    ['a version as a list', 'LAYOUT_MALFORMED', (dir) => writeFileSync(join(dir, 'oci-layout'), '["1.0.0"]')],
    ['an index that is no JSON', 'JSON_MALFORMED', (dir) => truncateSync(join(dir, 'index.json'), 100)],
    [
      'an index without manifests',
      'LAYOUT_MALFORMED',
      (dir) => writeFileSync(join(dir, 'index.json'), '{"schemaVersion":2}'),
    ],
    [
      'an index of version 1',
      'LAYOUT_MALFORMED',
      (dir) => changeIndexJson(dir, (index) => (index['schemaVersion'] = 1)),
    ],
    ['an index over 256 MiB', 'LIMIT_EXCEEDED', (dir) => truncateSync(join(dir, 'index.json'), 256 * 1024 * 1024 + 1)],
    [
      'an index of more values than memory is for',
      'LIMIT_EXCEEDED',
      (dir) => {
        const items = Buffer.alloc(2 * 16 * 1024 * 1024, '0,')
        writeFileSync(join(dir, 'index.json'), `{"schemaVersion":2,"manifests":[${items.toString('latin1')}0]}`)
      },
    ],
    ['a marker over 64 KiB', 'LIMIT_EXCEEDED', (dir) => truncateSync(join(dir, 'oci-layout'), 65_537)],
    [
      'a digest that is a path',
      'DIGEST_MALFORMED',
      (dir) =>
        changeIndexJson(dir, ({ manifests }) =>
          Object.assign(manifests[0] ?? {}, { digest: 'sha256:../../../etc/passwd' }),
        ),
    ],
    [
      'a size below zero',
      'DESCRIPTOR_MALFORMED',
      (dir) => changeIndexJson(dir, ({ manifests }) => Object.assign(manifests[0] ?? {}, { size: -1 })),
    ],
    [
      'an index that is a link',
      'LAYOUT_MALFORMED',
      (dir) => {
        renameSync(join(dir, 'index.json'), join(dir, 'elsewhere'))
        symlinkSync('elsewhere', join(dir, 'index.json'))
      },
    ],
    [
      'a folder of blobs that is a link',
      'LAYOUT_MALFORMED',
      (dir) => {
        renameSync(join(dir, 'blobs', 'sha256'), join(dir, 'elsewhere'))
        symlinkSync('../elsewhere', join(dir, 'blobs', 'sha256'))
      },
    ],
    [
      'a folder in place of the index',
      'LAYOUT_MALFORMED',
      (dir) => {
        rmSync(join(dir, 'index.json'))
        mkdirSync(join(dir, 'index.json'))
      },
    ],
  ]
  for (const [what, code, harm] of broken) {
    it(`refuses a layout with ${what}: ${code}`, async () => {
      const [dir] = await demoIn()
      harm(dir)
      await assert.rejects(openLayout(dir), fault(code))
    })
  }

  it('follows no link in place of a blob or manifest', async () => {
    const [dir, demo] = await demoIn()
    for (const { digest } of [demo.layer, demo.sbom]) {
      renameSync(blobPath(dir, digest), join(dir, 'elsewhere'))
      symlinkSync(join(dir, 'elsewhere'), blobPath(dir, digest))
    }
    const source = (await openLayout(dir)).source(demo.repository)
    await assert.rejects(collect(source.blob(demo.layer)), fault('LAYOUT_MALFORMED'))
    await assert.rejects(source.manifest(demo.sbom), fault('LAYOUT_MALFORMED'))
  })

  it('does not hang on a pipe in place of a blob', async () => {
    const [dir, demo] = await demoIn()
    rmSync(blobPath(dir, demo.layer.digest))
    execFileSync('mkfifo', [blobPath(dir, demo.layer.digest)])
    const source = (await openLayout(dir)).source(demo.repository)
    await assert.rejects(collect(source.blob(demo.layer)), fault('LAYOUT_MALFORMED'))
  })

  it('names the side it was opened for', async () => {
    await assert.rejects(
      openLayout(fresh('absent'), 'target'),
      (error) => isFault(error, 'LAYOUT_MALFORMED') && error.side === 'target',
    )
  })
})
