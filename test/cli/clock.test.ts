/** Clocks that are wrong, and days at which clocks go wrong (R6). The time of a process is set by the real `faketime`. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildDemoLayout } from '../../fixtures/layouts/build.ts'
import { needPeers } from '../peers/setup/registry.ts'
import { COMPILE_CACHE, documentIn, MAIN, type JsonResult } from './program.ts'

const DAY = 86_400_000
const YEAR = 365.25 * DAY

interface Told {
  status: number | null
  result: JsonResult
  notes: string
}

/** Runs the program with its clock at a time. */
function at(time: Date, args: readonly string[], env: Record<string, string> = {}): Promise<Told> {
  const clock = time.toISOString().slice(0, 19).replace('T', ' ')
  const child = spawn('faketime', [clock, process.execPath, MAIN, ...args, '--json'], {
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', TZ: 'UTC', ...COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => {
      const notes = stderr.split('\n').filter((line) => line.includes('"event":"note"'))
      resolve({ status, result: documentIn(stdout), notes: notes.join('\n') })
    })
  })
}

async function good(time: Date, args: readonly string[]): Promise<JsonResult> {
  const { status, result } = await at(time, args)
  assert.equal(status, 0, `${args.slice(0, 2).join(' ')}: ${JSON.stringify(result.error ?? result.report)}`)
  return result
}

/** Both sides, made at one time. */
class Sides {
  readonly dir = mkdtempSync(join(tmpdir(), 'sallyport-clock-'))
  readonly state = join(this.dir, 'state')
  readonly bundle = join(this.dir, 'june.tar')
  readonly to = `oci:${join(this.dir, 'out')}`
  /** When its bundle was: a busy machine is a second or more late. */
  made: Date

  private constructor(made: Date) {
    this.made = made
  }

  static async make(made: Date, days: number): Promise<Sides> {
    const sides = new Sides(made)
    const keys = join(sides.dir, 'keys')
    const layout = join(sides.dir, 'layout')
    await buildDemoLayout(layout)
    writeFileSync(join(sides.dir, 'pw'), 'only for the clock\n')
    const pass = ['--passphrase-file', join(sides.dir, 'pw')]
    const channel = ['channel', 'init', 'vendor-a', '--for', 'content', '--dir', keys, '--solo', ...pass]
    const { report } = await good(made, channel)
    const bundle = ['-o', sides.bundle, '--for-site', 'site-a', '--valid-days', String(days), '--revocation', 'none']
    const exported = await good(made, ['export', `oci:${layout}`, '--keys', keys, ...bundle, ...pass])
    sides.made = new Date(String(exported.report['created']))
    await good(made, ['state', 'init', '--site', 'site-a', '--reason', 'test', '--state', sides.state])
    const pin = ['--fingerprint', String(report['fingerprint']), '--for', 'content', '--state', sides.state]
    await good(made, ['channel', 'pin', 'vendor-a', join(keys, 'root.json'), ...pin])
    return sides
  }

  /** So many years after it was made. */
  years(count: number): Date {
    return new Date(this.made.getTime() + count * YEAR)
  }

  import(more: readonly string[] = []): string[] {
    return ['import', this.bundle, '--to', this.to, '--state', this.state, ...more]
  }

  verify(more: readonly string[] = []): string[] {
    return ['verify', this.bundle, '--state', this.state, ...more]
  }

  get journal(): string {
    return readFileSync(join(this.state, 'journal.jsonl'), 'utf8')
  }

