/** A run that denies one artifact and judges again what a list revoked, killed anywhere: the next run makes it whole. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Piece } from '../contract/content.ts'
import { COMPILE_CACHE } from '../cli/program.ts'
import { needPeers, startRegistry, type Registry } from '../peers/setup/registry.ts'
import { RevocableSite } from '../transfer/revocable.ts'
import { seeded } from './campaign.ts'

const KILLS = process.env['KILLS'] === 'all' ? Number.POSITIVE_INFINITY : 10
const RETAG = 'version: 1\nrevocation:\n  measure: retag\n'

interface Work {
  site: RevocableSite
  revoked: Piece
  denied: Piece
  good: Piece
}

async function ready(to: string | undefined): Promise<Work> {
  const site = await RevocableSite.make(to)
  site.policy = site.vendor.policy(site.path('policy'), { 'policy.yaml': RETAG })
  const [revoked, denied, good] = [await site.admit([1]), await site.admit([2]), await site.admit([3])]
  await site.ward.tag(revoked, 'revoked')
  await site.ward.tag(denied, 'denied')
  await site.ward.tag(good, 'good')
  await site.take(site.vendor.list(2, { 1: 1 }))
  await site.ward.pause()
  return { site, revoked, denied, good }
}

function run(
  { site, denied }: Work,
  at: number | undefined,
): Promise<{ killed: boolean; status: number | null; steps: number; err: string }> {
  const { ward, policy } = site
  const log = join(ward.dir, 'steps')
  rmSync(log, { force: true })
  const orders = { folders: [ward.stateDir, join(ward.dir, 'layout')], log, at, tear: false }
  const program = join(import.meta.dirname, 'rejudge-process.ts')
  const preload = at === undefined ? [] : ['--import', join(import.meta.dirname, 'killer.ts')]
  const env = { PATH: process.env['PATH'], HOME: ward.dir, ...COMPILE_CACHE, SALLYPORT_KILL: JSON.stringify(orders) }
  const args = [ward.stateDir, ward.to, policy, denied.descriptor.digest]
  const child = spawn(process.execPath, [...preload, program, ...args], { env })
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  return new Promise((resolve) =>
    child.once('close', (status, signal) => {
      const steps = existsSync(log) ? readFileSync(log, 'utf8').split('\n').length - 1 : 0
      resolve({ killed: signal === 'SIGKILL', status, steps, err })
    }),
  )
}

/** Whatever was said to be looked at has its verdict and its measure. */
async function demandWhole({ site, revoked, denied, good }: Work): Promise<void> {
  const { state, ward } = site
  const pending = state.pending()
  assert.deepEqual([pending.lists, pending.denials, state.openIntents()], [[], [], []])
  assert.deepEqual(
    [revoked, denied, good].map((made) => site.verdictOf(made)),
    ['rejected', 'rejected', 'trusted'],
  )
  for (const [tag, made] of [
    ['revoked', revoked],
    ['denied', denied],
  ] as const) {
    const now = await ward.named(tag)
    assert.ok(now !== undefined && now !== made.descriptor.digest, `${tag} still names it`)
  }
  assert.equal(await ward.named('good'), good.descriptor.digest)
  assert.deepEqual(
    state
      .quarantined()
      .map(({ measure, outcome, digest }) => `${measure} ${outcome} ${digest}`)
      .sort(),
    [revoked, denied].map(({ descriptor }) => `retag done ${descriptor.digest}`).sort(),
  )
}

describe('kill/rejudge', function () {
  this.timeout(process.env['KILLS'] === 'all' ? 3_600_000 : 300_000)
  let registry: Registry | undefined
  afterEach(async () => {
    await registry?.stop()
    registry = undefined
  })

  async function campaign(to: () => string | undefined): Promise<void> {
    const whole = await ready(to())
    const undisturbed = await run(whole, 0)
    assert.equal(undisturbed.status, 0, undisturbed.err)
    await whole.site.ward.resume()
    await demandWhole(whole)
    await whole.site.close()
    const chance = seeded('rejudge')
    const all = Array.from({ length: undisturbed.steps - 1 }, (_, i) => ({ at: i + 2, order: chance() }))
    const picked = all.sort((a, b) => a.order - b.order).slice(0, KILLS)
    let killed = 0
    for (const { at } of picked) {
      const work = await ready(to())
      if ((await run(work, at)).killed) killed += 1
      await work.site.ward.resume()
      // Nothing is said to be looked at before it is.
      const { lists, denials } = work.site.state.pending()
      const known = work.site.state.denials().length > 0
      if (known && lists.length + denials.length === 0) await demandWhole(work)
      await work.site.ward.pause()
      const again = await run(work, undefined)
      assert.equal(again.status, 0, again.err)
      await work.site.ward.resume()
      await demandWhole(work)
      assert.equal(await work.site.rejudge(), null, `step ${at} leaves something to do`)
      await work.site.close()
    }
    console.log(`      ${undisturbed.steps} steps, killed ${killed} of ${picked.length} times`)
    assert.ok(killed >= picked.length * 0.8)
  }

  it('judges and measures in a layout', () => campaign(() => undefined))

  it('judges and measures at a registry', async function () {
    needPeers(this)
    const started = await startRegistry({ deletes: true })
    registry = started
    await campaign(() => started.host)
  })
})
