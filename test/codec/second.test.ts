import assert from 'node:assert/strict'
import { isSecond } from '../../src/codec/index.ts'

describe('codec/second', () => {
  it('takes each second that there is, in one spelling', () => {
    for (const text of ['2026-11-30T21:28:00Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2028-02-29T00:00:00Z'])
      assert.ok(isSecond(text), text)
  })

  it('refuses what Date moves to another day, or makes nothing of', () => {
    const none = ['2026-02-30T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-01T24:00:00Z', '2026-01-01T23:59:60Z']
    const other = ['2026-01-01', '2026-01-01T00:00:00.000Z', '2026-01-01t00:00:00Z', '2026-01-01T00:00:00+00:00', '']
    for (const text of [...none, ...other, '+010000-01-01T00:00:00Z', 1_767_225_600_000, null])
      assert.ok(!isSecond(text), String(text))
  })
})
