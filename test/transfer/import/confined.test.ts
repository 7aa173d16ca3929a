import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import { channelConfine, channelInit, channelPin, parsePlan, type ImportReport } from '../../../src/transfer/index.ts'
import { demandWithin } from '../../../src/transfer/import/confined.ts'
import type { Mapping } from '../../../src/transfer/place/naming.ts'
import { fault } from '../../fault.ts'
import { policyFolder } from '../policies.ts'
import { CHANNEL, hoursLater, NOW, planFor, Stage } from '../stage.ts'

const TRUST = `local/sallyport/trust/${CHANNEL}`

describe('transfer/import/confined', () => {
  const landing =
    (into: string[], ...paths: string[]): (() => void) =>
    () =>
      paths.forEach((path) => demandWithin('vendor-b', into, path))

  it('passes what goes to a path or below it', () => {
    landing(['mirror/b'], 'mirror/b', 'mirror/b/y/z')()
    landing(['a', 'mirror/b'], 'a/x', 'mirror/b/y')()
  })

  it('refuses what only begins as a path does, what lies above it, and what lies elsewhere', () => {
    for (const path of ['mirror/bb', 'mirror', 'b', 'x/mirror/b', 'mirror/b-x/y'])
      assert.throws(landing(['mirror/b'], 'mirror/b/x', path), fault('DESTINATION_FORBIDDEN'))
  })
})

describe('transfer/import/confined, of what a channel tells of itself', () => {
  let stage: Stage
  let policy: string
  let layout: string
  let hour = 0

  before(async () => {
    stage = await Stage.make()
    policy = policyFolder(stage.path('policy'))
    layout = stage.path('layout')
    await buildDemoLayout(layout)
  })

  after(() => stage?.close())

  async function confined(into: string[]): Promise<string> {
    const state = await stage.site()
    await channelConfine({ state, channel: CHANNEL, into, now: NOW })
    return state
  }

  /** A bundle of the demo's images under a name of the sender's choice. */
  async function named(name: string, map: Mapping[] = []): Promise<string> {
    const dir = stage.path('named')
    await buildDemoLayout(dir)
    const index = join(dir, 'index.json')
    writeFileSync(index, readFileSync(index, 'utf8').replaceAll('registry.example/demo/app', name))
    const output = stage.path('named.tar')
    await stage.export({ output, plan: { ...planFor(`oci:${dir}`), map } })
    return output
  }

  /** One of the demo's images, at `vendor-a`, and trust information. */
  async function informing(map: Mapping[] = []): Promise<string> {
    const text = `{channel: ${CHANNEL}, audience: [site-a], trust: {policy: ${policy}, chains: false}}`
    const { trust } = await parsePlan(text, 'plan.yaml')
    const output = stage.path('informing.tar')
    const all = [{ from: 'registry.example/demo/app', to: 'vendor-a/app' }, ...map]
    await stage.export({ output, plan: { ...planFor(`oci:${layout}`), map: all, ...(trust && { trust }) } })
    return output
  }

  const bring = (bundle: string, state: string, map: Mapping[] = []): Promise<ImportReport> =>
    stage.import(bundle, `oci:${stage.path('to')}`, { state, map, now: hoursLater(++hour) })

  it('takes no content for it by its name, wherever that goes', async () => {
    const state = await confined(['vendor-a'])
    const away = 'victim/app'
    for (const name of [TRUST, 'local/sallyport/trust/x/y', 'local/sallyport/trust/vendor-b'])
      await assert.rejects(
        bring(await named(name, [{ from: name, to: away }]), state),
        fault('DESTINATION_FORBIDDEN'),
        name,
      )
    await assert.rejects(bring(await named(TRUST), state), fault('DESTINATION_FORBIDDEN'))
    await assert.rejects(bring(await named('local/sallyport/trust/vendor-b'), state), fault('TARGET_COLLISION'))
    const { landed } = await bring(await named(TRUST, [{ from: TRUST, to: 'vendor-a/x' }]), state)
    assert.deepEqual(landed, [{ name: TRUST, at: 'vendor-a/x' }])
  })

  it('leaves trust information its place, and none that the sender chooses', async () => {
    const state = await confined(['vendor-a'])
    const { information, landed } = await bring(await informing(), state)
    assert.equal(information.length, 2)
    assert.deepEqual(landed.map(({ at }) => at).sort(), ['sallyport/trust/vendor-a', 'vendor-a/app'])
    const local = (to: string): Mapping[] => [{ from: 'local', to }]
    await assert.rejects(bring(await informing(local('victim')), state), fault('DESTINATION_FORBIDDEN'))
    assert.equal((await bring(await informing(local('vendor-a')), state)).information.length, 2)
    const mapped = await bring(await informing(), state, local('imported'))
    assert.ok(mapped.landed.some(({ at }) => at === 'imported/sallyport/trust/vendor-a'))
  })

  it('leaves passengers, which are not its own, where they go', async () => {
    const state = await confined(['vendor-a'])
    const keys = stage.path('keys')
    const terms = { channel: 'stores', purpose: 'trust', kind: 'ed25519', people: ['ann'], threshold: 1 } as const
    const made = await channelInit({ ...terms, dir: keys, rootDays: 365, now: NOW, passphrase: stage.passphrase })
    const pin = { state, channel: 'stores', purpose: 'trust' as const, now: NOW }
    await channelPin({ ...pin, root: `${keys}/root.json`, fingerprint: made.fingerprint ?? '' })
    const text = `{channel: stores, audience: [site-a], trust: {policy: ${policy}, chains: false}}`
    const stores = stage.path('stores.tar')
    await stage.export({ output: stores, keys, plan: await parsePlan(text, 'plan.yaml') })
    const output = stage.path('june.tar')
    const map = [{ from: 'registry.example/demo/app', to: 'vendor-a/app' }]
    await stage.export({ output, passengers: [stores], plan: { ...planFor(`oci:${layout}`), map } })
    const { landed, passengers } = await bring(output, state)
    assert.deepEqual(landed.map(({ at }) => at).sort(), ['sallyport/trust/stores', 'vendor-a/app'])
    assert.deepEqual(
      passengers.map(({ outcome }) => outcome),
      ['accepted'],
    )
  })
})
