import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '../../src/errors/index.ts'
import { openLevel, type Engine } from '../../src/state/engine.ts'
import { sealValue } from '../../src/state/index-value.ts'
import { checkState, rebuildIndex, State } from '../../src/state/index.ts'
import {
  digest,
  fault,
  headOf,
  initState,
  NOW,
  pinOf,
  removeFolders,
  REPOSITORY,
  storiedState,
  TARGET,
} from './folder.ts'
import { seeded } from '../seed.ts'

const options = { now: NOW }
const write = { write: true, now: NOW }

async function withEngine<T>(dir: string, task: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await openLevel(join(dir, 'index'))
  try {
    return await task(engine)
  } finally {
    await engine.close()
  }
}

function dump(dir: string): Promise<[string, string][]> {
  return withEngine(dir, (engine) => engine.iterator().all())
}

describe('state/index-care', () => {
  after(removeFolders)

  it('finds every key that is dropped, altered or added, and rebuilds an equal index', async () => {
    const dir = await storiedState()
    const whole = await dump(dir)
    const families = new Set(whole.map(([key]) => key.split('\0')[0]))
    assert.deepEqual([...families].sort(), ['bundle', 'channel', 'held', 'import', 'intent', 'meta', 'tag'])
    assert.deepEqual(await checkState(dir, options), {
      rows: 14,
      keys: whole.length,
      differences: [],
      count: 0,
      lists: [],
    })
    for (const [key, value] of whole.filter(([key]) => !key.startsWith('meta'))) {
      const shown = key.replaceAll('\0', ' ')
      const damages: [string, (engine: Engine) => Promise<void>][] = [
        ['missing', (engine) => engine.del(key)],
        ['altered', (engine) => engine.put(key, sealValue(key, { n: 1 }))],
        ['altered', (engine) => engine.put(key, `${value.slice(0, -1)} `)],
      ]
      for (const [what, damage] of damages) {
        await withEngine(dir, damage)
        assert.deepEqual((await checkState(dir, options)).differences, [{ key: shown, what }])
        assert.deepEqual(await rebuildIndex(dir, options), { rows: 14 })
        assert.deepEqual(await dump(dir), whole)
      }
    }
    await withEngine(dir, (engine) => engine.put('held\0x\0y\0z', 'v'))
    assert.deepEqual((await checkState(dir, options)).differences, [{ key: 'held x y z', what: 'extra' }])
    await rebuildIndex(dir, options)
    assert.equal((await checkState(dir, options)).count, 0)
    assert.deepEqual(readdirSync(dir).sort(), ['VERSION', 'index', 'journal.head', 'journal.jsonl'])
  })

  it('refuses a value that does not have its digest, or stands under another key', async () => {
    const dir = await storiedState()
    const key = ['held', TARGET, digest(1), REPOSITORY].join('\0')
    const other = ['held', TARGET, digest(2), REPOSITORY].join('\0')
    for (const damage of [
      async (engine: Engine) => engine.put(key, `${(await engine.get(key))?.slice(0, -2)}9}`),
      async (engine: Engine) => engine.put(key, (await engine.get(other)) ?? ''),
      async (engine: Engine) => engine.put(key, ''),
    ]) {
      await withEngine(dir, damage)
      const state = await State.open(dir, write)
      await assert.rejects(state.heldIn(TARGET, REPOSITORY, digest(1)), fault('INDEX_DAMAGED', /held/))
      await assert.rejects(state.heldRepositories(TARGET, digest(1)), fault('INDEX_DAMAGED', /held/))
      await state.close()
      await rebuildIndex(dir, options)
    }
  })

  it('takes counters from the journal and refuses an index that has older ones with good digests', async () => {
    const state = await initState()
    await state.pin(pinOf('vendor-a'))
    await state.commitHead(headOf('vendor-a', 1))
    await state.close()
    const key = 'channel\0vendor-a'
    const older = await withEngine(state.dir, (engine) => engine.get(key))
    const again = await State.open(state.dir, write)
    await again.commitHead(headOf('vendor-a', 9))
    await again.close()
    for (const damage of [
      (engine: Engine) => engine.put(key, older ?? ''),
      (engine: Engine) => engine.del(key),
      (engine: Engine) => engine.put('intent\0t\0r\0tag', sealValue('intent\0t\0r\0tag', {})),
    ]) {
      await withEngine(state.dir, damage)
      await assert.rejects(State.open(state.dir, write), fault('INDEX_DAMAGED', /channel vendor-a|intent t r tag/))
      await rebuildIndex(state.dir, options)
      const now = await State.open(state.dir, write)
      assert.equal(now.channel('vendor-a')?.last?.sequence, 9)
      await now.close()
    }
  })

  it('brings an index that is behind up to the journal, also from nothing', async () => {
    const dir = await storiedState()
    const whole = await dump(dir)
    cpSync(join(dir, 'index'), join(dir, 'kept'), { recursive: true })
    const state = await State.open(dir, write)
    for (let at = 0; at < 50; at++)
      await state.recordHeld({
        target: TARGET,
        repository: REPOSITORY,
        digests: Array.from({ length: 90 }, (_, k) => digest(`${at} ${k}`)),
      })
    await state.close()
    const later = await dump(dir)
    assert.equal(later.length, whole.length + 4500)
    rmSync(join(dir, 'index'), { recursive: true })
    await (await State.open(dir, write)).close()
    assert.deepEqual(await dump(dir), later)
    rmSync(join(dir, 'index'), { recursive: true })
    renameSync(join(dir, 'kept'), join(dir, 'index'))
    await (await State.open(dir, write)).close()
    assert.deepEqual(await dump(dir), later)
    assert.equal((await checkState(dir, options)).count, 0)
  })

  it('says that the journal is broken when the index knows more, or another, last row', async () => {
    const dir = await storiedState()
    const file = join(dir, 'journal.jsonl')
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
    for (let rows = 2; rows < lines.length; rows++) {
      writeFileSync(file, `${lines.slice(0, rows).join('\n')}\n`)
      await assert.rejects(State.open(dir, write), fault('JOURNAL_BROKEN', /row 14 .*tail is lost/))
    }
    await assert.rejects(checkState(dir, options), fault('JOURNAL_BROKEN', /tail is lost/))
    cpSync(join(dir, 'index'), join(dir, 'kept'), { recursive: true })
    rmSync(join(dir, 'index'), { recursive: true })
    rmSync(join(dir, 'journal.head'))
    const state = await State.open(dir, write)
    await state.note('another row 14')
    await state.note('and on')
    await state.close()
    rmSync(join(dir, 'index'), { recursive: true })
    renameSync(join(dir, 'kept'), join(dir, 'index'))
    await assert.rejects(State.open(dir, write), fault('JOURNAL_BROKEN', /row 14 .*another row/))
  })

  it('rebuilds when the folder of the index is absent, empty, a wreck, or half swapped', async () => {
    const dir = await storiedState()
    const whole = await dump(dir)
    const index = join(dir, 'index')
    for (const wreck of [
      () => rmSync(index, { recursive: true }),
      () => readdirSync(index).forEach((name) => writeFileSync(join(index, name), 'x'.repeat(100))),
      () => renameSync(index, join(dir, 'index.old')),
      () => cpSync(index, join(dir, 'index.new'), { recursive: true }),
    ]) {
      wreck()
      await rebuildIndex(dir, options)
      assert.deepEqual(await dump(dir), whole)
      assert.ok(!existsSync(join(dir, 'index.old')) && !existsSync(join(dir, 'index.new')))
    }
  })

  it('never gives a wrong answer after a bit flip in a file of LevelDB', async function () {
    this.timeout(120_000)
    const chance = seeded('flips in LevelDB')
    const dir = await storiedState()
    const whole = await dump(dir)
    cpSync(join(dir, 'index'), join(dir, 'kept'), { recursive: true })
    const tally = { refused: 0, found: 0, harmless: 0 }
    for (let round = 0; round < 80; round++) {
      rmSync(join(dir, 'index'), { recursive: true })
      cpSync(join(dir, 'kept'), join(dir, 'index'), { recursive: true })
      const files = readdirSync(join(dir, 'index')).filter((name) => /\.log$|\.ldb$|^MANIFEST/.test(name))
      const sized = files.map((name) => join(dir, 'index', name)).filter((file) => readFileSync(file).length > 0)
      const file = sized[round % sized.length] ?? ''
      const bytes = readFileSync(file)
      const at = Math.floor(chance() * bytes.length)
      bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(chance() * 8))
      writeFileSync(file, bytes)
      try {
        const state = await State.open(dir, write)
        assert.equal(state.channel('vendor-a')?.last?.sequence, 3)
        assert.equal(state.openIntents().length, 1)
        assert.deepEqual(await state.heldRepositories(TARGET, digest(7)), [])
        await state.close()
        const { count } = await checkState(dir, options)
        tally[count === 0 ? 'harmless' : 'found']++
        if (count === 0) assert.deepEqual(await dump(dir), whole)
      } catch (error) {
        if (!(error instanceof SallyportError)) throw error
        assert.equal(error.code, 'INDEX_DAMAGED')
        tally.refused++
      }
      await rebuildIndex(dir, options)
      assert.deepEqual(await dump(dir), whole)
    }
    console.log(`      ${JSON.stringify(tally)}`)
    assert.ok(tally.refused + tally.found > 0)
  })
})
