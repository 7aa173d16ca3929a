import assert from 'node:assert/strict'
import { basisOf, type TrustMaterial } from '../../src/trust/index.ts'
import { party, SCOPE } from './pki-fixture.ts'
import { material, statement } from './policy-fixture.ts'

const [acme, other] = [party('acme'), party('other')]
const SITE = `version: 1
scopes: [{ scope: '${SCOPE}', require: { allOf: [a, b] } }]
statements: { a: { notation: one }, b: { notation: two } }
`

function by(stores: Parameters<typeof material>[1]): TrustMaterial {
  const one = statement({ name: 'one', registryScopes: ['local/one'], trustStores: ['ca:a', 'tsa:t'] })
  const two = statement({ name: 'two', registryScopes: ['local/two'], trustStores: ['ca:b', 'ca:c'] })
  return material([one, two], stores, SITE)
}

function anchors(of: TrustMaterial): unknown {
  const found = basisOf(of, SCOPE)?.anchors ?? []
  return Object.fromEntries([...found].map(([name, kinds]) => [name, Object.fromEntries(kinds)]))
}

const hashes = (...parties: (typeof acme)[]): Set<string> => new Set(parties.map(({ root }) => root.certificate.sha256))

describe('trust/basis', () => {
  it('tells the anchors of each statement apart, by the kind of store', () => {
    const whole = by({ 'ca:a': [acme.root], 'tsa:t': [other.root], 'ca:b': [acme.root], 'ca:c': [other.root] })
    assert.deepEqual(anchors(whole), {
      a: { ca: hashes(acme), tsa: hashes(other) },
      b: { ca: hashes(acme, other) },
    })
  })

  it('tells of no anchor where one store of the kind is empty', () => {
    assert.deepEqual(anchors(by({ 'ca:a': [acme.root], 'ca:b': [acme.root] })), {
      a: { ca: hashes(acme), tsa: hashes() },
      b: { ca: hashes() },
    })
  })

  it('keeps its digest whatever the stores hold, and changes it with what is asked', () => {
    const digest = basisOf(by({}), SCOPE)?.digest
    assert.equal(basisOf(by({ 'ca:a': [acme.root] }), SCOPE)?.digest, digest)
    assert.notEqual(basisOf(material([statement()]), SCOPE)?.digest, digest)
    assert.equal(basisOf(by({}), `${SCOPE}/deeper`), undefined)
  })
})
