import assert from 'node:assert/strict'
import { basename, join } from 'node:path'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import { channelPin, channelUnpin, type ImportReport } from '../../../src/transfer/index.ts'
import { retag } from '../retag.ts'
import { NOW, planFor, Stage } from '../stage.ts'

const B = 'vendor-b'

describe('transfer/import/former-channel', () => {
  let stage: Stage
  let other: Stage
  let ours: string
  let theirs: string

  /** A bundle of one tag, on one manifest of the same layout. */
  async function bundle(of: Stage, at: number): Promise<string> {
    const layout = of.path('layout')
    await buildDemoLayout(layout)
    retag(layout, ['latest'], at)
    const output = of.path('out.tar')
    const plan = { ...planFor(`oci:${layout}`), map: [{ from: `local/${basename(layout)}`, to: 'base/app' }] }
    await of.export({ output, plan })
    return output
  }

  async function siteOfBoth(): Promise<string> {
    const state = await stage.site()
    const root = join(other.keys, 'root.json')
    await channelPin({ state, channel: B, root, fingerprint: other.fingerprint, purpose: 'content', now: NOW })
    return state
  }

  const taken = ({ tags }: ImportReport): (string | undefined)[] => tags.map(({ takenFrom }) => takenFrom)

  before(async () => {
    stage = await Stage.make()
    other = await Stage.make({ channel: B, people: ['bob'], threshold: 1, kind: 'ed25519' })
    ours = await bundle(stage, 0)
    theirs = await bundle(other, -1)
  })

  after(() => {
    stage?.close()
    other?.close()
  })

  it('names the channel whose tag a bundle moves, in a dry run too', async () => {
    const state = await siteOfBoth()
    const to = `oci:${stage.path('to')}`
    assert.deepEqual(taken(await stage.import(ours, to, { state })), [undefined])
    assert.deepEqual(taken(await other.import(theirs, to, { state, dryRun: true })), ['vendor-a'])
    assert.deepEqual(taken(await other.import(theirs, to, { state })), ['vendor-a'])
    assert.deepEqual(taken(await other.import(theirs, to, { state })), [undefined], 'it is its own now')
    assert.deepEqual(taken(await stage.import(ours, to, { state })), [B], 'and taken back')
  })

  it('names none for a place of its own, and none that is unpinned', async () => {
    const state = await siteOfBoth()
    const to = `oci:${stage.path('to')}`
    await stage.import(ours, to, { state })
    assert.deepEqual(taken(await other.import(theirs, `oci:${stage.path('else')}`, { state })), [undefined])
    await channelUnpin({ state, channel: 'vendor-a', reason: 'it ended', now: NOW })
    assert.deepEqual(taken(await other.import(theirs, to, { state })), [undefined])
  })

  it('names none whose tag somebody else has moved since', async () => {
    const [state, elsewhere] = [await siteOfBoth(), await siteOfBoth()]
    const to = `oci:${stage.path('to')}`
    const next = await bundle(other, 1)
    await stage.import(ours, to, { state })
    await other.import(theirs, to, { state: elsewhere })
    assert.deepEqual(taken(await other.import(next, to, { state })), [undefined])
  })
})
