import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeRow } from '../../src/state/journal-row.ts'
import { checkState, State } from '../../src/state/index.ts'
import { all, digest, fault, headOf, initState, NOW, pinOf, removeFolders } from './folder.ts'
import { seeded } from '../seed.ts'
import { answerOf, denialOf, FROM, listOf, sha } from './lists.ts'

const write = { write: true, now: NOW }

describe('state/denials', () => {
  after(removeFolders)

  it('keeps a set that only grows, by artifact and signer, with the first reason', async () => {
    const state = await initState()
    const signer = sha('key')
    assert.equal((await state.addDenials([denialOf(1), denialOf(1, { signer }), denialOf(1)], FROM)).length, 2)
    const { head } = state
    assert.deepEqual(await state.addDenials([denialOf(1, { reason: 'for another reason' })], null), [])
    assert.deepEqual(await state.addDenials([], null), [])
    assert.deepEqual(state.head, head, 'what is known gets no row')
    assert.deepEqual(await state.addDenials([denialOf(1), denialOf(2)], null), [denialOf(2)])
    const denials = [
      { ...denialOf(1), from: FROM, n: 3 },
      { ...denialOf(1, { signer }), from: FROM, n: 3 },
      { ...denialOf(2), from: null, n: 4 },
    ]
    assert.deepEqual(state.denials(), denials)
    await state.close()
    rmSync(join(state.dir, 'index'), { recursive: true })
    for (const options of [write, { ...write, write: false }]) {
      const again = await State.open(state.dir, options)
      assert.deepEqual(again.denials(), denials)
      await again.close()
    }
  })

  it('keeps the first reason when a row says a second, also within it', async () => {
    const state = await initState()
    await state.close()
    const denials = ['stolen key', 'another'].map((reason) => ({
      artifact: digest(1),
      reason,
      since: denialOf(1).since,
    }))
    const { line } = encodeRow({ kind: 'denials', body: { denials, from: null } }, state.head, '2026-11-24T12:00:00Z')
    writeFileSync(join(state.dir, 'journal.jsonl'), line, { flag: 'a' })
    const reader = await State.open(state.dir, { ...write, write: false })
    assert.deepEqual(reader.denials(), [{ ...denialOf(1), from: null, n: 3 }])
  })

  it('splits a long document into rows', async () => {
    const state = await initState()
    const many = Array.from({ length: 20_000 }, (_, at) => denialOf(at, { reason: 'x'.repeat(at % 500) + '.' }))
    assert.equal((await state.addDenials(many, FROM)).length, many.length)
    assert.ok(state.head.n > 4)
    assert.equal(state.denials().length, many.length)
    assert.equal((await state.addDenials(many, FROM)).length, 0)
    await state.close()
    assert.equal((await State.open(state.dir, { ...write, write: false })).denials().length, many.length)
  })

  it('writes nothing that is no denial', async () => {
    const state = await initState()
    const { head } = state
    for (const wrong of [{ artifact: 'sha256:1' as const }, { signer: 'CN=x' }, { reason: '' }, { since: '' }])
      await assert.rejects(state.addDenials([denialOf(1), denialOf(2, wrong)], null), TypeError)
    assert.deepEqual(state.head, head)
    await state.close()
  })

  it('adds what many say at once, each once', async () => {
    const chance = seeded('denials at once')
    const state = await initState()
    const fresh = await Promise.all(
      Array.from({ length: 300 }, () => state.addDenials([denialOf(Math.floor(chance() * 40))], null)),
    )
    assert.equal(fresh.flat().length, state.denials().length)
    assert.equal(new Set(state.denials().map(({ artifact }) => artifact)).size, state.denials().length)
    await state.close()
    assert.equal((await checkState(state.dir, { now: NOW })).count, 0)
  })

  it('knows what changed since it was looked at, whatever was journaled meanwhile', async () => {
    const state = await initState()
    assert.deepEqual(state.pending(), { through: 0, policy: undefined, lists: [], denials: [] })
    await state.takeLists([listOf(1), answerOf('a1', 1)], FROM)
    await state.addDenials([denialOf(1)], null)
    const through = state.head.n
    await state.takeLists([listOf(2)], FROM)
    await state.addDenials([denialOf(2)], null)
    const seen = (): unknown => {
      const { lists, denials, ...rest } = state.pending()
      const shown = lists.map(({ list, before }) => [
        list.form,
        before?.thisUpdate.slice(8, 10),
        list.thisUpdate.slice(8, 10),
      ])
      return { ...rest, lists: shown, denials: denials.map(({ artifact }) => artifact) }
    }
    assert.deepEqual(seen(), {
      through: 0,
      policy: undefined,
      lists: [
        ['answer', undefined, '01'],
        ['base', undefined, '02'],
      ],
      denials: [digest(1), digest(2)],
    })
    await state.markRejudged(through, digest('policy'))
    const rest = { through, policy: digest('policy'), lists: [['base', '01', '02']], denials: [digest(2)] }
    assert.deepEqual(seen(), rest)
    await state.note('nothing')
    assert.deepEqual(seen(), rest)
    await assert.rejects(state.markRejudged(state.head.n + 1), TypeError)
    await assert.rejects(state.markRejudged(through - 1), TypeError)
    await state.close()
    rmSync(join(state.dir, 'index'), { recursive: true })
    const again = await State.open(state.dir, write)
    assert.deepEqual(again.pending(), state.pending())
    await again.markRejudged(again.head.n)
    assert.deepEqual(again.pending(), { through: again.head.n - 1, policy: undefined, lists: [], denials: [] })
    await again.close()
  })

  it('expects bundles of pinned channels, and knows when the last one came', async () => {
    const state = await initState()
    await assert.rejects(state.expect('vendor-a', 3600), fault('CHANNEL_NOT_PINNED', /vendor-a/))
    await state.pin(pinOf('vendor-b'))
    await state.pin(pinOf('vendor-a'))
    for (const channel of ['vendor-b', 'vendor-a']) await state.expect(channel, 3600)
    await state.expect('vendor-b', 7200)
    const since = '2026-11-24T12:00:00Z'
    assert.deepEqual(state.expectations(), [
      { channel: 'vendor-a', every: 3600, since, last: undefined },
      { channel: 'vendor-b', every: 7200, since, last: undefined },
    ])
    await state.close()
    const later = await State.open(state.dir, { write: true, now: new Date('2026-11-25T12:00:00Z') })
    await later.commitHead(headOf('vendor-a', 3))
    assert.equal(later.expectations()[0]?.last, '2026-11-25T12:00:00Z')
    await later.expect('vendor-b', null)
    await later.unpin('vendor-a', 'contract ended')
    assert.deepEqual(later.expectations(), [])
    assert.equal((await all(later.rows())).filter(({ kind }) => kind === 'expect').length, 4)
    await assert.rejects(later.expect('vendor-b', 1.5), TypeError)
    await later.close()
  })
})
