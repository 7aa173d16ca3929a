import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { trustPolicyCheck, trustPolicyExplain, trustPolicyShow } from '../../../src/transfer/trust/policy.ts'
import { documentIn, sallyport } from '../../cli/program.ts'
import { policyFolder, policyText, statement } from '../policies.ts'
import { NOW, tree } from '../stage.ts'
import { fault } from '../../fault.ts'

const SITE = `version: 1
scopes:
  - { scope: "r.site:5000/mirror/*", require: { allOf: [v] }, requireOrigin: true }
  - { scope: "r.site:5000/mirror/app", require: { count: 1, of: [v, s] } }
statements:
  v: { notation: vendor }
  s: { notation: second }
algorithms: { ES256: refused, PS256: { deprecated: 2027-01-01 } }
revocation: { measure: retag, maxStaleness: 7d, mustHave: [${'ab'.repeat(32)}], releaseNeedsApproval: true }
`
const SECOND = statement({ name: 'second', registryScopes: ['a.b/c'], trustStores: ['ca:absent'] })
const SKIP = statement({
  name: 'skipped',
  registryScopes: ['r.site:5000/free'],
  signatureVerification: { level: 'skip' },
  trustStores: [],
  trustedIdentities: [],
})

describe('transfer/trust/policy', () => {
  let scratch: string
  let count = 0
  const path = (): string => join(scratch, `policy-${++count}`)

  before(() => (scratch = mkdtempSync(join(tmpdir(), 'sallyport-policy-'))))
  after(() => rmSync(scratch, { recursive: true, force: true }))

  it('names everything that is the matter, and says of a policy that cannot judge that it cannot', () => {
    const dir = policyFolder(path(), {
      'trustpolicy.json': policyText(
        statement({ trustStores: ['ca:vendor', 'nonsense'] }),
        statement({ name: 'vendor', registryScopes: ['http://r.site/a'] }),
      ),
      'truststore/x509/ca/vendor/readme.txt': 'hello',
      'policy.yml': '',
    })
    const before = tree(dir)
    const first = trustPolicyCheck({ policy: dir, now: NOW })
    assert.deepEqual([first.usable, first.digest], [false, null])
    assert.deepEqual(tree(dir), before)
    rmSync(join(dir, 'policy.yml'))
    const { findings } = trustPolicyCheck({ policy: dir, now: NOW })
    const places = findings.filter(({ severity }) => severity === 'error').map(({ file, place }) => `${file}:${place}`)
    for (const place of [
      'trustpolicy.json:trustPolicies[0].trustStores[1]',
      'trustpolicy.json:trustPolicies[1].name',
      'trustpolicy.json:trustPolicies[1].registryScopes[0]',
      'truststore/x509/ca/vendor/readme.txt:',
    ])
      assert.ok(places.includes(place), `${place} in ${places.join(', ')}`)
  })

  it('warns of a folder without a policy, and of stores that hold nobody', () => {
    const empty = path()
    mkdirSync(empty)
    const none = trustPolicyCheck({ policy: empty, now: NOW })
    assert.deepEqual([none.usable, none.findings.map(({ severity }) => severity)], [true, ['warning']])
    const dir = policyFolder(path(), { 'trustpolicy.json': policyText(statement(), SECOND) })
    const { usable, findings } = trustPolicyCheck({ policy: dir, now: NOW })
    assert.deepEqual(
      [usable, findings.map(({ severity, place }) => [severity, place])],
      [true, [['warning', 'trustPolicies[1].trustStores[0]']]],
    )
    assert.throws(() => trustPolicyCheck({ policy: path(), now: NOW }), fault('FILE_UNREADABLE'))
  })

  it('explains which statement speaks for a repository, and that none does', () => {
    const dir = policyFolder(path(), { 'trustpolicy.json': policyText(statement(), SKIP) })
    const of = (scope: string): ReturnType<typeof trustPolicyExplain> => trustPolicyExplain({ policy: dir, scope })
    assert.deepEqual(
      of('r.site:5000/app').statements.map(({ name, level }) => [name, level]),
      [['vendor', 'strict']],
    )
    assert.deepEqual([of('r.site:5000/free').skips, of('r.site:5000/free').statements[0]?.name], [true, 'skipped'])
    assert.equal(of('r.site:5000/app').skips, false)
    const digest = `sha256:${'0'.repeat(64)}`
    for (const ref of ['r.site:5000/app:1.0', `r.site:5000/app@${digest}`, `r.site:5000/app:1.0@${digest}`])
      assert.deepEqual([of(ref).scope, of(ref).found], ['r.site:5000/app', true], ref)
    for (const [ref, scope] of [
      ['app', 'docker.io/library/app'],
      ['local/app:1.0', 'local/app'],
      ['r.site:5000/other', 'r.site:5000/other'],
    ] as const)
      assert.equal(of(ref).scope, scope, ref)
    for (const odd of ['r.site:5000/free@sha256:12', '', 'r.site:5000/free/', 'https://r.site:5000/app', 'oci:app'])
      assert.throws(() => of(odd), fault('REFERENCE_INVALID', odd), odd)
  })

  it('shows each repository that some file names, by the rule that is in force', () => {
    const dir = policyFolder(path(), { 'trustpolicy.json': policyText(statement(), SECOND), 'policy.yaml': SITE })
    const { scopes } = trustPolicyShow({ policy: dir })
    const found = new Map(scopes.map((one) => [one.scope, one]))
    assert.deepEqual([...found.keys()].sort(), ['*', 'a.b/c', 'r.site:5000/mirror/*', 'r.site:5000/mirror/app'])
    // Where policy.yaml is, what it does not name is refused, whatever notation's file says.
    assert.deepEqual([found.get('*')?.found, found.get('a.b/c')?.found], [false, false])
    assert.deepEqual([found.get('r.site:5000/mirror/*')?.found, found.get('r.site:5000/mirror/*')?.count], [true, 1])
    const alone = policyFolder(path(), { 'trustpolicy.json': policyText(statement()) })
    assert.deepEqual(
      trustPolicyShow({ policy: alone }).scopes.map(({ scope, found: speaks, count: of }) => [scope, speaks, of]),
      [['*', true, 1]],
    )
    const app = found.get('r.site:5000/mirror/app')
    assert.deepEqual([app?.count, app?.requireOrigin, app?.pattern], [1, false, 'r.site:5000/mirror/app'])
    const other = trustPolicyExplain({ policy: dir, scope: 'r.site:5000/mirror/other' })
    assert.deepEqual([other.pattern, other.requireOrigin], ['r.site:5000/mirror/*', true])
    assert.deepEqual(other.algorithms, {
      ES256: { rule: 'refused' },
      PS256: { rule: 'deprecated', since: '2027-01-01' },
    })
    assert.deepEqual(other.revocation, {
      measure: 'retag',
      maxStaleness: 7 * 86_400,
      mustHave: ['ab'.repeat(32)],
      timestampCounts: false,
      releaseNeedsApproval: true,
    })
  })

  it('exits 2 for a policy that cannot judge and 13 for a repository nobody speaks for, `ok` false with both', async () => {
    const broken = policyFolder(path(), { 'trustpolicy.json': '{' })
    const site = policyFolder(path(), { 'trustpolicy.json': policyText(statement(), SECOND), 'policy.yaml': SITE })
    for (const [args, exit] of [
      [['check', '--policy', broken], 2],
      [['check', '--policy', site], 0],
      [['show', '--policy', broken], 2],
      [['show', '--policy', site], 0],
      [['explain', 'r.site:5000/mirror/app', '--policy', site], 0],
      [['explain', 'r.site:5000/other', '--policy', site], 13],
      [['explain', 'r.site:5000/mirror/app:1.0', '--policy', site], 0],
      [['explain', 'https://r.site:5000/mirror/app', '--policy', site], 2],
    ] as const) {
      const { status, stdout } = await sallyport(['trust', 'policy', ...args, '--json'])
      const { ok, exit: told } = documentIn(stdout)
      assert.deepEqual([status, told, ok], [exit, exit, exit === 0], args.join(' '))
    }
  })

  it('says aloud that a repository is skipped', async () => {
    const dir = policyFolder(path(), { 'trustpolicy.json': policyText(statement(), SKIP) })
    const { stdout } = await sallyport(['trust', 'policy', 'explain', 'r.site:5000/free', '--policy', dir])
    assert.match(stdout, /SKIPPED/)
  })

  it('prints no character of a policy that a terminal acts on', async () => {
    const name = 'a\u001b[2J\u202e'
    const dir = policyFolder(path(), {
      'trustpolicy.json': policyText(statement({ name })),
      [`policy.yaml\u001b[2J`]: '',
    })
    for (const verb of [['check'], ['show'], ['explain', 'r.site/\u001b[2J']])
      for (const json of [[], ['--json']]) {
        const { stdout, stderr } = await sallyport(['trust', 'policy', ...verb, '--policy', dir, ...json])
        for (const odd of ['\u001b', '\u202e']) assert.ok(!(stdout + stderr).includes(odd), stdout + stderr)
        rmSync(join(dir, 'policy.yaml\u001b[2J'), { force: true })
      }
  })
})
