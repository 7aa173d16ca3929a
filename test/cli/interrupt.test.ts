import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { buildDemoLayout } from '../../fixtures/layouts/build.ts'
import { scripted } from '../registry/scripted.ts'
import { policyFolder } from '../transfer/policies.ts'
import { PASSPHRASE, planFor, Stage } from '../transfer/stage.ts'
import { documentIn, sallyport, start } from './program.ts'
import { slowRegistry, type SlowRegistry } from './slow-registry.ts'

const MIB = 1024 * 1024

describe('cli/interrupt', function () {
  this.timeout(120_000)
  let stage: Stage
  let registry: SlowRegistry
  let passphrase: string

  before(async () => {
    stage = await Stage.make()
    passphrase = stage.path('pw')
    writeFileSync(passphrase, PASSPHRASE)
  })

  beforeEach(async () => {
    registry = await slowRegistry([40 * MIB, 2 * MIB, MIB])
  })

  afterEach(() => registry?.stop())
  after(() => stage?.close())

  const exporting = (output: string, keys: string): string[] => {
    const given = ['--passphrase-file', passphrase, '--for-site', 'site-a', '--json']
    return ['export', registry.reference, '--keys', keys, '-o', output, ...given]
  }

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20))
  }

  /** Starts a command, tells it to stop once something has come about, and sees it end as interrupted. */
  async function interrupted(args: string[], due: () => boolean, signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    const run = start(args)
    await until(() => due() || run.child.exitCode !== null)
    run.child.kill(signal)
    const { status, stdout, stderr } = await run.ended
    assert.equal(status, 130, stderr)
    const { ok, error } = documentIn(stdout)
    assert.deepEqual([ok, error.code], [false, 'INTERRUPTED'])
  }

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`ends an export with 130 at ${signal}, and completes it when it is run again`, async () => {
      const keys = stage.forkKeys()
      const output = stage.path('june.tar')
      // The smaller layers are there, and more than 32 MiB of the large one: so much a run notes for the next.
      await interrupted(exporting(output, keys), () => registry.given() > 37 * MIB, signal)
      assert.ok(!existsSync(output))
      const { created, sequence } = JSON.parse(readFileSync(`${output}.part.json`, 'utf8')) as Record<string, unknown>
      const before = registry.given()
      assert.ok(before < 43 * MIB)

      registry.hurry()
      const again = await sallyport(exporting(output, keys))
      assert.equal(again.status, 0, again.stdout)
      const { report } = documentIn(again.stdout)
      assert.deepEqual([report['resumed'], report['created'], report['sequence']], [true, created, sequence])
      assert.ok(registry.given() - before < 12 * MIB, `${registry.given() - before} bytes were fetched again`)
      assert.deepEqual(
        readdirSync(dirname(output)).filter((name) => name.startsWith(`${basename(output)}.`)),
        [],
      )
      const whole = stage.path('whole.tar')
      const fresh = [...exporting(whole, stage.forkKeys()), '--created', String(created)]
      assert.equal((await sallyport(fresh)).status, 0)
      assert.ok(readFileSync(whole).equals(readFileSync(output)))
    })
  }

  it('ends an import with 130 while the registry keeps still, and completes it when it is run again', async () => {
    const demo = stage.path('demo')
    await buildDemoLayout(demo)
    const bundle = stage.path('demo.tar')
    await stage.export({ output: bundle, plan: planFor(`oci:${demo}`), now: new Date() })
    const state = await stage.site('site-a', new Date())
    // Takes every upload, and never says that it has it.
    const silent = await scripted({
      'GET /v2/': {},
      'POST *': { status: 202, headers: { location: '/v2/up' } },
      'PUT *': { raw: () => undefined },
    })
    try {
      const to = ['--to', silent.host, '--plain-http', '--json', '--state', state]
      await interrupted(['import', bundle, ...to], () => silent.asked.some(({ method }) => method === 'PUT'))
    } finally {
      await silent.close()
    }
    const again = await sallyport(['import', bundle, '--to', `oci:${stage.path('out')}`, '--state', state])
    assert.equal(again.status, 0, again.stderr)
  })

  for (const [verb, options] of [
    ['export', () => ['--keys', stage.forkKeys(), '-o', stage.path('never.tar'), '--passphrase-file', passphrase]],
    ['check', () => ['--policy', policyFolder(stage.path('policy'))]],
  ] as [string, () => string[]][])
    it(`ends a ${verb} with 130 while the registry keeps still`, async function () {
      // The request itself would be waited for, and repeated, some minutes.
      this.timeout(40_000)
      const silent = await scripted({ 'GET /v2/': {}, 'GET *': { raw: () => undefined } })
      try {
        const site = verb === 'export' ? ['--for-site', 'site-a'] : []
        const args = [verb, `${silent.host}/a/b:1`, ...options(), ...site, '--plain-http', '--json']
        await interrupted(args, () => silent.asked.some(({ url }) => url.includes('/a/b/')))
      } finally {
        await silent.close()
      }
    })

  it('ends at once at a second signal, and completes all the same', async () => {
    const keys = stage.forkKeys()
    const output = stage.path('twice.tar')
    const run = start(exporting(output, keys))
    await until(() => registry.given() > 3 * MIB)
    run.child.kill('SIGINT')
    run.child.kill('SIGINT')
    const { status, signal } = await run.ended
    assert.ok(status === 130 || signal === 'SIGINT', `${status} ${signal}`)
    registry.hurry()
    const again = await sallyport(exporting(output, keys))
    assert.equal(again.status, 0, again.stdout)
    const verified = await sallyport(['verify', output, '--state', await stage.site('site-a', new Date())])
    assert.equal(verified.status, 0, verified.stderr)
  })
})
