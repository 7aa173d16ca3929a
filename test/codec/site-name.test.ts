import assert from 'node:assert/strict'
import { isSiteName } from '../../src/codec/index.ts'
import { isFault } from '../../src/errors/index.ts'
import { parsePlan, stateInit } from '../../src/transfer/index.ts'

const TAKEN = ['a', 'Z', '0', 'site-a', 'Site_1.b', 'a..b', 'a--b', 'x'.repeat(64)]
const REFUSED = [
  [
    '',
    '-a',
    'a-',
    '.a',
    'a.',
    '_a',
    'a_',
    '.',
    '..',
    'a b',
    ' a',
    'a ',
    'a/b',
    '../a',
    'a:b',
    'a@b',
    'a\n',
    'a\0',
    'é',
  ],
  ['а', 'a\u202e', 'x'.repeat(65)],
].flat()

describe('codec/site-name', () => {
  it('takes 1 to 64 letters, digits, dots, hyphens and underscores', () => {
    for (const name of TAKEN) assert.ok(isSiteName(name), name)
  })

  for (const name of REFUSED)
    it(`refuses ${JSON.stringify(name).slice(0, 40)}, in a plan and as a site's own name too`, async () => {
      assert.equal(isSiteName(name), false)
      const plan = JSON.stringify({ audience: [name], artifacts: [{ ref: 'a' }] })
      await assert.rejects(
        async () => parsePlan(plan, 'plan'),
        (error) => isFault(error, 'PLAN_MALFORMED'),
      )
      const init = stateInit({ state: '/nonexistent/state', site: name, reason: 'test', dryRun: true })
      await assert.rejects(init, (error) => isFault(error, 'USAGE'))
    })
})
