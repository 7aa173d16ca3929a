/** The policy gate as an operator sees it: exit status, `ok`, and text that no stranger writes. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import { localSigner, type Signer } from '../../../src/signature/index.ts'
import { channelInit, channelPin, stateInit, exportBundle } from '../../../src/transfer/index.ts'
import { documentIn, sallyport } from '../../cli/program.ts'
import { issue, type Subject } from '../../trust/pki-fixture.ts'
import { artifactIn, policyFolder, policyText, signAt, statement } from '../policies.ts'
import { planFor, Stage } from '../stage.ts'

const HOSTILE = ['\u001b', '\u202e', '\u200b', '\u0007', '\r']

/** A signer whose names move the cursor, turn the line around and begin a new one. */
function hostileSigner(): Signer {
  const name = (common: string): Subject => [
    ['C', 'US'],
    ['ST', 'WA'],
    ['O', 'x\u001b[2J\u202e\u200b\u0007\r\nTRUSTED  all of it'],
    ['CN', common],
  ]
  const root = issue({ subject: name('root'), kind: 'ca' })
  const leaf = issue({ subject: name('signer'), by: root, kind: 'signer' })
  return localSigner(leaf.key, [leaf.certificate, root.certificate])
}

describe('the policy gate at the command line', () => {
  let stage: Stage
  let policy: string
  let bundle: string
  let mixed: string

  before(async function () {
    this.timeout(120_000)
    stage = await Stage.make()
    policy = policyFolder(stage.path('policy'))
    // The program goes by the real clock.
    const now = new Date()
    const keys = stage.path('cli-keys')
    const passphrase = (): Promise<Buffer> => Promise.resolve(Buffer.from('only for the test'))
    const { fingerprint } = await channelInit({
      channel: 'vendor-b',
      purpose: 'content',
      dir: keys,
      people: ['alice'],
      threshold: 1,
      kind: 'ed25519',
      rootDays: 30,
      now,
      passphrase,
    })
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    artifactIn(builder, 'registry.example/good', '1.0', 'good')
    artifactIn(builder, 'registry.example/odd', '1.0', 'odd')
    builder.finish()
    await signAt(`oci:${dir}:registry.example/good:1.0`, { now })
    await signAt(`oci:${dir}:registry.example/odd:1.0`, { signer: hostileSigner(), now })
    const made = async (name: string, ...refs: string[]): Promise<string> => {
      const output = stage.path(name)
      const plan = { map: [], audience: ['site-b'], ...planFor(...refs) }
      await exportBundle({
        plan,
        planName: 'the test',
        keys,
        passphrase,
        output,
        registry: {},
        concurrency: 4,
        validDays: 7,
        now,
      })
      return output
    }
    bundle = await made('good.tar', `oci:${dir}:registry.example/good:1.0`)
    mixed = await made('mixed.tar', `oci:${dir}`)
    pinned = async () => {
      const state = stage.path('state')
      await stateInit({ state, site: 'site-b', reason: 'test', now })
      await channelPin({
        state,
        channel: 'vendor-b',
        root: join(keys, 'root.json'),
        fingerprint: fingerprint ?? '',
        purpose: 'content',
        now,
      })
      return state
    }
  })

  let pinned: () => Promise<string>
  after(() => stage?.close())

  it('exits 0 with `ok` for what is trusted, and 13 without for what is not', async function () {
    this.timeout(120_000)
    for (const [file, exit] of [
      [bundle, 0],
      [mixed, 13],
    ] as const) {
      const state = await pinned()
      const out = stage.path('out')
      for (const args of [
        ['verify', file, '--state', state, '--policy', policy],
        ['import', file, '--state', state, '--policy', policy, '--to', `oci:${out}`, '--dry-run'],
        ['import', file, '--state', state, '--policy', policy, '--to', `oci:${out}`],
      ]) {
        const { status, stdout } = await sallyport([...args, '--json'])
        const document = documentIn(stdout)
        assert.deepEqual([status, document.exit, document.ok], [exit, exit, exit === 0], args.join(' '))
      }
      assert.equal(existsSync(out), exit === 0)
      const kept = await sallyport([
        'import',
        file,
        '--state',
        state,
        '--policy',
        policy,
        '--to',
        `oci:${out}`,
        '--keep-going',
        '--json',
      ])
      assert.deepEqual([kept.status, documentIn(kept.stdout).ok], [exit, exit === 0])
      assert.ok(readFileSync(join(out, 'index.json'), 'utf8').includes('good:1.0'))
      assert.ok(!readFileSync(join(out, 'index.json'), 'utf8').includes('odd:1.0'))
    }
  })

  it('refuses a pipe the same way, and an import without a policy once there was one', async function () {
    this.timeout(120_000)
    const state = await pinned()
    const to = ['--state', state, '--to', `oci:${stage.path('out')}`]
    const refused = await sallyport(['import', '-', ...to, '--policy', policy, '--json'], {
      input: readFileSync(mixed),
    })
    assert.deepEqual([refused.status, documentIn(refused.stdout).ok], [13, false])
    const without = await sallyport(['import', '-', ...to, '--json'], { input: readFileSync(mixed) })
    assert.deepEqual([without.status, documentIn(without.stdout).error.code], [13, 'POLICY_MISSING'])
    const nowhere = await sallyport(['import', mixed, ...to, '--policy', stage.path('nowhere'), '--json'])
    assert.deepEqual([nowhere.status, documentIn(nowhere.stdout).error.code], [2, 'FILE_UNREADABLE'])
  })

  it("prints a stranger's names as text, and no line that he wrote", async function () {
    this.timeout(120_000)
    const state = await pinned()
    const known = policyFolder(stage.path('policy'), {
      'trustpolicy.json': policyText(statement({ trustedIdentities: ['x509.subject: C=US, ST=WA, O=x'] })),
    })
    for (const folder of [policy, known])
      for (const json of [[], ['--json']]) {
        const { stdout, stderr } = await sallyport(['verify', mixed, '--state', state, '--policy', folder, ...json])
        assert.ok(stdout.includes('all of it'), stdout)
        for (const odd of HOSTILE) assert.ok(!(stdout + stderr).includes(odd), JSON.stringify(stdout))
        assert.doesNotMatch(stdout, /^TRUSTED {2}all/m)
      }
  })
})
