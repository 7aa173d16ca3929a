import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeRow } from '../../src/state/journal-row.ts'
import { checkState, LIST_CAP, rebuildIndex, State, type HeldList, type ProvenList } from '../../src/state/index.ts'
import { fault, initState, makeFolder, NOW, removeFolders } from './folder.ts'
import { seeded } from '../seed.ts'
import { answerOf, FROM, listOf, placeOf, sha, URL } from './lists.ts'
import { orders } from '../orders.ts'

const write = { write: true, now: NOW }
const read = { write: false, now: NOW }

function listFiles(dir: string): string[] {
  return existsSync(join(dir, 'lists')) ? readdirSync(join(dir, 'lists')).sort() : []
}

function shown(lists: readonly HeldList[]): Record<string, string> {
  return Object.fromEntries(
    lists.map((list) => [placeOf(list), `${list.number ?? list.thisUpdate} ${list.digest}`]).sort(),
  )
}

describe('state/take-lists', () => {
  after(removeFolders)

  it('brings a list into force with its bytes, and answers a reader the same', async () => {
    const state = await initState()
    const list = listOf(7, { kept: Buffer.from('kept entries') })
    await state.takeLists([list, answerOf('a1', 5)], FROM)
    const [held, answer] = state.heldLists()
    assert.ok(held !== undefined && answer !== undefined)
    assert.deepEqual(held, {
      issuer: sha('ca'),
      url: URL,
      form: 'base',
      digest: `sha256:${sha('base list 7 of  ')}`,
      number: '7',
      thisUpdate: '2026-11-07T00:00:00Z',
      nextUpdate: '2026-12-30T00:00:00Z',
      kept: `sha256:${sha('kept entries')}`,
      issuerCertificate: `sha256:${sha('certificate of the ca')}`,
      from: FROM,
      n: 3,
      time: '2026-11-24T12:00:00Z',
    })
    assert.deepEqual(await state.listBytes(held.digest), list.bytes)
    assert.deepEqual(await state.listBytes(held.kept ?? held.digest), list.kept)
    assert.equal(answer.serial, 'a1')
    assert.ok(!('number' in answer))
    assert.equal(statSync(join(state.dir, 'lists')).mode & 0o777, 0o700)
    assert.equal(statSync(join(state.dir, 'lists', held.digest.slice(7))).mode & 0o777, 0o600)
    const reader = await State.open(state.dir, read)
    assert.deepEqual(reader.heldLists(), state.heldLists())
    assert.deepEqual(await reader.listBytes(held.digest), list.bytes)
    await assert.rejects(reader.takeLists([list], FROM))
    await state.close()
  })

  it('refuses whatever would set a place back, before a row or a file is written', async () => {
    const state = await initState()
    await state.takeLists([listOf(7), listOf(7, { form: 'delta' }), answerOf('a1', 7)], null)
    const { head } = state
    const files = listFiles(state.dir)
    const refusals: [ProvenList, string][] = [
      [listOf(6), 'LIST_ROLLBACK'],
      [listOf(6, { thisUpdate: '2026-11-09T00:00:00Z' }), 'LIST_ROLLBACK'],
      [listOf(8, { thisUpdate: '2026-11-06T23:59:59Z' }), 'LIST_ROLLBACK'],
      [listOf(7, { bytes: Buffer.from('another 7') }), 'LIST_EQUIVOCATION'],
      [listOf(6, { form: 'delta' }), 'LIST_ROLLBACK'],
      [answerOf('a1', 6), 'LIST_ROLLBACK'],
      // Whoever answers: else the answer of another address would be the old one again.
      [answerOf('a1', 6, { url: 'http://other.example/' }), 'LIST_ROLLBACK'],
    ]
    for (const [list, code] of refusals) {
      await assert.rejects(state.takeLists([list], FROM), fault(code))
      await assert.rejects(state.takeLists([listOf(9, { url: `${URL}?new` }), list], FROM), fault(code))
      assert.deepEqual(listFiles(state.dir), files, 'a refusal writes no file')
    }
    await assert.rejects(
      state.takeLists([listOf(9, { bytes: Buffer.alloc(LIST_CAP + 1) })], FROM),
      fault('LIMIT_EXCEEDED'),
    )
    assert.deepEqual(state.head, head, 'a refusal writes no row')
    assert.deepEqual(listFiles(state.dir), files)
    await state.takeLists([listOf(6, { issuer: sha('twin') }), listOf(6, { url: `${URL}/` }), answerOf('a2', 6)], FROM)
    await state.takeLists([listOf(16), answerOf('a1', 7, { bytes: Buffer.from('signed anew') })], FROM)
    assert.equal(state.heldLists().length, 6)
    assert.equal(
      state.heldLists().find(({ url, issuer, form }) => url === URL && issuer === sha('ca') && form === 'base')?.number,
      '10',
    )
    await state.close()
  })

  it('lets an older answer in when it revokes for good, and none after it that takes that back', async () => {
    const state = await initState()
    await state.takeLists([answerOf('a1', 7)], FROM)
    await state.takeLists([answerOf('a1', 5, { forGood: true })], FROM)
    await assert.rejects(state.takeLists([answerOf('a1', 8)], FROM), fault('LIST_ROLLBACK'))
    // Which of two that revoke for good binds more is not the state's to know.
    await state.takeLists([answerOf('a1', 4, { forGood: true })], FROM)
    await assert.rejects(state.takeLists([listOf(9, { forGood: true })], FROM), TypeError)
    const reader = await State.open(state.dir, read)
    assert.deepEqual(
      reader.heldLists().map(({ forGood, thisUpdate }) => [forGood, thisUpdate]),
      [[true, '2026-11-04T00:00:00Z']],
    )
    await reader.close()
    await state.close()
  })

  it('refuses two lists at once that fight for one place', async () => {
    const state = await initState()
    const { head } = state
    await assert.rejects(state.takeLists([listOf(8), listOf(7)], FROM), fault('LIST_ROLLBACK'))
    assert.deepEqual(state.head, head)
    await state.takeLists([listOf(9)], FROM)
    assert.equal(listFiles(state.dir).length, 2, 'what was placed in vain is gone')
    await state.close()
  })

  it('writes no second row for a list that is in force, but puts its bytes back', async () => {
    const state = await initState()
    const list = listOf(7, { kept: Buffer.from('kept') })
    await state.takeLists([list], FROM)
    const { head } = state
    for (const name of listFiles(state.dir)) rmSync(join(state.dir, 'lists', name))
    const [held] = state.heldLists()
    assert.ok(held !== undefined)
    assert.equal(await state.listBytes(held.digest), undefined)
    await state.takeLists([list], null)
    assert.deepEqual(state.head, head)
    assert.deepEqual(await state.listBytes(held.digest), list.bytes)
    assert.equal((await state.listBytes(held.kept ?? held.digest))?.toString(), 'kept')
    await state.takeLists([listOf(7)], null)
    assert.deepEqual(state.head, head, 'what is kept is not taken away by silence')
    await state.takeLists([listOf(7, { kept: Buffer.from('kept and more') })], null)
    assert.equal(state.head.n, head.n + 1)
    assert.equal(state.heldLists()[0]?.kept, `sha256:${sha('kept and more')}`)
    await state.close()
  })

  it('counts a list whose file is missing or has one flipped bit as not held, and check names it', async () => {
    const chance = seeded('flips in lists')
    const state = await initState()
    await state.takeLists([listOf(7, { kept: Buffer.from('kept') })], FROM)
    await state.close()
    const [held] = state.heldLists()
    assert.ok(held?.kept !== undefined)
    const named = { form: 'base', url: URL }
    for (const digest of [held.digest, held.kept, held.issuerCertificate]) {
      const file = join(state.dir, 'lists', digest.slice(7))
      const whole = readFileSync(file)
      const flipped = Buffer.from(whole)
      const at = Math.floor(chance() * whole.length)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(chance() * 8))
      const damages: ['missing' | 'altered', () => void][] = [
        ['missing', () => rmSync(file)],
        ['altered', () => writeFileSync(file, flipped)],
        ['altered', () => writeFileSync(file, whole.subarray(0, -1))],
        ['altered', () => writeFileSync(file, Buffer.concat([whole, Buffer.alloc(1)]))],
        ['altered', () => (rmSync(file), mkdirSync(file))],
      ]
      for (const [what, damage] of damages) {
        damage()
        for (const options of [write, read]) {
          const opened = await State.open(state.dir, options)
          assert.equal(await opened.listBytes(digest), undefined)
          assert.equal(opened.heldLists().length, 1, 'its number guards on')
          await opened.close()
        }
        const report = await checkState(state.dir, { now: NOW })
        assert.deepEqual([report.count, report.lists], [0, [{ digest, what, ...named }]])
        await rebuildIndex(state.dir, { now: NOW })
        assert.equal((await checkState(state.dir, { now: NOW })).lists.length, 1)
        rmSync(file, { recursive: true, force: true })
        writeFileSync(file, whole)
      }
    }
    assert.deepEqual((await checkState(state.dir, { now: NOW })).lists, [])
  })

  it('sweeps what no row names, but nothing that is still to be looked at', async () => {
    const state = await initState()
    await state.takeLists([listOf(1)], FROM)
    await state.markRejudged(state.head.n)
    await state.takeLists([listOf(2)], FROM)
    await state.takeLists([listOf(3)], FROM)
    writeFileSync(join(state.dir, 'lists', sha('orphan')), 'orphan')
    writeFileSync(join(state.dir, 'lists', `${sha('x')}.01234567.new`), 'half')
    await state.takeLists([listOf(4)], FROM)
    assert.equal(listFiles(state.dir).length, 4 + 1, 'the one looked at last, three since, one certificate')
    const pending = state.pending()
    assert.deepEqual(
      pending.lists.map(({ list, before }) => [before?.number, list.number]),
      [['1', '4']],
    )
    await state.markRejudged(state.head.n)
    assert.deepEqual(state.pending().lists, [])
    await state.close()
    writeFileSync(join(state.dir, 'lists', sha('orphan')), 'orphan')
    assert.equal((await checkState(state.dir, { now: NOW })).count, 0)
    await rebuildIndex(state.dir, { now: NOW })
    assert.deepEqual(listFiles(state.dir), [sha('base list 4 of  '), sha('certificate of the ca')].sort())
  })

  it('says when the lists cannot be written, and then has no row', async () => {
    const state = await initState()
    writeFileSync(join(state.dir, 'lists'), 'a file in the way')
    const { head } = state
    await assert.rejects(state.takeLists([listOf(1)], FROM), fault('STATE_UNWRITABLE'))
    assert.deepEqual(state.head, head)
    assert.equal(await state.listBytes(`sha256:${sha('x')}`), undefined)
    await state.close()
  })

  it('starts over lists that an interrupted restore left, and never in a folder of that name of somebody', async () => {
    const dir = makeFolder()
    mkdirSync(join(dir, 'lists'))
    writeFileSync(join(dir, 'lists', sha('left')), 'half')
    writeFileSync(join(dir, 'lists', `${sha('left')}.01234567.new`), '')
    const state = await initState(dir)
    writeFileSync(join(dir, 'lists', 'mailing.txt'), 'mine')
    await state.takeLists([listOf(1)], FROM)
    assert.deepEqual(listFiles(dir).length, 3, 'what has a name of another kind is left alone')
    await state.close()
    const other = makeFolder()
    mkdirSync(join(other, 'lists'))
    writeFileSync(join(other, 'lists', 'mailing.txt'), 'mine')
    await assert.rejects(initState(other), fault('STATE_EXISTS', /mailing/))
  })

  it('raises the floor to the time of a list, never above its own clock', async () => {
    const state = await initState()
    await state.takeLists([listOf(5)], FROM)
    assert.equal(state.floor, '2026-11-05T00:00:00Z')
    await state.takeLists([listOf(6, { thisUpdate: '2036-01-01T00:00:00Z', nextUpdate: '2036-02-01T00:00:00Z' })], FROM)
    assert.equal(state.floor, '2026-11-24T12:00:00Z')
    assert.equal(state.effectiveNow(NOW), NOW)
    await state.close()
  })

  it('refuses rows with good hashes that no rule would have let in', async () => {
    const state = await initState()
    await state.takeLists([listOf(7)], FROM)
    await state.close()
    const file = join(state.dir, 'journal.jsonl')
    const bytes = readFileSync(file)
    const lines = bytes.toString().trimEnd().split('\n')
    const { n: _n, prev: _p, sum: _s, tenant: _t, time: _time, kind, ...body } = JSON.parse(lines.at(-1) ?? '')
    const bad: object[] = [
      { number: '6' },
      { number: '07' },
      { number: 'A' },
      { number: undefined },
      { thisUpdate: '2026-11-01T00:00:00Z', number: '8' },
      { thisUpdate: 'yesterday' },
      { nextUpdate: undefined },
      { digest: 'sha256:00' },
      { issuer: 'CN=ca' },
      { form: 'indirect' },
      { form: 'delta' },
      { form: 'answer' },
      { serial: '01' },
      { deltaBase: '1' },
      { url: '' },
      { from: 'vendor-a' },
      { floor: 'tomorrow' },
    ]
    for (const change of bad) {
      const wrong = JSON.parse(JSON.stringify({ ...body, number: '8', ...change }))
      writeFileSync(
        file,
        Buffer.concat([bytes, encodeRow({ kind, body: wrong }, state.head, '2026-11-24T12:00:00Z').line]),
      )
      for (const options of [write, read])
        await assert.rejects(State.open(state.dir, options), fault('JOURNAL_BROKEN'), JSON.stringify(change))
    }
  })

  /** Ways to come from one step to the next. */
  const between: Record<string, (dir: string) => void> = {
    'a reopening': () => undefined,
    'the index wiped': (dir) => rmSync(join(dir, 'index'), { recursive: true }),
    'a row half written': (dir) => writeFileSync(join(dir, 'journal.jsonl'), '{"form":"ba', { flag: 'a' }),
    'a file half written': (dir) => {
      mkdirSync(join(dir, 'lists'), { recursive: true })
      writeFileSync(join(dir, 'lists', `${sha('base list 2 of  ')}.0badc0de.new`), 'base')
      chmodSync(join(dir, 'lists'), 0o700)
    },
  }

  for (const [how, step] of Object.entries(between))
    it(`ends the same for all 24 orders of four lists with ${how} between any two`, async function () {
      this.timeout(120_000)
      const lists = [listOf(1), listOf(2), listOf(3), listOf(4, { kept: Buffer.from('kept') })]
      const ends = new Set<string>()
      let refused = 0
      for (const order of orders([0, 1, 2, 3])) {
        const state = await initState()
        await state.close()
        for (const at of order) {
          step(state.dir)
          const now = await State.open(state.dir, write)
          const before = Number.parseInt(now.heldLists()[0]?.number ?? '0', 16)
          const taken = now.takeLists([lists[at] ?? listOf(0)], FROM)
          if (at + 1 < before) {
            await assert.rejects(taken, fault('LIST_ROLLBACK'))
            refused++
          } else await taken
          await now.close()
        }
        await rebuildIndex(state.dir, { now: NOW })
        const last = await State.open(state.dir, write)
        assert.ok(last.heldLists().every(({ number }) => number === '4'))
        await last.markRejudged(last.head.n)
        await last.takeLists([lists[3] ?? listOf(0)], FROM)
        ends.add(JSON.stringify([shown(last.heldLists()), listFiles(state.dir), last.floor]))
        await last.close()
        const report = await checkState(state.dir, { now: NOW })
        assert.deepEqual([report.count, report.lists], [0, []])
      }
      assert.equal(ends.size, 1)
      // Of each pair one order of the two is refused unless a newer one still stands before both.
      assert.equal(refused, 46)
    })
})
