import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import { checkState, State, type JournalRow } from '../../../src/state/index.ts'
import { log, status } from '../../../src/transfer/index.ts'
import { CHANNEL, hoursLater, planFor, Stage } from '../stage.ts'

describe('transfer/import: approvals', () => {
  let stage: Stage
  /** The same bundle, approved by Alice and Bob, by Alice and Carol, and by all three. */
  let bob: string
  let carol: string
  let all: string

  before(async () => {
    stage = await Stage.make({ people: ['alice', 'bob', 'carol'], threshold: 2, kind: 'ed25519' })
    const layout = stage.path('layout')
    await buildDemoLayout(layout)
    bob = stage.path('bob.tar')
    carol = stage.path('carol.tar')
    all = stage.path('all.tar')
    await stage.export({ output: bob, plan: planFor(`oci:${layout}`) })
    copyFileSync(bob, carol)
    await stage.approve(bob, 'bob')
    await stage.approve(carol, 'carol')
    copyFileSync(bob, all)
    await stage.approve(all, 'carol')
  })

  after(() => stage?.close())

  const site = async (): Promise<[state: string, bring: (bundle: string, hours: number) => Promise<JournalRow[]>]> => {
    const state = await stage.site()
    const to = `oci:${stage.path('to')}`
    let seen = 0
    const bring = async (bundle: string, hours: number): Promise<JournalRow[]> => {
      await stage.import(bundle, to, { state, now: hoursLater(hours) })
      const { rows } = await log({ state, now: hoursLater(hours) })
      const fresh = rows.slice(seen)
      seen = rows.length
      return fresh
    }
    return [state, bring]
  }

  const signersOf = (rows: readonly JournalRow[]): string[] => {
    const [head, ...more] = rows.filter(({ kind }) => kind === 'head')
    assert.deepEqual(more, [])
    return (head?.['signers'] ?? []) as string[]
  }

  it('journals who approved a bundle after it was brought, once, and leaves all else as it was', async () => {
    const [state, bring] = await site()
    const first = signersOf(await bring(bob, 0))
    assert.equal(first.length, 2)
    assert.deepEqual(await bring(bob, 1), [])
    const opened = async (): Promise<unknown> => {
      const known = await State.open(state, { write: false, now: hoursLater(9) })
      const { state: came } = (await known.bundle(CHANNEL, 1)) ?? {}
      return [known.channel(CHANNEL), known.floor, known.heard(CHANNEL), came]
    }
    const before = await opened()
    const again = await bring(all, 2)
    assert.deepEqual(
      again.map(({ kind, repeat }) => [kind, repeat]),
      [['head', true]],
    )
    assert.equal(signersOf(again).length, 3)
    assert.ok(first.every((signer) => signersOf(again).includes(signer)))
    assert.deepEqual(await opened(), before)
    const [end] = (await status({ state, now: hoursLater(3) })).bundles
    assert.deepEqual([end?.phase, end?.signers?.length], ['done', 3])
    assert.deepEqual([await bring(all, 3), await bring(bob, 4), await bring(carol, 5)], [[], [], []])
    assert.equal((await checkState(state, { now: hoursLater(6) })).count, 0)
  })

  it('journals the signatures of each copy, however few it has', async () => {
    const [state, bring] = await site()
    const [first, other] = [signersOf(await bring(bob, 0)), signersOf(await bring(carol, 1))]
    assert.deepEqual([first.length, other.length], [2, 2])
    const both = new Set([...first, ...other])
    assert.equal(both.size, 3)
    assert.deepEqual([await bring(bob, 2), await bring(carol, 3), await bring(all, 4)], [[], [], []])
    const [end] = (await status({ state, now: hoursLater(5) })).bundles
    assert.deepEqual(new Set(end?.signers), both)
  })

  it('writes none in a dry run', async () => {
    const [state, bring] = await site()
    await bring(bob, 0)
    await stage.import(all, `oci:${join(stage.dir, 'nowhere')}`, { state, now: hoursLater(1), dryRun: true })
    assert.equal(signersOf(await bring(all, 2)).length, 3)
  })
})
