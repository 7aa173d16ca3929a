/** The power goes: what was synced is there and nothing else need be, and the next run makes it good all the same. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { seeded, type Job } from './campaign.ts'
import { approveJob, exportJob } from './export-job.ts'
import { readCalls, recording, type FileCall } from './file-calls.ts'
import { layoutJob } from './import-job.ts'
import { sight } from './layout-eye.ts'
import { ALL_LOST, Disk, someLost } from './lost-power.ts'
import type { Ended } from './program.ts'
import { journal, Site } from './site.ts'

const KILLS = process.env['KILLS'] === 'all' ? Number.POSITIVE_INFINITY : 2

interface Recorded<W> {
  work: W
  /** As it was before the first run. */
  disk: Disk
  /** As it was after the last one, and nothing synced of itself. */
  end: Disk
  calls: FileCall[]
  /** Numbers of the calls that named something below the work's folder. */
  points: number[]
  runs: Ended[]
}

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

/** A lock that was given back may lie there again. Its holder is dead, and whoever comes next takes it away. */
function dropLocks(dir: string): void {
  for (const name of readdirSync(dir, { recursive: true, encoding: 'utf8' }))
    if (/\.sallyport-lock-[^/]*$/.test(name)) rmSync(join(dir, name))
}

describe('kill/power loss', function () {
  this.timeout(process.env['KILLS'] === 'all' ? 3_600_000 : 300_000)
  let site: Site

  before(async function () {
    if (spawnSync('strace', ['-o', '/dev/null', 'true']).status !== 0) this.skip()
    site = await Site.make()
  })
  after(() => site?.remove())

  /** Runs the job once for each step of `ats`, killed before it; 0 lets it live. */
  async function record<W extends { dir: string }>(job: Job<W>, name: string, ...ats: number[]): Promise<Recorded<W>> {
    const work = await job.prepare(name)
    const [disk, end] = [new Disk(work.dir), new Disk(work.dir)]
    const runs: Ended[] = []
    const calls: FileCall[] = []
    const log = site.at('calls')
    for (const at of ats) {
      const options = { ...job.run?.(work), watch: [work.dir], at, under: recording(log) }
      runs.push(await site.program.run(job.args(work), options))
      const before = calls.length
      for (const call of readCalls(log)) calls.push({ ...call, begun: call.begun + before })
      rmSync(log)
    }
    calls.forEach((call, n) => end.apply(call, n))
    const points = calls.flatMap(({ paths }, n) => (paths[0]?.startsWith(`${work.dir}/`) === true ? [n] : []))
    return { work, disk, end, calls, points, runs }
  }

  /**
   * Takes the power away after each call of a run, and lets the next run begin after some of them.
   * @param kept - what must be there when the run has said that it is done
   */
  async function sweep<W extends { dir: string }>(
    job: Job<W>,
    kept: (work: W, whole: Ended) => void | Promise<void>,
    look: (work: W) => void = () => undefined,
  ): Promise<Ended> {
    const { work, disk, end, calls, points, runs } = await record(job, 'power-1', 0)
    const [whole] = runs
    assert.ok(whole)
    await job.after(work, whole)
    end.lose(ALL_LOST)
    dropLocks(work.dir)
    await kept(work, whole)
    const chance = seeded(`power ${job.name}`)
    const order = points.map((n) => ({ n, by: chance() })).sort((a, b) => a.by - b.by)
    const rerun = new Set(order.slice(0, KILLS).map(({ n }) => n))
    let cuts = 0
    for (const [n, call] of calls.entries()) {
      if (!disk.apply(call, n)) continue
      for (const loss of [ALL_LOST, someLost(chance)]) {
        disk.lose(loss)
        cuts++
        const where = `${job.name}: power lost after call ${n} (${call.name} ${call.paths.join(' ')})`
        let again: Ended | undefined
        try {
          await job.atKill(work, undefined)
          look(work)
          if (!rerun.has(n)) continue
          again = await site.program.run(job.args(work), { ...job.run?.(work), watch: [work.dir] })
          await job.after(work, again)
        } catch (error) {
          throw new Error(`${where}\n${(error as Error).message}\n${again?.text}`, { cause: error })
        }
      }
    }
    console.log(`      ${job.name}: ${calls.length} calls, power lost ${cuts} times, ${rerun.size} of them run again`)
    assert.ok(cuts >= 10)
    return whole
  }

  it('leaves an import into a layout good, and acknowledges nothing that a killed one before it left unsynced', async () => {
    const job = layoutJob(site, await site.bundle(), false)
    const whole = await sweep(job, job.after, demandTags)
    // The moments at which names are in the layout's folders, and these are not synced.
    const syncs = whole.steps.filter(({ kind, subject }) => kind === 'fsync' && /\/out(?:\/blobs\S*)?$/.test(subject))
    const every = Math.ceil(syncs.length / KILLS)
    const chosen = syncs.filter((_, i) => (i + 1) % every === 0 || i === syncs.length - 1)
    for (const { n, subject } of chosen) {
      const { work, end, runs } = await record(job, `power-${n}`, n, 0)
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

  it('leaves an export good', async () => {
    const job = exportJob(site, 'export-layout', site.layoutPlan())
    await sweep(job, async ({ keys, output }) => {
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
    await sweep(job, ({ file }) => assert.ok(!readFileSync(file).equals(unapproved)))
  })
})
