import assert from 'node:assert/strict'
import { localScope, scopesBelow } from '../../../src/transfer/place/scope.ts'
import { fault } from '../../fault.ts'

describe('transfer/place/scope', () => {
  it('names repositories by where they go', () => {
    assert.equal(scopesBelow('registry.site:5000')('a/b'), 'registry.site:5000/a/b')
    assert.equal(scopesBelow('registry.site:5000/mirror/')('a/b'), 'registry.site:5000/mirror/a/b')
    for (const to of [undefined, 'oci:/srv/layout']) assert.equal(scopesBelow(to)('a/b'), 'local/a/b')
    assert.equal(localScope('local/a'), 'local/a')
  })

  it('refuses a destination that is none', () => {
    for (const to of ['', 'https://registry.site', 'registry.site/UPPER', 'registry.site/../up', '/a'])
      assert.throws(() => scopesBelow(to), fault('REFERENCE_INVALID', to))
  })
})
