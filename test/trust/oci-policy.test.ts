import assert from 'node:assert/strict'
import { isFault } from '../../src/errors/index.ts'
import { checkTrustMaterial, readTrustMaterial, type Finding } from '../../src/trust/index.ts'
import { document, statement } from './policy-fixture.ts'

const NAMES = ['trustpolicy.json', 'trustpolicy.oci.json']

function findings(text: Uint8Array | string, name = 'trustpolicy.json'): Finding[] {
  return checkTrustMaterial(new Map([[name, Buffer.from(text)]])).findings
}

/** Asserts that the policy is refused at these places, each as an error. */
function refusedAt(text: Uint8Array | string, ...places: string[]): void {
  const found = findings(text)
  assert.deepEqual(
    found.filter(({ severity }) => severity === 'error').map(({ place }) => place),
    places,
    JSON.stringify(found),
  )
  const files = new Map([['trustpolicy.json', Buffer.from(text)]])
  assert.throws(
    () => readTrustMaterial(files),
    (error) =>
      isFault(error, 'POLICY_MALFORMED') &&
      error.subject === (places[0] === '' ? 'trustpolicy.json' : `trustpolicy.json:${places[0]}`),
  )
}

const skip = { trustStores: undefined, trustedIdentities: undefined, signatureVerification: { level: 'skip' } }
const named = (over: Record<string, unknown>, scope = 'reg.io/a'): Record<string, unknown> =>
  statement({ registryScopes: [scope], ...over })
const level = (signatureVerification: unknown): Record<string, unknown> => statement({ signatureVerification })

