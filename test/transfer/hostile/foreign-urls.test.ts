/** O4 (CVE-2020-15157): whoever writes a manifest also writes `urls`. Nobody may go there, with credentials or without. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { LayoutBuilder, OCI_CONFIG, OCI_LAYER } from '../../../fixtures/layouts/layout-builder.ts'
import { digestOf, OCI_INDEX, OCI_MANIFEST, type Descriptor } from '../../../src/oci/index.ts'
import { suiteRegistry } from '../../peers/setup/suite-registry.ts'
import { checkAt, policyFolder, signAt } from '../policies.ts'
import { planFor, Stage, tree } from '../stage.ts'
import { fault } from '../../fault.ts'

const FOREIGN = [
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
  'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd',
]

describe('transfer/hostile/foreign-urls', function () {
  this.timeout(60_000)
  let stage: Stage
  let canary: Server
  let calls = 0
  let urls: string[]
  let layout: string
  let left: string
  let bundle: string

  const there = (content: string, mediaType: string): Descriptor => {
    const bytes = Buffer.from(content)
    return { mediaType, digest: digestOf(bytes), size: bytes.length, urls }
  }

  /** An index whose child names a URL in every descriptor that it has, and a layer of every foreign type. */
  function build(dir: string, types = FOREIGN): void {
    const builder = new LayoutBuilder(dir)
    const config = { ...builder.blob(OCI_CONFIG, '{}'), urls }
    const layer = { ...builder.blob(OCI_LAYER, 'a layer that is there'), urls }
    const foreign = types.map((type, i) => there(`behind the url ${i}`, type))
    const image = builder.json(OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config,
      layers: [...foreign, layer],
      annotations: { 'org.opencontainers.image.source': urls[0], 'org.opencontainers.image.url': urls[1] },
    })
    const child = { ...image, urls, platform: { os: 'windows', architecture: 'amd64' } }
    const index = builder.json(OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [child] })
    const sbom = builder.json(OCI_MANIFEST, {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: 'application/spdx+json',
      config: { ...builder.empty(), urls },
      layers: [{ ...builder.blob('application/spdx+json', '{"sbom":1}'), urls }],
      subject: { mediaType: index.mediaType, digest: index.digest, size: index.size, urls },
    })
    builder.tag('registry.example/demo/windows', '1.0', index)
    builder.referrers(index.digest, [{ ...sbom, artifactType: 'application/spdx+json' }])
    builder.finish()
    left = layer.digest
  }

  before(async () => {
    stage = await Stage.make()
    canary = createServer((_, response) => response.end('behind the url 0'))
    canary.on('connection', () => calls++)
    canary.listen(0, '127.0.0.1')
    await once(canary, 'listening')
    const { port } = canary.address() as AddressInfo
    urls = [`http://127.0.0.1:${port}/layer`, `http://localhost:${port}/layer`, `https://127.0.0.1:${port}/layer`]
    layout = stage.path('layout')
    build(layout)
    bundle = stage.path('june.tar')
  })

  afterEach(() => assert.equal(calls, 0))

  after(async () => {
    const answer = canary === undefined ? undefined : await fetch(urls[0] ?? '')
    canary?.closeAllConnections()
    canary?.close()
    stage?.close()
    // The canary was alive all the time: else nothing above has shown anything.
    assert.equal(await answer?.text(), 'behind the url 0')
    assert.ok(calls > 0)
  })

  /** What was left out, and that the rest came through as it is. */
  async function pass(ref: string, to: string, registry = {}): Promise<void> {
    const output = stage.path('bundle.tar')
    const report = await stage.export({ output, plan: planFor(ref), keys: stage.forkKeys(), registry })
    assert.deepEqual(
      report.omitted.map(({ mediaType, why }) => [mediaType, why]).sort(),
      FOREIGN.map((type) => [type, 'foreign-layer']).sort(),
    )
    assert.equal(report.repositories[0]?.referrers, 1)
    const state = await stage.site()
    const policy = policyFolder(stage.path('policy'))
    assert.equal((await stage.verify(output, { state, policy })).verdict, 'rejected')
    await stage.import(output, to, { state, registry, dryRun: true })
    const first = await stage.import(output, to, { state, registry, readBackFull: true })
    assert.ok(first.counts.blobsPushed > 0)
    assert.equal((await stage.import(output, to, { state, registry })).repeat, true)
  }

  it('exports, verifies and imports between layouts without a look behind the urls', async () => {
    const out = stage.path('out')
    await pass(`oci:${layout}:registry.example/demo/windows:1.0`, `oci:${out}`)
    const held = Object.keys(tree(out))
    assert.ok(held.includes(join('blobs', left.replace(':', '/'))))
    for (const i of FOREIGN.keys())
      assert.ok(!held.includes(join('blobs', digestOf(Buffer.from(`behind the url ${i}`)).replace(':', '/'))))
  })

  it('signs and checks where it lies without a look behind the urls', async () => {
    const ref = `oci:${layout}:registry.example/demo/windows:1.0`
    const policy = policyFolder(stage.path('policy'))
    assert.equal((await checkAt(ref, policy)).verdict, 'rejected')
    await signAt(ref)
    assert.equal((await checkAt(ref, policy)).verdict, 'trusted')
  })

  it('says that a blob is missing rather than take it from its urls', async () => {
    const broken = stage.path('broken')
    build(broken)
    rmSync(join(broken, 'blobs', left.replace(':', '/')))
    const run = stage.export({ output: bundle, plan: planFor(`oci:${broken}`), keys: stage.forkKeys() })
    await assert.rejects(run, fault('BLOB_MISSING'))
  })

  describe('at real registries', () => {
    const registry = suiteRegistry({ foreignUrls: true })

    it('exports, imports and checks without a look behind the urls', async () => {
      const { host } = registry()
      const whole = stage.path('whole.tar')
      const made = stage.path('layout')
      // This registry takes Docker's type in Docker's manifests only, and does not know zstd.
      build(made, FOREIGN.slice(1, 2))
      await stage.export({ output: whole, plan: planFor(`oci:${made}`), keys: stage.forkKeys() })
      await stage.import(whole, `${host}/mirror`, { state: await stage.site() })
      const ref = `${host}/mirror/demo/windows:1.0`
      const checked = await checkAt(ref, policyFolder(stage.path('policy')))
      assert.equal(checked.repository, `${host}/mirror/demo/windows`)
      const output = stage.path('again.tar')
      const { omitted } = await stage.export({ output, plan: planFor(ref), keys: stage.forkKeys() })
      assert.deepEqual(
        omitted.map(({ why }) => why),
        ['foreign-layer'],
      )
    })
  })
})
