import assert from 'node:assert/strict'
import { readRfc3339 } from '../../src/signature/rfc3339.ts'

describe('signature/rfc3339', () => {
  const times: readonly [string, string][] = [
    ['2026-02-03T04:05:06Z', '2026-02-03T04:05:06.000Z'],
    ['2023-06-27T13:30:33+08:00', '2023-06-27T05:30:33.000Z'],
    ['2024-02-29T23:59:59-23:59', '2024-03-01T23:58:59.000Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
  ]
  for (const [text, iso] of times) {
    it(`reads ${text}`, () => {
      assert.equal(readRfc3339(text)?.toISOString(), iso)
    })
  }

  const none: readonly unknown[] = [
    '2026-02-03T04:05:06',
    '2026-02-03T04:05:06.5Z',
    '2026-02-03T04:05:06.000Z',
    '2026-02-03t04:05:06z',
    '2026-02-30T04:05:06Z',
    '2023-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-02-03T24:00:00Z',
    '2026-02-03T23:59:60Z',
    '2026-02-03T04:05:06+24:00',
    '2026-02-03T04:05:06+08:60',
    '2026-02-03T04:05:06+0800',
    '2026-02-03 04:05:06Z',
    ' 2026-02-03T04:05:06Z',
    '2026-02-03T04:05:06Z\n',
    '12026-02-03T04:05:06Z',
    '',
    '0',
    undefined,
    null,
    1_767_323_045,
    new Date(0),
    ['2026-02-03T04:05:06Z'],
  ]
  for (const text of none) {
    it(`refuses ${JSON.stringify(text) ?? 'undefined'}`, () => {
      assert.equal(readRfc3339(text), undefined)
    })
  }
})
