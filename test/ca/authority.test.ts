import assert from 'node:assert/strict'
import { demandMayIssue, roomBelow, type Authority, type Wanted } from '../../src/ca/index.ts'
import { isFault } from '../../src/errors/index.ts'

const NOW = new Date('2026-06-01T00:00:00Z')
const AUTHORITY: Authority = {
  name: 'issuing',
  kind: 'ca',
  timestamping: false,
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2028-01-01T00:00:00Z'),
  room: 2,
  scope: ['r.site/team/*'],
}
const WANTED: Wanted = {
  kind: 'signer',
  notAfter: new Date('2027-01-01T00:00:00Z'),
  pathLength: undefined,
  scope: ['r.site/team/app'],
}

function refused(authority: Partial<Authority>, wanted: Partial<Wanted>, now = NOW): void {
  const run = (): void => demandMayIssue({ ...AUTHORITY, ...authority }, { ...WANTED, ...wanted }, now)
  assert.throws(run, (error) => isFault(error, 'CA_SCOPE') && error.subject === 'issuing')
}

describe('ca/authority', () => {
  it('lets an authority issue within its limits, to the last second', () => {
    demandMayIssue(AUTHORITY, WANTED, NOW)
    demandMayIssue(AUTHORITY, { ...WANTED, notAfter: AUTHORITY.notAfter }, AUTHORITY.notAfter)
    demandMayIssue(AUTHORITY, { ...WANTED, kind: 'ca', pathLength: 1 }, AUTHORITY.notBefore)
    demandMayIssue({ ...AUTHORITY, room: undefined }, { ...WANTED, kind: 'ca', pathLength: undefined }, NOW)
    demandMayIssue({ ...AUTHORITY, kind: 'root', timestamping: true }, { ...WANTED, kind: 'tsa' }, NOW)
  })

  it('refuses what signs and is no authority', () => {
    refused({ kind: 'signer' }, {})
    refused({ kind: 'tsa', timestamping: true }, { kind: 'tsa' })
  })

  it('refuses before the issuer begins and after it ended', () => {
    refused({}, {}, new Date('2025-12-31T23:59:59Z'))
    refused({}, {}, new Date('2028-01-01T00:00:01Z'))
  })

  it('refuses what would outlive its issuer', () => refused({}, { notAfter: new Date('2028-01-01T00:00:01Z') }))

  it('refuses an authority where the path length leaves no room, and one that takes too much', () => {
    refused({ room: 0 }, { kind: 'ca', pathLength: 0 })
    refused({}, { kind: 'ca', pathLength: 2 })
    refused({}, { kind: 'ca', pathLength: undefined })
  })

  it('refuses a scope beyond its own, and none where it has one', () => {
    refused({}, { scope: ['r.site/team/app', 'r.site/other'] })
    refused({}, { scope: [] })
  })

  it('refuses a signer of artifacts to what was made for timestamps', () => refused({ timestamping: true }, {}))

  it('counts room by every path length above', () => {
    assert.equal(roomBelow([]), undefined)
    assert.equal(roomBelow([undefined, undefined]), undefined)
    assert.equal(roomBelow([1, 5]), 1)
    assert.equal(roomBelow([undefined, 1]), 0)
    assert.equal(roomBelow([3, undefined, 2]), 0)
  })
})
