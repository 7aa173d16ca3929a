import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout, type DemoLayout } from '../../fixtures/layouts/build.ts'
import { channelInit } from '../../src/transfer/index.ts'
import { PASSPHRASE, planFor, Stage } from '../transfer/stage.ts'
import { documentIn, sallyport } from './program.ts'

describe('cli/dry runs', function () {
  this.timeout(120_000)
  let stage: Stage
  let demo: string
  let made: DemoLayout
  let phrase: string[]
  const now = new Date()

  before(async () => {
    stage = await Stage.make({ people: ['alice', 'bob'], threshold: 2, kind: 'ed25519' })
    demo = join(stage.dir, 'demo')
    made = await buildDemoLayout(demo)
    const file = stage.path('passphrase')
    writeFileSync(file, PASSPHRASE)
    phrase = ['--passphrase-file', file]
  })
  after(() => stage?.close())

  async function words(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await sallyport([...args, '--dry-run'])
    assert.equal(status, 0, stderr)
    assert.match(stdout, /\bwould\b|\bcould\b/)
    return stdout
  }

  async function reportOf(...args: string[]): Promise<Record<string, unknown>> {
    const { stdout } = await sallyport([...args, '--dry-run', '--json'])
    return documentIn(stdout).report
  }

  it('say that they are some, and give no fingerprint of a root that was not made', async () => {
    const init = ['channel', 'init', 'zz', '--for', 'content', '--solo', '--dir', stage.path('none')]
    const { dryRun, fingerprint } = await reportOf(...init, ...phrase)
    assert.deepEqual([dryRun, fingerprint], [true, null])
    const state = ['--state', await stage.site('site-a', now)]
    const unpin = ['channel', 'unpin', 'vendor-a', '--reason', 'a test', ...state]
    const expect = ['channel', 'expect', 'vendor-a', '--every', '7d', ...state]
    const confine = ['channel', 'confine', 'vendor-a', '--into', 'mirror/a', '--into', 'b', ...state]
    const fresh = ['--state', stage.path('fresh')]
    const making = ['state', 'init', '--site', 'site-b', '--reason', 'a test', ...fresh]
    const backup = ['state', 'backup', stage.path('backup'), ...state]
    for (const args of [unpin, expect, confine, making, backup, ['state', 'rebuild', ...state]])
      assert.equal((await reportOf(...args))['dryRun'], true, args.join(' '))
  })

  it('of an export name no bundle that could be approved', async () => {
    const terms = ['--for-site', 'site-a', '--keys', stage.keys, '-o', stage.path('x.tar'), ...phrase]
    const text = await words('export', `oci:${demo}`, ...terms)
    assert.match(text, /would be signed by alice; 1 approval would still be missing$/m)
    assert.ok(!/^signed|sallyport approve/m.test(text), text)
  })

  it('of a watch say what would be done', async () => {
    const [inbox, state] = [stage.path('inbox'), await stage.site('site-a', now)]
    mkdirSync(inbox)
    const bundle = stage.path('june.tar')
    await stage.export({ output: bundle, plan: planFor(`oci:${demo}`), now })
    await stage.approve(bundle, 'bob')
    copyFileSync(bundle, join(inbox, 'june.tar'))
    writeFileSync(join(inbox, 'junk.tar'), Buffer.alloc(4096))
    const run = ['watch', inbox, '--to', `oci:${stage.path('out')}`, '--state', state, '--dry-run']
    const { stdout, stderr } = await sallyport(run)
    assert.match(stdout, /^would be imported +june\.tar/m)
    assert.match(stdout, /^1 bundle would be imported, .* 1 would be rejected/m)
    assert.match(stderr, /june\.tar would be imported/)
  })

  it('of a denial do not count it among those that are there', async () => {
    const dir = stage.path('denying')
    const terms = { channel: 'rev', purpose: 'revocation', dir, people: ['ann'], threshold: 1, rootDays: 30 } as const
    await channelInit({ ...terms, kind: 'ed25519', passphrase: stage.passphrase, now })
    const text = await words('revocation', 'deny', made.index.digest, '--keys', dir, '--reason', 'a test')
    assert.match(text, /would have 1 denial/)
  })
})
