/** A tag that a vendor takes away, from one real registry to another. */
import assert from 'node:assert/strict'
import { layoutTarget } from '../../src/content/index.ts'
import { manifest, pushImage, randomBlob } from '../contract/content.ts'
import { Stage } from '../transfer/stage.ts'
import { needPeers, peer, startRegistry, type Registry } from './setup/registry.ts'

describe('peers/removed-tags', () => {
  let stage: Stage
  let source: Registry
  let target: Registry

  before(async function () {
    needPeers(this)
    stage = await Stage.make()
    source = await startRegistry({ deletes: true })
    target = await startRegistry({ deletes: true })
  })
  after(async () => {
    await source?.stop()
    await target?.stop()
    stage?.close()
  })

  it('tells the site of what regctl took away at the source, until it is gone here too', async () => {
    const layout = stage.path('layout')
    const place = layoutTarget(layout)
    const blob = randomBlob(1024)
    const image = manifest(blob)
    const app = place.repository('local/app')
    await pushImage(app, blob, image)
    await app.tag('1.0', image.descriptor, image.bytes)
    await place.close()
    const tags = ['1.0', '1.1', 'latest']
    for (const tag of tags)
      await peer('crane', ['push', layout, `${source.host}/vendor/app:${tag}`], { env: source.env })
    const state = await stage.site()
    const to = `${target.host}/mirror`
    const passed = async (): Promise<{ named: string[]; told: string[] }> => {
      const output = stage.path('june.tar')
      const plan = { artifacts: [{ ref: `${source.host}/vendor/app`, tagPattern: '*', referrers: 'all' as const }] }
      const { repositories } = await stage.export({ output, plan, now: new Date() })
      const { removed } = await stage.import(output, to, { state, now: new Date() })
      return { named: repositories[0]?.removed ?? [], told: removed.map(({ at, tag }) => `${at}:${tag}`) }
    }
    assert.deepEqual(await passed(), { named: [], told: [] })
    await peer('regctl', ['tag', 'delete', `${source.host}/vendor/app:1.0`], { env: source.env })
    assert.deepEqual(await passed(), { named: ['1.0'], told: ['mirror/vendor/app:1.0'] })
    const left = await peer('crane', ['ls', `${target.host}/mirror/vendor/app`], { env: target.env })
    assert.deepEqual(left.trim().split('\n').sort(), tags)
    await peer('regctl', ['tag', 'delete', `${target.host}/mirror/vendor/app:1.0`], { env: target.env })
    assert.deepEqual(await passed(), { named: ['1.0'], told: [] })
  })
})
