/** `before-lists/` was written by the version of 2026-11-29 that knew nothing of lists (commit 22ef777). */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { backup, checkState, restore, State } from '../../src/state/index.ts'
import { all, digest, makeFolder, NOW, pinOf, removeFolders, REPOSITORY, TARGET } from './folder.ts'
import { artifact, certificateOf, FROM, listOf, sha, verdictOf } from './lists.ts'

const OLD = join(import.meta.dirname, 'before-lists')

function oldState(): string {
  const dir = join(makeFolder(), 'state')
  mkdirSync(dir)
  cpSync(join(OLD, 'journal.jsonl'), join(dir, 'journal.jsonl'))
  return dir
}

describe('state before lists', () => {
  after(removeFolders)

  it('opens as it was', async () => {
    const dir = oldState()
    for (const options of [
      { write: false, now: NOW },
      { write: true, now: NOW },
    ]) {
      const state = await State.open(dir, options)
      assert.equal(state.channel('vendor-a')?.last?.sequence, 3)
      assert.equal(state.channel('vendor-b'), undefined)
      assert.equal(state.policySince, '2026-11-24T12:00:00Z')
      assert.equal(state.openIntents().length, 1)
      assert.ok(await state.heldIn(TARGET, REPOSITORY, digest(2)))
      assert.deepEqual([...state.judgedArtifacts()], [], 'old verdicts do not say where the artifact lies')
      const old = state.unplaced()
      assert.deepEqual([old.length, old[0]?.repository], [1, 'vendor/app'])
      assert.deepEqual(state.pending(), { through: 0, policy: undefined, lists: [], denials: [] })
      assert.deepEqual(
        [state.heldLists(), state.denials(), state.quarantined(), state.expectations()],
        [[], [], [], []],
      )
      await state.close()
    }
    const report = await checkState(dir, { now: NOW })
    assert.deepEqual([report.rows, report.count, report.lists], [15, 0, []])
  })

  it('goes on with rows of today', async () => {
    const dir = oldState()
    const state = await State.open(dir, { write: true, now: NOW })
    await state.pin(pinOf('vendor-b'))
    await state.takeLists([listOf(4)], FROM)
    await state.knowCertificates(['leaf', 'ca', 'root'].map((name) => certificateOf(name)))
    await state.recordVerdicts([verdictOf(artifact(1), ['leaf', 'ca', 'root'])])
    await state.close()
    const again = await State.open(dir, { write: false, now: NOW })
    assert.equal(again.artifactsOf(sha('leaf')).length, 1)
    // It is known by now where that artifact lies.
    assert.deepEqual(again.unplaced(), [])
    assert.equal((await checkState(dir, { now: NOW })).count, 0)
  })

  it('restores from its old backup, and a state without lists still writes the same', async () => {
    const folder = makeFolder()
    const place = join(folder, 'restored')
    await restore(place, join(OLD, 'state.backup'), { now: NOW, reason: 'the disk is lost' })
    const state = await State.open(place, { write: false, now: NOW })
    assert.deepEqual(
      (await all(state.rows())).slice(0, -1).map(({ sum }) => sum),
      (await all((await State.open(oldState(), { write: false, now: NOW })).rows())).map(({ sum }) => sum),
    )
    const file = join(folder, 'state.backup')
    await backup({ dir: oldState() }, file)
    assert.deepEqual(readFileSync(file), readFileSync(join(OLD, 'state.backup')))
  })
})
