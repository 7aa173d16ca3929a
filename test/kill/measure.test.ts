import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Digest } from '../../src/oci/index.ts'
import { applyMeasure } from '../../src/transfer/measure/measure.ts'
import { COMPILE_CACHE } from '../cli/program.ts'
import { needPeers, startRegistry, type Registry } from '../peers/setup/registry.ts'
import { policyFolder } from '../transfer/policies.ts'
import { NOW } from '../transfer/stage.ts'
import { PATH, Ward } from '../transfer/ward.ts'
import { seeded } from './campaign.ts'

const KILLS = process.env['KILLS'] === 'all' ? Number.POSITIVE_INFINITY : 10
const TAGS = ['1.0', 'latest']

interface Ended {
  killed: boolean
  status: number | null
  steps: number
  report: { outcome?: string; verdict?: { verdict: string } }
  err: string
}

/** A ward with an index that has a child, signatures and two tags; what the process is told of it. */
interface Work {
  ward: Ward
  digest: Digest
  args: (what: string) => string[]
}

async function prepare(to: string | undefined): Promise<Work> {
  const ward = await Ward.make(to)
  const bad = await ward.index(await ward.image())
  await ward.sign(bad)
  await ward.tag(bad, ...TAGS)
  await ward.judge(bad, 'rejected')
  const policy = policyFolder(join(ward.dir, 'policy'))
  const { digest } = bad.descriptor
  const args = (what: string): string[] => [ward.stateDir, ward.to, PATH, digest, what, policy]
  return { ward, digest, args }
}

function run(work: Work, what: string, at: number | undefined): Promise<Ended> {
  const log = join(work.ward.dir, 'steps')
  rmSync(log, { force: true })
  const orders = { folders: [work.ward.stateDir, join(work.ward.dir, 'layout')], log, at, tear: false }
  const program = join(import.meta.dirname, 'measure-process.ts')
  const preload = at === undefined ? [] : ['--import', join(import.meta.dirname, 'killer.ts')]
  const env = {
    PATH: process.env['PATH'],
    HOME: work.ward.dir,
    ...COMPILE_CACHE,
    SALLYPORT_KILL: JSON.stringify(orders),
  }
  const child = spawn(process.execPath, [...preload, program, ...work.args(what)], { env })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  return new Promise((resolve) =>
    child.once('close', (status, signal) => {
      const steps = existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0
      const report = status === 0 ? (JSON.parse(out) as Ended['report']) : {}
      resolve({ killed: signal === 'SIGKILL', status, steps, report, err })
    }),
  )
}

/** What must be so while a killed run lies there: nothing is lost, and what the tags were is known. */
async function atKill({ ward, digest }: Work): Promise<void> {
  const [held] = ward.state.quarantined()
  const named = await Promise.all(TAGS.map((tag) => ward.named(tag)))
  if (named.some((now) => now !== digest)) assert.deepEqual(held?.tags, TAGS)
  if ((await ward.target.resolve(digest)) !== undefined) return
  const copy = await ward.quarantine.resolve(digest)
  assert.ok(copy, 'gone, and not in quarantine')
  assert.equal((await ward.quarantine.referrers(digest)).length, 1)
}

describe('kill/measure', function () {
  this.timeout(process.env['KILLS'] === 'all' ? 3_600_000 : 300_000)
  let registry: Registry | undefined
  let count = 0
  afterEach(async () => {
    await registry?.stop()
    registry = undefined
  })

  async function campaign(what: 'retag' | 'remove' | 'release', to: () => string | undefined): Promise<void> {
    const ready = async (): Promise<Work> => {
      const work = await prepare(to())
      const { ward, digest } = work
      const why = { code: 'CERTIFICATE_REVOKED', detail: 'a test' } as const
      if (what === 'release')
        await applyMeasure(ward.state, ward.place, ward.placeOf({ digest }), 'remove', why, { now: NOW })
      await ward.pause()
      return work
    }
    const check = async (work: Work, ended: Ended): Promise<void> => {
      const { ward, digest } = work
      assert.equal(ended.status, 0, ended.err)
      await ward.resume()
      const named = await Promise.all(TAGS.map((tag) => ward.named(tag)))
      const there = (await ward.target.resolve(digest)) !== undefined
      assert.deepEqual(ward.state.openIntents(), [])
      if (what === 'release') {
        assert.deepEqual([named, there, ward.state.quarantined()], [[digest, digest], true, []])
        assert.equal((await ward.target.referrers(digest)).length, 1)
      } else {
        const [held] = ward.state.quarantined()
        assert.deepEqual([held?.outcome, held?.measure, held?.tags, there], ['done', what, TAGS, what === 'retag'])
        for (const now of named) assert.ok(now !== digest && (now === undefined) === (what === 'remove'))
        await atKill(work)
      }
      await ward.close()
    }
    const whole = await ready()
    const undisturbed = await run(whole, what, 0)
    await check(whole, undisturbed)
    const chance = seeded(`measure ${what}`)
    const all = Array.from({ length: undisturbed.steps - 1 }, (_, i) => ({ at: i + 2, order: chance() }))
    const picked = all.sort((a, b) => a.order - b.order).slice(0, KILLS)
    let killed = 0
    for (const { at } of picked) {
      const work = await ready()
      const died = await run(work, what, at)
      if (died.killed) killed++
      await work.ward.resume()
      if (what !== 'release') await atKill(work)
      // Killed behind its last line: then there is nothing left to be let out.
      const over = what === 'release' && work.ward.state.quarantined().length === 0
      await work.ward.pause()
      await check(work, over ? { ...died, status: 0 } : await run(work, what, undefined))
    }
    console.log(`      ${what}: ${undisturbed.steps} steps, killed ${killed} of ${picked.length} times`)
    assert.ok(killed >= picked.length * 0.8)
  }

  for (const what of ['retag', 'remove', 'release'] as const) {
    it(`makes ${what} good in a layout`, () => campaign(what, () => undefined))
    it(`makes ${what} good at a registry`, async function () {
      needPeers(this)
      const started = await startRegistry({ deletes: true })
      registry = started
      // Repositories are the same for each: what an earlier work left is of other digests.
      await campaign(what, () => `${started.host}/site${++count}`)
    })
  }
})
