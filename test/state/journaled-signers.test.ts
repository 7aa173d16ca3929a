import assert from 'node:assert/strict'
import { checkState, State } from '../../src/state/index.ts'
import { headOf, NOW, pinOf, removeFolders, storiedState, TARGET } from './folder.ts'

const write = { write: true, now: NOW }
const CHANNEL = 'vendor-a'
const [ALICE, BOB, CAROL] = ['a', 'b', 'c'].map((key) => key.repeat(64)) as [string, string, string]

describe('state/journaled signers', () => {
  after(removeFolders)

  it('unites those of all rows of the last bundle, and has none of another', async () => {
    const state = await State.open(await storiedState(), write)
    const four = headOf(CHANNEL, 4)
    await state.commitHead({ ...four, signers: [ALICE, BOB] })
    await state.commitHead({ ...four, signers: [ALICE, CAROL], repeat: true })
    const told = (known: State): unknown => [
      known.journaledSigners(CHANNEL, four.id),
      known.journaledSigners(CHANNEL, headOf(CHANNEL, 3).id),
      known.journaledSigners('vendor-b', four.id),
    ]
    assert.deepEqual(told(state), [[ALICE, BOB, CAROL], [], []])
    await state.close()
    assert.deepEqual(told(await State.open(state.dir, { ...write, write: false })), told(state))
    const again = await State.open(state.dir, write)
    await again.unpin(CHANNEL, 'test')
    await again.pin(pinOf(CHANNEL))
    assert.deepEqual(told(again), told(state))
    await again.commitHead({ ...headOf(CHANNEL, 5), signers: [BOB] })
    assert.deepEqual(again.journaledSigners(CHANNEL, four.id), [])
    assert.deepEqual(again.journaledSigners(CHANNEL, headOf(CHANNEL, 5).id), [BOB])
    await again.close()
  })

  it('leaves counters, time and how far the bundle came as they are', async () => {
    const state = await State.open(await storiedState(), write)
    const three = headOf(CHANNEL, 3)
    const told = async (): Promise<unknown> => {
      const { state: came } = (await state.bundle(CHANNEL, 3)) ?? {}
      return [state.channel(CHANNEL), state.floor, came, await state.importDone(TARGET, three.id)]
    }
    const before = await told()
    await state.commitHead({ ...three, signers: [ALICE], repeat: true })
    assert.deepEqual(await told(), before)
    await state.close()
    assert.equal((await checkState(state.dir, { now: NOW })).count, 0)
  })

  it('refuses to repeat another bundle than the last one', async () => {
    const state = await State.open(await storiedState(), write)
    const { head } = state
    for (const sequence of [2, 4])
      await assert.rejects(state.commitHead({ ...headOf(CHANNEL, sequence), repeat: true }), TypeError)
    await assert.rejects(state.commitHead({ ...headOf('vendor-c', 1), repeat: true }), TypeError)
    assert.deepEqual(state.head, head)
    await state.close()
  })
})
