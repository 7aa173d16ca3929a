/** Whatever step a run dies at that takes in, carries or undoes by revocation lists: the next run makes it good. */
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suiteRegistry } from '../peers/setup/suite-registry.ts'
import { RevocationWorld } from '../transfer/revocation-world.ts'
import { campaign, killOne, type Job } from './campaign.ts'
import { carryingJob, type CarryingTerms } from './carrying-job.ts'
import { RevocationGround } from './revocation-ground.ts'
import { trustedJob, undoingJob } from './revocation-job.ts'

const KILLS = 8

describe('kill/revocation', function () {
  this.timeout(process.env['KILLS'] === 'all' ? 7_200_000 : 300_000)
  let ground: RevocationGround

  before(async () => {
    ground = await RevocationGround.make()
  })
  after(() => ground?.remove())

  async function killed<W extends { dir: string }>(job: Job<W>): Promise<void> {
    const { killed, wanted } = await campaign(ground.program, job, KILLS)
    assert.ok(killed >= wanted * 0.8, `only ${killed} of ${wanted} runs were killed`)
  }

  describe('of an import', () => {
    const registry = suiteRegistry({ deletes: true })

    it('makes what is trusted by a policy good in a layout', () => killed(trustedJob(ground, 'layout')))
    it('makes what is trusted by a policy good at a registry', () => killed(trustedJob(ground, registry())))
    for (const measure of ['retag', 'remove'] as const) {
      it(`makes what undoes an earlier one good in a layout: ${measure}`, () =>
        killed(undoingJob(ground, 'layout', measure)))
      it(`makes what undoes an earlier one good at a registry: ${measure}`, () =>
        killed(undoingJob(ground, registry(), measure)))
    }

    it('makes good what dies between the heads of content and passenger', async () => {
      const job = undoingJob(ground, 'layout', 'retag')
      const work = await job.prepare('undisturbed')
      const whole = await ground.program.run(job.args(work), { watch: [work.dir] })
      await job.after(work, whole)
      const rows = whole.steps.filter(({ kind, subject }) => kind === 'write' && subject.endsWith('/journal.jsonl'))
      const heads: string[][] = []
      const atKill: typeof job.atKill = async (killed, died) => {
        await job.atKill(killed, died)
        heads.push(Object.values(killed.known?.facts.heads ?? {}).map((head) => head.replace(/ .*/, '')))
      }
      for (const { n } of rows.slice(0, 4))
        for (const tear of [false, true])
          await killOne(ground.program, { ...job, atKill }, { run: { at: n, tear } }, `head${n}`)
      assert.ok(
        heads.some((head) => head.join() === '2,none'),
        `no run died between the heads: ${JSON.stringify(heads)}`,
      )
    })
  })

  describe('of a bundle that carries lists', () => {
    let world: RevocationWorld
    let ref: string

    before(async () => {
      world = await RevocationWorld.open()
      ref = await world.signed()
    })
    after(() => world?.close())

    const terms = async (
      name: string,
      purpose: 'content' | 'revocation',
      revocation: object,
    ): Promise<CarryingTerms> => ({
      name,
      keys: await world.channel(purpose),
      verb: purpose === 'content' ? ['export'] : ['revocation', 'collect'],
      plan: { artifacts: [{ ref }], revocation },
      stable: 'from' in revocation,
      anew: purpose === 'revocation' && !('from' in revocation),
    })
    const folder = (): string => {
      const dir = world.path('crls')
      mkdirSync(dir)
      writeFileSync(join(dir, 'root.crl'), world.list(world.root))
      writeFileSync(join(dir, 'ca.crl'), world.list(world.issuing))
      return dir
    }

    for (const purpose of ['content', 'revocation'] as const) {
      it(`makes one of ${purpose} good, with lists of a folder`, async () =>
        killed(carryingJob(ground.root, world, await terms(`folder-${purpose}`, purpose, { from: folder() }))))
      it(`makes one of ${purpose} good, with lists and answers of the network`, async () =>
        killed(carryingJob(ground.root, world, await terms(`network-${purpose}`, purpose, {}))))
    }
  })
})
