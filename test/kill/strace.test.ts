import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { killOne, seeded, type Job } from './campaign.ts'
import { exportJob } from './export-job.ts'
import { layoutJob } from './import-job.ts'
import { Site } from './site.ts'
import { needStrace } from '../need.ts'

/** Calls that node itself does not make while it starts; LevelDB makes them too, out of the killer's sight. */
const CALLS = 'pwrite64,fsync,fdatasync,ftruncate,rename,renameat,renameat2,link,linkat,unlink,unlinkat'
interface Call {
  name: string
  when: number
}

const COUNT = Number(process.env['STRACE_KILLS'] ?? 5)

/** The same as the killer does, but by the kernel's own count of system calls; and what the killer cannot do. */
describe('kill by strace', function () {
  this.timeout(300_000)
  let site: Site

  before(async function () {
    needStrace(this)
    site = await Site.make()
  })
  after(() => site?.remove())

  /** Every call of the undisturbed run as strace counts: the n-th of its kind in the thread that makes most of it. */
  async function callsOf<W extends { dir: string }>(job: Job<W>, calls: string): Promise<Call[]> {
    const log = site.at('strace.log')
    const work = await job.prepare('count')
    const under = ['strace', '-f', '-qq', '-o', log, '-e', `trace=${calls}`]
    const run = await site.program.run(job.args(work), { ...job.run?.(work), watch: [work.dir], under })
    await job.after(work, run)
    const counts = new Map<string, number>()
    for (const [, thread, name] of readFileSync(log, 'latin1').matchAll(/^(\d+) +(\w+)\(/gm))
      counts.set(`${thread} ${name}`, (counts.get(`${thread} ${name}`) ?? 0) + 1)
    const most = new Map<string, number>()
    for (const [key, count] of counts) {
      const name = key.split(' ')[1] ?? ''
      most.set(name, Math.max(most.get(name) ?? 0, count))
    }
    return [...most].flatMap(([name, count]) => Array.from({ length: count }, (_, i) => ({ name, when: i + 1 })))
  }

  function strace(calls: string, what: string, when: number): string[] {
    const inject = `inject=${calls}:${what}:when=${when}`
    return ['strace', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', inject]
  }

  async function sweep<W extends { dir: string }>(job: Job<W>): Promise<void> {
    const calls = await callsOf(job, CALLS)
    const chance = seeded(`strace ${job.name}`)
    const picked = Array.from({ length: COUNT }, () => calls[Math.floor(chance() * calls.length)])
    const killed: string[] = []
    for (const [i, call] of picked.entries()) {
      const { name, when } = call ?? { name: '', when: 0 }
      const done = await killOne(site.program, job, { run: { under: strace(name, 'signal=KILL', when) } }, `s${i}`)
      if (done !== undefined) killed.push(`${name} ${when}`)
    }
    console.log(`      ${job.name}: ${calls.length} calls, killed ${killed.length} times before ${killed.join(', ')}`)
    assert.ok(killed.length > COUNT * 0.7)
  }

  it('makes an import good', async () => sweep(layoutJob(site, await site.bundle(), false)))

  it('makes an export good', () => sweep(exportJob(site, 'export-layout', site.layoutPlan())))

  /** A disk that fails a sync: nobody knows what is on it, so the run must end, and the next one must see for itself. */
  async function failing<W extends { dir: string }>(job: Job<W>, codes: RegExp): Promise<void> {
    const calls = 'fsync,fdatasync'
    const syncs = await callsOf(job, calls)
    assert.ok(syncs.length > 3)
    for (const { name, when } of syncs.slice(0, COUNT)) {
      const work = await job.prepare(`${name}-${when}`)
      const options = { ...job.run?.(work), watch: [work.dir] }
      const under = strace(name, 'error=EIO', when)
      const failed = await site.program.run(job.args(work), { ...options, under })
      assert.equal(failed.status, 22, failed.text)
      assert.match(failed.out.error?.code ?? '', codes)
      await job.after(work, await site.program.run(job.args(work), options))
    }
  }

  it('ends an import whose disk fails, and the next one completes it', async () =>
    failing(layoutJob(site, await site.bundle(), false), /^(?:OUTPUT_FAILED|STATE_UNWRITABLE)$/))

  it('ends an export whose disk fails, and the next one completes it', () =>
    failing(exportJob(site, 'export-layout', site.layoutPlan()), /^(?:OUTPUT_FAILED|STATE_UNWRITABLE)$/))
})
