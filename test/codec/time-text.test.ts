import assert from 'node:assert/strict'
import { isTimeText, timeText, wholeSecond } from '../../src/codec/index.ts'

describe('codec/time-text', () => {
  const time = new Date('2026-02-03T04:05:06.999Z')

  it('writes whole seconds, cut off', () => {
    assert.equal(timeText(time), '2026-02-03T04:05:06Z')
    assert.equal(wholeSecond(time).toISOString(), '2026-02-03T04:05:06.000Z')
  })

  it('knows a time that exists, in its one spelling', () => {
    for (const good of ['2026-02-03T04:05:06Z', '2028-02-29T00:00:00Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z'])
      assert.ok(isTimeText(good), good)
    const bad = ['', '2026-02-03', '2026-02-03T04:05:06.000Z', '2026-02-03T04:05:06+00:00', '2027-02-29T00:00:00Z']
    for (const text of [...bad, '2026-01-01T24:00:00Z', '2026-01-01T23:59:60Z', '+012026-01-01T00:00:00Z'])
      assert.ok(!isTimeText(text), text)
  })
})
