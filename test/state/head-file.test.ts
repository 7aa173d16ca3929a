import assert from 'node:assert/strict'
import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readHead } from '../../src/state/head-file.ts'
import { backup, checkState, rebuildIndex, State } from '../../src/state/index.ts'
import { NO_ROWS } from '../../src/state/journal-row.ts'
import { all, fault, initState, makeFolder, NOW, pinOf, removeFolders, storiedState } from './folder.ts'

const options = { now: NOW }
const read = { write: false, now: NOW }
const write = { write: true, now: NOW }

/** What an administrator may do to a journal: rows go from the end, or the last one is torn. */
const LOSSES: readonly [string, (file: string) => void][] = [
  [
    'rows are cut off',
    (file) => writeFileSync(file, `${readFileSync(file, 'utf8').split('\n').slice(0, 5).join('\n')}\n`),
  ],
  ['the last row is torn', (file) => truncateSync(file, readFileSync(file).length - 20)],
]

describe('state/head-file', () => {
  after(removeFolders)

  for (const [what, lose] of LOSSES)
    it(`lets readers, backup, check and writers refuse a journal of which ${what}`, async () => {
      const dir = await storiedState()
      const file = join(dir, 'journal.jsonl')
      lose(file)
      const left = readFileSync(file)
      const copy = join(makeFolder(), 'backup')
      for (const indexed of [true, false]) {
        if (!indexed) rmSync(join(dir, 'index'), { recursive: true })
        await assert.rejects(State.open(dir, read), fault('JOURNAL_BROKEN', /row 14/))
        await assert.rejects(State.open(dir, write), fault('JOURNAL_BROKEN', /row 14/))
        await assert.rejects(checkState(dir, options), fault('JOURNAL_BROKEN', /row 14/))
        await assert.rejects(rebuildIndex(dir, options), fault('JOURNAL_BROKEN', /row 14/))
        await assert.rejects(backup({ dir }, copy), fault('JOURNAL_BROKEN', /row 14/))
      }
      assert.ok(!existsSync(copy))
      assert.ok(readFileSync(file).equals(left), 'nobody who refuses it writes to it')
    })

  it('rebuilds a journal that lost rows only for a reason, which is journaled as a restore', async () => {
    for (const [, lose] of LOSSES)
      for (const known of ['index', 'journal.head', 'both']) {
        const dir = await storiedState()
        lose(join(dir, 'journal.jsonl'))
        if (known === 'index') rmSync(join(dir, 'journal.head'))
        if (known === 'journal.head') rmSync(join(dir, 'index'), { recursive: true })
        await assert.rejects(rebuildIndex(dir, options), fault('JOURNAL_BROKEN', /row 14/))
        await rebuildIndex(dir, { ...options, acceptLoss: 'no newer backup' })
        assert.equal((await checkState(dir, options)).count, 0)
        const state = await State.open(dir, write)
        const last = (await all(state.rows())).at(-1)
        assert.deepEqual([last?.kind, last?.['reason']], ['restore', 'no newer backup'])
        assert.deepEqual(await readHead(dir), state.head)
        await state.close()
        const before = readFileSync(join(dir, 'journal.jsonl'))
        await rebuildIndex(dir, { ...options, acceptLoss: 'again' })
        assert.ok(readFileSync(join(dir, 'journal.jsonl')).equals(before), 'what lost nothing gets no row')
      }
  })

  it('completes an accepted loss that was killed before the head was replaced', async () => {
    const dir = await storiedState()
    const head = readFileSync(join(dir, 'journal.head'))
    LOSSES[0]?.[1](join(dir, 'journal.jsonl'))
    await rebuildIndex(dir, { ...options, acceptLoss: 'killed' })
    writeFileSync(join(dir, 'journal.head'), head)
    await assert.rejects(State.open(dir, read), fault('JOURNAL_BROKEN', /row 14/))
    await rebuildIndex(dir, { ...options, acceptLoss: 'killed' })
    await (await State.open(dir, write)).close()
    await (await State.open(dir, read)).close()
  })

  it('opens a state whose head is absent, empty, torn at any byte, or older, and brings it up', async () => {
    const dir = await storiedState()
    const file = join(dir, 'journal.head')
    const whole = readFileSync(file)
    const now = await readHead(dir)
    assert.equal(now.n, 14)
    for (let size = 0; size < whole.length; size++) {
      writeFileSync(file, Buffer.concat([whole.subarray(0, size), Buffer.alloc(size % 2 === 0 ? 0 : 9)]))
      assert.deepEqual(await readHead(dir), NO_ROWS)
      await (await State.open(dir, read)).close()
    }
    rmSync(file)
    await (await State.open(dir, read)).close()
    assert.ok(!existsSync(file), 'a reader writes nothing')
    await (await State.open(dir, write)).close()
    assert.ok(readFileSync(file).equals(whole))
    const state = await State.open(dir, write)
    await state.note('later')
    await state.close()
    assert.equal((await readHead(dir)).n, 15)
    writeFileSync(file, whole)
    await (await State.open(dir, read)).close()
    await (await State.open(dir, write)).close()
    assert.equal((await readHead(dir)).n, 15)
  })

  it('tolerates a torn row that was never acknowledged', async () => {
    const dir = await storiedState()
    const file = join(dir, 'journal.jsonl')
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from('{"half":"a ro')]))
    await (await State.open(dir, read)).close()
    await backup({ dir }, join(makeFolder(), 'backup'))
    await (await State.open(dir, write)).close()
    assert.equal((await readHead(dir)).n, 15)
  })

  it('never alarms a reader beside a writer, and knows each row once it is acknowledged', async () => {
    const state = await initState()
    const writer = { done: false }
    const reading = (async () => {
      let reads = 0
      for (; !writer.done; reads++) await (await State.open(state.dir, read)).close()
      return reads
    })()
    for (let at = 0; at < 150; at++) {
      await state.pin(pinOf(`channel-${at}`))
      assert.deepEqual(await readHead(state.dir), state.head)
    }
    writer.done = true
    assert.ok((await reading) > 5)
    await state.close()
  })

  it('takes a folder with a head but no journal for a loss', async () => {
    const dir = await storiedState()
    const place = join(makeFolder(), 'state')
    cpSync(dir, place, { recursive: true })
    rmSync(join(place, 'index'), { recursive: true })
    rmSync(join(place, 'journal.jsonl'))
    await assert.rejects(State.open(place, read), fault('JOURNAL_BROKEN', /gone/))
  })
})
