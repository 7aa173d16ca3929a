/** Bundles of channels that were made for trust: the writer's side; what a reader refuses of them is in the corpus. */
import assert from 'node:assert/strict'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import { channelInit, channelPin, parsePlan } from '../../../src/transfer/index.ts'
import { policyFolder } from '../policies.ts'
import { hoursLater, NOW, planFor, Stage } from '../stage.ts'
import { fault } from '../../fault.ts'

describe('transfer/export/trust-bundle', () => {
  let stage: Stage
  let keys: string
  let policy: string
  let state: string
  let layout: string

  before(async () => {
    stage = await Stage.make()
    policy = policyFolder(stage.path('policy'))
    layout = stage.path('layout')
    await buildDemoLayout(layout)
    keys = stage.path('keys')
    const terms = { channel: 'stores', purpose: 'trust', kind: 'ed25519', people: ['ann'], threshold: 1 } as const
    const init = { ...terms, dir: keys, rootDays: 365, now: NOW, passphrase: stage.passphrase }
    const { fingerprint } = await channelInit(init)
    state = await stage.site()
    const root = `${keys}/root.json`
    await channelPin({ state, channel: 'stores', root, fingerprint: fingerprint ?? '', purpose: 'trust', now: NOW })
  })
  after(() => stage?.close())

  it('carries trust information alone, which an import brings and nobody believes', async () => {
    const output = stage.path('stores.tar')
    const text = `{channel: stores, audience: [site-a], trust: {policy: ${policy}, chains: false}}`
    const report = await stage.export({ output, keys, plan: await parsePlan(text, 'plan.yaml') })
    assert.deepEqual(
      report.repositories.map(({ name }) => name),
      ['local/sallyport/trust/stores'],
    )
    const imported = await stage.import(output, `oci:${stage.path('out')}`, { state })
    assert.deepEqual(imported.information.map(({ tag }) => tag).sort(), ['policy-trustpolicy.json', 'store-ca-vendor'])
    assert.ok(imported.tags.every(({ repository }) => repository === 'sallyport/trust/stores'))
    // As a passenger it comes to the same.
    const june = stage.path('june.tar')
    const cargo = { output: june, now: hoursLater(1), passengers: [output] }
    await stage.export({ ...cargo, plan: planFor(`oci:${layout}`) })
    const later = await stage.import(june, `oci:${stage.path('out')}`, { state, now: hoursLater(1) })
    assert.deepEqual(
      later.passengers.map(({ channel, outcome }) => [channel, outcome]),
      [['stores', 'repeat']],
    )
  })

  it('refuses content, lists, and a plan that names nothing to carry', async () => {
    const output = stage.path('no.tar')
    const trust = { policy, chains: false }
    const revocation = { collect: 'none', accept: [], nextBundle: '7d', allowPrivate: false, chains: [] } as const
    const run = (plan: object): Promise<unknown> => stage.export({ output, keys, plan })
    await assert.rejects(run({ ...planFor(`oci:${layout}`), trust }), fault('PURPOSE_MISMATCH'))
    await assert.rejects(run({ trust, revocation }), fault('PURPOSE_MISMATCH'))
    await assert.rejects(run({ trust: { chains: true } }), fault('USAGE'))
    await assert.rejects(run({}), fault('USAGE'))
    await assert.rejects(stage.export({ output, plan: { trust } }), fault('USAGE'))
  })
})
