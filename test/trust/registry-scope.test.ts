import assert from 'node:assert/strict'
import { isPrefix, isScope, isScopePattern, patternCovers } from '../../src/trust/registry-scope.ts'

describe('trust/registry-scope', () => {
  for (const scope of [
    'reg.io/a',
    'reg.io:5000/a/b-c/d__e.f',
    'localhost/a',
    'local/name',
    'REG.io/a',
    '10.0.0.1:5000/a',
  ])
    it(`takes ${scope} for a scope`, () => assert.ok(isScope(scope) && isScopePattern(scope)))

  for (const scope of [
    '',
    '*',
    'reg.io',
    'reg.io/',
    '/a',
    'reg.io/A',
    'reg.io/a:tag',
    'reg.io/a@sha256:00',
    'https://reg.io/a',
    'reg.io/*',
    'reg.io/a*',
    '*.io/a',
    'reg.io//a',
    'reg.io/a/',
    'reg.io/../a',
    'reg..io/a',
    '-reg.io/a',
    'reg.io:/a',
    'reg.io/a b',
    'reg.io/a\n',
    'réseau.io/a',
    `reg.io/${'a'.repeat(300)}`,
  ])
    it(`refuses ${JSON.stringify(scope.slice(0, 30))} for a scope`, () => assert.ok(!isScope(scope)))

  for (const pattern of ['reg.io/*', 'reg.io:5000/a/*', 'local/*'])
    it(`takes ${pattern} for a pattern`, () => assert.ok(isScopePattern(pattern) && isPrefix(pattern)))

  for (const pattern of [
    '*',
    '/*',
    'reg.io/a*',
    'reg.io/*/a',
    'reg.io/a/**',
    'reg.io/a/*/*',
    'reg.io//*',
    'Reg.io/A/*',
  ])
    it(`refuses ${pattern} for a pattern`, () => assert.ok(!isScopePattern(pattern)))

  const covers: readonly [string, string, boolean][] = [
    ['reg.io/a', 'reg.io/a', true],
    ['reg.io/a', 'reg.io/a/b', false],
    ['reg.io/a/*', 'reg.io/a/b', true],
    ['reg.io/a/*', 'reg.io/a/b/c', true],
    ['reg.io/a/*', 'reg.io/a', false],
    ['reg.io/a/*', 'reg.io/ab', false],
    ['reg.io/*', 'reg.io/a', true],
    ['reg.io/*', 'reg.io:5000/a', false],
    ['reg.io/*', 'REG.io/a', false],
  ]
  for (const [pattern, scope, wanted] of covers)
    it(`${wanted ? 'covers' : 'leaves out'} ${scope} by ${pattern}`, () =>
      assert.equal(patternCovers(pattern, scope), wanted))
})
