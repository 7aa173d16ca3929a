import assert from 'node:assert/strict'
import { checkState, State } from '../../src/state/index.ts'
import { digest, fault, headOf, NOW, pinOf, removeFolders, storiedState } from './folder.ts'

const write = { write: true, now: NOW }

describe('state/kept roots', () => {
  after(removeFolders)

  it('keeps a verified root without a head, and its counters without a reset', async () => {
    const dir = await storiedState()
    const state = await State.open(dir, write)
    await state.keepRoots({ channel: 'vendor-a', roots: [Buffer.from('root 2')], rootVersion: 2 })
    assert.equal(state.channel('vendor-a')?.rootVersion, 2)
    assert.equal(state.channel('vendor-a')?.root.toString(), 'root 2')
    assert.deepEqual(state.channel('vendor-a')?.counters, { timestamp: 3, snapshot: 3, targets: 3 })
    await assert.rejects(state.commitHead({ ...headOf('vendor-a', 2), rootVersion: 2 }), fault('ROLLBACK'))
    await state.close()
    assert.equal((await checkState(dir, { now: NOW })).count, 0)
  })

  it('lets counters begin again only with a root of the same row', async () => {
    const state = await State.open(await storiedState(), write)
    const next = { channel: 'vendor-a', roots: [Buffer.from('root 2')], rootVersion: 2 }
    await assert.rejects(state.keepRoots({ ...next, reset: { rootVersion: 1 } }), fault('ROLLBACK'))
    await assert.rejects(state.keepRoots({ ...next, reset: { rootVersion: 3 } }), fault('ROLLBACK'))
    await state.keepRoots({ ...next, reset: { rootVersion: 2 } })
    assert.deepEqual(state.channel('vendor-a')?.counters, { timestamp: 0, snapshot: 0, targets: 0 })
    assert.equal(state.channel('vendor-a')?.last, undefined)
    await state.commitHead({ ...headOf('vendor-a', 1), rootVersion: 2, id: digest('first again') })
    await state.close()
  })

  it('keeps as many bytes of roots as a bundle may bring, with a head and without one', async () => {
    const roots = Array.from({ length: 17 }, (_, at) => Buffer.alloc(at === 16 ? 196_608 : 512_000, `${at}`))
    const channel = 'vendor-a'
    for (const reset of [undefined, 2, 9, 18])
      for (const withHead of [true, false]) {
        const dir = await storiedState()
        const state = await State.open(dir, write)
        const given = { channel, roots, rootVersion: 18, ...(reset && { reset: { rootVersion: reset } }) }
        const sequence = reset === undefined ? 4 : 1
        if (!withHead) await state.keepRoots(given)
        await state.commitHead({ ...headOf(channel, sequence), rootVersion: 18, ...(withHead ? given : { roots: [] }) })
        const kept = state.channel(channel)
        assert.deepEqual([kept?.rootVersion, kept?.root.toString()], [18, String(roots[16])])
        assert.equal(kept?.last?.sequence, sequence)
        await state.close()
        assert.equal((await checkState(dir, { now: NOW })).count, 0)
      }
  })

  it('refuses a reset that no root stands for, however many rows the roots take', async () => {
    const state = await State.open(await storiedState(), write)
    const roots = Array.from({ length: 9 }, () => Buffer.alloc(512_000, 'r'))
    for (const reset of [1, 11]) {
      const next = { channel: 'vendor-a', roots, rootVersion: 10, reset: { rootVersion: reset } }
      await assert.rejects(state.keepRoots(next), fault('ROLLBACK'))
      await assert.rejects(state.commitHead({ ...headOf('vendor-a', 1), ...next }), fault('ROLLBACK'))
    }
    await state.close()
  })

  it('goes on where a chain stood with a root pinned by hand that continues it, and with no other', async () => {
    const state = await State.open(await storiedState(), write)
    const before = state.channel('vendor-a')?.last
    await state.unpin('vendor-a', 'a later root')
    await assert.rejects(state.pin({ ...pinOf('vendor-a', 'later'), continues: digest('unseen') }), TypeError)
    await state.pin({ ...pinOf('vendor-a', 'later'), continues: digest('root of vendor-a') })
    assert.deepEqual([state.channel('vendor-a')?.root.toString(), state.channel('vendor-a')?.last], ['later', before])
    // It is one chain from then on, which each of its roots takes up.
    assert.deepEqual(state.rootsOf('vendor-a'), [{ fingerprint: digest('later'), root: Buffer.from('later') }])
    await state.unpin('vendor-a', 'back to the first')
    await state.pin(pinOf('vendor-a'))
    assert.deepEqual([state.channel('vendor-a')?.root.toString(), state.channel('vendor-a')?.last], ['later', before])
    await state.close()
  })

  it('refuses a gap, a step back and a channel that is not pinned', async () => {
    const state = await State.open(await storiedState(), write)
    const roots = [Buffer.from('root')]
    await assert.rejects(state.keepRoots({ channel: 'vendor-a', roots, rootVersion: 3 }), TypeError)
    await assert.rejects(state.keepRoots({ channel: 'vendor-a', roots: [], rootVersion: 1 }), TypeError)
    await assert.rejects(state.keepRoots({ channel: 'vendor-a', roots, rootVersion: 0 }), fault('ROLLBACK'))
    await assert.rejects(state.keepRoots({ channel: 'vendor-b', roots, rootVersion: 2 }), fault('CHANNEL_NOT_PINNED'))
    await state.close()
  })
})