describe('trust/oci-policy', () => {
  for (const name of NAMES)
    it(`reads ${name} with every member there is`, () => {
      const text = document(
        named({
          signatureVerification: {
            level: 'permissive',
            override: { authenticity: 'enforce', authenticTimestamp: 'log', expiry: 'enforce', revocation: 'skip' },
            verifyTimestamp: 'afterCertExpiry',
          },
          trustStores: ['ca:acme.1_-', 'signingAuthority:a', 'tsa:t'],
          trustedIdentities: ['x509.subject: C=US, ST=WA, O=acme', 'x509.subject: C=US, ST=WA, O=other'],
        }),
        named({ ...skip, name: 'open', registryScopes: ['reg.io:5000/b', 'local/c'] }),
        named({ ...skip, name: 'empty', registryScopes: ['reg.io/e'], trustStores: [], trustedIdentities: null }),
        statement({ name: 'rest' }),
      )
      assert.deepEqual(findings(text, name), [])
      const { policy } = readTrustMaterial(new Map([[name, text]]))
      const [first, second] = policy?.statements ?? []
      assert.deepEqual(first?.actions, {
        integrity: 'enforce',
        authenticity: 'enforce',
        authenticTimestamp: 'log',
        expiry: 'enforce',
        revocation: 'skip',
      })
      assert.equal(first.verifyTimestamp, 'afterCertExpiry')
      assert.deepEqual(second?.scopes, ['reg.io:5000/b', 'local/c'])
    })

  describe('refuses what is no strict JSON', () => {
    const cases: Readonly<Record<string, string | Buffer>> = {
      'nothing at all': '',
      'a comment': `// note\n${document(statement()).toString()}`,
      'a member twice': '{"version":"1.0","version":"1.0","trustPolicies":[]}',
      'a byte-order mark': `\ufeff${document(statement()).toString()}`,
      'bytes that are no UTF-8': Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]),
      'text after the end': `${document(statement()).toString()} {}`,
      '4 MiB and more': `${document(statement()).toString()}${' '.repeat(4 * 1024 * 1024)}`,
    }
    for (const [what, text] of Object.entries(cases)) it(`refuses ${what}`, () => refusedAt(text, ''))
  })

  describe('refuses each rule broken alone', () => {
    const [store, identity] = ['trustPolicies[0].trustStores[0]', 'trustPolicies[0].trustedIdentities[0]']
    const cases: readonly [string, unknown, ...string[]][] = [
      ['no object', [], ''],
      ['another version', { version: '1.1', trustPolicies: [statement()] }, 'version'],
      ['a version that is a number', { version: 1, trustPolicies: [statement()] }, 'version'],
      ['no version', { trustPolicies: [statement()] }, 'version'],
      ['no statements', { version: '1.0', trustPolicies: [] }, 'trustPolicies'],
      ['statements that are no list', { version: '1.0', trustPolicies: {} }, 'trustPolicies'],
      ['an unknown member', { version: '1.0', trustPolicies: [statement()], extra: 1 }, ''],
      ['an unknown member of a statement', statement({ trustStore: ['ca:acme'] }), 'trustPolicies[0]'],
      ['no name', statement({ name: undefined }), 'trustPolicies[0].name'],
      ['an empty name', statement({ name: '' }), 'trustPolicies[0].name'],
      ['no scopes', statement({ registryScopes: undefined }), 'trustPolicies[0].registryScopes'],
      ['an empty list of scopes', statement({ registryScopes: [] }), 'trustPolicies[0].registryScopes'],
      ['"*" beside a scope', statement({ registryScopes: ['*', 'reg.io/a'] }), 'trustPolicies[0].registryScopes[0]'],
      [
        'a scope twice in one',
        statement({ registryScopes: ['reg.io/a', 'reg.io/a'] }),
        'trustPolicies[0].registryScopes[1]',
      ],
      ['no verification', statement({ signatureVerification: undefined }), 'trustPolicies[0].signatureVerification'],
      ['no level', level({}), 'trustPolicies[0].signatureVerification.level'],
      ['an unknown level', level({ level: 'trace' }), 'trustPolicies[0].signatureVerification.level'],
      ['a level in capitals', level({ level: 'Strict' }), 'trustPolicies[0].signatureVerification.level'],
      [
        'an unknown check',
        level({ level: 'strict', override: { trust: 'log' } }),
        'trustPolicies[0].signatureVerification.override',
      ],
      [
        'an unknown action',
        level({ level: 'strict', override: { expiry: 'warn' } }),
        'trustPolicies[0].signatureVerification.override.expiry',
      ],
      [
        'integrity overridden',
        level({ level: 'strict', override: { integrity: 'log' } }),
        'trustPolicies[0].signatureVerification.override.integrity',
      ],
      [
        'integrity overridden by itself',
        level({ level: 'strict', override: { integrity: 'enforce' } }),
        'trustPolicies[0].signatureVerification.override.integrity',
      ],
      ...['authenticity', 'authenticTimestamp', 'expiry'].map((check): [string, unknown, string] => [
        `${check} skipped`,
        level({ level: 'strict', override: { [check]: 'skip' } }),
        `trustPolicies[0].signatureVerification.override.${check}`,
      ]),
      [
        'an unknown time to verify timestamps',
        level({ level: 'strict', verifyTimestamp: 'never' }),
        'trustPolicies[0].signatureVerification.verifyTimestamp',
      ],
      [
        'skip with an override',
        named({ ...skip, signatureVerification: { level: 'skip', override: { revocation: 'log' } } }),
        'trustPolicies[0].signatureVerification.override.revocation',
      ],
      ['skip with stores', named({ ...skip, trustStores: ['ca:acme'] }), 'trustPolicies[0].trustStores'],
      ['skip with identities', named({ ...skip, trustedIdentities: ['*'] }), 'trustPolicies[0].trustedIdentities'],
      ['skip on "*"', statement(skip), 'trustPolicies[0].signatureVerification.level'],
      ['no stores', statement({ trustStores: undefined }), 'trustPolicies[0].trustStores'],
      ['an empty list of stores', statement({ trustStores: [] }), 'trustPolicies[0].trustStores'],
      ['no identities', statement({ trustedIdentities: [] }), 'trustPolicies[0].trustedIdentities'],
      ...[
        'acme',
        'ca',
        'ca:',
        ':acme',
        'CA:acme',
        'ca:a/b',
        'ca:a b',
        'ca:..',
        'ca:.',
        'x509:acme',
        'ca:acme,tsa:t',
        ' ca:acme',
        'ca:acmé',
      ].map((name): [string, unknown, string] => [
        `the store ${JSON.stringify(name)}`,
        statement({ trustStores: [name] }),
        store,
      ]),
      ...[
        '',
        'acme',
        ':C=US',
        'x509.subject:',
        'x509.subject: ',
        'x509.subject: O=acme',
        'x509.subject: C=US, O=acme',
        'x509.subject: C=US, ST=WA',
        'x509.subject: C=US, ST=WA, O=',
        'x509.subject: C=US, ST=WA, O=acme, O=acme',
        'x509.subject: C=US, ST=WA, S=WA, O=acme',
        'x509.subject: C=US, ST=WA, O=acme+CN=x',
        'x509.subject: C=US, ST=WA, O=#0c0161',
        'x509.subject: C=US, ST=WA, O=acme,',
        'x509.subject: C=US; ST=WA; O=acme',
        'x509.subject: C=US, ST=WA, O=acme, X=y',
      ].map((text): [string, unknown, string] => [
        `the identity ${JSON.stringify(text)}`,
        statement({ trustedIdentities: [text] }),
        identity,
      ]),
      ['"*" beside an identity', statement({ trustedIdentities: ['*', 'x509.subject: C=US, ST=WA, O=a'] }), identity],
      [
        '"*" after an identity',
        statement({ trustedIdentities: ['x509.subject: C=US, ST=WA, O=a', '*'] }),
        'trustPolicies[0].trustedIdentities[1]',
      ],
      [
        'an identity twice',
        statement({ trustedIdentities: ['x509.subject: C=US, ST=WA, O=a', 'x509.subject: O=a, C=US, S=WA'] }),
        'trustPolicies[0].trustedIdentities[1]',
      ],
      [
        'an identity inside another',
        statement({ trustedIdentities: ['x509.subject: C=US, ST=WA, O=a', 'x509.subject: C=US, ST=WA, O=a, OU=b'] }),
        'trustPolicies[0].trustedIdentities[1]',
      ],
      [
        'an identity around another',
        statement({ trustedIdentities: ['x509.subject: C=US, ST=WA, O=a, OU=b', 'x509.subject: C=US, ST=WA, O=a'] }),
        'trustPolicies[0].trustedIdentities[1]',
      ],
    ]
    for (const [what, value, ...places] of cases)
      it(`refuses ${what}`, () => {
        const whole =
          typeof value === 'object' && value !== null && 'registryScopes' in value ? document(value) : undefined
        const bare = typeof value === 'object' && value !== null && ('name' in value || 'trustStores' in value)
        refusedAt(whole ?? (bare ? document(value) : JSON.stringify(value)), ...places)
      })

    it('refuses a name twice', () =>
      refusedAt(document(statement(), named({ name: 'acme-images' })), 'trustPolicies[1].name'))

    it('refuses a scope in two statements', () => {
      refusedAt(document(named({ name: 'a' }), named({ name: 'b' })), 'trustPolicies[1].registryScopes[0]')
      refusedAt(document(statement({ name: 'a' }), statement({ name: 'b' })), 'trustPolicies[1].registryScopes[0]')
    })

    it('tells of every fault at once', () =>
      refusedAt(
        document(named({ trustStores: ['x'], trustedIdentities: ['y'] }), named({ name: 'b', registryScopes: ['z'] })),
        'trustPolicies[0].trustStores[0]',
        'trustPolicies[0].trustedIdentities[0]',
        'trustPolicies[1].registryScopes[0]',
      ))
  })

  it('takes an identity of another kind, with a warning where there is no other', () => {
    const text = document(statement({ trustedIdentities: ['com.example.id: 7'] }))
    assert.deepEqual(
      findings(text).map(({ severity, place }) => [severity, place]),
      [['warning', 'trustPolicies[0].trustedIdentities']],
    )
    const beside = document(statement({ trustedIdentities: ['com.example.id: 7', 'x509.subject: C=US, ST=WA, O=a'] }))
    assert.deepEqual(findings(beside), [])
  })

  it('stays quick on a scope made to exhaust a regular expression', () => {
    const started = performance.now()
    refusedAt(document(named({}, `${'a'.repeat(500)}/${'a-'.repeat(40)}!`)), 'trustPolicies[0].registryScopes[0]')
    assert.ok(performance.now() - started < 1000)
  })
})
