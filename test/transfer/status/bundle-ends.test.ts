import assert from 'node:assert/strict'
import { join } from 'node:path'
import { log, stateForget, status } from '../../../src/transfer/index.ts'
import { logText, statusText } from '../../../src/cli/site-text.ts'
import { State } from '../../../src/state/index.ts'
import { headOf, makeFolder, NOW, pinOf, READABLE_ROOT, removeFolders } from '../../state/folder.ts'
import { fault } from '../../fault.ts'

describe('transfer/status/bundle-ends', () => {
  after(removeFolders)

  const begun = async (): Promise<string> => {
    const dir = join(makeFolder(), 'state')
    const state = await State.init(dir, { site: 'site-a', reason: 'test', now: NOW })
    await state.pin(pinOf('vendor-a', READABLE_ROOT))
    for (const sequence of [1, 2]) await state.commitHead(headOf('vendor-a', sequence))
    const at = { ...headOf('vendor-a', 1), channel: 'vendor-a' }
    const bundle = { id: at.id, channel: 'vendor-a', sequence: 1 }
    await state.recordImport({ ...bundle, target: 'down.example', phase: 'start' })
    await state.recordImport({ ...bundle, target: 'oci:/x', phase: 'start' })
    await state.recordImport({ ...bundle, target: 'oci:/x', phase: 'done' })
    await state.close()
    return dir
  }
  it('names who approved a bundle, in the log and at each target, and nobody where no row says', async () => {
    const state = await begun()
    const keys = ['a', 'b', 'c', 'd'].map((key) => key.repeat(64))
    const open = await State.open(state, { write: true, now: NOW })
    const three = { ...headOf('vendor-a', 3), signers: keys }
    await open.commitHead(three)
    await open.recordImport({ id: three.id, channel: 'vendor-a', sequence: 3, target: 'oci:/x', phase: 'done' })
    for (const signers of [['x'], ['A'.repeat(64)], ['']])
      await assert.rejects(open.commitHead({ ...headOf('vendor-a', 4), signers }), TypeError)
    await open.close()
    const report = await status({ state, now: NOW })
    assert.deepEqual(
      report.bundles.map(({ sequence, signers }) => [sequence, signers]),
      [
        [1, null],
        [1, null],
        [2, null],
        [3, keys],
      ],
    )
    const told = await log({ state, now: NOW })
    const heads = told.rows.filter(({ kind }) => kind === 'head')
    assert.deepEqual(
      heads.map(({ signers }) => signers),
      [undefined, undefined, keys],
    )
    for (const lines of [statusText(report), logText(told)])
      assert.equal(lines.filter((line) => line.includes('a'.repeat(16)) && line.includes('c'.repeat(16))).length, 1)
  })

  const ends = async (state: string): Promise<unknown[]> =>
    (await status({ state, now: NOW })).bundles.map(({ sequence, phase, target }) => [sequence, phase, target])

  it('tells of each target how the bundle ended there, until the target is forgotten', async () => {
    const state = await begun()
    assert.deepEqual(await ends(state), [
      [1, 'start', 'down.example'],
      [1, 'done', 'oci:/x'],
      [2, 'accepted', undefined],
    ])
    const text = statusText(await status({ state, now: NOW })).join('\n')
    assert.match(text, /vendor-a 1 {2}not finished at down\.example/)
    assert.match(text, /vendor-a 1 {2}done at oci:\/x/)
    const forgotten = await stateForget({ state, target: 'down.example', reason: 'switched off', now: NOW })
    assert.deepEqual([forgotten.added, forgotten.artifacts], [true, 0])
    assert.deepEqual(await ends(state), [
      [1, 'done', 'oci:/x'],
      [2, 'accepted', undefined],
    ])
  })

  it('forgets a target that was filled by the channel alone, and none that was never named', async () => {
    const state = await begun()
    assert.equal((await stateForget({ state, target: 'oci:/x', reason: 'moved', now: NOW })).added, true)
    assert.equal((await stateForget({ state, target: 'oci:/x', reason: 'moved', now: NOW })).added, false)
    await assert.rejects(
      stateForget({ state, target: 'never.example', reason: 'x', now: NOW }),
      fault('TARGET_UNKNOWN'),
    )
  })
})
