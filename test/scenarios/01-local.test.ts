/**
 * Scenario #1: an image is built, signed and validated on one machine, without any registry. The twin: the image beside
 * it, which nobody signed.
 */
import assert from 'node:assert/strict'
import { wordOf, type House } from './side.ts'
import { Stage } from './stage.ts'

describe('scenarios/#1: local build, sign, validate', function () {
  this.timeout(60_000)
  let stage: Stage
  let developer: House

  before(async function () {
    stage = Stage.raise(this)
    await stage.seal()
    const { far: here } = stage
    await here.tool('umoci', 'init --layout net-monitor')
    for (const tag of ['dev', 'next']) {
      here.write(`root-${tag}/srv/version`, `${tag}\n`)
      await here.tool('tar', `-cf ${tag}.tar -C root-${tag} srv`)
      await here.tool('umoci', `new --image net-monitor:${tag}`)
      await here.tool('umoci', `raw add-layer --image net-monitor:${tag} ${tag}.tar`)
    }
    developer = await here.house('developer', 'Wabbit Networks', { preset: 'hobbyist' })
    await here.believe('policy', developer, { scopes: ['local/net-monitor'] })
  })
  after(() => stage?.lower())

  async function placeOf(tag: string): Promise<{ layout: string; reference: string; configDir: string }> {
    const { far: here } = stage
    const digest = await here.tool('skopeo', `inspect --format {{.Digest}} oci:net-monitor:${tag}`)
    const reference = `local/net-monitor@${digest}`
    return { layout: here.path('net-monitor'), reference, configDir: here.path('policy') }
  }

  it('signs and validates an image in a layout', async () => {
    const { far: here } = stage
    const before = await placeOf('dev')
    await here.refused(13, 'SIGNATURE_MISSING', 'check oci:net-monitor:dev --policy policy')
    await here.sign('oci:net-monitor:dev', developer)
    await here.done('check oci:net-monitor:dev --policy policy')
    assert.deepEqual(await placeOf('dev'), before)
    assert.equal(wordOf(await here.notation(before)), 'trusted')
  })

  it('refuses the image beside it that nobody signed: SIGNATURE_MISSING', async () => {
    const { far: here } = stage
    await here.refused(13, 'SIGNATURE_MISSING', 'check oci:net-monitor:next --policy policy')
    assert.equal(wordOf(await here.notation(await placeOf('next'))), 'unsigned')
  })
})
