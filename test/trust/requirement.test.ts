import assert from 'node:assert/strict'
import fc from 'fast-check'
import { assignSigners, type Meeting } from '../../src/trust/requirement.ts'

/** How many statements can be met at once, by trying every choice. */
function most(statements: number, meetings: readonly Meeting[], taken: ReadonlySet<string> = new Set()): number {
  if (statements === 0) return 0
  const last = statements - 1
  const choices = meetings.filter(({ statement, signer }) => statement === last && !taken.has(signer))
  return Math.max(
    most(last, meetings, taken),
    ...choices.map(({ signer }) => 1 + most(last, meetings, new Set([...taken, signer]))),
  )
}

describe('trust/requirement', () => {
  it('asks a signer who is taken to stand for another statement', () => {
    const meetings = [
      { statement: 0, signer: 'a' },
      { statement: 0, signer: 'b' },
      { statement: 1, signer: 'a' },
    ]
    assert.deepEqual(
      assignSigners(2, meetings),
      new Map([
        [0, 'b'],
        [1, 'a'],
      ]),
    )
  })

  it('asks along a whole row of signers', () => {
    const meetings = ['a', 'b', 'c'].flatMap((signer, i) => [
      { statement: i, signer },
      { statement: i, signer: 'bcd'[i] ?? '' },
    ])
    assert.equal(assignSigners(4, [...meetings, { statement: 3, signer: 'a' }]).size, 4)
  })

  it('counts nobody for nothing', () => {
    assert.deepEqual(assignSigners(0, []), new Map())
    assert.deepEqual(assignSigners(2, []), new Map())
  })

  it('meets as many as can be met, by different signers who do meet them', () => {
    const meeting = fc.record({ statement: fc.nat(4), signer: fc.constantFrom('a', 'b', 'c', 'd', 'e') })
    fc.assert(
      fc.property(fc.array(meeting, { maxLength: 14 }), (meetings) => {
        const met = assignSigners(5, meetings)
        assert.equal(met.size, most(5, meetings))
        assert.equal(new Set(met.values()).size, met.size)
        for (const [statement, signer] of met)
          assert.ok(meetings.some((one) => one.statement === statement && one.signer === signer))
      }),
    )
  })
})
