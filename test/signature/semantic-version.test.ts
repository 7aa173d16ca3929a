import assert from 'node:assert/strict'
import { compareVersions } from '../../src/signature/semantic-version.ts'

describe('signature/semantic-version', () => {
  it('orders versions as semver.org does', () => {
    const order =
      '0.9.0 0.10.0 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 ' +
      '1.0.0 1.0.1 1.2.0 1.10.0 2.0.0 9007199254740993.0.0 9007199254740994.0.0'
    const versions = order.split(' ')
    for (const [i, a] of versions.entries())
      for (const [j, b] of versions.entries())
        assert.equal(Math.sign(compareVersions(a, b) ?? Number.NaN), Math.sign(i - j), `${a} ${b}`)
  })

  it('passes over build metadata', () => assert.equal(compareVersions('1.0.0+a', '1.0.0+b.7'), 0))

  for (const bad of [
    '',
    '1',
    '1.0',
    'v1.0.0',
    '01.0.0',
    '1.0.0-',
    '1.0.0-01',
    '1.0.0+',
    '1.0.0 ',
    '1.0.0-a..b',
    '-1.0.0',
  ])
    it(`knows no version "${bad}"`, () => {
      assert.equal(compareVersions(bad, '1.0.0'), undefined)
      assert.equal(compareVersions('1.0.0', bad), undefined)
    })
})
