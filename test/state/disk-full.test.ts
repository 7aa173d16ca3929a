import assert from 'node:assert/strict'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { backup, checkState, Journal, rebuildIndex, restore, State } from '../../src/state/index.ts'
import { all, digest, fault, initState, makeFolder, NOW, removeFolders, REPOSITORY, TARGET } from './folder.ts'
import { FROM, listOf } from './lists.ts'
import { needDisk } from '../need.ts'

const MIB = 1024 * 1024

describe('state/disk full', () => {
  let disk: string
  let unmount: (() => void) | undefined

  before(function () {
    disk = makeFolder()
    unmount = needDisk(this, disk, 4 * MIB)
  })

  after(() => {
    unmount?.()
    removeFolders()
  })

  /** Leaves that many bytes, or a little less. */
  function leave(bytes: number): string {
    const { bavail, bsize } = statfsSync(disk)
    const ballast = join(disk, `ballast-${Math.random()}`)
    writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - bytes)))
    return ballast
  }

  it('takes back what did not fit and the journal goes on', async () => {
    const journal = await Journal.open(disk, { now: NOW })
    const ballast = leave(64 * 1024)
    let rows = 1
    await assert.rejects(async () => {
      for (;;) {
        await journal.append('note', { text: 'x'.repeat(9000) })
        rows++
      }
    }, fault('DISK_FULL'))
    assert.ok(rows > 3)
    assert.equal((await all(Journal.read(disk))).length, rows)
    await assert.rejects(
      journal.appendAll(Array.from({ length: 10 }, () => ({ kind: 'note', body: { text: 'y'.repeat(9000) } }))),
      fault('DISK_FULL'),
    )
    rmSync(ballast)
    const { n } = await journal.append('note', { text: 'room again' })
    assert.equal(n, rows + 1)
    assert.deepEqual((await all(journal.rows())).length, rows + 1)
    await journal.close()
    const again = await Journal.open(disk, { now: NOW })
    assert.equal(again.head.n, rows + 1)
    await again.close()
    rmSync(journal.file)
  })

  it('loses nothing acknowledged when index and journal fill the disk, at many fill levels', async function () {
    this.timeout(120_000)
    for (const room of [0, 4, 8, 12, 20, 40, 100, 300].map((kib) => kib * 1024)) {
      const state = await initState(join(disk, 'state'))
      const ballast = leave(room)
      let done = 0
      await assert.rejects(async () => {
        for (; ; done++) await state.recordHeld({ target: TARGET, repository: REPOSITORY, digests: [digest(done)] })
      }, fault('DISK_FULL'))
      await state.close()
      rmSync(ballast)
      const again = await State.open(state.dir, { write: true, now: NOW })
      for (let at = 0; at < done; at++)
        assert.ok(await again.heldIn(TARGET, REPOSITORY, digest(at)), `${at} of ${done}`)
      await again.note('room again')
      await again.close()
      assert.equal((await checkState(state.dir, { now: NOW })).count, 0)
      rmSync(state.dir, { recursive: true })
    }
  })

  it('leaves the old index, no state and no backup behind when they do not fit', async () => {
    const state = await initState(join(disk, 'state'))
    const digests = Array.from({ length: 3000 }, (_, at) => digest(at))
    await state.recordHeld({ target: TARGET, repository: REPOSITORY, digests })
    const file = join(makeFolder(), 'state.backup')
    await backup(state, file)
    await state.close()
    const ballast = leave(40 * 1024)
    await assert.rejects(rebuildIndex(state.dir, { now: NOW }), fault('DISK_FULL'))
    await assert.rejects(backup(state, join(disk, 'state.backup')), fault('DISK_FULL'))
    await assert.rejects(restore(join(disk, 'new'), file, { now: NOW, reason: 'x' }), fault('DISK_FULL'))
    await assert.rejects(State.open(join(disk, 'new'), { write: true, now: NOW }), fault('STATE_EMPTY'))
    rmSync(ballast)
    assert.ok(statfsSync(disk).bavail * statfsSync(disk).bsize > MIB)
    assert.equal((await checkState(state.dir, { now: NOW })).count, 0)
    await restore(join(disk, 'new'), file, { now: NOW, reason: 'x' })
  })

  it('brings no list into force whose bytes did not fit, and takes it once there is room', async () => {
    const state = await State.init(join(disk, 'lists'), { site: 'site-a', reason: 'x', now: NOW })
    const list = listOf(1, { bytes: Buffer.alloc(512 * 1024, 'x') })
    const { head } = state
    const ballast = leave(128 * 1024)
    await assert.rejects(state.takeLists([list], FROM), fault('DISK_FULL'))
    assert.deepEqual([state.head, state.heldLists()], [head, []])
    rmSync(ballast)
    await state.takeLists([list], FROM)
    assert.equal(state.heldLists().length, 1)
    await state.close()
    assert.deepEqual((await checkState(state.dir, { now: NOW })).lists, [])
    rmSync(state.dir, { recursive: true })
  })
})
