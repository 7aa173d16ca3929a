import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import { channelShow } from '../../../src/index.ts'
import { channelPin, channelUnpin } from '../../../src/transfer/index.ts'
import { signRoot } from '../../../src/tuf/index.ts'
import { openChannelFolder, openEntry, presentKeys } from '../../../src/transfer/channel/folder.ts'
import { CHANNEL, NOW, planFor, Stage } from '../stage.ts'
import { fault } from '../../fault.ts'

describe('transfer/import: roots', () => {
  let stage: Stage

  beforeEach(async () => {
    stage = await Stage.make()
  })

  afterEach(() => stage?.close())

  /** Adds as many roots, each near the cap, which the last one leads to. */
  async function addRoots(count: number): Promise<void> {
    const folder = openChannelFolder(stage.keys)
    const [entry] = presentKeys(folder, 'root')
    assert.ok(entry)
    const key = await openEntry(folder, entry, stage.passphrase)
    let previous = folder.roots.at(-1) ?? Buffer.alloc(0)
    for (let version = folder.roots.length + 1; version <= count + folder.roots.length; version++) {
      const { signed } = JSON.parse(String(previous)) as { signed: object }
      const next = { signatures: [], signed: { ...signed, version, 'x-padding': 'x'.repeat(500_000) } }
      previous = signRoot(Buffer.from(JSON.stringify(next)), key, previous)
      const file = join(stage.keys, `${version}.root.json`)
      writeFileSync(file, previous)
      copyFileSync(file, join(stage.keys, 'root.json'))
    }
  }

  it('takes as many bytes of new roots as verify lets pass', async () => {
    const layout = stage.path('layout')
    await buildDemoLayout(layout)
    const state = await stage.site()
    await addRoots(16)
    const output = stage.path('rotated.tar')
    await stage.export({ output, plan: planFor(`oci:${layout}`) })
    assert.equal((await stage.verify(output, { state })).verdict, 'trusted')
    const to = `oci:${stage.path('to')}`
    assert.equal((await stage.import(output, to, { state, dryRun: true })).verdict, 'trusted')
    assert.equal((await stage.import(output, to, { state })).verdict, 'trusted')
    const { channels } = await channelShow({ state })
    assert.deepEqual(
      channels.map(({ rootVersion }) => rootVersion),
      [17],
    )
  })

  it('takes no older bundle after a newer root of the channel was pinned by hand', async () => {
    const layout = stage.path('layout')
    await buildDemoLayout(layout)
    const state = await stage.site()
    const to = `oci:${stage.path('to')}`
    const [old, newer] = [stage.path('old.tar'), stage.path('newer.tar')]
    for (const output of [old, newer]) await stage.export({ output, plan: planFor(`oci:${layout}`) })
    await stage.import(newer, to, { state })
    await addRoots(1)
    await channelUnpin({ state, channel: CHANNEL, reason: 'test', now: NOW })
    const root = join(stage.keys, 'root.json')
    const fingerprint = `sha256:${createHash('sha256').update(readFileSync(root)).digest('hex')}`
    await channelPin({ state, channel: CHANNEL, root, fingerprint, purpose: 'content', now: NOW })
    await assert.rejects(stage.import(old, to, { state }), fault('ROLLBACK'))
  })
})
