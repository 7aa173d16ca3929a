import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout } from '../../fixtures/layouts/build.ts'
import { PASSPHRASE, Stage } from '../transfer/stage.ts'
import { documentIn, sallyport } from './program.ts'

describe('cli/approved-head', function () {
  this.timeout(60_000)
  let stage: Stage
  let secret: string
  before(async () => {
    stage = await Stage.make({ people: ['alice', 'bob'], threshold: 2, kind: 'ed25519' })
    await buildDemoLayout(join(stage.dir, 'demo'))
    secret = join(stage.dir, 'pw')
    writeFileSync(secret, PASSPHRASE)
  })
  after(() => stage?.close())

  const exporting = (...more: string[]): string[] => [
    ...`export oci:${join(stage.dir, 'demo')} --keys ${stage.keys} --passphrase-file ${secret}`.split(' '),
    ...'--for-site site-a --json --quiet'.split(' '),
    ...more,
  ]

  it('refuses a pipe that nobody could approve: 18, and not a byte', async () => {
    const { status, stdout, stderr } = await sallyport(exporting('-o', '-'))
    assert.equal(stdout, '')
    const { error } = documentIn(stderr)
    assert.deepEqual([status, error.code], [18, 'APPROVAL_MISSING'])
    assert.match(error.remedy, /--head/)
  })

  it('writes a head, has it approved, and streams the bundle behind it', async () => {
    const head = stage.path('june.head')
    const made = await sallyport(exporting('--head', head))
    assert.deepEqual([made.status, documentIn(made.stdout).report['approvalsMissing']], [0, 1])
    const key = ['--key', join(stage.keys, 'bob.pem'), '--passphrase-file', secret, '--json']
    const approved = await sallyport(['approve', head, ...key])
    assert.equal(approved.status, 0, approved.stdout)
    assert.equal((await sallyport(['inspect', head])).status, 0)
    const { status, stdout, stderr } = await sallyport(exporting('--approved', head, '-o', '-'))
    assert.deepEqual([status, documentIn(stderr).report['id']], [0, documentIn(made.stdout).report['id']], stderr)
    // Standard output is text here: what it is shows by its beginning.
    assert.ok(stdout.startsWith('oci-layout\0'))
  })

  it('takes one output and no head for a file', async () => {
    const head = stage.path('never.head')
    for (const more of [[], ['--head', head, '-o', 'x.tar'], ['--head', '-'], ['--approved', head, '-o', 'x.tar']]) {
      const { status, stdout, stderr } = await sallyport(exporting(...more))
      assert.deepEqual([status, documentIn(stdout === '' ? stderr : stdout).error.code], [2, 'USAGE'], more.join(' '))
    }
    assert.ok(!existsSync(head))
  })
})
