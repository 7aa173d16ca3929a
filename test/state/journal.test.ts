import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sortedJson, type Json } from '../../src/codec/index.ts'
import { Journal, type JournalRow } from '../../src/state/index.ts'
import { all, fault, makeFolder, NOW, removeFolders } from './folder.ts'
import { seeded } from '../seed.ts'

const open = (folder: string): Promise<Journal> => Journal.open(folder, { now: NOW })

async function smallJournal(): Promise<{ folder: string; file: string; bytes: Buffer }> {
  const folder = makeFolder()
  const journal = await open(folder)
  await journal.append('export', { bundle: 'june', sequence: 1 })
  await journal.appendAll([
    { kind: 'export', body: { bundle: 'july', sequence: 2 } },
    { kind: 'note', body: { text: 'tab \t, quote " and Ü' } },
  ])
  await journal.close()
  return { folder, file: journal.file, bytes: readFileSync(journal.file) }
}

async function readAll(folder: string): Promise<JournalRow[]> {
  return all(Journal.read(folder))
}

function linesOf(bytes: Buffer): string[] {
  return bytes.toString().split('\n').slice(0, -1)
}

/** The line of a row that follows `before`, made without the code under test. */
function forge(before: string | undefined, members: Record<string, Json>): string {
  const prev = before === undefined ? '0'.repeat(64) : hash('sha256', `${before}\n`)
  const bare = { tenant: '-', time: '2026-11-24T12:00:00Z', prev, ...members }
  return sortedJson({ ...bare, sum: hash('sha256', sortedJson(bare)) })
}

