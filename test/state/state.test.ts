import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodeRow } from '../../src/state/journal-row.ts'
import { checkState, State, type JudgedHead } from '../../src/state/index.ts'
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
  REPOSITORY,
  storiedState,
  TARGET,
} from './folder.ts'
import { seeded } from '../seed.ts'

const write = { write: true, now: NOW }
const read = { write: false, now: NOW }
const TAG = { target: TARGET, repository: REPOSITORY, tag: 'v1' }

describe('state/state', () => {
  after(removeFolders)

  it('starts only by init, in a folder that is absent or empty', async () => {
    const dir = join(makeFolder(), 'deep', 'state')
    for (const options of [write, read]) await assert.rejects(State.open(dir, options), fault('STATE_EMPTY'))
    const state = await initState(dir)
    assert.equal(state.site, 'site-a')
    assert.deepEqual(
      (await all(state.rows())).map(({ kind }) => kind),
      ['journal', 'init'],
    )
    await state.close()
    await assert.rejects(initState(dir), fault('STATE_EXISTS', /is there/))
    const other = makeFolder()
    chmodSync(other, 0o755)
    await (await initState(other)).close()
  })

  it('refuses to start in a folder with anything of another in it', async () => {
    const dir = makeFolder()
    writeFileSync(join(dir, 'notes.txt'), 'mine')
    await assert.rejects(initState(dir), fault('STATE_EXISTS', /notes\.txt/))
    const file = join(dir, 'notes.txt')
    for (const options of [write, read]) {
      await assert.rejects(State.open(dir, options), fault('STATE_INVALID', /notes\.txt/))
      await assert.rejects(State.open(file, options), fault('STATE_INVALID', /no folder/))
    }
    await assert.rejects(initState(file), fault('STATE_INVALID', /no folder/))
    assert.equal(readFileSync(file, 'utf8'), 'mine')
  })

  it('starts over what an interrupted init left', async () => {
    const dir = makeFolder()
    for (const name of ['VERSION', 'journal.jsonl.01234567.new', 'VERSION.01234567.new'])
      writeFileSync(join(dir, name), '')
    await assert.rejects(State.open(dir, write), fault('STATE_EMPTY'))
    await (await initState(dir)).close()
    assert.throws(() => statSync(join(dir, 'journal.jsonl.01234567.new')))
  })

  it('lets nobody else look in', async () => {
    const dir = await storiedState()
    assert.equal(statSync(dir).mode & 0o777, 0o700)
    assert.equal(statSync(join(dir, 'index')).mode & 0o777, 0o700)
    assert.equal(statSync(join(dir, 'journal.jsonl')).mode & 0o777, 0o600)
  })

  it('never takes a lost journal for a first start', async () => {
    const dir = await storiedState()
    rmSync(join(dir, 'journal.jsonl'))
    for (const options of [write, read]) await assert.rejects(State.open(dir, options), fault('JOURNAL_BROKEN', /gone/))
    await assert.rejects(initState(dir), fault('STATE_EXISTS'))
  })

  it('names a newer state by its VERSION, its header and its rows', async () => {
    const dir = await storiedState()
    writeFileSync(join(dir, 'VERSION'), 'sallyport-state/2\n')
    for (const options of [write, read]) await assert.rejects(State.open(dir, options), fault('STATE_NEWER'))
    rmSync(join(dir, 'VERSION'))
    const state = await State.open(dir, write)
    const { line } = encodeRow({ kind: 'levitation', body: {} }, state.head, '2030-01-01T00:00:00Z')
    await state.close()
    writeFileSync(join(dir, 'journal.jsonl'), line, { flag: 'a' })
    for (const options of [write, read])
      await assert.rejects(State.open(dir, options), fault('STATE_NEWER', /levitation/))
  })

  it('says when the place cannot be written', async () => {
    const file = join(makeFolder(), 'file')
    writeFileSync(file, '')
    await assert.rejects(initState(join(file, 'state')), fault('STATE_INVALID'))
    const dir = await storiedState()
    rmSync(join(dir, 'journal.jsonl'))
    mkdirSync(join(dir, 'journal.jsonl'))
    await assert.rejects(State.open(dir, write), fault('STATE_UNWRITABLE'))
  })

  it('remembers a pin, and refuses a second one and a wrong fingerprint', async () => {
    const state = await initState()
    assert.equal(state.channel('vendor-a'), undefined)
    await state.pin(pinOf('vendor-b'))
    await state.pin(pinOf('vendor-a'))
    const { head } = state
    await assert.rejects(state.pin(pinOf('vendor-a', 'another')), fault('CHANNEL_PINNED', /vendor-a/))
    await assert.rejects(
      state.pin({ ...pinOf('vendor-c'), fingerprint: digest('other') }),
      fault('FINGERPRINT_MISMATCH', /vendor-c/),
    )
    assert.deepEqual(state.head, head, 'a refusal writes nothing')
    assert.deepEqual(state.channel('vendor-a'), {
      channel: 'vendor-a',
      purpose: 'content',
      fingerprint: digest('root of vendor-a'),
      root: Buffer.from('root of vendor-a'),
      rootVersion: 1,
      counters: { timestamp: 0, snapshot: 0, targets: 0 },
      last: undefined,
    })
    assert.deepEqual(
      state.channels().map(({ channel }) => channel),
      ['vendor-a', 'vendor-b'],
    )
    await state.close()
  })

  it('commits a judged head in one row and refuses whatever falls, before it writes', async () => {
    const state = await initState()
    await state.pin(pinOf('vendor-a'))
    await state.commitHead(headOf('vendor-a', 5))
    const { head } = state
    const now = headOf('vendor-a', 5)
    const refusals: [Partial<JudgedHead>, string][] = [
      [{ ...headOf('vendor-a', 4) }, 'ROLLBACK'],
      [{ counters: { ...now.counters, timestamp: 4 } }, 'ROLLBACK'],
      [{ counters: { ...now.counters, snapshot: 4 } }, 'ROLLBACK'],
      [{ counters: { ...now.counters, targets: 4 } }, 'ROLLBACK'],
      [{ sequence: 4 }, 'ROLLBACK'],
      [{ rootVersion: 0 }, 'ROLLBACK'],
      [{ id: digest('another') }, 'EQUIVOCATION'],
      [{ channel: 'vendor-x' }, 'CHANNEL_NOT_PINNED'],
      [{ ...headOf('vendor-a', 1), reset: { rootVersion: 1 } }, 'ROLLBACK'],
      [{ ...headOf('vendor-a', 1), reset: { rootVersion: 2 } }, 'ROLLBACK'],
    ]
    for (const [change, code] of refusals)
      await assert.rejects(state.commitHead({ ...now, ...change }), fault(code), JSON.stringify(change))
    await assert.rejects(state.commitHead({ ...now, rootVersion: 2 }), TypeError, 'a version without its root')
    await assert.rejects(state.commitHead({ ...now, floor: '2026-06-01T00:00:00.5Z' }), TypeError)
    assert.deepEqual(state.head, head, 'a refusal writes nothing')
    await state.commitHead(now)
    await state.commitHead(headOf('vendor-a', 9))
    assert.deepEqual(state.channel('vendor-a')?.last, { sequence: 9, id: digest('vendor-a 9') })
    assert.equal(state.head.n, head.n + 2)
    await state.close()
  })

  it('lets counters fall only with the new root that replaced their keys', async () => {
    const state = await initState()
    await state.pin(pinOf('vendor-a'))
    await state.commitHead(headOf('vendor-a', 7))
    const roots = [Buffer.from('root 2'), Buffer.from('root 3')]
    const next = headOf('vendor-a', 2, { roots, rootVersion: 3 })
    await assert.rejects(state.commitHead(next), fault('ROLLBACK'))
    await assert.rejects(state.commitHead({ ...next, reset: { rootVersion: 4 } }), fault('ROLLBACK'))
    await state.commitHead({ ...next, reset: { rootVersion: 2 } })
    const channel = state.channel('vendor-a')
    assert.equal(channel?.root.toString(), 'root 3')
    assert.equal(channel.rootVersion, 3)
    assert.equal(channel.fingerprint, digest('root of vendor-a'))
    assert.deepEqual(channel.counters, { timestamp: 2, snapshot: 2, targets: 2 })
    await assert.rejects(state.commitHead(headOf('vendor-a', 1, { rootVersion: 3 })), fault('ROLLBACK'))
    await state.close()
  })

  it('does not let counters fall by unpin and pin', async () => {
    const state = await initState()
    await state.pin(pinOf('vendor-a'))
    await state.commitHead(headOf('vendor-a', 7, { roots: [Buffer.from('root 2')], rootVersion: 2 }))
    await state.unpin('vendor-a', 'a mistake')
    assert.equal(state.channel('vendor-a'), undefined)
    await assert.rejects(state.unpin('vendor-a', 'again'), fault('CHANNEL_NOT_PINNED'))
    await assert.rejects(state.commitHead(headOf('vendor-a', 8)), fault('CHANNEL_NOT_PINNED'))
    await state.pin(pinOf('vendor-a', 'a new ceremony'))
    assert.deepEqual(state.channel('vendor-a')?.counters, { timestamp: 0, snapshot: 0, targets: 0 })
    await state.commitHead(headOf('vendor-a', 1))
    for (const seen of ['root of vendor-a', 'root 2']) {
      await state.unpin('vendor-a', 'back to the old one')
      await state.pin(pinOf('vendor-a', seen))
      assert.equal(state.channel('vendor-a')?.last?.sequence, 7)
      assert.equal(state.channel('vendor-a')?.root.toString(), 'root 2')
      await assert.rejects(state.commitHead(headOf('vendor-a', 6, { rootVersion: 2 })), fault('ROLLBACK'))
    }
    await state.close()
  })

  it('never judges by a clock that is behind a time it has seen signed', async () => {
    const state = await initState()
    assert.equal(state.effectiveNow(), NOW)
    await state.pin(pinOf('vendor-a'))
    await state.commitHead(headOf('vendor-a', 1, { floor: '2026-07-01T00:00:00Z' }))
    await state.commitHead(headOf('vendor-a', 2, { floor: '2026-06-01T00:00:00Z' }))
    assert.equal(state.floor, '2026-07-01T00:00:00Z')
    const at = new Date('2026-07-01T00:00:00Z')
    assert.equal(state.effectiveNow(at), at)
    assert.throws(() => state.effectiveNow(new Date('2026-06-30T23:59:59Z')), fault('CLOCK_BEHIND', /2026-07-01/))
    await state.close()
    assert.equal((await State.open(state.dir, read)).floor, '2026-07-01T00:00:00Z')
  })

  it('keeps tag moves: intent, outcome, history', async () => {
    const state = await initState()
    await state.intendTags([{ ...TAG, old: null, new: digest(1) }])
    assert.deepEqual(state.openIntents(), [{ ...TAG, old: null, new: digest(1), n: 3 }])
    assert.deepEqual(state.openIntents('oci:/elsewhere'), [])
    await assert.rejects(state.intendTags([{ ...TAG, old: null, new: digest(2) }]), TypeError)
    await state.settleTags([{ ...TAG, outcome: 'moved' }])
    await assert.rejects(state.settleTags([{ ...TAG, outcome: 'moved' }]), TypeError)
    for (const outcome of ['kept', 'settled-old', 'moved'] as const) {
      await state.intendTags([{ ...TAG, old: digest(1), new: digest(2) }])
      await state.settleTags([{ ...TAG, outcome }])
    }
    assert.deepEqual(state.openIntents(), [])
    const time = '2026-11-24T12:00:00Z'
    assert.deepEqual(await state.tagHistory(TARGET, REPOSITORY, 'v1'), [
      { n: 4, time, old: null, new: digest(1) },
      { n: 10, time, old: digest(1), new: digest(2) },
    ])
    assert.deepEqual(await state.tagHistory(TARGET, REPOSITORY, 'v'), [])
    await state.close()
  })

  it('keeps that a tag was taken away, and why, over an open intent too', async () => {
    const state = await initState()
    const cause = { by: 'measure', reason: 'CERTIFICATE_REVOKED' } as const
    await state.intendTags([{ ...TAG, old: null, new: digest(1) }])
    await state.settleTags([{ ...TAG, outcome: 'moved' }])
    await state.intendTags([{ ...TAG, old: digest(1), new: null, cause }])
    assert.equal(state.openIntents()[0]?.new, null)
    await state.close()
    const again = await State.open(state.dir, { now: NOW, write: true })
    await again.settleTags([{ ...TAG, outcome: 'moved' }])
    const moves = await again.tagHistory(TARGET, REPOSITORY, 'v1')
    assert.deepEqual(
      moves.map((move) => [move.old, move.new]),
      [
        [null, digest(1)],
        [digest(1), null],
      ],
    )
    await again.intendTags([{ ...TAG, tag: 'a', old: null, new: digest(2) }])
    await again.settleTags([{ ...TAG, tag: 'a', outcome: 'moved' }])
    assert.deepEqual(await again.tagNames(TARGET, REPOSITORY), ['a', 'v1'])
    assert.deepEqual(await again.tagNames(TARGET, 'elsewhere'), [])
    const causes: unknown[] = []
    for await (const row of again.rows()) if (row['cause'] !== undefined) causes.push(row['cause'])
    assert.deepEqual(causes, [cause])
    await again.close()
  })

  it('knows what each target holds, and splits a long list into rows', async () => {
    const state = await initState()
    const digests = Array.from({ length: 9000 }, (_, at) => digest(at))
    await state.recordHeld({ target: TARGET, repository: REPOSITORY, digests })
    await state.recordHeld({ target: TARGET, repository: 'vendor/other', digests: digests.slice(0, 1) })
    assert.equal(state.head.n, 2 + 3 + 1)
    for (const line of readFileSync(join(state.dir, 'journal.jsonl'), 'latin1').split('\n'))
      assert.ok(line.length <= 1 << 20)
    assert.equal(await state.heldIn(TARGET, REPOSITORY, digest(8999)), true)
    assert.equal(await state.heldIn(TARGET, 'vendor/other', digest(8999)), false)
    assert.equal(await state.heldIn(TARGET, REPOSITORY, digest(9000)), false)
    assert.equal(await state.heldIn('oci:/elsewhere', REPOSITORY, digest(1)), false)
    assert.deepEqual(await state.heldRepositories(TARGET, digest(0)), [REPOSITORY, 'vendor/other'])
    assert.deepEqual(await state.heldRepositories(TARGET, digest(9000)), [])
    await assert.rejects(
      state.recordHeld({ target: TARGET, repository: REPOSITORY, digests: ['sha256:ABC'] }),
      TypeError,
    )
    await assert.rejects(
      state.recordHeld({ target: `${TARGET}\0x`, repository: REPOSITORY, digests: [digest(1)] }),
      TypeError,
    )
    await state.close()
  })

  it('follows a bundle from head to import', async () => {
    const state = await initState()
    await state.pin(pinOf('vendor-a'))
    await state.commitHead(headOf('vendor-a', 3))
    const id = digest('vendor-a 3')
    assert.deepEqual(await state.bundle('vendor-a', 3), { id, n: 4, state: 'accepted' })
    assert.equal(await state.bundle('vendor-a', 2), undefined)
    const step = { id, channel: 'vendor-a', sequence: 3, target: TARGET }
    await state.recordImport({ ...step, phase: 'start' })
    assert.deepEqual(await state.bundle('vendor-a', 3), { id, n: 5, state: 'started' })
    assert.equal(await state.importDone(TARGET, id), false)
    await state.recordImport({ ...step, phase: 'done', counts: { blobs: 3 } })
    assert.deepEqual(await state.bundle('vendor-a', 3), { id, n: 6, state: 'done' })
    assert.equal(await state.importDone(TARGET, id), true)
    assert.equal(await state.importDone('oci:/elsewhere', id), false)
    await state.close()
  })

  it('answers a reader as it answers the writer', async () => {
    const dir = await storiedState()
    const answers = await Promise.all(
      [read, write].map(async (options) => {
        const state = await State.open(dir, options)
        const answer = {
          site: state.site,
          floor: state.floor,
          head: state.head,
          channels: state.channels(),
          intents: state.openIntents(),
          bundle: await state.bundle('vendor-a', 3),
          held: await state.heldRepositories(TARGET, digest(2)),
          tags: await state.tagHistory(TARGET, REPOSITORY, 'v1'),
          done: await state.importDone(TARGET, digest('vendor-a 3')),
          rows: (await all(state.rows())).length,
        }
        await state.close()
        return answer
      }),
    )
    assert.deepEqual(answers[0], answers[1])
    assert.equal(answers[0]?.tags.length, 1)
    const reader = await State.open(dir, read)
    await assert.rejects(reader.note('x'))
  })

  it('writes what many ask at once, refuses each fault alone, and keeps the index equal', async () => {
    const chance = seeded('many at once')
    const state = await initState()
    for (const channel of ['a', 'b', 'c']) await state.pin(pinOf(channel))
    const newest = new Map<string, number>()
    const results = await Promise.allSettled(
      Array.from({ length: 600 }, (_, at) => {
        const channel = ['a', 'b', 'c'][Math.floor(chance() * 3)] ?? 'a'
        const sequence = Math.floor(chance() * 100)
        const tag = { ...TAG, tag: `t${Math.floor(chance() * 20)}` }
        if (at % 3 === 0) return state.recordHeld({ target: TARGET, repository: REPOSITORY, digests: [digest(at)] })
        if (at % 3 === 1) return state.intendTags([{ ...tag, old: null, new: digest(at) }])
        const wanted = sequence >= (newest.get(channel) ?? 0)
        if (wanted) newest.set(channel, sequence)
        return state.commitHead(headOf(channel, sequence)).then(
          () => assert.ok(wanted),
          (error: unknown) => {
            assert.ok(!wanted)
            assert.ok(fault('ROLLBACK')(error))
            throw error
          },
        )
      }),
    )
    const refused = results.filter(({ status }) => status === 'rejected').length
    assert.ok(refused > 100 && refused < 500)
    assert.equal(state.head.n, 5 + 600 - refused)
    assert.equal(state.openIntents().length, 20)
    for (const [channel, sequence] of newest) assert.equal(state.channel(channel)?.last?.sequence, sequence)
    await state.close()
    assert.equal((await checkState(state.dir, { now: NOW })).count, 0)
  })

  it('rejects a row with good hashes that the rules forbid', async () => {
    const dir = await storiedState()
    const file = join(dir, 'journal.jsonl')
    const bytes = readFileSync(file)
    const state = await State.open(dir, read)
    const bad = [
      {
        kind: 'head',
        body: { ...headOf('vendor-a', 2), roots: [], counters: { timestamp: 2, snapshot: 2, targets: 2 } },
      },
      { kind: 'head', body: { channel: 'vendor-a' } },
      { kind: 'pin', body: { ...pinOf('vendor-a'), root: Buffer.from('root of vendor-a').toString('base64') } },
      { kind: 'init', body: { site: 'site-b', reason: 'x' } },
      { kind: 'tag-done', body: { ...TAG, old: null, new: digest(1), outcome: 'moved' } },
      { kind: 'note', body: { floor: 'tomorrow' } },
    ]
    for (const { kind, body } of bad) {
      const clean = JSON.parse(JSON.stringify(body)) as Parameters<typeof encodeRow>[0]['body']
      writeFileSync(
        file,
        Buffer.concat([bytes, encodeRow({ kind, body: clean }, state.head, '2026-11-24T12:00:00Z').line]),
      )
      for (const options of [write, read])
        await assert.rejects(
          State.open(dir, options),
          fault('JOURNAL_BROKEN', new RegExp(`row ${state.head.n + 1}`)),
          kind,
        )
    }
  })
})
