/** Statements that are added and taken out in notation's own files, those about plain files among them. */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { REPORTS } from '../../../bundles/report-schemas.ts'
import { checkBlob, signBlob, type RunEvent } from '../../../src/transfer/index.ts'
import { trustPolicyAdd, trustPolicyRemove } from '../../../src/transfer/trust/policy-edit.ts'
import { trustPolicyShow } from '../../../src/transfer/trust/policy.ts'
import { refused } from '../../cli/failing-call.ts'
import { documentIn, sallyport } from '../../cli/program.ts'
import { policyFolder, policyText, statement, VENDOR } from '../policies.ts'
import { NOW, tree } from '../stage.ts'
import { advised, fault } from '../../fault.ts'
import { needStrace } from '../../need.ts'

const FILES = 'trustpolicy.blob.json'
const TERMS = { stores: ['ca:vendor'], identities: ['*'], level: 'strict', revocation: 'skip' } as const

describe('transfer/trust/policy-edit', () => {
  let scratch: string
  let count = 0
  const path = (): string => join(scratch, `policy-${++count}`)
  const said = (dir: string, file: string): unknown => JSON.parse(readFileSync(join(dir, file), 'utf8'))

  before(() => (scratch = mkdtempSync(join(tmpdir(), 'sallyport-policy-edit-'))))
  after(() => rmSync(scratch, { recursive: true, force: true }))

  it('adds statements about plain files to their own file, as notation writes them', () => {
    const policy = policyFolder(path())
    const before = readFileSync(join(policy, 'trustpolicy.json'))
    const report = trustPolicyAdd({ policy, ...TERMS, name: 'all', global: true })
    assert.deepEqual(report, { policy, file: join(policy, FILES), name: 'all', statements: 1, dryRun: false })
    trustPolicyAdd({ policy, ...TERMS, name: 'one', global: false, level: 'audit', revocation: 'log' })
    const common = { trustStores: ['ca:vendor'], trustedIdentities: ['*'] }
    const strict = { level: 'strict', override: { revocation: 'skip' } }
    assert.deepEqual(said(policy, FILES), {
      version: '1.0',
      trustPolicies: [
        { name: 'all', globalPolicy: true, signatureVerification: strict, ...common },
        { name: 'one', signatureVerification: { level: 'audit' }, ...common },
      ],
    })
    assert.deepEqual(readFileSync(join(policy, 'trustpolicy.json')), before)
    assert.deepEqual(
      trustPolicyShow({ policy }).files.map(({ name, global, level }) => [name, global, level]),
      [
        ['all', true, 'strict'],
        ['one', false, 'audit'],
      ],
    )
  })

  it('notes a store that holds nobody, and not what was so before', () => {
    const policy = policyFolder(path())
    const notes: string[] = []
    const onEvent = (event: RunEvent): void => void (event.type === 'note' && notes.push(event.text))
    const add = (name: string, store: string): void =>
      void trustPolicyAdd({ policy, ...TERMS, onEvent, name, scopes: [`r.site/${name}`], stores: [store] })
    add('whole', 'ca:vendor')
    assert.equal(notes.length, 0, notes.join())
    add('typo', 'ca:vendr')
    assert.equal(notes.length, 1, notes.join())
    assert.match(notes.join(), /ca:vendr /)
    add('other', 'ca:vendor')
    assert.equal(notes.length, 1, notes.join())
  })

  it('judges files by what it added, and by nothing when that is taken out', async () => {
    const policy = policyFolder(path())
    const file = join(scratch, 'tool.bin')
    writeFileSync(file, 'content')
    const { output } = await signBlob({ file, signer: VENDOR, format: 'jws', metadata: {}, now: NOW })
    const verdict = async (): Promise<unknown> =>
      (await checkBlob({ file, signature: output, policy, now: NOW })).verdict
    assert.equal(await verdict(), 'rejected')
    trustPolicyAdd({ policy, ...TERMS, name: 'all', global: true })
    assert.equal(await verdict(), 'trusted')
    const removed = trustPolicyRemove({ policy, name: 'all', blob: true })
    assert.deepEqual([removed.statements, existsSync(join(policy, FILES))], [0, false])
    assert.equal(await verdict(), 'rejected')
  })

  it('writes nothing for what could not judge: a second global one, a name twice, no such name', () => {
    const policy = policyFolder(path())
    trustPolicyAdd({ policy, ...TERMS, name: 'all', global: true })
    const before = tree(policy)
    const add = (over: object) => (): unknown => trustPolicyAdd({ policy, ...TERMS, name: 'x', global: false, ...over })
    assert.throws(add({ global: true }), fault('POLICY_MALFORMED'))
    assert.throws(add({ stores: ['nonsense'] }), advised('POLICY_MALFORMED'))
    assert.throws(add({ name: 'all' }), fault('USAGE'))
    for (const [name, blob] of [
      ['none', true],
      ['all', false],
      ['vendor', true],
    ] as const)
      assert.throws(() => trustPolicyRemove({ policy, name, blob }), fault('USAGE'), name)
    trustPolicyAdd({ policy, ...TERMS, name: 'dry', global: false, dryRun: true })
    trustPolicyRemove({ policy, name: 'all', blob: true, dryRun: true })
    assert.deepEqual(tree(policy), before)
  })

  it('completes by the same command what a kill left, of one file and of two names for one', () => {
    const policy = policyFolder(path())
    writeFileSync(join(policy, `.${FILES}.new`), '{"half')
    trustPolicyAdd({ policy, ...TERMS, name: 'all', global: true })
    assert.deepEqual(readdirSync(policy).sort(), [FILES, 'trustpolicy.json', 'truststore'].sort())
    const newer = join(policy, 'trustpolicy.oci.json')
    const older = join(policy, 'trustpolicy.json')
    writeFileSync(newer, policyText(statement()))
    const added = { policy, ...TERMS, name: 'more', scopes: ['r.site/more'] }
    trustPolicyAdd(added)
    assert.deepEqual(readFileSync(newer), readFileSync(older))
    // As if killed between the two: the older one, which is written first, stands alone.
    writeFileSync(newer, policyText(statement()))
    assert.equal(trustPolicyAdd(added).statements, 2)
    assert.deepEqual(readFileSync(newer), readFileSync(older))
  })

  it('takes a file that vanishes while it is read for no sign that there is no policy', async function () {
    needStrace(this)
    this.timeout(60_000)
    const policy = policyFolder(path())
    const before = tree(policy)
    const terms = ['--scope', '*', '--store', 'ca:vendor', '--identity', '*', '--level', 'strict']
    const adding = ['trust', 'policy', 'add', 'other', ...terms, '--policy', policy]
    const vanishing = { calls: 'open,openat', path: join(policy, 'trustpolicy.json'), error: 'ENOENT', when: '1' }
    const { status, out } = await refused(adding, vanishing)
    assert.deepEqual([status, out.error.code, tree(policy)], [2, 'FILE_UNREADABLE', before])
  })

  it('adds, shows and removes at the command line, and refuses options of the other kind', async () => {
    const dir = policyFolder(path())
    const base = ['--policy', dir, '--json']
    const who = ['--store', 'ca:vendor', '--identity', '*', '--revocation', 'skip']
    for (const [args, exit] of [
      [['add', 'x', ...who], 2],
      [['add', 'x', ...who, '--global', '--scope', '*'], 2],
      [['add', 'x', ...who, '--blob', '--scope', 'r.site/app'], 2],
      [['add', 'tools', ...who, '--blob', '--global'], 0],
      [['show'], 0],
      [['remove', 'tools'], 2],
      [['remove', 'tools', '--blob'], 0],
    ] as const) {
      const { status, stdout } = await sallyport(['trust', 'policy', ...args, ...base])
      assert.equal(status, exit, `${args.join(' ')}\n${stdout}`)
      if (args[0] === 'show') {
        const report = REPORTS['trust policy show'].parse(documentIn(stdout).report)
        assert.deepEqual(
          report.files.map(({ name, global }) => [name, global]),
          [['tools', true]],
        )
        const text = await sallyport(['trust', 'policy', 'show', '--policy', dir])
        assert.match(text.stdout, /plain files.*\n +tools: strict/)
      }
    }
  })
})
