import assert from 'node:assert/strict'
import { isScope, scopeBeyond } from '../../src/ca/index.ts'

describe('ca/scope', () => {
  for (const scope of ['registry.site/app', 'registry.site:5000/team/app', 'r.site/team/*', 'r.site/*', 'local/demo'])
    it(`takes ${scope}`, () => assert.ok(isScope(scope)))

  for (const scope of [
    '*',
    '',
    '/*',
    'registry.site',
    'registry.site/',
    'r.site/team/',
    'r.site/te*',
    'r.site/*/app',
    'r.site/Team',
    'r.site/app:1',
    'r.site/a/../b',
    'https://r.site/app',
    'r.site//app',
    'r.site/app/*/*',
  ])
    it(`refuses ${JSON.stringify(scope)}`, () => assert.equal(isScope(scope), false))

  it('finds everything within no limit, and within itself', () => {
    assert.equal(scopeBeyond(['a.b/c', 'd.e/*'], []), undefined)
    assert.equal(scopeBeyond(['a.b/c'], ['a.b/c']), undefined)
    assert.equal(scopeBeyond(['a.b/c/*'], ['a.b/c/*']), undefined)
  })

  it('finds no limit beyond every limit', () => assert.equal(scopeBeyond([], ['a.b/*']), 'every repository'))

  it('finds a longer name and a narrower prefix within a prefix', () => {
    assert.equal(scopeBeyond(['a.b/c/d', 'a.b/c/d/*', 'a.b/c/d/e'], ['x.y/*', 'a.b/c/*']), undefined)
  })

  for (const [inner, outer] of [
    ['a.b/c-evil/d', 'a.b/c/*'],
    ['a.b/c', 'a.b/c/*'],
    ['a.b/*', 'a.b/c/*'],
    ['a.b/c/*', 'a.b/c'],
    ['a.b.evil/c', 'a.b/*'],
    ['a.b:5000/c', 'a.b/*'],
    ['a.b/d', 'a.b/c'],
  ] as const)
    it(`finds ${inner} beyond ${outer}`, () => assert.equal(scopeBeyond([inner], [outer]), inner))
})
