import assert from 'node:assert/strict'
import { existsSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { WatchReport } from '../../../src/transfer/index.ts'
import { State } from '../../../src/state/index.ts'
import { pinnedIn } from '../../../src/transfer/site/pinned.ts'
import { Holds } from '../../../src/transfer/watch/hold.ts'
import { lookInto } from '../../../src/transfer/watch/inbox.ts'
import { CHANNEL, hoursLater, NOW } from '../stage.ts'
import { look, outcomes, until, Watching, type Work } from './watching.ts'

/** What waits, and for what. */
function waits({ bundles }: WatchReport): (string | undefined)[][] {
  return bundles.filter(({ outcome }) => outcome === 'waiting').map(({ name, waitsFor }) => [name, waitsFor])
}

describe('transfer/watch/hold', function () {
  this.timeout(120_000)
  let watching: Watching
  /** The same channel by its name, under the keys of somebody else. */
  let forger: Watching
  before(async () => {
    watching = await Watching.make()
    forger = await Watching.make()
  })
  after(() => {
    watching?.close()
    forger?.close()
  })

  /** The head is whole, the end is not there. */
  function putHalf({ inbox }: Work, name: string, sequence: 1 | 2 | 3, by = watching): string {
    const file = join(inbox, name)
    const whole = readFileSync(by.bundle(sequence))
    writeFileSync(file, whole.subarray(0, whole.length - 512))
    return file
  }

  it('holds nothing for a file that only claims the channel (unproven claim)', async () => {
    const site = await watching.work()
    putHalf(site, 'junk.tar', 1, forger)
    watching.put(site, 2, 'b.tar')
    const report = await look(site)
    assert.deepEqual(outcomes(report), [
      ['b.tar', 'imported'],
      ['junk.tar', 'waiting'],
    ])
    assert.equal(typeof report.bundles[1]?.why, 'string')
  })

  it('holds what follows for a proven head, and names both', async () => {
    const site = await watching.work()
    putHalf(site, 'z.tar', 1)
    watching.put(site, 2, 'b.tar')
    watching.put(site, 3, 'a.tar')
    const report = await look(site)
    assert.deepEqual(waits(report), [
      ['b.tar', 'z.tar'],
      ['a.tar', 'z.tar'],
      ['z.tar', undefined],
    ])
    assert.ok(report.bundles.every(({ why, exit }) => typeof why === 'string' && exit === 0))
    assert.deepEqual(
      ['z.tar waits', 'b.tar waits'].map((told) => site.notes.filter((note) => note.startsWith(told)).length),
      [1, 1],
    )
  })

  it('holds nothing for half a copy of what was accepted last, or before that', async () => {
    const site = await watching.work()
    watching.put(site, 1, 'a.tar')
    assert.equal((await look(site)).imported, 1)
    putHalf(site, 'again.tar', 1)
    watching.put(site, 2, 'b.tar')
    const report = await look(site)
    assert.deepEqual([report.imported, waits(report)], [1, [['again.tar', undefined]]])
  })

  it('holds for an hour at most, however often the file is touched, and tells each once', async () => {
    const site = await watching.work()
    let time = hoursLater(3)
    const stop = new AbortController()
    putHalf(site, 'junk.tar', 1)
    watching.put(site, 2, 'b.tar')
    const running = look({ ...site, clock: () => time }, { once: false, signal: stop.signal })
    const touching = setInterval(() => {
      utimesSync(join(site.inbox, 'junk.tar'), time, time)
    }, 15)
    const done = (): boolean => existsSync(join(site.inbox, 'done', 'b.tar'))
    try {
      await until(() => site.notes.some((note) => note.startsWith('b.tar waits')))
      for (const minutes of [30, 59]) {
        time = new Date(hoursLater(3).getTime() + minutes * 60_000)
        await new Promise((resolve) => setTimeout(resolve, 200))
        assert.equal(done(), false, `${minutes}`)
      }
      time = hoursLater(4)
      await until(done)
    } finally {
      clearInterval(touching)
      stop.abort()
    }
    const report = await running
    assert.equal(report.imported, 1)
    assert.equal(site.notes.filter((note) => note.startsWith('b.tar waits')).length, 1)
  })

  it('holds for an hour at most what one run after the other holds, and for files put anew', async () => {
    const site = await watching.work()
    const state = await State.open(site.state, { now: NOW, write: false })
    const pins = new Map([[CHANNEL, pinnedIn(state)(CHANNEL)]])
    await state.close()
    const held = async (holds: Holds, now: Date, arrived: Date): Promise<boolean> => {
      // Under one name, but never the same file.
      putHalf(site, 'new.tar', 1)
      renameSync(join(site.inbox, 'new.tar'), join(site.inbox, 'junk.tar'))
      const [arrival] = (await lookInto(site.inbox)).arrivals
      assert.ok(arrival)
      const claim = { channel: CHANNEL, sequence: 1, id: `sha256:${'0'.repeat(64)}` } as const
      holds.begin({ pins, heard: new Map(), inDoubt: false, now })
      holds.leave({ queued: { ...arrival, claim }, tried: false })
      const later = { ...arrival, name: 'b.tar', arrived: arrived.getTime(), claim: { ...claim, sequence: 2 } }
      const before = await holds.before(later)
      holds.end(new Set())
      return before !== undefined
    }
    const holds = new Holds(site.inbox)
    for (const [hours, expected] of [
      [0, true],
      [0.99, true],
      [1, false],
      [1.5, false],
    ] as const)
      // A file whose clock runs ahead is none that lies here for long.
      assert.equal(await held(holds, hoursLater(hours), hoursLater(9)), expected, `${hours}`)
    for (const [hours, expected] of [
      [0.99, true],
      [1, false],
    ] as const)
      assert.equal(await held(new Holds(site.inbox), hoursLater(hours), NOW), expected, `${hours}`)
  })

  it('does not let a bundle overtake one that its target holds up, however long', async () => {
    const site = await watching.work()
    let time = hoursLater(3)
    const stop = new AbortController()
    watching.put(site, 1, 'a.tar')
    watching.put(site, 2, 'b.tar')
    writeFileSync(site.out, 'this is no folder')
    const running = look({ ...site, clock: () => time }, { once: false, signal: stop.signal })
    const tries = (): number => site.notes.filter((note) => note.startsWith('a.tar waits')).length
    try {
      await until(() => tries() >= 2)
      time = hoursLater(6)
      await until(() => tries() >= 4)
    } finally {
      stop.abort()
    }
    const report = await running
    assert.deepEqual(outcomes(report)[0]?.slice(0, 2), ['a.tar', 'waiting'])
    assert.deepEqual(waits(report), [
      ['a.tar', undefined],
      ['b.tar', 'a.tar'],
    ])
    rmSync(site.out)
    assert.deepEqual(outcomes(await look(site)), [
      ['a.tar', 'imported'],
      ['b.tar', 'imported'],
    ])
  })

  it('says why a file waits that is no bundle yet, and names copies that run', async () => {
    const site = await watching.work()
    writeFileSync(join(site.inbox, 'random.tar'), randomBytes(5000))
    writeFileSync(join(site.inbox, 'empty.tar'), '')
    watching.put(site, 1, 'a.tar.part')
    const report = await look(site)
    assert.deepEqual(
      report.bundles.map(({ name, outcome, why, exit }) => [name, outcome, typeof why, exit]),
      [
        ['empty.tar', 'waiting', 'string', 0],
        ['random.tar', 'waiting', 'string', 0],
      ],
    )
    assert.deepEqual(report.others, [{ name: 'a.tar.part', what: 'copy that runs' }])
    assert.equal(site.notes.filter((note) => note.startsWith('a.tar.part ')).length, 1)
    assert.ok(!report.bundles.some(({ channel }) => channel === CHANNEL))
  })
})
