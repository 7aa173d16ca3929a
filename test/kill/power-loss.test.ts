/** The power goes: what was synced is there and nothing else need be, and the next run makes it good all the same. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { approveJob, exportJob } from './export-job.ts'
import { readCalls, recording } from './file-calls.ts'
import { layoutJob } from './import-job.ts'
import { sight } from './layout-eye.ts'
import { ALL_LOST, Disk } from './lost-power.ts'
import { dropLocks, powerCuts, record } from './power-cut.ts'
import { journal, Site } from './site.ts'
import { needStrace } from '../need.ts'

const ALL = process.env['KILLS'] === 'all'

/** A layout with blobs has its index, and what every row that says a tag has moved names is in it. */
function demandTags({ state, out }: { state: string; out: string }): void {
  const file = join(out, 'index.json')
  const index = existsSync(file) ? readFileSync(file, 'utf8') : ''
  assert.ok(index !== '' || sight(out).blobs.length === 0, 'a layout with blobs and no index is damage')
  for (const line of journal(state).toString().split('\n').slice(0, -1)) {
    const row = JSON.parse(line) as { kind: string; repository: string; tag: string; new: string; target: string }
    if (row.kind !== 'tag-done' || row.target !== `oci:${out}`) continue
    const { manifests } = JSON.parse(index) as { manifests: { digest: string; annotations?: object }[] }
    assert.ok(
      manifests.some(
        ({ digest, annotations }) =>
          digest === row.new && Object.values(annotations ?? {}).includes(`${row.repository}:${row.tag}`),
      ),
      `${row.repository}:${row.tag} has moved by the journal, and is not in the index`,
    )
  }
}

describe('kill/power loss', function () {
  this.timeout(ALL ? 3_600_000 : 300_000)
  let site: Site

  before(async function () {
    needStrace(this)
    site = await Site.make()
  })
  after(() => site?.remove())

  it('leaves an import into a layout good, and acknowledges nothing that a killed one before it left unsynced', async () => {
    const job = layoutJob(site, await site.bundle(), false)
    const whole = await powerCuts(site.program, job, job.after, demandTags)
    // The moments at which names are in the layout's folders, and these are not synced.
    const syncs = whole.steps.filter(({ kind, subject }) => kind === 'fsync' && /\/out(?:\/blobs\S*)?$/.test(subject))
    const every = ALL ? 1 : Math.floor(syncs.length / 2)
    const chosen = syncs.filter((_, i) => (i + 1) % every === 0)
    for (const { n, subject } of chosen) {
      const { work, end, runs } = await record(site.program, job, `power-${n}`, n, 0)
      const [died, second] = runs
      assert.ok(second)
      assert.equal(died?.status, 'SIGKILL')
      end.lose(ALL_LOST)
      dropLocks(work.dir)
      try {
        await job.after(work, second)
      } catch (error) {
        const where = `killed before step ${n} (fsync ${subject}), completed, then without power`
        throw new Error(`${where}\n${(error as Error).message}`, { cause: error })
      }
    }
    console.log(`      killed before ${chosen.length} of ${syncs.length} syncs, and completed`)
  })

  it('keeps a new state and the folders made for it', async () => {
    const dir = site.work('power-init')
    const state = join(dir, 'srv', 'site', 'state')
    const disk = new Disk(dir)
    const log = site.at('calls')
    const args = ['state', 'init', '--site', 'site-a', '--reason', 'power test', '--state', state]
    await site.program.must(args, { under: recording(log) })
    readCalls(log).forEach((call, n) => disk.apply(call, n))
    disk.lose(ALL_LOST)
    await site.program.must(['state', 'check', '--state', state])
  })

  it("keeps a new channel's keys and the folders made for them", async () => {
    const dir = site.work('power-keys')
    const keys = join(dir, 'srv', 'keys')
    const disk = new Disk(dir)
    const log = site.at('calls')
    const people = ['--threshold', '1', '--people', '2']
    const args = ['channel', 'init', 'vendor-b', '--for', 'content', '--dir', keys, ...people, ...site.pass]
    await site.program.must(args, { under: recording(log) })
    const made = readdirSync(keys).map((name) => [name, readFileSync(join(keys, name))])
    readCalls(log).forEach((call, n) => disk.apply(call, n))
    disk.lose(ALL_LOST)
    assert.deepEqual(
      readdirSync(keys).map((name) => [name, readFileSync(join(keys, name))]),
      made,
    )
  })

  it('leaves an export good', async () => {
    const job = exportJob(site, 'export-layout', site.layoutPlan())
    await powerCuts(site.program, job, async ({ keys, output }) => {
      await site.approve(output)
      assert.ok(readFileSync(output).equals(readFileSync(await site.bundle())))
      assert.match(journal(keys).toString(), /"kind":"exported"/)
    })
  })

  it('leaves an approval good', async () => {
    const dir = site.work('unapproved')
    const file = `${dir}/june.tar`
    await site.program.must(site.exportArgs(site.layoutPlan(), site.copy('keys', dir), file))
    const unapproved = readFileSync(file)
    const job = approveJob(site, unapproved)
    await powerCuts(site.program, job, ({ file }) => assert.ok(!readFileSync(file).equals(unapproved)))
    // The worst of what POSIX allows: a part of the slot is there, and no name since the folder's last sync.
    const { work, disk, calls } = await record(site.program, job, 'power-slot', 0)
    const slot = calls.findIndex(({ name, paths }) => name.includes('write') && paths[0] === work.file)
    calls.slice(0, slot + 1).forEach((call, n) => disk.apply(call, n))
    const { bytes, at = 0 } = calls[slot] ?? {}
    assert.ok(bytes)
    const differing = [...bytes.keys()].filter((n) => bytes[n] !== unapproved[at + n])
    const middle = differing[differing.length >> 1] ?? 0
    disk.lose(() => ({ kept: 0, part: middle / bytes.length, zeros: false }))
    await job.atKill(work, undefined)
    await job.after(work, await site.program.run(job.args(work)))
  })
})
