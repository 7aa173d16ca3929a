/** Large blobs out of a pipe into a real registry: what comes but once is brought all the same when the line is bad. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { layoutTarget } from '../../src/content/index.ts'
import { manifest, pushImage, randomBlob } from '../contract/content.ts'
import { planFor, Stage } from '../transfer/stage.ts'
import { failUploads, type FailingProxy, type Spoiling } from './failing-proxy.ts'
import { contentsOf, type Contents } from './registry-contents.ts'
import { needPeers, peer, startRegistry, type Registry } from './setup/registry.ts'

const MIB = 1024 * 1024
const REPOSITORIES = ['port/first', 'port/second', 'port/third']
const UPLOAD = /\/blobs\/uploads\//

describe('peers/passage-pipe', function () {
  this.timeout(180_000)
  let stage: Stage
  let bundle: string
  let source: Contents
  const shared = randomBlob(20 * MIB)
  const opened: { stop(): Promise<void> }[] = []

  before(async function () {
    needPeers(this)
    stage = await Stage.make()
    const dir = stage.path('layout')
    const place = layoutTarget(dir)
    const image = manifest(shared)
    for (const name of REPOSITORIES) {
      const target = place.repository(`local/${name}`)
      await pushImage(target, shared, image)
      await target.tag('1', image.descriptor, image.bytes)
    }
    await place.close()
    bundle = stage.path('june.tar')
    await stage.export({ output: bundle, plan: planFor(`oci:${dir}`), now: new Date() })
    // What a file brings to a registry where nothing fails is held against the rest.
    const registry = await started()
    await stage.import(bundle, `${registry.host}/mirror`, { state: await stage.site(), now: new Date() })
    source = await contentsOf(registry, 'mirror/port/first')
  })
  afterEach(async () => {
    for (const thing of opened.splice(0).reverse()) await thing.stop()
  })
  after(() => stage?.close())

  async function started(): Promise<Registry> {
    const registry = await startRegistry()
    opened.push(registry)
    return registry
  }

  /** Imports through a pipe and the proxy; every repository must hold what came, to its last byte. */
  async function piped(
    registry: Registry,
    plan: (method: string, before: number) => Spoiling | undefined,
  ): Promise<FailingProxy> {
    const proxy = await failUploads(registry, plan)
    opened.push(proxy)
    const state = await stage.site()
    const report = await stage.piped(bundle, (input) =>
      stage.import(input, `${proxy.host}/mirror`, { state, now: new Date() }),
    )
    assert.equal(report.counts.blobsMounted, 0)
    for (const name of REPOSITORIES) {
      const path = `mirror/${name}`
      assert.deepEqual(await contentsOf(registry, path), source, name)
      const file = join(stage.dir, 'blob')
      await peer('crane', ['pull', '--format', 'oci', `${registry.host}/${path}:1`, file], { env: registry.env })
      assert.ok(readFileSync(join(file, 'blobs', ...shared.descriptor.digest.split(':'))).equals(shared.bytes))
    }
    return proxy
  }

  it('brings a blob that has passed to further repositories where it can not be mounted', async () => {
    const registry = await started()
    await piped(registry, () => undefined)
    await registry.settled()
    const sent = registry.requests().filter(({ method, path }) => method === 'PATCH' && UPLOAD.test(path))
    // Of the first repository alone, with its last part in the PUT; what the registry has by then is sent whole.
    assert.equal(sent.length, 2)
  })

  for (const spoiling of ['cut', 'deaf', 'busy'] as const) {
    it(`brings all of it when each second request is spoilt: ${spoiling}`, async () => {
      const proxy = await piped(await started(), (_, before) => (before % 2 === 0 ? spoiling : undefined))
      assert.ok(proxy.spoilt().length >= 4, proxy.spoilt().join())
    })
  }
})
