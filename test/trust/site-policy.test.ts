import assert from 'node:assert/strict'
import { checkTrustMaterial, readTrustMaterial } from '../../src/trust/index.ts'
import { siteScopeFor, type SiteScope } from '../../src/trust/site-policy.ts'
import { party, signed } from './pki-fixture.ts'
import { assertVerdict, folder, judge, material, statement, type Files } from './policy-fixture.ts'

const level = (name: string, override?: Record<string, string>): Record<string, unknown> =>
  statement({ name, registryScopes: [`local/${name}`], signatureVerification: { level: name, override } })
const skip = { ...level('skip'), trustStores: undefined, trustedIdentities: undefined }
const notation = [
  level('strict'),
  level('permissive'),
  level('audit'),
  skip,
  { ...level('audit', { authenticity: 'enforce' }), name: 'firm', registryScopes: ['local/firm'] },
  { ...level('strict', { authenticity: 'log' }), name: 'loose', registryScopes: ['local/loose'] },
]
const GOOD = `version: 1
scopes:
  - scope: registry.site:5000/mirror/*
    require: { allOf: [vendor, second] }
    requireOrigin: true
  - scope: registry.site:5000/mirror/app
    require: { count: 1, of: [vendor, second] }
    trace: [watch]
statements:
  vendor: { notation: strict }
  second: { notation: firm }
  watch: { notation: audit, level: trace }
algorithms: { PS256: { deprecated: 2027-01-01 }, ES256: refused, ES384: allowed }
revocation:
  measure: retag
  maxStaleness: 7d
  mustHave: [${'ab'.repeat(32)}, '${'12'.repeat(32)}']
  timestampCounts: true
  releaseNeedsApproval: true
`
/** From the section on the end is the section's own. */
const SECTION = GOOD.slice(GOOD.indexOf('revocation:'))

function files(text: string): Files {
  return folder(notation, {}, text)
}