  async rows(time: Date): Promise<Record<string, unknown>[]> {
    const { report } = await good(time, ['log', '--state', this.state])
    return report['rows'] as Record<string, unknown>[]
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}

describe('cli/clock', function () {
  this.timeout(180_000)
  const open: Sides[] = []
  before(function () {
    needPeers(this)
  })
  afterEach(() => open.splice(0).forEach((sides) => sides.close()))

  const HOUR_AGO = new Date(Math.floor((Date.now() - 3_600_000) / 1000) * 1000)

  async function sides(made: Date = HOUR_AGO, days = 30): Promise<Sides> {
    const made_ = await Sides.make(made, days)
    open.push(made_)
    return made_
  }

  it('R6: refuses at a fresh site whose clock is ten years behind, and names the clock to every command', async () => {
    const all = await sides()
    const before = all.journal
    for (const args of [all.verify(), all.import()]) {
      const { status, result, notes } = await at(all.years(-10), args)
      assert.deepEqual([status, result.error.code], [15, 'CLOCK_BEHIND'])
      assert.match(notes, /the clock is wrong/)
    }
    assert.equal(all.journal, before)
    assert.match((await at(all.years(-10), ['channel', 'show', '--state', all.state])).notes, /the clock is wrong/)
    await good(new Date(), all.import())
  })

  it('R6: refuses below the newest time it saw signed', async () => {
    const all = await sides(HOUR_AGO)
    await good(new Date(), all.import())
    const { status, result } = await at(new Date(all.made.getTime() - 60_000), all.verify())
    assert.deepEqual([status, result.error.code], [15, 'CLOCK_BEHIND'])
    assert.equal((await at(new Date(all.made.getTime() - 60_000), ['status', '--state', all.state])).status, 15)
  })

  it('R6: calls a clock ten years ahead what it is, writes nothing by it, and goes on when it is set', async () => {
    const all = await sides()
    await good(new Date(), all.import())
    const before = all.journal
    const inbox = join(all.dir, 'inbox')
    mkdirSync(inbox)
    copyFileSync(all.bundle, join(inbox, 'june.tar'))
    const watch = ['watch', inbox, '--to', all.to, '--state', all.state, '--once']
    for (const args of [all.verify(), all.import()]) {
      const { status, result } = await at(all.years(10), args)
      assert.deepEqual([status, result.error.code], [15, 'CLOCK_AHEAD'])
    }
    const watched = await at(all.years(10), watch)
    assert.equal(watched.status, 15)
    assert.ok(existsSync(join(inbox, 'june.tar')))
    const status = await at(all.years(10), ['status', '--state', all.state])
    assert.equal(status.status, 15)
    const { alarms } = status.result.report['health'] as { alarms: { code: string }[] }
    assert.deepEqual(
      alarms.map(({ code }) => code),
      ['CLOCK_AHEAD'],
    )
    assert.equal(all.journal, before)
    await good(new Date(), watch)
    assert.ok(existsSync(join(inbox, 'done', 'june.tar')))
  })

  it('R6: names a clock two years ahead, by which all has expired, and never lifts the floor by it', async () => {
    const all = await sides()
    await good(new Date(), all.import())
    const { status, result, notes } = await at(all.years(2), all.verify())
    assert.deepEqual([status, result.error.code], [15, 'EXPIRED'])
    assert.match(notes, /is the clock right/)
    const long = await sides(HOUR_AGO, 3000)
    await good(long.years(2), long.import())
    const { report } = await good(new Date(), ['status', '--state', long.state])
    assert.equal(report['floor'], long.made.toISOString().replace('.000Z', 'Z'))
    await good(new Date(), long.import())
  })

  for (const day of ['2028-02-29T12:00:00Z', '2038-01-19T03:14:04Z', '2050-01-01T00:00:01Z'])
    it(`R6: carries a bundle on ${day}, over the change of the day`, async () => {
      const all = await sides(new Date(day), 366)
      const soon = new Date(all.made.getTime() + 13 * 3_600_000)
      const { report } = await good(soon, all.verify())
      const until = new Date(all.made.getTime() + 366 * DAY).toISOString()
      assert.deepEqual([report['verdict'], report['validUntil']], ['trusted', until.replace('.000Z', 'Z')])
      await good(soon, all.import())
      await good(new Date(all.made.getTime() + 365 * DAY), all.verify())
      const late = await at(new Date(all.made.getTime() + 367 * DAY), all.verify())
      assert.equal(late.result.error.code, 'EXPIRED')
    })

  it('R6: makes certificates and lists over the turn of 2050 that openssl reads', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-clock-ca-'))
    try {
      writeFileSync(join(dir, 'pw'), 'only for the clock\n')
      const pass = ['--passphrase-file', join(dir, 'pw')]
      const eve = new Date('2049-12-28T00:00:00Z')
      const folder = join(dir, 'ca')
      await good(eve, ['ca', 'init', '--preset', 'team', '--dir', folder, '--subject', 'C=DE,ST=BY,O=Acme', ...pass])
      const list = join(dir, 'list.crl')
      // A busy machine is a second or more late: by then the authority is valid.
      const later = new Date(eve.getTime() + 60_000)
      await good(later, ['ca', 'crl', '--dir', folder, '--from', 'root', '--days', '7', '-o', list, ...pass])
      const said = spawnSync('openssl', ['crl', '-in', list, '-inform', 'DER', '-noout', '-lastupdate', '-nextupdate'])
      assert.match(
        String(said.stdout),
        /lastUpdate=Dec 28 00:01:\d\d 2049 GMT\nnextUpdate=Jan {2}4 00:01:\d\d 2050 GMT/,
      )
      const root = join(folder, 'root', 'certificate.crt')
      const checked = spawnSync('openssl', [
        'verify',
        '-attime',
        String(Date.parse('2050-02-01') / 1000),
        '-CAfile',
        root,
        root,
      ])
      assert.equal(checked.status, 0, String(checked.stderr))
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })

  describe('--as-of', () => {
    const REASON = ['--as-of-reason', 'the courier was late']
    const text = (time: Date): string => time.toISOString().replace('.000Z', 'Z')

    it('judges an expired bundle at the time that is named, and journals why before anything else', async () => {
      const all = await sides(HOUR_AGO, 1)
      const late = new Date(all.made.getTime() + 3 * DAY)
      assert.equal((await at(late, all.import())).result.error.code, 'EXPIRED')
      const asOf = text(new Date(all.made.getTime() + 60_000))
      const named = ['--as-of', asOf, ...REASON]
      const before = all.journal
      const { report } = await good(late, all.verify(named))
      assert.deepEqual(report['asOf'], { time: asOf, reason: 'the courier was late' })
      assert.equal(all.journal, before)
      const imported = await good(late, all.import(named))
      assert.deepEqual(imported.report['asOf'], { time: asOf, reason: 'the courier was late' })
      const rows = await all.rows(late)
      const kinds = rows.map(({ kind }) => kind)
      const note = rows[kinds.indexOf('note')]
      assert.match(String(note?.['text']), new RegExp(`judged as of ${asOf}: the courier was late`))
      assert.ok(kinds.indexOf('note') < kinds.indexOf('head') && kinds.indexOf('head') < kinds.indexOf('verdict'))
      // The rows are of the hour in which they were written.
      assert.equal(String(note?.['time']).slice(0, 10), text(late).slice(0, 10))
    })

    it('goes by a time that is named where the clock is ten years behind, and keeps the floor below that clock', async () => {
      const all = await sides()
      const named = ['--as-of', text(new Date(all.made.getTime() + 60_000)), ...REASON]
      await good(all.years(-10), all.import(named))
      const { report } = await good(new Date(), ['status', '--state', all.state])
      assert.ok(String(report['floor']) < text(all.years(-9)))
    })

    it('goes below nothing that was seen signed', async () => {
      const all = await sides()
      await good(new Date(), all.import())
      const named = ['--as-of', text(new Date(all.made.getTime() - 1000)), ...REASON]
      for (const args of [all.verify(named), all.import(named)]) {
        const { status, result } = await at(new Date(), args)
        assert.deepEqual([status, result.error.code], [15, 'CLOCK_BEHIND'])
      }
    })

    it('is refused without a reason, without a time, or with what is none', async () => {
      const all = await sides()
      const time = ['--as-of', '2026-11-02T00:00:00Z']
      for (const given of [
        time,
        [...time, '--as-of-reason', ' '],
        REASON,
        ['--as-of', 'yesterday', ...REASON],
        ['--as-of', '2026-02-30T00:00:00Z', ...REASON],
      ]) {
        for (const args of [all.import(given), all.verify(given), ['check', 'oci:x:1', ...given]]) {
          const { status, result } = await at(new Date(), args)
          assert.deepEqual([status, result.error.code], [2, 'USAGE'], given.join(' '))
        }
      }
      const exported = await at(new Date(), ['export', 'oci:x', '--keys', 'k', '-o', 'y', ...time, ...REASON])
      assert.equal(exported.result.error.code, 'USAGE')
    })
  })
})
