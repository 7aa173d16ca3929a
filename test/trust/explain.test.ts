import assert from 'node:assert/strict'
import { explainPolicy, type TrustMaterial } from '../../src/trust/index.ts'
import { party, SCOPE } from './pki-fixture.ts'
import { material, statement } from './policy-fixture.ts'

const acme = party('acme')
const trustedIdentities = ['x509.subject: C=US, ST=WA, O=acme']

describe('trust/explain', () => {
  it('tells which statement of the one file speaks, by name before "*"', () => {
    const by = material(
      [
        statement({ trustedIdentities }),
        statement({ name: 'named', registryScopes: [SCOPE], trustStores: ['ca:acme', 'tsa:none'] }),
      ],
      { 'ca:acme': [acme.root] },
    )
    const named = explainPolicy(by, SCOPE)
    assert.deepEqual([named.found, named.count, named.statements.map(({ name }) => name)], [true, 1, ['named']])
    const [explained] = named.statements
    assert.deepEqual(explained?.stores, [
      { name: 'ca:acme', thumbprints: [acme.root.certificate.sha256] },
      { name: 'tsa:none', thumbprints: [] },
    ])
    assert.deepEqual(
      [explained.level, explained.override, explained.actions.revocation],
      ['strict', { revocation: 'skip' }, 'skip'],
    )
    const [rest] = explainPolicy(by, `${SCOPE}/deeper`).statements
    assert.deepEqual([rest?.name, rest?.identities], ['acme-images', trustedIdentities])
  })

  it('tells that nothing speaks', () => {
    const { found, count, statements } = explainPolicy(material([statement({ registryScopes: ['reg.io/a'] })]), SCOPE)
    assert.deepEqual([found, count, statements], [false, 0, []])
  })

  it('tells what speaks for "*" and for a prefix, which are the names of no repository', () => {
    const names = (by: TrustMaterial, scope: string): unknown[] => {
      const { found, pattern, statements } = explainPolicy(by, scope)
      return [found, pattern, ...statements.map(({ name }) => name)]
    }
    const alone = [statement(), statement({ name: 'named', registryScopes: [SCOPE] })]
    for (const scope of ['*', 'registry.site:5000/*', `${SCOPE}/*`])
      assert.deepEqual(names(material(alone), scope), [true, undefined, 'acme-images'], scope)
    for (const scope of ['*', 'registry.site:5000/*', 'registry.*', '**'])
      assert.deepEqual(names(material(alone.slice(1)), scope), [false, undefined], scope)
    const site = material(
      alone,
      {},
      `version: 1
scopes:
  - { scope: 'r.io/*', require: { allOf: [wide] } }
  - { scope: 'r.io/x/*', require: { allOf: [narrow] } }
statements: { wide: { notation: acme-images }, narrow: { notation: named } }
`,
    )
    assert.deepEqual(names(site, 'r.io/*'), [true, 'r.io/*', 'wide'])
    assert.deepEqual(names(site, 'r.io/y/*'), [true, 'r.io/*', 'wide'])
    for (const scope of ['r.io/x/*', 'r.io/x/y/*']) assert.deepEqual(names(site, scope), [true, 'r.io/x/*', 'narrow'])
    for (const scope of ['*', 'q.io/*', 'r.*']) assert.deepEqual(names(site, scope), [false, undefined], scope)
  })

  it('tells that a repository is skipped', () => {
    const skip = { signatureVerification: { level: 'skip' }, trustStores: undefined, trustedIdentities: undefined }
    assert.equal(explainPolicy(material([statement({ ...skip, registryScopes: [SCOPE] })]), SCOPE).skips, true)
    assert.equal(explainPolicy(material([statement()]), SCOPE).skips, false)
  })

  it('tells the scope of policy.yaml, what it wants and by which names', () => {
    const site = `version: 1
scopes:
  - { scope: 'registry.site:5000/*', require: { count: 1, of: [vendor, other] }, trace: [watch], requireOrigin: true }
statements:
  vendor: { notation: acme-images }
  other: { notation: acme-images }
  watch: { notation: acme-images, level: trace }
algorithms: { ES256: refused }
revocation: { measure: remove, maxStaleness: 12h }
`
    const explained = explainPolicy(material([statement()], { 'ca:acme': [acme.root] }, site), SCOPE)
    assert.deepEqual(
      [explained.pattern, explained.count, explained.requireOrigin, explained.algorithms],
      ['registry.site:5000/*', 1, true, { ES256: 'refused' }],
    )
    assert.deepEqual(
      [...explained.statements, ...explained.trace].map(({ name, trustPolicy, level }) => [name, trustPolicy, level]),
      [
        ['vendor', 'acme-images', 'strict'],
        ['other', 'acme-images', 'strict'],
        ['watch', 'acme-images', 'trace'],
      ],
    )
    assert.deepEqual([explained.revocation.measure, explained.revocation.maxStaleness], ['remove', 43_200])
    assert.equal(explainPolicy(material([statement()]), SCOPE).revocation.measure, 'report')
  })
})
