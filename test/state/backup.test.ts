import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { backup, checkState, rehearseRestore, restore, State } from '../../src/state/index.ts'
import { all, digest, fault, headOf, initState, makeFolder, NOW, pinOf, removeFolders, storiedState } from './folder.ts'
import { initEntry, pinEntry } from '../../src/state/entry.ts'
import { encodeRow, NO_ROWS, type Entry } from '../../src/state/journal-row.ts'
import { HEADER } from '../../src/state/journal-scan.ts'
import { seeded } from '../seed.ts'
import { answerOf, FROM, listOf, sha } from './lists.ts'

const options = { reason: 'the disk is lost', now: NOW }

describe('state/backup', () => {
  after(removeFolders)

  it('gives back a state with everything but what came after it', async () => {
    const dir = await storiedState()
    const state = await State.open(dir, { write: true, now: NOW })
    const file = join(makeFolder(), 'state.backup')
    const head = await backup(state, file)
    assert.deepEqual(head, state.head)
    await state.commitHead(headOf('vendor-a', 8))
    await state.close()
    const place = join(makeFolder(), 'restored')
    const restored = await restore(place, file, options)
    assert.deepEqual(restored.from, head)
    assert.match(restored.warning, /2026-11-24T12:00:00Z/)
    assert.deepEqual(await rehearseRestore(join(makeFolder(), 'x'), file, options), restored)
    const again = await State.open(place, { write: true, now: NOW })
    assert.equal(again.channel('vendor-a')?.last?.sequence, 3)
    assert.equal(again.openIntents().length, 1)
    const rows = await all(again.rows())
    assert.equal(rows.length, head.n + 1)
    assert.deepEqual([rows.at(-1)?.kind, rows.at(-1)?.['reason']], ['restore', 'the disk is lost'])
    assert.deepEqual(rows.at(-1)?.['from'], head)
    await again.close()
    assert.equal((await checkState(place, { now: NOW })).count, 0)
    assert.deepEqual(readdirSync(place).sort(), ['VERSION', 'index', 'journal.head', 'journal.jsonl'])
  })

  it('is the journal and one line', async () => {
    const dir = await storiedState()
    const file = join(makeFolder(), 'state.backup')
    await backup({ dir }, file)
    const lines = readFileSync(file, 'utf8').split('\n')
    assert.equal(`${lines.slice(0, -2).join('\n')}\n`, readFileSync(join(dir, 'journal.jsonl'), 'utf8'))
    assert.match(
      lines.at(-2) ?? '',
      /^\{"format":"sallyport-backup\/1","hash":"[0-9a-f]{64}","n":14,"sha256":"[0-9a-f]{64}","size":\d+\}$/,
    )
    assert.equal(lines.at(-1), '')
  })

  it('refuses one that was cut at any byte or has a flipped bit in any byte, and leaves the folder empty', async function () {
    this.timeout(120_000)
    const chance = seeded('damaged backups')
    const state = await initState()
    await state.close()
    const folder = makeFolder()
    const file = join(folder, 'state.backup')
    await backup(state, file)
    const bytes = readFileSync(file)
    const place = join(folder, 'restored')
    for (let at = 0; at < bytes.length; at++) {
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(chance() * 8))
      for (const damaged of [bytes.subarray(0, at), flipped]) {
        writeFileSync(file, damaged)
        for (const run of [rehearseRestore, restore])
          await assert.rejects(run(place, file, options), fault('BACKUP_MALFORMED'), `byte ${at}`)
      }
    }
    writeFileSync(file, Buffer.concat([bytes, bytes]))
    await assert.rejects(restore(place, file, options), fault('BACKUP_MALFORMED'))
    await assert.rejects(State.open(place, { write: true, now: NOW }), fault('STATE_EMPTY'))
    writeFileSync(file, bytes)
    await restore(place, file, options)
  })

  it('refuses the trailer of another backup', async () => {
    const state = await initState()
    const file = join(makeFolder(), 'state.backup')
    await backup(state, file)
    const first = readFileSync(file, 'utf8').split('\n')
    await state.pin(pinOf('vendor-a'))
    await backup(state, file)
    const second = readFileSync(file, 'utf8').split('\n')
    await state.close()
    // The older journal is whole in itself: only the trailer tells that rows were taken away.
    writeFileSync(file, [...first.slice(0, -2), ...second.slice(-2)].join('\n'))
    await assert.rejects(restore(join(makeFolder(), 'x'), file, options), fault('BACKUP_MALFORMED', /trailer/))
  })

  it('refuses one that proves itself and is of no site, or waits for a time that there is not', async () => {
    const write = (...entries: Entry[]): string => {
      let head = NO_ROWS
      const lines: Buffer[] = []
      for (const entry of [HEADER, ...entries]) {
        const row = encodeRow(entry, head, '2026-11-24T12:00:00Z')
        lines.push(row.line)
        head = row.head
      }
      const rows = Buffer.concat(lines)
      const trailer = { format: 'sallyport-backup/1', ...head, sha256: sha(rows.toString()), size: rows.length }
      const file = join(makeFolder(), 'state.backup')
      const { format, hash, n, sha256, size } = trailer
      writeFileSync(file, Buffer.concat([rows, Buffer.from(`${JSON.stringify({ format, hash, n, sha256, size })}\n`)]))
      return file
    }
    const init = initEntry({ site: 'site-a', reason: 'first install' })
    const expect = (every: number): Entry => ({ kind: 'expect', body: { channel: 'vendor-a', every } })
    const pin = pinEntry(pinOf('vendor-a'))
    await rehearseRestore(join(makeFolder(), 'x'), write(init, pin, expect(86_400)), options)
    for (const file of [write(), write({ kind: 'note', body: { text: 'x' } }), write(init, pin, expect(2 ** 53 - 1))])
      for (const run of [rehearseRestore, restore])
        await assert.rejects(run(join(makeFolder(), 'x'), file, options), fault('BACKUP_MALFORMED'))
  })

  it('holds the lists in force and those still to be looked at, and gives them back before their rows count', async () => {
    const state = await initState()
    await state.takeLists([listOf(1, { kept: Buffer.from('kept 1') }), answerOf('a1', 3)], FROM)
    await state.markRejudged(state.head.n)
    await state.takeLists([listOf(2), listOf(2, { form: 'delta' })], FROM)
    await state.close()
    writeFileSync(join(state.dir, 'lists', sha('orphan')), 'orphan')
    const folder = makeFolder()
    const file = join(folder, 'state.backup')
    await backup(state, file)
    await backup(state, `${file}.2`)
    assert.deepEqual(readFileSync(file), readFileSync(`${file}.2`), 'equal states give equal backups')
    const place = join(folder, 'restored')
    await restore(place, file, options)
    const again = await State.open(place, { write: false, now: NOW })
    assert.deepEqual(again.heldLists(), state.heldLists())
    assert.deepEqual(again.pending(), state.pending())
    assert.deepEqual(
      readdirSync(join(place, 'lists')).sort(),
      readdirSync(join(state.dir, 'lists'))
        .filter((name) => name !== sha('orphan'))
        .sort(),
    )
    const report = await checkState(place, { now: NOW })
    assert.deepEqual([report.count, report.lists], [0, []])
  })

  it('saves the record although a list is lost, which is then not held there either', async () => {
    const state = await initState()
    await state.takeLists([listOf(1), listOf(2, { form: 'delta' })], FROM)
    await state.close()
    const [base, delta] = state.heldLists()
    assert.ok(base !== undefined && delta !== undefined)
    writeFileSync(join(state.dir, 'lists', base.digest.slice(7)), 'something else')
    const folder = makeFolder()
    await backup(state, join(folder, 'state.backup'))
    await restore(join(folder, 'x'), join(folder, 'state.backup'), options)
    const again = await State.open(join(folder, 'x'), { write: true, now: NOW })
    assert.equal(again.heldLists().length, 2)
    assert.equal(await again.listBytes(base.digest), undefined)
    assert.deepEqual(await again.listBytes(delta.digest), listOf(2, { form: 'delta' }).bytes)
    await again.close()
    const { lists } = await checkState(join(folder, 'x'), { now: NOW })
    assert.deepEqual(lists, [{ digest: base.digest, what: 'missing', form: 'base', url: base.url }])
  })

  it('refuses one with lists that was cut or flipped anywhere, or whose lists are others', async function () {
    this.timeout(120_000)
    const chance = seeded('damaged backups with lists')
    const state = await initState()
    await state.takeLists([listOf(1)], FROM)
    await state.close()
    const folder = makeFolder()
    const file = join(folder, 'state.backup')
    await backup(state, file)
    const bytes = readFileSync(file)
    const place = join(folder, 'restored')
    const refused = async (damaged: Uint8Array, what: string): Promise<void> => {
      writeFileSync(file, damaged)
      await assert.rejects(restore(place, file, options), fault('BACKUP_MALFORMED'), what)
      assert.ok(!existsSync(join(place, 'lists')), `${what}: nothing is unpacked`)
    }
    for (let at = 0; at < bytes.length; at += 1 + Math.floor(chance() * 4)) {
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << Math.floor(chance() * 8))
      await refused(flipped, `flip at ${at}`)
      await refused(bytes.subarray(0, at), `cut at ${at}`)
    }
    // Made whole again by somebody who knows the format.
    const text = bytes.toString('latin1')
    const trailer = text.slice(text.lastIndexOf('\n', text.length - 2) + 1)
    const said = JSON.parse(trailer) as { journal: number; listing: number; size: number; sha256: string }
    const listed = JSON.parse(text.slice(said.listing, said.size)) as { lists: { digest: string; size: number }[] }
    const journal = text.slice(0, said.journal)
    const made = (blobs: string[], lists: object, change: object = {}): Buffer => {
      const body = `${journal}${blobs.join('')}${JSON.stringify(lists)}\n`
      const listing = said.journal + blobs.join('').length
      const last = { ...said, listing, sha256: sha(body), size: body.length, ...change }
      return Buffer.from(`${body}${JSON.stringify(last)}\n`, 'latin1')
    }
    const [first, second] = listed.lists
    assert.ok(first !== undefined && second !== undefined)
    const blobs = [
      text.slice(said.journal, said.journal + first.size),
      text.slice(said.journal + first.size, said.listing),
    ]
    assert.deepEqual(made(blobs, listed), bytes, 'the forger forges well')
    const [one = '', two = ''] = blobs
    await refused(made([one, two.toUpperCase()], listed), 'other bytes')
    await refused(made([two, one], { lists: [second, first] }), 'another order')
    await refused(made([one, one], { lists: [first, first] }), 'one twice')
    const stowaway = { digest: `sha256:${sha('x')}`, size: 1 }
    await refused(made(['x'], { lists: [stowaway] }), 'one that no row names')
    await refused(made([one, two, 'x'], listed), 'bytes between')
    await refused(made([one, two], listed, { listing: said.listing - 1 }), 'another place of the listing')
    await refused(made([one, two], listed, { listing: -1 }), 'a place before')
    await refused(made([one, two], listed, { journal: said.size + 5 }), 'a place behind')
    await refused(made([one, two], { lists: [{ ...first, size: 2 ** 60 }, second] }), 'a size beyond all')
    await refused(made([one, two], { lists: 'all' }), 'no listing')
    const plain = { format: 'sallyport-backup/1', hash: (said as never)['hash'], n: 3, sha256: sha(journal) }
    await refused(Buffer.from(`${journal}${JSON.stringify({ ...plain, size: said.journal })}\n`), 'the lists left out')
    writeFileSync(file, made([one], { lists: [first] }))
    await restore(place, file, options)
  })

  it('restores only into an empty place, from a file that is there', async () => {
    const dir = await storiedState()
    const file = join(makeFolder(), 'state.backup')
    await backup({ dir }, file)
    const place = join(makeFolder(), 'x')
    for (const run of [rehearseRestore, restore]) {
      await assert.rejects(run(dir, file, options), fault('STATE_EXISTS'))
      await assert.rejects(run(place, `${file}.no`, options), fault('FILE_UNREADABLE'))
      await assert.rejects(run(place, makeFolder(), options), fault('FILE_UNREADABLE'))
    }
    assert.ok(!existsSync(place))
    await assert.rejects(backup({ dir: place }, file), fault('STATE_EMPTY'))
    await assert.rejects(backup({ dir }, join(file, 'x')), fault('OUTPUT_FAILED'))
  })

  it('replaces an older backup in one step and leaves nothing beside it', async () => {
    const state = await initState()
    const folder = makeFolder()
    const file = join(folder, 'state.backup')
    await backup(state, file)
    await state.recordVerdicts([{ id: digest(1), repository: 'r', digest: digest(2), verdict: 'rejected', why: 'x' }])
    await backup(state, file)
    await state.close()
    await restore(join(folder, 'x'), file, options)
    assert.deepEqual(readdirSync(folder).sort(), ['state.backup', 'x'])
  })
})
