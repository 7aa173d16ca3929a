import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { backup, checkState, restore, State } from '../../src/state/index.ts'
import {
  all,
  digest,
  fault,
  headOf,
  initState,
  makeFolder,
  NOW,
  pinOf,
  removeFolders,
  seeded,
  storiedState,
} from './folder.ts'

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
    const again = await State.open(place, { write: true, now: NOW })
    assert.equal(again.channel('vendor-a')?.last?.sequence, 3)
    assert.equal(again.openIntents().length, 1)
    const rows = await all(again.rows())
    assert.equal(rows.length, head.n + 1)
    assert.deepEqual([rows.at(-1)?.kind, rows.at(-1)?.['reason']], ['restore', 'the disk is lost'])
    assert.deepEqual(rows.at(-1)?.['from'], head)
    await again.close()
    assert.equal((await checkState(place, { now: NOW })).count, 0)
    assert.deepEqual(readdirSync(place).sort(), ['VERSION', 'index', 'journal.jsonl'])
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
        await assert.rejects(restore(place, file, options), fault('BACKUP_MALFORMED'), `byte ${at}`)
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

  it('restores only into an empty place, from a file that is there', async () => {
    const dir = await storiedState()
    const file = join(makeFolder(), 'state.backup')
    await backup({ dir }, file)
    await assert.rejects(restore(dir, file, options), fault('STATE_EXISTS'))
    const place = join(makeFolder(), 'x')
    await assert.rejects(restore(place, `${file}.no`, options), fault('FILE_UNREADABLE'))
    await assert.rejects(restore(place, makeFolder(), options), fault('FILE_UNREADABLE'))
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
