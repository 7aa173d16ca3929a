import assert from 'node:assert/strict'
import { asOfIn } from '../../src/cli/as-of-option.ts'
import { momentOf, secondOf } from '../../src/cli/time-option.ts'
import { fault } from '../fault.ts'
import { documentIn, sallyport } from './program.ts'

const NONE = [
  '2026-02-30T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:00:00',
  '2026-01-01T00:00:00.000Z',
  '2026-01-01T00:00:00+01:00',
  '+002026-01-01T00:00:00Z',
  '2026-1-1',
  'today',
  '',
]

describe('cli/time-option', () => {
  it('takes a second of a day that there is', () => {
    for (const text of ['2026-02-28T23:59:59Z', '2028-02-29T00:00:00Z', '0001-01-01T00:00:00Z'])
      for (const parse of [secondOf, momentOf]) assert.equal(parse('--at', text).getTime(), Date.parse(text))
    for (const text of [...NONE, '2026-02-28']) assert.throws(() => secondOf('--at', text), fault('USAGE'))
  })

  it('takes a day for its midnight where a day is asked for', () => {
    assert.equal(momentOf('--at', '2026-01-31').toISOString(), '2026-01-31T00:00:00.000Z')
    for (const text of [...NONE, '2026-02-30']) assert.throws(() => momentOf('--at', text), fault('USAGE'))
  })

  it('refuses the 30th of February wherever a time is an option', async function () {
    this.timeout(60_000)
    const never = '2026-02-30T00:00:00Z'
    assert.throws(() => asOfIn({ 'as-of': never, 'as-of-reason': 'x' }), fault('USAGE'))
    const { status, stdout } = await sallyport([
      'export',
      'registry.example/a:1',
      '--keys',
      '/none',
      '-o',
      '/none/o.tar',
      '--created',
      never,
      '--json',
    ])
    assert.deepEqual([status, documentIn(stdout).error.subject], [2, '--created'])
  })
})
