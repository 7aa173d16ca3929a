import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { campaign, type Job } from './campaign.ts'
import { sight, walk } from './layout-eye.ts'
import { journal, Site } from './site.ts'

interface WatchWork {
  dir: string
  state: string
  inbox: string
  out: string
  journal: Buffer
}

/** A bundle, one that is damaged, and one that comes a second time. */
const PUT = ['damaged.tar', 'june.tar', 'again.tar'] as const

function watchJob(site: Site, bundle: string): Job<WatchWork> {
  let reference: { blobs: string[]; manifests: Set<string> } | undefined
  return {
    name: 'watch',
    async prepare(name) {
      const dir = site.work(`watch-${name}`)
      const inbox = join(dir, 'inbox')
      mkdirSync(inbox)
      for (const put of PUT) copyFileSync(bundle, join(inbox, put))
      writeFileSync(join(inbox, 'damaged.tar'), Buffer.alloc(20_480))
      return { dir, state: site.copy('state', dir), inbox, out: join(dir, 'out'), journal: Buffer.alloc(0) }
    },
    args: ({ dir, state, inbox, out }) => {
      const files = ['--status', join(dir, 'status.json'), '--textfile', join(dir, 'site.prom')]
      return ['watch', inbox, '--to', `oci:${out}`, '--state', state, '--once', '--settle', '1s', ...files]
    },
    async atKill(work) {
      work.journal = journal(work.state)
      const { inbox } = work
      for (const put of PUT) {
        // Nothing is ever lost, and nothing is in two places.
        const places = [inbox, join(inbox, 'done'), join(inbox, 'rejected')].filter((dir) => existsSync(join(dir, put)))
        assert.equal(places.length, 1, put)
      }
      const status = join(work.dir, 'status.json')
      if (existsSync(status)) JSON.parse(readFileSync(status, 'utf8'))
    },
    async after(work, rerun) {
      const { inbox, out } = work
      // What was put aside before the kill is no news any more.
      assert.ok(rerun.status === 0 || rerun.status === 10, `${rerun.status}`)
      assert.deepEqual(readdirSync(inbox).sort(), ['done', 'rejected'])
      const shelf = (name: string): string[] => readdirSync(join(inbox, name)).sort()
      assert.deepEqual(shelf('done'), ['again.tar', 'again.tar.report.json', 'june.tar', 'june.tar.report.json'])
      assert.deepEqual(shelf('rejected'), ['damaged.tar', 'damaged.tar.report.json'])
      for (const [dir, name, exit] of [
        ['done', 'june.tar', 0],
        ['done', 'again.tar', 0],
        ['rejected', 'damaged.tar', 10],
      ] as const) {
        const text = readFileSync(join(inbox, dir, `${name}.report.json`), 'utf8')
        assert.equal((JSON.parse(text) as { exit: number }).exit, exit, text)
      }
      const found = { blobs: sight(out).blobs, manifests: walk(out) }
      reference ??= found
      assert.deepEqual(found, reference)
      const { alarms } = JSON.parse(readFileSync(join(work.dir, 'status.json'), 'utf8')) as { alarms: object[] }
      assert.deepEqual(alarms, [])
      assert.match(readFileSync(join(work.dir, 'site.prom'), 'utf8'), /\n$/)
      await site.checkState(work.state, work.journal)
    },
  }
}

describe('watch, killed', function () {
  this.timeout(process.env['KILLS'] === 'all' ? 3_600_000 : 300_000)
  let site: Site
  before(async () => {
    site = await Site.make()
  })
  after(() => site?.remove())

  it('goes on where it was, loses no file and handles none twice', async () => {
    const { killed, wanted } = await campaign(site.program, watchJob(site, await site.bundle()), 25)
    assert.ok(killed >= wanted * 0.8, `only ${killed} of ${wanted} runs were killed`)
  })
})