describe('trust/site-policy', () => {
  it('reads every member there is', () => {
    assert.deepEqual(checkTrustMaterial(files(GOOD)).findings, [])
    const { site } = readTrustMaterial(files(GOOD))
    assert.deepEqual(
      site?.scopes?.map(({ pattern, require, trace, requireOrigin }) => [
        pattern,
        require?.count,
        require?.of.map(({ name, statement: { name: own } }) => `${name}=${own}`),
        trace.map(({ name, statement: { level: own, actions } }) => `${name}=${own},${actions.authenticity}`),
        requireOrigin,
      ]),
      [
        ['registry.site:5000/mirror/*', 2, ['vendor=strict', 'second=firm'], [], true],
        ['registry.site:5000/mirror/app', 1, ['vendor=strict', 'second=firm'], ['watch=trace,log'], false],
      ],
    )
    assert.deepEqual(site.algorithms, {
      PS256: { deprecated: new Date('2027-01-01T00:00:00Z') },
      ES256: 'refused',
      ES384: 'allowed',
    })
    assert.deepEqual(site.revocation, {
      measure: 'retag',
      maxStaleness: 7 * 86_400,
      mustHave: new Set(['ab'.repeat(32), '12'.repeat(32)]),
      timestampCounts: true,
      releaseNeedsApproval: true,
    })
  })

  it('counts the staleness in days and in hours', () => {
    for (const [text, seconds] of [
      ['12h', 43_200],
      ['1d', 86_400],
      ['9999d', 863_913_600],
    ] as const)
      assert.equal(readTrustMaterial(files(GOOD.replace('7d', text))).revocation.maxStaleness, seconds)
  })

  it('holds the mildest of everything where nothing is said of revocations', () => {
    const plain = { measure: 'report', mustHave: new Set(), timestampCounts: false, releaseNeedsApproval: false }
    for (const text of [GOOD.replace(SECTION, ''), GOOD.replace(SECTION, 'revocation: {}\n')])
      assert.deepEqual(readTrustMaterial(files(text)).revocation, plain)
    assert.deepEqual(readTrustMaterial(folder(notation, {})).revocation, plain)
  })

  it('lets the name of a repository decide before any prefix of it, in whatever order they stand', () => {
    const scope = (pattern: string): SiteScope => ({ pattern, require: undefined, trace: [], requireOrigin: false })
    const patterns = ['r.io/*', 'r.io/x/*', 'r.io/x/b', 'r.io/x/y/*', 'r.io/x/y/z']
    for (const order of [patterns, patterns.toReversed()])
      for (const [repository, wanted] of [
        ['r.io/x/b', 'r.io/x/b'],
        ['r.io/x/c', 'r.io/x/*'],
        ['r.io/x/y/z', 'r.io/x/y/z'],
        ['r.io/x/y/z/a', 'r.io/x/y/*'],
        ['r.io/x/y', 'r.io/x/*'],
        ['r.io/x', 'r.io/*'],
        ['q.io/x', undefined],
      ] as const)
        assert.equal(siteScopeFor(order.map(scope), repository)?.pattern, wanted, repository)
  })

  it("leaves notation's file to rule where there are neither scopes nor statements", async () => {
    const acme = party('acme')
    const by = material([statement()], { 'ca:acme': [acme.root] }, 'version: 1\nrevocation: { measure: remove }\n')
    assert.equal(by.revocation.measure, 'remove')
    const verdict = await judge(by, [await signed(acme)])
    assertVerdict(verdict, 'trusted')
    assert.deepEqual(verdict.statements, ['acme-images'])
    const hard = material([statement()], { 'ca:acme': [acme.root] }, 'version: 1\nalgorithms: { ES256: refused }\n')
    assertVerdict(await judge(hard, [await signed(acme)]), 'rejected', 'ALGORITHM_DISALLOWED')
  })

  it('lets a permissive statement count: it enforces who signed', () => {
    const text = GOOD.replace('notation: strict', 'notation: permissive')
    assert.deepEqual(checkTrustMaterial(files(text)).findings, [])
  })

  /** What is replaced in the good file, by what, and where the error stands then. */
  const cases: readonly [string, string, string, ...string[]][] = [
    ['broken YAML', 'version: 1', 'version: [1', '2:1'],
    ['a key twice', 'version: 1', 'version: 1\nversion: 1', '2:1'],
    ['a key as number and as text', 'version: 1', 'version: 1\n1: a\n"1": b', '3:1'],
    ['a key that is a list', 'version: 1', 'version: 1\n? [a]\n: b', '2:3'],
    ['a key that is an alias', 'version: 1', 'version: &v 1\n*v : b', '2:1'],
    ['another version', 'version: 1', 'version: 2', '1:10'],
    ['a version that is text', 'version: 1', 'version: "1"', '1:10'],
    ['an unknown key', 'version: 1', 'version: 1\nextra: 1', '2:8'],
    ['statements without scopes', GOOD.slice(GOOD.indexOf('scopes:'), GOOD.indexOf('statements:')), '', '1:1'],
    ['scopes without statements', GOOD.slice(GOOD.indexOf('statements:'), GOOD.indexOf('algorithms:')), '', '1:1'],
    ['an unknown measure', 'measure: retag', 'measure: delete', '15:12'],
    ['a staleness of nothing', '7d', '0d', '16:17'],
    ['a staleness without a unit', '7d', '7', '16:17'],
    ['a staleness in weeks', '7d', '1w', '16:17'],
    ['a staleness of half a day', '7d', '0.5d', '16:17'],
    ['a staleness without end', '7d', '10000d', '16:17'],
    ['an issuer by upper case', 'ab'.repeat(32), 'AB'.repeat(32), '17:14'],
    ['an issuer by half a digest', '12'.repeat(32), '12'.repeat(16), '17:80'],
    ['an issuer whose digits YAML takes for a number', `'${'12'.repeat(32)}'`, '12'.repeat(32), '17:80'],
    ['an issuer twice', `'${'12'.repeat(32)}'`, 'ab'.repeat(32), '17:80'],
    ['issuers that are no list', SECTION.slice(SECTION.indexOf('['), SECTION.indexOf(']') + 1), 'all', '17:13'],
    ['a switch that is text', 'timestampCounts: true', 'timestampCounts: "yes"', '18:20'],
    ['a switch that is a number', 'releaseNeedsApproval: true', 'releaseNeedsApproval: 1', '19:25'],
    ['an unknown key on revocation', 'measure: retag', 'mesure: retag', '15:11'],
    ['a section that is empty', SECTION, 'revocation:\n', '14:12'],
    ['no scopes', GOOD.slice(GOOD.indexOf('scopes:'), GOOD.indexOf('statements:')), 'scopes: []\n', '2:9'],
    ['a bare "*"', 'registry.site:5000/mirror/*', '"*"', '3:12'],
    ['a wildcard inside', 'registry.site:5000/mirror/*', 'registry.site:5000/*/app', '3:12'],
    ['a wildcard on a part', 'registry.site:5000/mirror/*', 'registry.site:5000/mir*', '3:12'],
    ['a scope with a scheme', 'registry.site:5000/mirror/*', 'https://registry.site/mirror', '3:12'],
    ['a scope twice', 'registry.site:5000/mirror/*', 'registry.site:5000/mirror/app', '6:12'],
    ['neither require nor trace', '    require: { allOf: [vendor, second] }\n', '', '3:5'],
    ['two kinds of require', '{ allOf: [vendor, second] }', '{ allOf: [vendor], count: 1, of: [vendor] }', '4:14'],
    ['an unknown kind of require', '{ allOf: [vendor, second] }', '{ anyOf: [vendor] }', '4:14'],
    ['an empty require', '{ allOf: [vendor, second] }', '{ allOf: [] }', '4:23'],
    ['a count of nothing', 'count: 1', 'count: 0', '7:23'],
    ['half a count', 'count: 1', 'count: 1.5', '7:14'],
    ['a count beyond the names', 'count: 1', 'count: 3', '7:23'],
    ['a name twice', '[vendor, second] }\n    requireOrigin', '[vendor, vendor] }\n    requireOrigin', '4:32'],
    ['a name of no statement', '[vendor, second] }\n    requireOrigin', '[vendor, third] }\n    requireOrigin', '4:32'],
    [
      'a tracing one that is to count',
      '[vendor, second] }\n    requireOrigin',
      '[vendor, watch] }\n    requireOrigin',
      '4:32',
    ],
    ['one that counts to trace', 'trace: [watch]', 'trace: [vendor]', '8:13'],
    ['requireOrigin that is text', 'requireOrigin: true', 'requireOrigin: "yes"', '5:20'],
    ['an unknown trust policy', 'notation: strict', 'notation: strikt', '10:23'],
    ['a trust policy that skips', 'notation: strict', 'notation: skip', '10:23'],
    ['a trust policy that only logs who signed', 'notation: strict', 'notation: audit', '10:23'],
    ['a trust policy loosened to log', 'notation: strict', 'notation: loose', '10:23'],
    ['tracing by a trust policy that skips', 'notation: audit', 'notation: skip', '12:22'],
    ['an unknown level', 'level: trace', 'level: audit', '12:36'],
    ['a statement of another kind', '{ notation: firm }', '{ cosign: firm }', '11:11', '11:21'],
    ['an unknown algorithm', 'ES384: allowed', 'ES999: allowed', '13:73'],
    ['an algorithm of another case', 'ES384: allowed', 'es384: allowed', '13:73'],
    ['an unknown rule', 'ES256: refused', 'ES256: no', '13:57'],
    ['a day of no calendar', '2027-01-01', '2027-02-30', '13:36'],
    ['a day with a time', '2027-01-01', '2027-01-01T00:00:00Z', '13:36'],
  ]
  for (const [what, from, to, ...places] of cases)
    it(`refuses ${what} at its line and column`, () => {
      assert.ok(GOOD.includes(from))
      const { material: read, findings } = checkTrustMaterial(files(GOOD.replace(from, to)))
      assert.equal(read, undefined)
      const errors = findings.filter(({ severity }) => severity === 'error')
      assert.deepEqual(
        errors.map(({ file, code }) => [file, code]),
        errors.map(() => ['policy.yaml', 'POLICY_MALFORMED']),
      )
      assert.deepEqual(
        errors.map(({ place }) => place),
        places,
        JSON.stringify(findings),
      )
    })

  it('warns of a statement that no scope asks for', () => {
    const text = GOOD.replace('    trace: [watch]\n', '')
    const { findings } = checkTrustMaterial(files(text))
    assert.deepEqual(
      findings.map(({ severity, place }) => [severity, place]),
      [['warning', '11:10']],
    )
  })

  it('refuses statements where notation has no policy at all', () => {
    const { findings } = checkTrustMaterial(new Map([['policy.yaml', Buffer.from(GOOD)]]))
    assert.equal(findings.filter(({ detail }) => detail.includes('no trust policy has the name')).length, 3)
  })

  it('refuses in no time what would take minutes, or gigabytes', function () {
    this.timeout(20_000)
    const many = (count: number, line: (i: number) => string): string =>
      Array.from({ length: count }, (_, i) => line(i)).join('\n')
    for (const [what, text, detail] of [
      ['names', many(60_000, (i) => `k${i}: 1`), /version/],
      ['aliases', many(20_000, (i) => `- &a${i} x\n- *a${i}`), /over 1000 aliases/],
      ['items', `a: [${'0,'.repeat(2_000_000)}0]`, /over 500000 signs and words/],
    ] as const) {
      const begun = performance.now()
      const { findings } = checkTrustMaterial(new Map([['policy.yaml', Buffer.from(text)]]))
      assert.match(findings[0]?.detail ?? '', detail, what)
      assert.ok(performance.now() - begun < 10_000, what)
    }
  })

  it('says nothing on its own of a key that is a list', (done) => {
    const heard = (): void => assert.fail('a warning of the library')
    process.on('warning', heard)
    checkTrustMaterial(files('? [\u009b31m]\n: 1\n'))
    setImmediate(() => {
      process.off('warning', heard)
      done()
    })
  })

  it('refuses bytes that are no UTF-8, and a document that explodes', () => {
    for (const bytes of [Buffer.from([0x61, 0xff]), Buffer.from(bomb())]) {
      const { material: read, findings } = checkTrustMaterial(new Map([...files(GOOD), ['policy.yaml', bytes]]))
      assert.equal(read, undefined)
      assert.deepEqual(
        findings.map(({ place }) => place),
        ['1:1'],
      )
    }
  })
})

function bomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
  for (let i = 1; i < 9; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    )
  return lines.join('\n')
}
