import assert from 'node:assert/strict'
import { isFault } from '../../src/errors/index.ts'
import { checkFresh, isExpiry } from '../../src/tuf/expiry.ts'

const place = { side: 'bundle', subject: 'x' } as const

describe('tuf/expiry', () => {
  it('knows its one form', () => {
    for (const good of ['2026-01-02T03:04:05Z', '2028-02-29T00:00:00Z', '0001-01-01T00:00:00Z'])
      assert.ok(isExpiry(good), good)
    const bad = ['', '2026-01-02', '2026-01-02T03:04:05', '2026-01-02T03:04:05.0Z', '2026-01-02T03:04:05z']
    const worse = ['2027-02-29T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-01T24:00:00Z', '+012026-01-01T00:00:00Z']
    for (const text of [...bad, ...worse, '2026-01-02T03:04:05Z\n', 7, null]) assert.ok(!isExpiry(text), String(text))
  })

  it('refuses from the very second on', () => {
    const expires = '2026-01-02T03:04:05Z'
    checkFresh(expires, new Date('2026-01-02T03:04:04.999Z'), place)
    for (const now of ['2026-01-02T03:04:05.000Z', '2027-01-01T00:00:00Z', 'never'])
      assert.throws(
        () => checkFresh(expires, new Date(now), place),
        (error) => isFault(error, 'EXPIRED'),
      )
  })
})
