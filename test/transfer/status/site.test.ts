import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { siteFacts, siteStatus, type SiteFacts } from '../../../src/transfer/status/site.ts'
import { writeStatus } from '../../../src/transfer/status/file.ts'
import { statusMetrics } from '../../../src/transfer/status/metrics.ts'
import { LIST_URL, RevocableSite } from '../revocable.ts'
import { NOW } from '../stage.ts'

const HOUR = 3600
const after = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1000)
const text = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`

const NOTHING: SiteFacts = {
  site: 'site-a',
  floor: null,
  rows: 2,
  channels: [],
  lists: [],
  artifacts: { trusted: 0, rejected: 0, inconclusive: 0 },
  quarantined: 0,
}

function channel(
  accepted: string | null,
  expected: { everySeconds: number; since: string } | null,
  rootExpires = '2099-01-01T00:00:00Z',
): SiteFacts {
  const named = { channel: 'vendor-a', purpose: 'content' as const, rootExpires }
  const one = { ...named, sequence: null, id: null, accepted, expected }
  return { ...NOTHING, channels: [one] }
}

interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

/** The exposition format by its own grammar, strictly: a family's HELP and TYPE once, then its samples together. */
function parseMetrics(exposition: string): Sample[] {
  assert.ok(exposition.endsWith('\n'))
  const samples: Sample[] = []
  const types = new Set<string>()
  let family = ''
  for (const line of exposition.slice(0, -1).split('\n')) {
    const comment = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line)
    if (comment !== null) {
      if (comment[1] === 'TYPE') {
        assert.ok(!types.has(comment[2] ?? '') && /^(?:gauge|counter)$/.test(comment[3] ?? ''), line)
        types.add(comment[2] ?? '')
      }
      family = comment[2] ?? ''
      continue
    }
    const parts = /^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (-?\d+(?:\.\d+)?)$/.exec(line)
    assert.ok(parts !== null, JSON.stringify(line))
    const [, name = '', pairs = '', value] = parts
    assert.ok(name === family && types.has(name), line)
    const labels: Record<string, string> = {}
    for (const [, key = '', quoted = ''] of pairs.matchAll(/([a-z]+)="((?:[^"\\\n]|\\[\\"n])*)"/g))
      labels[key] = quoted.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c))
    samples.push({ name, labels, value: Number(value) })
  }
  return samples
}

describe('transfer/status/site', () => {
  const MINUTE = 60
  for (const [what, accepted, since, now, overdue] of [
    ['not before its hour', 0, -99 * HOUR, HOUR, false],
    ['a second after it', 0, -99 * HOUR, HOUR + 1, true],
    ['from when it was said, where nothing came yet', null, 0, HOUR + 1, true],
    ['not at once, where nothing came yet', null, 0, MINUTE, false],
    ['at once, when what came last is old already', -99 * HOUR, 0, 1, true],
    // Stops a row that a fast clock wrote from keeping a channel quiet for years.
    ['when the last bundle was accepted in the future', 99 * 24 * HOUR, 0, 1, true],
  ] as const)
    it(`tells that a channel is overdue ${what}`, () => {
      const last = accepted === null ? null : text(after(accepted))
      const status = siteStatus(channel(last, { everySeconds: HOUR, since: text(after(since)) }), after(now))
      assert.equal(status.channels[0]?.overdue, overdue)
      assert.deepEqual(
        status.alarms.map(({ code, subject }) => [code, subject]),
        overdue ? [['CHANNEL_OVERDUE', 'vendor-a']] : [],
      )
      assert.equal(status.channels[0]?.due, text(after((accepted ?? since) + HOUR)))
    })

  it('expects nothing of a channel that nobody said it of', () => {
    const status = siteStatus(channel(text(NOW), null), after(1e9))
    const [one] = status.channels
    assert.deepEqual([one?.overdue, one?.due, one?.everySeconds, one?.ageSeconds], [false, null, null, 1e9])
  })

  it('alarms from the second on at which the root of a channel expires', () => {
    const codes = (seconds: number): unknown[] => {
      const { alarms } = siteStatus(channel(text(NOW), null, text(after(HOUR))), after(seconds))
      return alarms.map(({ code, subject }) => [code, subject])
    }
    assert.deepEqual([codes(HOUR - 1), codes(HOUR)], [[], [['EXPIRED', 'vendor-a']]])
  })

  describe('of a site with lists', () => {
    let site: RevocableSite
    beforeEach(async () => (site = await RevocableSite.make()))
    afterEach(() => site?.close())

    it('says how old a list is and when the site goes blind, and alarms only while a certificate hangs on it', async () => {
      const stale = new Date('2026-07-02T00:00:00Z')
      assert.deepEqual(siteStatus(await siteFacts(site.state), stale).alarms, [])
      await site.admit([1])
      const fresh = siteStatus(await siteFacts(site.state), NOW)
      const [list] = fresh.lists
      assert.deepEqual(
        [list?.number, list?.url, list?.form, list?.serial, list?.blind],
        ['1', LIST_URL, 'base', null, false],
      )
      assert.equal(list?.ageSeconds, (NOW.getTime() - Date.parse('2026-05-01T00:00:00Z')) / 1000)
      assert.equal(list?.daysToBlind, 29.5)
      assert.deepEqual([fresh.alarms, fresh.artifacts.trusted], [[], 1])
      const late = siteStatus(await siteFacts(site.state), stale)
      assert.deepEqual([late.lists[0]?.daysToBlind, late.alarms.map(({ code }) => code)], [-1, ['LIST_STALE']])
      await site.take(site.vendor.list(2))
      assert.deepEqual(siteStatus(await siteFacts(site.state), stale).alarms, [])
    })

    it('alarms when the bytes of a list are lost while a certificate hangs on it, and says so as metrics', async () => {
      const [held] = site.state.heldLists()
      const file = join(site.state.dir, 'lists', (held?.digest ?? '').slice('sha256:'.length))
      const bytes = readFileSync(file)
      const codes = async (): Promise<unknown[]> => {
        const { alarms, lists } = siteStatus(await siteFacts(site.state), NOW)
        return [lists[0]?.bytes, lists[0]?.blind, ...alarms.map(({ code }) => code)]
      }
      rmSync(file)
      assert.deepEqual(await codes(), ['lost', false])
      await site.admit([1])
      assert.deepEqual(await codes(), ['lost', true, 'LIST_LOST'])
      const samples = parseMetrics(statusMetrics(siteStatus(await siteFacts(site.state), NOW), null))
      const of = (name: string): unknown => samples.find((one) => one.name === `sallyport_${name}`)?.value
      assert.deepEqual([of('list_lost'), of('list_blind')], [1, 1])
      writeFileSync(file, 'damaged')
      assert.deepEqual(await codes(), ['lost', true, 'LIST_LOST'])
      writeFileSync(file, bytes)
      assert.deepEqual(await codes(), ['held', false])
    })

    it('is written to a file also when a list ends at no whole day', async () => {
      await site.admit([1])
      const told = siteStatus(await siteFacts(site.state), after(1234))
      assert.ok(!Number.isInteger(told.lists[0]?.daysToBlind))
      const status = site.path('status.json')
      writeStatus(told, null, { status })
      assert.deepEqual(JSON.parse(readFileSync(status, 'utf8')), { ...told, watch: null })
    })

    it('counts verdicts and what was quarantined', async () => {
      const bad = await site.admit([1])
      await site.admit([2])
      await site.take(site.vendor.list(2, { 1: 1 }))
      await site.rejudge()
      const facts = await siteFacts(site.state)
      assert.deepEqual(facts.artifacts, { trusted: 1, rejected: 1, inconclusive: 0 })
      assert.equal(facts.quarantined, site.state.quarantined().length)
      assert.equal(site.verdictOf(bad), 'rejected')
      const samples = parseMetrics(statusMetrics(siteStatus(facts, NOW), null))
      const value = (name: string, key: string, label: string): number | undefined =>
        samples.find((one) => one.name === `sallyport_${name}` && one.labels[key] === label)?.value
      assert.deepEqual([value('artifacts', 'verdict', 'trusted'), value('artifacts', 'verdict', 'rejected')], [1, 1])
      assert.equal(value('list_days_to_blind', 'url', LIST_URL), 213.5)
      assert.equal(value('list_blind', 'form', 'base'), 0)
    })
  })

  it('writes metrics that any name and address leave whole', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.webUrl(), (name, url) => {
        const list = {
          issuer: 'a'.repeat(64),
          form: 'base' as const,
          serial: null,
          number: '1',
          neededUntil: null,
          bytes: 'held' as const,
        }
        const facts: SiteFacts = {
          ...channel(text(NOW), null),
          site: name,
          lists: [{ ...list, url: `${url}${name}`, thisUpdate: text(NOW), nextUpdate: text(after(HOUR)) }],
        }
        const last = { name, at: name, outcome: 'rejected' as const, exit: 13, time: text(NOW) }
        const run = { time: text(NOW), imported: 1, duplicate: 2, rejected: 3, waiting: 4, strange: 5, last }
        const samples = parseMetrics(statusMetrics(siteStatus(facts, NOW), run))
        const of = (metric: string): Sample | undefined => samples.find((one) => one.name === `sallyport_${metric}`)
        assert.equal(of('list_age_seconds')?.value, 0)
        assert.equal(of('watch_last_exit')?.value, 13)
        if (/^[ -~]{1,500}$/.test(name)) assert.equal(of('site_info')?.labels['site'], name)
      }),
    )
  })

  it('has one series for the answers of an issuer, by the one that ends first', () => {
    const answer = (serial: string, hours: number): SiteFacts['lists'][number] => ({
      issuer: 'b'.repeat(64),
      url: `http://ocsp/${serial}`,
      form: 'answer',
      serial,
      number: null,
      thisUpdate: text(NOW),
      nextUpdate: text(after(hours * HOUR)),
      neededUntil: null,
      bytes: 'held',
    })
    const facts = { ...NOTHING, lists: [answer('01', 48), answer('02', 24), answer('03', 72)] }
    const samples = parseMetrics(statusMetrics(siteStatus(facts, NOW), null))
    const days = samples.filter(({ name }) => name === 'sallyport_list_days_to_blind')
    assert.deepEqual(
      days.map(({ value }) => value),
      [1],
    )
  })
})
