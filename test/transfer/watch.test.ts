import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout, buildZooLayout } from '../../fixtures/layouts/build.ts'
import { isFault, type Code } from '../../src/errors/index.ts'
import { channelExpect, channelUnpin, log, watch, type WatchReport } from '../../src/transfer/index.ts'
import type { WatchOptions } from '../../src/transfer/watch.ts'
import { lookInto, openArrival } from '../../src/transfer/watch-inbox.ts'
import { isRefused } from '../../src/transfer/watch-report.ts'
import { CHANNEL, hoursLater, NOW, planFor, Stage, tree } from './stage.ts'

const fault = (code: Code) => (error: unknown) => isFault(error, code)

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries++) {
    assert.ok(tries < 2000, 'it never came')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

describe('transfer/watch', function () {
  this.timeout(120_000)
  let stage: Stage
  /** Sequences 1 to 3. */
  const bundles: string[] = []

  before(async () => {
    stage = await Stage.make()
    const demo = join(stage.dir, 'demo')
    const zoo = join(stage.dir, 'zoo')
    await buildDemoLayout(demo)
    await buildZooLayout(zoo)
    for (const [i, ref] of [demo, zoo, demo].entries()) {
      const output = stage.path(`bundle-${i + 1}.tar`)
      await stage.export({ output, plan: planFor(`oci:${ref}`), now: hoursLater(i) })
      bundles.push(output)
    }
  })
  after(() => stage?.close())

  interface Work extends Pick<WatchOptions, 'inbox' | 'state' | 'to' | 'clock'> {
    out: string
    notes: string[]
    onEvent: WatchOptions['onEvent']
  }

  async function work(): Promise<Work> {
    const inbox = stage.path('inbox')
    mkdirSync(inbox)
    const out = stage.path('out')
    const notes: string[] = []
    return {
      inbox,
      state: await stage.site(),
      out,
      to: `oci:${out}`,
      clock: () => hoursLater(3),
      notes,
      onEvent: (event) => {
        if (event.type === 'note') notes.push(event.text)
      },
    }
  }

  /** One look. A file's times are those of the real clock, which is not asked. */
  function look({ notes: _notes, out: _out, ...from }: Work, more: Partial<WatchOptions> = {}): Promise<WatchReport> {
    return watch({
      map: [],
      registry: {},
      concurrency: 4,
      settle: 20,
      interval: 20,
      files: {},
      once: true,
      document: (ended) => `${JSON.stringify('error' in ended ? { error: String(ended.error) } : ended)}\n`,
      ...from,
      ...more,
    })
  }

  const put = ({ inbox }: Work, bundle: string | undefined, name: string): string => {
    const file = join(inbox, name)
    copyFileSync(bundle ?? '', file)
    return file
  }
  const outcomes = ({ bundles: all }: WatchReport): string[][] =>
    all.map(({ name, outcome, code }) => [name, outcome, ...(code === undefined ? [] : [code])])
  const names = (dir: string): string[] => readdirSync(dir).sort()

  it('imports what is there from the oldest sequence on, whatever the names are, and puts it aside with a report', async () => {
    const site = await work()
    put(site, bundles[2], 'a.tar')
    put(site, bundles[0], 'c.tar')
    put(site, bundles[1], 'b.tar')
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
    const site = await work()
    for (const [i, bundle] of bundles.entries()) put(site, bundle, `${i}.tar`)
    await look(site)
    const state = await stage.site()
    const out = stage.path('single')
    for (const bundle of bundles) await stage.import(bundle, `oci:${out}`, { state, now: hoursLater(3) })
    const blobs = (dir: string): string[] => Object.keys(tree(join(dir, 'blobs')))
    assert.deepEqual(blobs(site.out), blobs(out))
  })

  it('takes a bundle again as no news, whether it was the last one or not', async () => {
    const site = await work()
    for (const [i, bundle] of bundles.entries()) put(site, bundle, `${i + 1}.tar`)
    await look(site)
    const before = readFileSync(join(site.state, 'journal.jsonl'))
    put(site, bundles[0], 'old.tar')
    put(site, bundles[2], '3.tar')
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
    const site = await work()
    put(site, bundles[2], 'c.tar')
    await look(site)
    put(site, bundles[0], 'a.tar')
    const report = await look(site)
    assert.deepEqual(outcomes(report), [['a.tar', 'rejected', 'ROLLBACK']])
    assert.equal(report.exit, 15)
    assert.deepEqual(names(join(site.inbox, 'rejected')), ['a.tar', 'a.tar.report.json'])
  })

  it('rejects what is damaged with its code, under its own name, and goes on with the rest', async () => {
    const site = await work()
    const bytes = readFileSync(bundles[0] ?? '')
    const at = bytes.lastIndexOf('"mediaType"')
    bytes[at + 2] = (bytes[at + 2] ?? 0) ^ 1
    writeFileSync(join(site.inbox, 'a.tar'), bytes)
    writeFileSync(join(site.inbox, 'b.tar'), Buffer.alloc(10_240))
    put(site, bundles[1], 'c.tar')
    const report = await look(site)
    const codes = new Map(report.bundles.map(({ name, outcome, code }) => [name, [outcome, code]]))
    assert.equal(codes.get('a.tar')?.[0], 'rejected')
    assert.deepEqual(codes.get('b.tar'), ['rejected', 'TAR_TRAILING'])
    assert.deepEqual(codes.get('c.tar'), ['imported', undefined])
    assert.ok(report.exit >= 10 && report.exit <= 12, String(report.exit))
    assert.ok(!readFileSync(join(site.inbox, 'rejected', 'a.tar.report.json'), 'utf8').includes('/proc/'))
  })

  it('lets half a file wait, and what is being written, then takes it whole', async () => {
    const site = await work()
    const whole = readFileSync(bundles[0] ?? '')
    const file = join(site.inbox, 'a.tar')
    writeFileSync(file, whole.subarray(0, whole.length >> 1))
    put(site, bundles[1], 'b.tar.part')
    assert.deepEqual([outcomes(await look(site)), names(site.inbox)], [[], ['a.tar', 'b.tar.part', 'done', 'rejected']])

    // Whole by its end, but it changes between the two looks.
    writeFileSync(file, whole)
    let touch: NodeJS.Timeout | undefined
    try {
      touch = setInterval(() => utimesSync(file, new Date(), new Date()), 2)
      assert.deepEqual(outcomes(await look(site, { settle: 100 })), [])
    } finally {
      clearInterval(touch)
    }
    renameSync(join(site.inbox, 'b.tar.part'), join(site.inbox, 'b.tar'))
    assert.deepEqual(outcomes(await look(site)), [
      ['a.tar', 'imported'],
      ['b.tar', 'imported'],
    ])
  })

  it('holds what follows in a channel back while an older bundle is being copied, and nothing else', async () => {
    const site = await work()
    const whole = readFileSync(bundles[0] ?? '')
    writeFileSync(join(site.inbox, 'a.tar'), whole.subarray(0, whole.length - 512))
    put(site, bundles[1], 'b.tar')
    const report = await look(site)
    assert.deepEqual([outcomes(report), report.waiting, report.exit], [[], 2, 0])
    writeFileSync(join(site.inbox, 'a.tar'), whole)
    assert.equal((await look(site)).imported, 2)
  })

  it('rejects half a file that nobody has written to for an hour', async () => {
    const site = await work()
    const file = put(site, bundles[0], 'a.tar')
    truncateSync(file, 5120)
    const report = await look({ ...site, clock: () => new Date(Date.now() + 3_700_000) })
    assert.deepEqual(
      report.bundles.map(({ outcome }) => outcome),
      ['rejected'],
    )
    assert.equal(report.bundles[0]?.exit, 10)
  })

  it('follows nothing and opens nothing that is no regular file, names each once, and takes the bundle among them', async () => {
    const site = await work()
    const { inbox } = site
    const outside = stage.path('outside.tar')
    copyFileSync(bundles[1] ?? '', outside)
    mkdirSync(join(inbox, 'dir.tar'))
    symlinkSync(outside, join(inbox, 'link.tar'))
    symlinkSync('/nonexistent', join(inbox, 'dangling.tar'))
    execFileSync('mkfifo', [join(inbox, 'pipe.tar')])
    writeFileSync(join(inbox, 'README'), 'hello')
    writeFileSync(join(inbox, `${'n'.repeat(240)}.tar`), '')
    writeFileSync(Buffer.concat([Buffer.from(`${inbox}/`), Buffer.from([0xff, 0xfe]), Buffer.from('.tar')]), '')
    writeFileSync(join(inbox, '.hidden.tar'), '')
    put(site, bundles[0], 'a.tar')
    const report = await look(site)
    assert.deepEqual(outcomes(report), [['a.tar', 'imported']])
    assert.deepEqual(report.others.map(({ what }) => what).sort(), [
      'directory',
      'name not readable',
      'name not readable',
      'no bundle by its name',
      'pipe',
      'symbolic link',
      'symbolic link',
    ])
    assert.equal(report.strange, 7)
    assert.equal(site.notes.filter((note) => note.includes('left alone')).length, 7)
    assert.ok(existsSync(outside))
  })

  it('goes through an inbox of 10,000 files and finds the bundle', async () => {
    const site = await work()
    const seed = stage.path('seed')
    writeFileSync(seed, 'x')
    for (let i = 0; i < 10_000; i++) {
      // Half of them pretend to be bundles; they have no end yet, so they wait.
      const file = join(site.inbox, i % 2 === 0 ? `junk-${i}.tar` : `junk-${i}.txt`)
      if (i % 1000 === 0) writeFileSync(file, 'x')
      else linkSync(i % 2 === 0 ? join(site.inbox, `junk-${Math.floor(i / 1000) * 1000}.tar`) : seed, file)
    }
    put(site, bundles[0], 'zzz.tar')
    const from = performance.now()
    const report = await look(site)
    console.log(`      10,000 files: ${Math.round(performance.now() - from)} ms`)
    assert.deepEqual([report.imported, report.waiting, report.strange, report.others.length], [1, 5000, 5000, 100])
  })

  it('leaves a bundle where it is when target, policy or state are at fault, and brings it later', async () => {
    const site = await work()
    put(site, bundles[0], 'a.tar')
    put(site, bundles[1], 'b.tar')
    writeFileSync(site.out, 'this is no folder')
    const first = await look(site)
    assert.deepEqual(
      first.bundles.map(({ name, outcome }) => [name, outcome]),
      [['a.tar', 'waiting']],
    )
    assert.deepEqual([first.waiting, first.exit >= 20], [2, true])
    const policy = stage.path('policy')
    mkdirSync(policy)
    writeFileSync(join(policy, 'trustpolicy.json'), '{')
    const second = await look(site, { to: `oci:${stage.path('other')}`, policy })
    assert.deepEqual(outcomes(second), [['a.tar', 'waiting', 'POLICY_MALFORMED']])
    assert.equal((await look(site, { to: `oci:${stage.path('third')}` })).imported, 2)
  })

  it('does not reject for a clock that is wrong', async () => {
    const site = await work()
    put(site, bundles[0], 'a.tar')
    const report = await look({ ...site, clock: () => hoursLater(-100) })
    assert.deepEqual(outcomes(report), [['a.tar', 'waiting', 'CLOCK_BEHIND']])
  })

  it('tries again after ever longer pauses while it watches, and is done when it works', async () => {
    const site = await work()
    put(site, bundles[0], 'a.tar')
    writeFileSync(site.out, 'this is no folder')
    const stop = new AbortController()
    const watching = look(site, { once: false, signal: stop.signal })
    const tries = (): number => site.notes.filter((note) => note.startsWith('a.tar waits')).length
    await until(() => tries() >= 3)
    renameSync(site.out, `${site.out}.away`)
    await until(() => existsSync(join(site.inbox, 'done', 'a.tar')))
    stop.abort()
    const report = await watching
    assert.deepEqual([report.stopped, report.exit, report.imported, report.waiting], [true, 0, 1, 0])
    assert.deepEqual(outcomes(report), [['a.tar', 'imported']])
  })

  it('goes on when the inbox is away for a while', async () => {
    const site = await work()
    const stop = new AbortController()
    const watching = look(site, { once: false, signal: stop.signal })
    await new Promise((resolve) => setTimeout(resolve, 60))
    renameSync(site.inbox, `${site.inbox}.away`)
    await until(() => site.notes.some((note) => note.includes('FILE_UNREADABLE')))
    renameSync(`${site.inbox}.away`, site.inbox)
    put(site, bundles[0], 'a.tar')
    await until(() => existsSync(join(site.inbox, 'done', 'a.tar')))
    stop.abort()
    assert.equal((await watching).imported, 1)
  })

  it('refuses a second watch on one inbox, and shelves that are another’s or lead elsewhere', async () => {
    const site = await work()
    const stop = new AbortController()
    const first = look(site, { once: false, signal: stop.signal })
    await new Promise((resolve) => setTimeout(resolve, 50))
    await assert.rejects(look(site), fault('FOLDER_LOCKED'))
    stop.abort()
    await first
    const other = await work()
    symlinkSync(stage.dir, join(other.inbox, 'rejected'))
    await assert.rejects(look(other), fault('OUTPUT_FAILED'))
    const third = await work()
    await assert.rejects(look({ ...third, inbox: stage.path('nowhere') }), fault('FILE_UNREADABLE'))
    await assert.rejects(look({ ...third, state: stage.path('nowhere') }), fault('STATE_EMPTY'))
  })

  it('ends what a killed watch began: a report finds its bundle, and goes where there is none', async () => {
    const site = await work()
    const shelf = join(site.inbox, 'rejected')
    mkdirSync(shelf)
    writeFileSync(join(shelf, 'a.tar'), '')
    writeFileSync(join(shelf, '.a.tar.report.json.new'), 'of a')
    writeFileSync(join(shelf, '.b.tar.report.json.new'), 'of b')
    await look(site)
    assert.deepEqual(names(shelf), ['a.tar', 'a.tar.report.json'])
    assert.equal(readFileSync(join(shelf, 'a.tar.report.json'), 'utf8'), 'of a')
  })

  it('leaves a bundle that it may not read where it is', async () => {
    const site = await work()
    const file = put(site, bundles[0], 'a.tar')
    const [arrival] = (await lookInto(site.inbox)).arrivals
    assert.ok(arrival)
    chmodSync(file, 0)
    const [marked] = (await lookInto(site.inbox)).arrivals
    const root = process.getuid?.() === 0
    if (root) process.seteuid?.(65_534)
    try {
      const unreadable = await openArrival(site.inbox, marked ?? arrival).catch((error: unknown) => error)
      assert.ok(isFault(unreadable, 'FILE_UNREADABLE'))
      assert.equal(isRefused(unreadable), false)
    } finally {
      if (root) process.seteuid?.(0)
    }
  })

  it('opens the file that it saw, and no other that has its name by now', async () => {
    const site = await work()
    const file = put(site, bundles[0], 'a.tar')
    const [arrival] = (await lookInto(site.inbox)).arrivals
    assert.ok(arrival)
    for (const swap of [
      () => symlinkSync(bundles[0] ?? '', file),
      () => execFileSync('mkfifo', [file]),
      () => mkdirSync(file),
      () => copyFileSync(bundles[0] ?? '', file),
    ]) {
      rmSync(file, { recursive: true, force: true })
      assert.equal(await openArrival(site.inbox, arrival), undefined)
      swap()
      assert.equal(await openArrival(site.inbox, arrival), undefined)
    }
  })

  it('rejects bundles of a channel that is pinned no more, and tells of silence', async () => {
    const site = await work()
    await channelExpect({ state: site.state, channel: CHANNEL, every: 3600, now: NOW })
    assert.equal((await look({ ...site, clock: () => hoursLater(1) })).exit, 0)
    const late = await look(site)
    assert.deepEqual([late.exit, late.status?.alarms.map(({ code }) => code)], [15, ['CHANNEL_OVERDUE']])
    put(site, bundles[0], 'a.tar')
    const heard = await look(site)
    assert.deepEqual([heard.exit, heard.status?.alarms], [0, []])
    await channelUnpin({ state: site.state, channel: CHANNEL, reason: 'test', now: hoursLater(3) })
    put(site, bundles[1], 'b.tar')
    assert.deepEqual(outcomes(await look(site)), [['b.tar', 'rejected', 'CHANNEL_NOT_PINNED']])
  })

  it('writes its files after each look, readable by others', async () => {
    const site = await work()
    const files = { status: stage.path('status.json'), textfile: stage.path('sallyport.prom') }
    put(site, bundles[0], 'a.tar')
    await look(site, { files })
    const document = JSON.parse(readFileSync(files.status, 'utf8')) as { watch: { imported: number }; rows: number }
    assert.deepEqual([document.watch.imported, document.rows > 2], [1, true])
    assert.match(readFileSync(files.textfile, 'utf8'), /^sallyport_watch_bundles_total\{outcome="imported"\} 1$/m)
    for (const file of [files.status, files.textfile]) assert.equal(statSync(file).mode & 0o777, 0o644)
    const failed = await look(site, { files: { status: join(stage.dir, 'no', 'where.json') } })
    assert.equal(failed.exit, 22)
  })

  it('gives up with INTERRUPTED when one look is stopped', async () => {
    const site = await work()
    put(site, bundles[0], 'a.tar')
    await assert.rejects(look(site, { signal: AbortSignal.abort() }), fault('INTERRUPTED'))
    assert.deepEqual(names(site.inbox), ['a.tar', 'done', 'rejected'])
  })
})
