import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  opendirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { isFault, SallyportError } from '../../../src/errors/index.ts'
import { lookInto, openArrival } from '../../../src/transfer/watch/inbox.ts'
import { isRefused } from '../../../src/transfer/watch/report.ts'
import { look, names, outcomes, Watching } from './watching.ts'
import { fault } from '../../fault.ts'

/** As the file system has them, which a look goes through. */
function inFolderOrder(dir: string): string[] {
  const folder = opendirSync(dir)
  try {
    const found: string[] = []
    for (let entry = folder.readSync(); entry !== null; entry = folder.readSync()) found.push(entry.name)
    return found
  } finally {
    folder.closeSync()
  }
}

describe('transfer/watch/inbox', function () {
  this.timeout(120_000)
  let watching: Watching
  before(async () => {
    watching = await Watching.make()
  })
  after(() => watching?.close())

  it('lets half a file wait, and what is being written, then takes it whole', async () => {
    const site = await watching.work()
    const whole = readFileSync(watching.bundle(1))
    const file = join(site.inbox, 'a.tar')
    writeFileSync(file, whole.subarray(0, whole.length >> 1))
    watching.put(site, 2, 'b.tar.part')
    const half = await look(site)
    assert.deepEqual(
      [outcomes(half), names(site.inbox)],
      [[['a.tar', 'waiting']], ['a.tar', 'b.tar.part', 'done', 'rejected']],
    )

    // Whole by its end, but it changes between the two looks.
    writeFileSync(file, whole)
    const written = setTimeout(() => utimesSync(file, new Date(), new Date()), 100)
    try {
      assert.deepEqual(outcomes(await look(site, { settle: 400 })), [['a.tar', 'waiting']])
    } finally {
      clearTimeout(written)
    }
    renameSync(join(site.inbox, 'b.tar.part'), join(site.inbox, 'b.tar'))
    assert.deepEqual(outcomes(await look(site)), [
      ['a.tar', 'imported'],
      ['b.tar', 'imported'],
    ])
  })

  it('holds what follows in a channel back while an older bundle is being copied, and nothing else', async () => {
    const site = await watching.work()
    const whole = readFileSync(watching.bundle(1))
    writeFileSync(join(site.inbox, 'a.tar'), whole.subarray(0, whole.length - 512))
    watching.put(site, 2, 'b.tar')
    const report = await look(site)
    assert.deepEqual([report.imported, report.waiting, report.exit], [0, 2, 0])
    writeFileSync(join(site.inbox, 'a.tar'), whole)
    assert.equal((await look(site)).imported, 2)
  })

  it('rejects half a file that nobody has written to for an hour', async () => {
    const site = await watching.work()
    const file = watching.put(site, 1, 'a.tar')
    truncateSync(file, 5120)
    // Whoever wrote it says when: a time to come buys it none.
    const ahead = join(site.inbox, 'b.tar')
    writeFileSync(ahead, '')
    utimesSync(ahead, new Date('2099-01-01'), new Date('2099-01-01'))
    const report = await look({ ...site, clock: () => new Date(Date.now() + 3_700_000) })
    assert.deepEqual(
      report.bundles.map(({ outcome }) => outcome),
      ['rejected', 'rejected'],
    )
    assert.equal(report.bundles[0]?.exit, 10)
  })

  it('follows nothing and opens nothing that is no regular file, names each once, and takes the bundle among them', async () => {
    const site = await watching.work()
    const { inbox } = site
    const outside = watching.stage.path('outside.tar')
    copyFileSync(watching.bundle(2), outside)
    mkdirSync(join(inbox, 'dir.tar'))
    symlinkSync(outside, join(inbox, 'link.tar'))
    symlinkSync('/nonexistent', join(inbox, 'dangling.tar'))
    execFileSync('mkfifo', [join(inbox, 'pipe.tar')])
    writeFileSync(join(inbox, 'README'), 'hello')
    writeFileSync(join(inbox, `${'n'.repeat(240)}.tar`), '')
    writeFileSync(Buffer.concat([Buffer.from(`${inbox}/`), Buffer.from([0xff, 0xfe]), Buffer.from('.tar')]), '')
    writeFileSync(join(inbox, '.hidden.tar'), '')
    watching.put(site, 1, 'a.tar')
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
    const site = await watching.work()
    const seed = watching.stage.path('seed')
    writeFileSync(seed, 'x')
    for (let i = 0; i < 10_000; i++) {
      // Half of them pretend to be bundles; they have no end yet, so they wait.
      const file = join(site.inbox, i % 2 === 0 ? `junk-${i}.tar` : `junk-${i}.txt`)
      if (i % 1000 === 0) writeFileSync(file, 'x')
      else linkSync(i % 2 === 0 ? join(site.inbox, `junk-${Math.floor(i / 1000) * 1000}.tar`) : seed, file)
    }
    watching.put(site, 1, 'zzz.tar')
    const from = performance.now()
    const report = await look(site)
    console.log(`      10,000 files: ${Math.round(performance.now() - from)} ms`)
    assert.deepEqual([report.imported, report.waiting, report.strange, report.others.length], [1, 5000, 5000, 100])
  })

  it('finds bundles among more files than it looks at, in their order, and by heads that verify', async () => {
    const site = await watching.work()
    const forger = await Watching.make()
    try {
      for (let i = 0; i < 10_050; i++) writeFileSync(join(site.inbox, `${i}.tar`), '')
      // Written over what is there, they keep their places: the last of the folder.
      const [forged = '', second = '', first = ''] = inFolderOrder(site.inbox).slice(-3)
      copyFileSync(forger.bundle(1), join(site.inbox, forged))
      copyFileSync(watching.bundle(2), join(site.inbox, second))
      copyFileSync(watching.bundle(1), join(site.inbox, first))
      const report = await look(site)
      assert.deepEqual(outcomes(report).slice(0, 2), [
        [first, 'imported'],
        [second, 'imported'],
      ])
      assert.deepEqual([report.imported, report.rejected, report.waiting], [2, 0, 10_048])
      assert.ok(existsSync(join(site.inbox, forged)))
    } finally {
      forger.close()
    }
  })

  it('takes no more of a kind than it holds, whatever lies there', async () => {
    const site = await watching.work()
    for (let i = 0; i < 11_500; i++) writeFileSync(join(site.inbox, `${i}.tar`), '')
    const view = await lookInto(site.inbox, () => Promise.resolve('one'))
    assert.deepEqual([view.arrivals.length, view.more], [11_000, 500])
    const sorted = await lookInto(site.inbox, ({ name }) => Promise.resolve(name.endsWith('7.tar') ? name : undefined))
    assert.ok(sorted.arrivals.length > 10_000 && sorted.arrivals.length + sorted.more === 11_500)
    await assert.rejects(
      lookInto(site.inbox, () => Promise.reject(new SallyportError('STATE_EMPTY', { side: 'state' }))),
      fault('STATE_EMPTY'),
    )
  })

  it('refuses a second watch on one inbox, and shelves that are another’s or lead elsewhere', async () => {
    const site = await watching.work()
    const stop = new AbortController()
    const first = look(site, { once: false, signal: stop.signal })
    await new Promise((resolve) => setTimeout(resolve, 50))
    await assert.rejects(look(site), fault('FOLDER_LOCKED'))
    stop.abort()
    await first
    const other = await watching.work()
    symlinkSync(watching.stage.dir, join(other.inbox, 'rejected'))
    await assert.rejects(look(other), fault('OUTPUT_FAILED'))
    const third = await watching.work()
    await assert.rejects(look({ ...third, inbox: watching.stage.path('nowhere') }), fault('FILE_UNREADABLE'))
    await assert.rejects(look({ ...third, state: watching.stage.path('nowhere') }), fault('STATE_EMPTY'))
  })

  it('ends what a killed watch began: a report finds its bundle, and goes where there is none', async () => {
    const site = await watching.work()
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
    const site = await watching.work()
    const file = watching.put(site, 1, 'a.tar')
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
    const site = await watching.work()
    const file = watching.put(site, 1, 'a.tar')
    const [arrival] = (await lookInto(site.inbox)).arrivals
    assert.ok(arrival)
    for (const swap of [
      () => symlinkSync(watching.bundle(1), file),
      () => execFileSync('mkfifo', [file]),
      () => mkdirSync(file),
      () => copyFileSync(watching.bundle(1), file),
    ]) {
      rmSync(file, { recursive: true, force: true })
      assert.equal(await openArrival(site.inbox, arrival), undefined)
      swap()
      assert.equal(await openArrival(site.inbox, arrival), undefined)
    }
  })
})
