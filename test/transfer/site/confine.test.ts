import assert from 'node:assert/strict'
import { join } from 'node:path'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import {
  channelConfine,
  channelInit,
  channelPin,
  channelShow,
  channelUnpin,
  log,
  stateBackup,
  stateRebuild,
  stateRestore,
} from '../../../src/transfer/index.ts'
import { fault } from '../../fault.ts'
import { CHANNEL, NOW, planFor, Stage, tree } from '../stage.ts'

describe('transfer/site/confine', () => {
  let stage: Stage
  let bundle: string

  before(async () => {
    stage = await Stage.make()
    const layout = join(stage.dir, 'app')
    await buildDemoLayout(layout)
    bundle = stage.path('out.tar')
    const plan = { ...planFor(`oci:${layout}`), map: [{ from: 'registry.example/demo/app', to: 'vendor-b/app' }] }
    await stage.export({ output: bundle, plan })
  })

  after(() => stage?.close())

  const confine = (state: string, into: string[] | null, dryRun = false): ReturnType<typeof channelConfine> =>
    channelConfine({ state, channel: CHANNEL, into, dryRun, now: NOW })

  async function intoOf(state: string): Promise<string[] | null | undefined> {
    return (await channelShow({ state, now: NOW })).channels[0]?.into
  }

  async function rowsOf(state: string): Promise<number> {
    return (await log({ state, now: NOW })).rows.length
  }

  it('writes down where content may go, and lifts it', async () => {
    const state = await stage.site()
    const before = await rowsOf(state)
    const report = await confine(state, ['mirror/b', 'a', 'a'], true)
    assert.deepEqual(report, { channel: CHANNEL, into: ['a', 'mirror/b'], dryRun: true })
    assert.deepEqual([await intoOf(state), await rowsOf(state)], [null, before])
    await confine(state, ['mirror/b', 'a', 'a'])
    assert.deepEqual(await intoOf(state), ['a', 'mirror/b'])
    await confine(state, null)
    assert.deepEqual([await intoOf(state), await rowsOf(state)], [null, before + 2])
  })

  it('refuses a path that is none, no path, a channel that is not pinned, and one that brings no content', async () => {
    const state = await stage.site()
    for (const into of [['Mirror'], ['/a'], ['a/'], ['a//b'], ['a/../b'], ['*'], [''], [], ['a', 'b c']])
      for (const dryRun of [true, false]) await assert.rejects(confine(state, into, dryRun), fault('USAGE'), into[0])
    const nobody = channelConfine({ state, channel: 'nobody', into: ['a'], now: NOW })
    await assert.rejects(nobody, fault('CHANNEL_NOT_PINNED'))
    const dir = stage.path('rkeys')
    const made = { channel: 'rev', purpose: 'revocation' as const, people: ['bob'], threshold: 1 }
    const options = { kind: 'ed25519' as const, dir, rootDays: 365, now: NOW, passphrase: stage.passphrase }
    const { fingerprint } = await channelInit({ ...made, ...options })
    const root = join(dir, 'root.json')
    await channelPin({ state, channel: 'rev', root, fingerprint: fingerprint ?? '', purpose: 'revocation', now: NOW })
    await assert.rejects(channelConfine({ state, channel: 'rev', into: ['a'], now: NOW }), fault('USAGE'))
  })

  it('is not loosened by an unpinning, a rebuilt index or a backup', async () => {
    const state = await stage.site()
    await confine(state, ['a'])
    await channelUnpin({ state, channel: CHANNEL, reason: 'test', now: NOW })
    await stage.pin(state)
    assert.deepEqual(await intoOf(state), ['a'])
    await stateRebuild({ state, now: NOW })
    assert.deepEqual(await intoOf(state), ['a'])
    const file = stage.path('backup')
    await stateBackup({ state, file, now: NOW })
    const restored = stage.path('restored')
    await stateRestore({ state: restored, file, reason: 'test', now: NOW })
    assert.deepEqual(await intoOf(restored), ['a'])
  })

  it('refuses a bundle that would go elsewhere, from a file and a pipe, and writes nothing', async () => {
    const state = await stage.site()
    await confine(state, ['vendor-a', 'vendor-b/other', 'vendor-b/ap'])
    const dir = stage.path('to')
    const before = await rowsOf(state)
    for (const dryRun of [true, false])
      await assert.rejects(stage.import(bundle, `oci:${dir}`, { state, dryRun }), fault('DESTINATION_FORBIDDEN'))
    const piped = stage.piped(bundle, (input) => stage.import(input, `oci:${dir}`, { state }))
    await assert.rejects(piped, fault('DESTINATION_FORBIDDEN'))
    assert.throws(() => tree(dir))
    assert.equal(await rowsOf(state), before)
    // And nothing is lost by it: the same bundle is taken where it may go.
    await confine(state, ['vendor-b'])
    const { landed } = await stage.import(bundle, `oci:${dir}`, { state })
    assert.deepEqual(landed, [{ name: 'registry.example/demo/app', at: 'vendor-b/app' }])
  })

  it('holds the operator’s own mapping to it', async () => {
    const state = await stage.site()
    await confine(state, ['vendor-b/app'])
    const to = `oci:${stage.path('to')}`
    const away = { state, map: [{ from: 'registry.example/demo/app', to: 'vendor-a/app' }] }
    await assert.rejects(stage.import(bundle, to, away), fault('DESTINATION_FORBIDDEN'))
    await stage.import(bundle, to, { state })
  })
})
