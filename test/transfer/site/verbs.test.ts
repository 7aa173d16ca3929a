import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import { isFault } from '../../../src/errors/index.ts'
import {
  channelExpect,
  channelPin,
  channelShow,
  channelUnpin,
  log,
  stateBackup,
  stateCheck,
  stateInit,
  stateRebuild,
  stateRestore,
  status,
} from '../../../src/transfer/index.ts'
import { CHANNEL, hoursLater, NOW, planFor, Stage, tree } from '../stage.ts'
import { fault } from '../../fault.ts'

describe('transfer/site/verbs', () => {
  let stage: Stage
  let first: string
  let second: string

  before(async () => {
    stage = await Stage.make()
    await buildDemoLayout(join(stage.dir, 'demo'))
    first = stage.path('first.tar')
    second = stage.path('second.tar')
    const plan = planFor(`oci:${join(stage.dir, 'demo')}`)
    await stage.export({ output: first, plan })
    await stage.export({ output: second, plan, now: hoursLater(1) })
  })

  after(() => stage?.close())

  const pin = (state: string, more: Partial<Parameters<typeof channelPin>[0]> = {}) => {
    const root = join(stage.keys, 'root.json')
    const { fingerprint } = stage
    return channelPin({ state, channel: CHANNEL, root, fingerprint, purpose: 'content', now: NOW, ...more })
  }

  async function bare(): Promise<string> {
    const state = stage.path('state')
    await stateInit({ state, site: 'site-a', reason: 'test', now: NOW })
    return state
  }

  it('pins no root without its fingerprint, or against another one', async () => {
    const state = await bare()
    const before = readFileSync(join(state, 'journal.jsonl'))
    const wrong = `sha256:${'0'.repeat(64)}`
    for (const [more, code] of [
      [{ fingerprint: undefined }, 'FINGERPRINT_MISSING'],
      [{ fingerprint: stage.fingerprint.slice(0, 20) }, 'FINGERPRINT_MISSING'],
      [{ fingerprint: wrong }, 'FINGERPRINT_MISMATCH'],
      [{ channel: 'other' }, 'CHANNEL_MISMATCH'],
      [{ purpose: 'trust' }, 'PURPOSE_MISMATCH'],
      [{ root: join(stage.dir, 'none.json') }, 'FILE_UNREADABLE'],
      [{ state: stage.path('none') }, 'STATE_EMPTY'],
    ] as const)
      await assert.rejects(pin(state, more), fault(code), JSON.stringify(more))
    // Nobody sent a bundle yet.
    for (const [more, remedy] of [
      [{ channel: 'other' }, new RegExp(`pin this one as ${CHANNEL}`)],
      [{ purpose: 'trust' }, /--for content/],
    ] as const)
      await assert.rejects(pin(state, more), { remedy })
    assert.deepEqual((await pin(state, { dryRun: true })).fingerprint, stage.fingerprint)
    assert.deepEqual(readFileSync(join(state, 'journal.jsonl')), before)
    await pin(state)
    await assert.rejects(pin(state), fault('CHANNEL_PINNED'))
  })

  it('unpins a channel for a reason alone, also in a dry run', async () => {
    const state = await stage.site()
    const unpin = (reason: string, dryRun = false): Promise<object> =>
      channelUnpin({ state, channel: CHANNEL, reason, dryRun, now: NOW })
    for (const reason of ['', ' \n'])
      for (const dryRun of [true, false]) await assert.rejects(unpin(reason, dryRun), fault('USAGE'))
    assert.equal((await channelShow({ state, now: NOW })).channels.length, 1)
    await unpin('contract ended')
    await assert.rejects(unpin('again'), fault('CHANNEL_NOT_PINNED'))
  })

  it('makes a state once, for a site with a proper name and a reason', async () => {
    const state = await bare()
    const init = { site: 'site-a', reason: 'test', now: NOW }
    await assert.rejects(stateInit({ ...init, state }), fault('STATE_EXISTS'))
    for (const more of [{ site: 'a b' }, { site: '' }, { site: 'x'.repeat(65) }, { reason: '  ' }])
      await assert.rejects(stateInit({ ...init, state: stage.path('s'), ...more }), fault('USAGE'))
  })

  it('lets a dry run begin where the real one does, and nowhere else', async () => {
    const backup = stage.path('backup')
    await stateBackup({ state: await stage.site(), file: backup })
    const init = (state: string, dryRun: boolean): Promise<object> =>
      stateInit({ state, site: 'site-a', reason: 'test', now: NOW, dryRun })
    const restore = (state: string, dryRun: boolean): Promise<object> =>
      stateRestore({ state, file: backup, reason: 'test', now: NOW, dryRun })
    const folder = (...names: string[]): string => {
      const dir = stage.path('folder')
      mkdirSync(join(dir, 'lost+found'), { recursive: true })
      for (const name of names) writeFileSync(join(dir, name), '')
      return dir
    }
    const file = stage.path('file')
    writeFileSync(file, '')
    for (const run of [init, restore]) {
      const left = folder('VERSION', 'journal.jsonl.restore.new')
      await run(left, true)
      assert.deepEqual(readdirSync(left).sort(), ['VERSION', 'journal.jsonl.restore.new', 'lost+found'])
      await run(left, false)
      for (const dryRun of [true, false]) {
        await assert.rejects(run(left, dryRun), fault('STATE_EXISTS'))
        await assert.rejects(run(folder('notes.txt'), dryRun), fault('STATE_EXISTS'))
        for (const there of [file, join(file, 'state')])
          await assert.rejects(run(there, dryRun), fault('STATE_INVALID'))
      }
    }
  })

  it('shows what is pinned and what a folder of keys holds', async () => {
    const state = await stage.site()
    const { folder: made } = await channelShow({ dir: stage.keys })
    assert.deepEqual(await channelShow({ state, now: NOW }), {
      channels: [
        {
          channel: CHANNEL,
          purpose: 'content',
          fingerprint: stage.fingerprint,
          rootVersion: 1,
          expires: made?.expires,
          lastSequence: null,
          lastId: null,
          everySeconds: null,
          into: null,
        },
      ],
    })
    await channelExpect({ state, channel: CHANNEL, every: 90, now: NOW })
    assert.equal((await channelShow({ state, now: NOW })).channels[0]?.everySeconds, 90)
    const { folder } = await channelShow({ dir: stage.keys })
    assert.deepEqual(
      [folder?.channel, folder?.fingerprint, folder?.people, folder?.threshold],
      [CHANNEL, stage.fingerprint, ['alice'], 1],
    )
    await assert.rejects(channelShow({ dir: stage.dir }), fault('KEY_MISSING'))
  })

  it('reads a state while another run writes to it', async () => {
    const state = await stage.site()
    let seen: Promise<unknown[]> | undefined
    const onEvent = (): void => {
      seen ??= Promise.all([
        status({ state, now: NOW }),
        log({ state, now: NOW }),
        channelShow({ state, now: NOW }),
        stage.verify(first, { state }),
      ])
    }
    await stage.import(first, `oci:${stage.path('out')}`, { state, onEvent })
    assert.equal((await seen)?.length, 4)
  })

  it('proves a backup in a dry run without a place to write to', async () => {
    const file = stage.path('backup')
    const { head } = await stateBackup({ state: await stage.site(), file })
    const folder = stage.path('disk')
    mkdirSync(folder)
    const options = { state: join(folder, 'state'), file, reason: 'test', now: NOW, dryRun: true }
    const temporary = process.env['TMPDIR']
    process.env['TMPDIR'] = join(folder, 'nowhere')
    try {
      assert.equal((await stateRestore(options)).from.hash, head)
      writeFileSync(file, 'x', { flag: 'a' })
      await assert.rejects(stateRestore(options), fault('BACKUP_MALFORMED'))
    } finally {
      if (temporary === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = temporary
    }
    assert.deepEqual(readdirSync(folder), [])
  })

  it('restores from a backup what stops a replay', async () => {
    const state = await stage.site()
    const out = `oci:${stage.path('out')}`
    await stage.import(second, out, { state, now: hoursLater(1) })
    const file = stage.path('backup')
    const backup = await stateBackup({ state, file })
    assert.equal(backup.rows, (await log({ state, now: NOW })).rows.length)
    await assert.rejects(stateBackup({ state, file }), fault('OUTPUT_EXISTS'))

    const again = stage.path('restored')
    const restored = await stateRestore({ state: again, file, reason: 'disk failed', now: hoursLater(2) })
    assert.equal(restored.from.n, backup.rows)
    const report = await stateCheck({ state: again, now: hoursLater(2) })
    assert.deepEqual([report.count, report.rows], [0, backup.rows + 1])
    const now = hoursLater(2)
    const [before, after] = [await status({ state, now }), await status({ state: again, now })]
    assert.deepEqual([after.site, after.channels, after.floor], [before.site, before.channels, before.floor])
    await assert.rejects(stage.verify(first, { state: again, now }), fault('ROLLBACK'))
    assert.equal((await stage.import(second, out, { state: again, now })).repeat, true)
    await assert.rejects(stateRestore({ state: again, file, reason: 'x', now }), fault('STATE_EXISTS'))

    const bytes = readFileSync(file)
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    writeFileSync(file, bytes)
    await assert.rejects(
      stateRestore({ state: stage.path('never'), file, reason: 'x', now }),
      fault('BACKUP_MALFORMED'),
    )
  })

  it('finds a damaged index and makes it anew from the journal', async () => {
    const state = await stage.site()
    await stage.import(first, `oci:${stage.path('out')}`, { state })
    assert.equal((await stateCheck({ state, now: NOW })).count, 0)
    const journal = readFileSync(join(state, 'journal.jsonl'))
    for (const name of Object.keys(tree(join(state, 'index'))))
      if (name.endsWith('.log') || name.endsWith('.ldb')) {
        const bytes = readFileSync(join(state, 'index', name))
        if (bytes.length > 100) bytes[50] = (bytes[50] ?? 0) ^ 0xff
        writeFileSync(join(state, 'index', name), bytes)
      }
    const damage = await stateCheck({ state, now: NOW }).then(
      ({ count }) => (count > 0 ? 'differs' : 'equal'),
      (error: unknown) => (isFault(error, 'INDEX_DAMAGED') ? 'differs' : String(error)),
    )
    assert.equal(damage, 'differs')
    const { rows } = await stateRebuild({ state, now: NOW })
    assert.equal(rows, (await log({ state, now: NOW })).rows.length)
    assert.equal((await stateCheck({ state, now: NOW })).count, 0)
    assert.ok(readFileSync(join(state, 'journal.jsonl')).equals(journal))
  })

  it('refuses a journal in which one byte is other', async () => {
    const state = await stage.site()
    const file = join(state, 'journal.jsonl')
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace('site-a', 'site-b'))
    for (const run of [() => stateCheck({ state, now: NOW }), () => status({ state, now: NOW })])
      await assert.rejects(run(), fault('JOURNAL_BROKEN'))
    await assert.rejects(stage.import(first, `oci:${stage.path('out')}`, { state }), fault('JOURNAL_BROKEN'))
  })
})
