import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { channelConfine, channelExpect, channelUnpin, log } from '../../../src/transfer/index.ts'
import { CHANNEL, hoursLater, NOW, tree } from '../stage.ts'
import { look, names, outcomes, until, Watching } from './watching.ts'
import { fault } from '../../fault.ts'

describe('transfer/watch/watch', function () {
  this.timeout(120_000)
  let watching: Watching
  before(async () => {
    watching = await Watching.make()
  })
  after(() => watching?.close())

  it('imports what is there from the oldest sequence on, whatever the names are, and puts it aside with a report', async () => {
    const site = await watching.work()
    watching.put(site, 3, 'a.tar')
    watching.put(site, 1, 'c.tar')
    watching.put(site, 2, 'b.tar')
    const report = await look(site)
    assert.deepEqual(outcomes(report), [
      ['c.tar', 'imported'],
      ['b.tar', 'imported'],
      ['a.tar', 'imported'],
    ])
    // 3: the zoo has something that its index leaves out.
    assert.deepEqual([report.exit, report.imported, report.waiting], [3, 3, 0])
    assert.deepEqual(names(site.inbox), ['done', 'rejected'])
    const shelf = join(site.inbox, 'done')
    assert.deepEqual(
      names(shelf),
      ['a', 'b', 'c'].flatMap((name) => [`${name}.tar`, `${name}.tar.report.json`]),
    )
    const { report: said } = JSON.parse(readFileSync(join(shelf, 'b.tar.report.json'), 'utf8')) as {
      report: { sequence: number; verdict: string }
    }
    assert.deepEqual([said.sequence, said.verdict], [2, 'trusted'])
    const { rows } = await log({ state: site.state })
    assert.deepEqual(
      rows.filter(({ kind }) => kind === 'head').map((row) => row['sequence']),
      [1, 2, 3],
    )
  })

  it('leaves the layout that single imports leave', async () => {
    const site = await watching.work()
    for (const [i, bundle] of watching.bundles.entries()) copyFileSync(bundle, join(site.inbox, `${i}.tar`))
    await look(site)
    const state = await watching.stage.site()
    const out = watching.stage.path('single')
    for (const bundle of watching.bundles)
      await watching.stage.import(bundle, `oci:${out}`, { state, now: hoursLater(3) })
    const blobs = (dir: string): string[] => Object.keys(tree(join(dir, 'blobs')))
    assert.deepEqual(blobs(site.out), blobs(out))
  })

  it('takes a bundle again as no news, whether it was the last one or not', async () => {
    const site = await watching.work()
    for (const [i, bundle] of watching.bundles.entries()) copyFileSync(bundle, join(site.inbox, `${i + 1}.tar`))
    await look(site)
    const before = readFileSync(join(site.state, 'journal.jsonl'))
    watching.put(site, 1, 'old.tar')
    watching.put(site, 3, '3.tar')
    const report = await look(site)
    assert.deepEqual(outcomes(report), [
      ['old.tar', 'duplicate'],
      ['3.tar', 'duplicate'],
    ])
    assert.deepEqual([report.exit, report.duplicate, report.rejected], [0, 2, 0])
    // Nothing is put over what lies there.
    assert.deepEqual(
      names(join(site.inbox, 'done')).filter((name) => !name.endsWith('.json')),
      ['1.tar', '2.tar', '3.2.tar', '3.tar', 'old.tar'],
    )
    assert.deepEqual(readFileSync(join(site.state, 'journal.jsonl')), before)
  })

  it('rejects an old bundle that never came to its end here', async () => {
    const site = await watching.work()
    watching.put(site, 3, 'c.tar')
    await look(site)
    watching.put(site, 1, 'a.tar')
    const report = await look(site)
    assert.deepEqual(outcomes(report), [['a.tar', 'rejected', 'ROLLBACK']])
    assert.equal(report.exit, 15)
    assert.deepEqual(names(join(site.inbox, 'rejected')), ['a.tar', 'a.tar.report.json'])
  })

  it('rejects what is damaged with its code, under its own name, and goes on with the rest', async () => {
    const site = await watching.work()
    const bytes = readFileSync(watching.bundle(1))
    const at = bytes.lastIndexOf('"mediaType"')
    bytes[at + 2] = (bytes[at + 2] ?? 0) ^ 1
    writeFileSync(join(site.inbox, 'a.tar'), bytes)
    writeFileSync(join(site.inbox, 'b.tar'), Buffer.alloc(10_240))
    watching.put(site, 2, 'c.tar')
    const report = await look(site)
    const codes = new Map(report.bundles.map(({ name, outcome, code }) => [name, [outcome, code]]))
    assert.equal(codes.get('a.tar')?.[0], 'rejected')
    assert.deepEqual(codes.get('b.tar'), ['rejected', 'TAR_TRAILING'])
    assert.deepEqual(codes.get('c.tar'), ['imported', undefined])
    assert.ok(report.exit >= 10 && report.exit <= 12, String(report.exit))
    assert.ok(!readFileSync(join(site.inbox, 'rejected', 'a.tar.report.json'), 'utf8').includes('/proc/'))
  })

  it('rejects what its channel may not bring where it goes, and takes it when it is put back and may', async () => {
    const site = await watching.work()
    const confine = { state: site.state, channel: CHANNEL, now: NOW }
    await channelConfine({ ...confine, into: ['nowhere'] })
    watching.put(site, 1, 'a.tar')
    assert.deepEqual(outcomes(await look(site)), [['a.tar', 'rejected', 'DESTINATION_FORBIDDEN']])
    await channelConfine({ ...confine, into: null })
    renameSync(join(site.inbox, 'rejected', 'a.tar'), join(site.inbox, 'a.tar'))
    assert.deepEqual(outcomes(await look(site)), [['a.tar', 'imported']])
  })

  it('leaves a bundle where it is when target, policy or state are at fault, and brings it later', async () => {
    const site = await watching.work()
    watching.put(site, 1, 'a.tar')
    watching.put(site, 2, 'b.tar')
    writeFileSync(site.out, 'this is no folder')
    const first = await look(site)
    assert.deepEqual(
      first.bundles.map(({ name, outcome }) => [name, outcome]),
      [
        ['a.tar', 'waiting'],
        ['b.tar', 'waiting'],
      ],
    )
    assert.deepEqual([first.waiting, first.exit >= 20], [2, true])
    const policy = watching.stage.path('policy')
    mkdirSync(policy)
    writeFileSync(join(policy, 'trustpolicy.json'), '{')
    const second = await look(site, { to: `oci:${watching.stage.path('other')}`, policy })
    assert.deepEqual(outcomes(second), [
      ['a.tar', 'waiting', 'POLICY_MALFORMED'],
      ['b.tar', 'waiting'],
    ])
    assert.equal((await look(site, { to: `oci:${watching.stage.path('third')}` })).imported, 2)
  })

  it('moves and writes nothing in a dry run, and says what would be', async () => {
    const site = await watching.work()
    watching.put(site, 1, 'a.tar')
    writeFileSync(join(site.inbox, 'b.tar'), Buffer.alloc(2048))
    const before = [tree(site.inbox), tree(site.state)]
    const files = { status: watching.stage.path('status.json') }
    const report = await look(site, { dryRun: true, files })
    assert.deepEqual(outcomes(report), [
      ['a.tar', 'imported'],
      ['b.tar', 'rejected', 'TAR_TRAILING'],
    ])
    assert.deepEqual(
      [[tree(site.inbox), tree(site.state)], existsSync(site.out), existsSync(files.status)],
      [before, false, false],
    )
  })

  it('lets what has expired wait while the clock is in doubt, and asks anew how the registry is reached', async () => {
    const site = await watching.work()
    watching.put(site, 1, 'a.tar')
    let asked = 0
    const access = (): Promise<object> => {
      asked++
      return Promise.resolve({})
    }
    await look(site, { access })
    watching.put(site, 2, 'b.tar')
    watching.put(site, 3, 'c.tar')
    const late = await look({ ...site, clock: () => hoursLater(24 * 500) }, { access })
    assert.deepEqual(
      [outcomes(late), late.bundles[1]?.waitsFor, asked],
      [
        [
          ['b.tar', 'waiting', 'EXPIRED'],
          ['c.tar', 'waiting'],
        ],
        'b.tar',
        2,
      ],
    )
    assert.deepEqual(outcomes(await look({ ...site, clock: () => hoursLater(24 * 200) })), [
      ['b.tar', 'rejected', 'EXPIRED'],
      ['c.tar', 'rejected', 'EXPIRED'],
    ])
  })

  it('does not reject for a clock that is wrong', async () => {
    const site = await watching.work()
    watching.put(site, 1, 'a.tar')
    const report = await look({ ...site, clock: () => hoursLater(-100) })
    assert.deepEqual(outcomes(report), [['a.tar', 'waiting', 'CLOCK_BEHIND']])
  })

  it('tries again after ever longer pauses while it watches, and is done when it works', async () => {
    const site = await watching.work()
    watching.put(site, 1, 'a.tar')
    writeFileSync(site.out, 'this is no folder')
    const stop = new AbortController()
    const running = look(site, { once: false, signal: stop.signal })
    const tries = (): number => site.notes.filter((note) => note.startsWith('a.tar waits')).length
    await until(() => tries() >= 3)
    renameSync(site.out, `${site.out}.away`)
    await until(() => existsSync(join(site.inbox, 'done', 'a.tar')))
    stop.abort()
    const report = await running
    assert.deepEqual([report.stopped, report.exit, report.imported, report.waiting], [true, 0, 1, 0])
    assert.deepEqual(outcomes(report), [['a.tar', 'imported']])
  })

  it('goes on when the inbox is away for a while', async () => {
    const site = await watching.work()
    const stop = new AbortController()
    const running = look(site, { once: false, signal: stop.signal })
    await new Promise((resolve) => setTimeout(resolve, 60))
    renameSync(site.inbox, `${site.inbox}.away`)
    await until(() => site.notes.some((note) => note.includes('FILE_UNREADABLE')))
    renameSync(`${site.inbox}.away`, site.inbox)
    watching.put(site, 1, 'a.tar')
    await until(() => existsSync(join(site.inbox, 'done', 'a.tar')))
    stop.abort()
    assert.equal((await running).imported, 1)
  })

  it('rejects bundles of a channel that is pinned no more, and tells of silence', async () => {
    const site = await watching.work()
    await channelExpect({ state: site.state, channel: CHANNEL, every: 3600, now: NOW })
    assert.equal((await look({ ...site, clock: () => hoursLater(1) })).exit, 0)
    const late = await look(site)
    assert.deepEqual([late.exit, late.status?.alarms.map(({ code }) => code)], [15, ['CHANNEL_OVERDUE']])
    assert.match(late.status?.alarms[0]?.detail ?? '', /expected every [1-9][0-9]*[smhd],/)
    watching.put(site, 1, 'a.tar')
    const heard = await look(site)
    assert.deepEqual([heard.exit, heard.status?.alarms], [0, []])
    await channelUnpin({ state: site.state, channel: CHANNEL, reason: 'test', now: hoursLater(3) })
    watching.put(site, 2, 'b.tar')
    assert.deepEqual(outcomes(await look(site)), [['b.tar', 'rejected', 'CHANNEL_NOT_PINNED']])
  })

  it('writes its files after each look, readable by others', async () => {
    const site = await watching.work()
    const files = { status: watching.stage.path('status.json'), textfile: watching.stage.path('sallyport.prom') }
    watching.put(site, 1, 'a.tar')
    await look(site, { files })
    const document = JSON.parse(readFileSync(files.status, 'utf8')) as { watch: { imported: number }; rows: number }
    assert.deepEqual([document.watch.imported, document.rows > 2], [1, true])
    assert.match(readFileSync(files.textfile, 'utf8'), /^sallyport_watch_bundles_total\{outcome="imported"\} 1$/m)
    for (const file of [files.status, files.textfile]) assert.equal(statSync(file).mode & 0o777, 0o644)
    const failed = await look(site, { files: { status: join(watching.stage.dir, 'no', 'where.json') } })
    assert.equal(failed.exit, 22)
  })

  it('gives up with INTERRUPTED when one look is stopped', async () => {
    const site = await watching.work()
    watching.put(site, 1, 'a.tar')
    await assert.rejects(look(site, { signal: AbortSignal.abort() }), fault('INTERRUPTED'))
    assert.deepEqual(names(site.inbox), ['a.tar', 'done', 'rejected'])
  })
})
