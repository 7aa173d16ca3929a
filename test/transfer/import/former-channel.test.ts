import assert from 'node:assert/strict'
import { basename, join } from 'node:path'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import type { Digest } from '../../../src/oci/index.ts'
import { State } from '../../../src/state/index.ts'
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

  /** Moves the tag at a target by hand of a bundle or of this site, as the rows of a run say that is killed behind them. */
  async function left(
    state: State,
    target: string,
    run: { bundle?: ImportReport; old: Digest | null; new: Digest; open?: true; cause?: 'restore' },
  ): Promise<void> {
    if (run.bundle !== undefined) {
      const { id, channel, sequence } = run.bundle
      await state.recordImport({ id, channel, sequence, target, phase: 'start' })
    }
    const name = { target, repository: 'base/app', tag: 'latest' }
    const cause = run.cause === undefined ? {} : { cause: { by: run.cause, reason: 'a test' } }
    await state.intendTags([{ ...name, old: run.old, new: run.new, ...cause }])
    if (run.open !== true) await state.settleTags([{ ...name, outcome: 'moved' }])
  }

  async function journaling(dir: string, write: (state: State) => Promise<void>): Promise<void> {
    const state = await State.open(dir, { now: NOW, write: true })
    try {
      await write(state)
    } finally {
      await state.close()
    }
  }

  const digestIn = ({ tags }: ImportReport): Digest => tags[0]?.new ?? assert.fail('no tag')

  it('names it when a run completes what a killed one moved, until that was told', async () => {
    for (const open of [undefined, true] as const) {
      const [state, elsewhere] = [await siteOfBoth(), await siteOfBoth()]
      const dir = stage.path('to')
      const to = `oci:${dir}`
      const old = digestIn(await stage.import(ours, to, { state }))
      const bundle = await other.import(theirs, to, { state: elsewhere })
      await journaling(state, (at) => left(at, to, { bundle, old, new: digestIn(bundle), ...(open && { open }) }))
      assert.deepEqual(taken(await other.import(theirs, to, { state, dryRun: true })), ['vendor-a'])
      const report = await other.import(theirs, to, { state })
      assert.deepEqual([taken(report), report.tags[0]?.outcome], [['vendor-a'], 'kept'])
      assert.deepEqual(taken(await other.import(theirs, to, { state })), [undefined])
    }
  })

  it('names it when the other channel was killed in the middle of its own move', async () => {
    const [state, elsewhere] = [await siteOfBoth(), await siteOfBoth()]
    const to = `oci:${stage.path('to')}`
    const bundle = await stage.import(ours, to, { state: elsewhere })
    await journaling(state, (at) => left(at, to, { bundle, old: null, new: digestIn(bundle), open: true }))
    assert.deepEqual(taken(await other.import(theirs, to, { state, dryRun: true })), ['vendor-a'])
    assert.deepEqual(taken(await other.import(theirs, to, { state })), ['vendor-a'])
  })

  it('names it when this site put the tag back to what the other channel had brought', async () => {
    const state = await siteOfBoth()
    const to = `oci:${stage.path('to')}`
    const theirsIn = digestIn(await other.import(theirs, to, { state }))
    const oursIn = digestIn(await stage.import(ours, to, { state }))
    await journaling(state, (at) => left(at, to, { old: oursIn, new: theirsIn, cause: 'restore' }))
    await journaling(state, (at) => left(at, to, { old: theirsIn, new: oursIn, cause: 'restore' }))
    assert.deepEqual(taken(await other.import(theirs, to, { state })), ['vendor-a'])
  })
})