describe('state/journal', () => {
  after(removeFolders)

  it('chains rows so that sha256sum of a line gives the next prev', async () => {
    const { folder, bytes } = await smallJournal()
    const lines = linesOf(bytes)
    assert.equal(lines.length, 4)
    lines.forEach((line, at) => {
      const row = JSON.parse(line) as JournalRow
      const before = lines[at - 1]
      assert.equal(row.n, at + 1)
      assert.equal(row.prev, before === undefined ? '0'.repeat(64) : hash('sha256', `${before}\n`))
      const { sum, ...bare } = row
      assert.equal(sum, hash('sha256', sortedJson(bare)))
    })
    assert.deepEqual(
      (await readAll(folder)).map(({ kind }) => kind),
      ['journal', 'export', 'export', 'note'],
    )
  })

  it('goes on where it was when opened again', async () => {
    const { folder, bytes } = await smallJournal()
    const journal = await open(folder)
    assert.equal(journal.head.n, 4)
    const row = await journal.append('note', { text: 'more' })
    assert.equal(row.n, 5)
    assert.deepEqual(
      (await all(journal.rows())).map(({ n }) => n),
      [1, 2, 3, 4, 5],
    )
    await journal.close()
    assert.ok(readFileSync(journal.file).subarray(0, bytes.length).equals(bytes))
  })

  it('keeps the order of appends that are not awaited', async () => {
    const journal = await open(makeFolder())
    const rows = await Promise.all(Array.from({ length: 50 }, (_, at) => journal.append('note', { at })))
    assert.deepEqual(
      rows.map(({ n, at }) => [n, at]),
      rows.map((_, at) => [at + 2, at]),
    )
    await journal.close()
  })

  it('cuts a last line that was torn at any byte and says so', async () => {
    const { folder, file, bytes } = await smallJournal()
    const last = bytes.lastIndexOf(10, bytes.length - 2) + 1
    for (let size = last + 1; size < bytes.length; size++) {
      writeFileSync(file, bytes)
      truncateSync(file, size)
      assert.equal((await readAll(folder)).length, 3, `reading ${size} of ${bytes.length} bytes`)
      const journal = await open(folder)
      await journal.close()
      const [torn, ...more] = (await readAll(folder)).slice(3)
      assert.equal(more.length, 0)
      assert.equal(torn?.kind, 'torn')
      assert.deepEqual([torn['at'], torn['bytes']], [last, size - last])
    }
  })

  it('rejects a bit flip in any byte, also in the last row', async () => {
    const { folder, file, bytes } = await smallJournal()
    const last = bytes.lastIndexOf(10, bytes.length - 2) + 1
    const chance = seeded('bit flips')
    for (let at = 0; at < bytes.length; at++) {
      const bits = at < last ? [Math.floor(chance() * 8)] : [0, 1, 2, 3, 4, 5, 6, 7]
      for (const bit of bits) {
        const damaged = Buffer.from(bytes)
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit)
        writeFileSync(file, damaged)
        await assert.rejects(readAll(folder), fault('JOURNAL_BROKEN'), `byte ${at} bit ${bit}`)
      }
    }
    await assert.rejects(open(folder), fault('JOURNAL_BROKEN', /row 4 at byte \d+/))
    assert.equal(readFileSync(file).length, bytes.length, 'a broken journal is left as it is')
  })

  it('rejects rows that are dropped, swapped, doubled or slipped in, and names row and byte', async () => {
    const { folder, file, bytes } = await smallJournal()
    const [a = '', b = '', c = '', d = ''] = linesOf(bytes)
    const cases: [string[], RegExp][] = [
      [[b, c, d], /row 1 at byte 0 /],
      [[a, c, d], new RegExp(`row 2 at byte ${a.length + 1} `)],
      [[a, c, b, d], /row 2 at/],
      [[a, b, b, c, d], /row 3 at/],
      [[a, b, forge(b, { kind: 'note', n: 3 }), c, d], /row 4 at/],
      [[a, forge(a, { kind: 'note', n: 2 }), c, d], /row 3 at .* prev/],
      [[a, '', b], /row 2 at/],
      [[a, b.slice(0, -1)], /row 2 at/],
    ]
    for (const [lines, about] of cases) {
      writeFileSync(file, `${lines.join('\n')}\n`)
      await assert.rejects(readAll(folder), fault('JOURNAL_BROKEN', about))
    }
  })

  it('rejects a row with good hashes that is not in canonical form', async () => {
    const { folder, file, bytes } = await smallJournal()
    const [a = ''] = linesOf(bytes)
    const good = forge(a, { kind: 'note', n: 2, text: 'x' })
    writeFileSync(file, `${a}\n${good}\n`)
    assert.equal((await readAll(folder)).length, 2)
    const prev = `"prev":"${hash('sha256', `${a}\n`)}",`
    const tail = '"tenant":"-","time":"2026-11-24T12:00:00Z"}'
    // Twice, out of order, out of order further in, a space, an escape that nobody needs, numbers that have two spellings.
    for (const front of [
      '"kind":"note","kind":"note","n":2,',
      '"n":2,"kind":"note",',
      '"kind":"note","list":[{"b":1,"a":2}],"n":2,',
      '"kind":"note","list":{"10":1,"9":2,"a":3},"n":2, ',
      '"kind":"note","n":2,"o":"\\u0078",',
      '"kind":"note","n":2.0,',
      '"kind":"note","m":1.5,"n":2,',
      '"kind":"note","m":-0,"n":2,',
      '"kind":"note","m":9007199254740993,"n":2,',
    ]) {
      const bare = `{${front}${prev}`
      writeFileSync(file, `${a}\n${bare}"sum":"${hash('sha256', bare + tail)}",${tail}\n`)
      await assert.rejects(readAll(folder), fault('JOURNAL_BROKEN', /canonical/), front)
    }
    // Whole numbers as names stand in another order in a program than in the text.
    const named = forge(a, { kind: 'note', list: { '10': 1, '9': 2, a: 3 }, n: 2 })
    assert.match(named, /"10":1,"9":2/)
    writeFileSync(file, `${a}\n${named}\n`)
    assert.equal((await readAll(folder)).length, 2)
  })

  it('rejects hostile lines: deep nesting, numbers out of range, no object, a line over the cap', async () => {
    const { folder, file, bytes } = await smallJournal()
    const [a = ''] = linesOf(bytes)
    const rows = [
      '['.repeat(100_000) + ']'.repeat(100_000),
      forge(a, { kind: 'note', n: 2 }).replace('"n":2', '"n":2e400'),
      '7',
      'null',
      '{}',
      `"${'x'.repeat(4 * 1024 * 1024)}"`,
    ]
    for (const row of rows) {
      writeFileSync(file, `${a}\n${row}\n`)
      await assert.rejects(readAll(folder), fault('JOURNAL_BROKEN', /row 2/))
    }
    writeFileSync(file, `${a}\n${'x'.repeat(5 * 1024 * 1024)}`)
    await assert.rejects(readAll(folder), fault('JOURNAL_BROKEN', /row 2/))
  })

  it('rejects an empty file and one whose header is torn', async () => {
    const { folder, file, bytes } = await smallJournal()
    for (const size of [0, 1, bytes.indexOf(10)]) {
      writeFileSync(file, bytes.subarray(0, size))
      await assert.rejects(open(folder), fault('JOURNAL_BROKEN', /row 1 at byte 0/))
    }
  })

  it('names a newer format, and only a genuine one', async () => {
    const { folder, file } = await smallJournal()
    writeFileSync(file, `${forge(undefined, { kind: 'journal', n: 1, format: 'sallyport-journal/2' })}\n`)
    await assert.rejects(open(folder), fault('STATE_NEWER', /sallyport-journal\/2/))
    writeFileSync(file, `${forge(undefined, { kind: 'journal', n: 1, format: 'other/2' })}\n`)
    await assert.rejects(open(folder), fault('JOURNAL_BROKEN'))
    writeFileSync(file, `${forge(undefined, { kind: 'note', n: 1, format: 'sallyport-journal/1' })}\n`)
    await assert.rejects(open(folder), fault('JOURNAL_BROKEN'))
  })

  it('refuses a row over the cap or with a member of its own, and stays usable', async () => {
    const journal = await open(makeFolder())
    await assert.rejects(journal.append('note', { text: 'x'.repeat(4 * 1024 * 1024) }), fault('LIMIT_EXCEEDED', /note/))
    for (const name of ['n', 'prev', 'time', 'tenant', 'kind', 'sum'])
      await assert.rejects(journal.append('note', { [name]: 'x' }), TypeError)
    const { n } = await journal.append('note', { text: 'x'.repeat(4 * 1024 * 1024 - 400) })
    assert.equal(n, 2)
    assert.equal((await all(journal.rows())).length, 2)
    await journal.close()
  })

  it('can be read without the lock while it is written', async () => {
    const folder = makeFolder()
    const journal = await open(folder)
    await journal.append('note', { text: 'a' })
    assert.equal((await readAll(folder)).length, 2)
    await journal.close()
    assert.ok(!existsSync(join(folder, 'journal.lock')))
  })

  it('refuses to make a journal where one is demanded', async () => {
    const folder = makeFolder()
    await assert.rejects(Journal.open(folder, { now: NOW, create: false }), fault('STATE_EMPTY'))
    await assert.rejects(readAll(folder), fault('STATE_EMPTY'))
    assert.ok(!existsSync(join(folder, 'journal.lock')), 'the lock is given back')
  })
})
