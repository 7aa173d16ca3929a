import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { needPeers, peer, type Registry, startRegistry } from '../peers/setup/registry.ts'
import { campaign, type Job } from './campaign.ts'
import { pushLayout } from './cargo.ts'
import { approveJob, exportJob, pipeExportJob } from './export-job.ts'
import { layoutJob, registryJob } from './import-job.ts'
import { rotateJob } from './rotate-job.ts'
import { Site } from './site.ts'

describe('kill', function () {
  this.timeout(process.env['KILLS'] === 'all' ? 3_600_000 : 300_000)
  let site: Site

  before(async () => {
    site = await Site.make()
  })
  after(() => site?.remove())

  /** At least as many kills as asked for took place, but for those few whose step did not come a second time. */
  async function killed<W extends { dir: string }>(job: Job<W>, count: number, requests = 0): Promise<void> {
    const { steps, killed, wanted } = await campaign(site.program, job, count)
    assert.ok(killed >= wanted * 0.8, `only ${killed} of ${wanted} runs were killed`)
    // A way to the registry that the killer does not see would pass for one that no kill can harm.
    for (const kind of ['http-request', 'http-answer'])
      assert.ok(steps.filter((step) => step.kind === kind).length >= requests, `fewer than ${requests} steps ${kind}`)
  }

  it('makes an export from layouts good', () => killed(exportJob(site, 'export-layout', site.layoutPlan()), 10))

  it('makes an export to a pipe good', () => killed(pipeExportJob(site, site.layoutPlan()), 5))

  it('makes an approval good', async () => {
    const dir = site.work('unapproved')
    const file = `${dir}/june.tar`
    await site.program.must(site.exportArgs(site.layoutPlan(), site.copy('keys', dir), file))
    await killed(approveJob(site, readFileSync(file)), 25)
  })

  it('makes a rotation of keys good', () => killed(rotateJob(site), 15))

  it('makes an import into a layout good', async () => killed(layoutJob(site, await site.bundle(), false), 15))

  it('makes an import from a pipe into a layout good', async () =>
    killed(layoutJob(site, await site.bundle(), true), 5))

  it('leaves a layout that skopeo reads, after a kill', async function () {
    needPeers(this)
    const job = layoutJob(site, await site.bundle(), false)
    const work = await job.prepare('skopeo')
    await site.program.run(job.args(work), { watch: [work.dir], at: 80 })
    await site.program.must(job.args(work))
    for (const [repository, tags] of Object.entries(site.cargo.tags))
      for (const tag of tags) {
        const raw = await peer('skopeo', ['inspect', '--raw', `oci:${work.out}:${repository}:${tag}`])
        assert.match(raw, /^\{"schemaVersion":2/)
      }
  })

  describe('with a registry', () => {
    let registry: Registry

    before(async function () {
      needPeers(this)
      registry = await startRegistry()
      const [demo = '', tool = ''] = site.cargo.layouts
      await pushLayout(demo, registry.origin, 'demo/app')
      await pushLayout(tool, registry.origin, 'demo/tool')
    })
    after(async () => registry?.stop())

    it('makes an export good', async () => {
      const { host } = registry
      const artifacts = [
        { ref: `${host}/demo/app`, tagPattern: '*' },
        { ref: `${host}/demo/tool`, tags: ['1'] },
        { ref: `${host}/demo/tool@${site.cargo.untagged}` },
      ]
      await killed(exportJob(site, 'export', site.plan('registry', artifacts)), 25, 30)
    })

    it('makes an import good', async () => killed(registryJob(site, registry, await site.bundle(), false), 25, 60))

    it('makes an import from a pipe good', async () =>
      killed(registryJob(site, registry, await site.bundle(), true), 5, 60))
  })
})
