import assert from 'node:assert/strict'
import { isFault } from '../../../src/errors/index.ts'
import { tagsMatching } from '../../../src/transfer/place/tag-pattern.ts'

const TAGS = ['1.2', '1.3-alpine', '2.0', 'latest', 'v2.1', 'v2.10', '.x', '_']

describe('transfer/place/tag-pattern', () => {
  it('takes what a glob takes', () => {
    for (const [pattern, taken] of [
      ['*', TAGS],
      ['v2.*', ['v2.1', 'v2.10']],
      ['{1,2}.*', ['1.2', '1.3-alpine', '2.0']],
      ['v2.?', ['v2.1']],
      ['[0-9].[0-9]', ['1.2', '2.0']],
      ['!(v*|*.*)', ['latest', '_']],
      ['latest', ['latest']],
      ['[', []],
    ] as const)
      assert.deepEqual(tagsMatching(TAGS, pattern, 'h.example/a'), taken, pattern)
  })

  it('takes a million tags in a few seconds', () => {
    const tags = Array.from({ length: 1_000_000 }, (_, i) => `v1.${i}`)
    assert.equal(tagsMatching(tags, 'v1.*7*', 'h.example/a').length, 468_559)
  })

  it('gives up on tags that are made to be tried for ever', function () {
    this.timeout(30_000)
    // A tag of the first kind takes 2^60 steps, and each of the others a third of a second.
    const many = Array.from({ length: 10_000 }, (_, i) => `${'-'.repeat(120)}${i}`)
    for (const [tags, pattern] of [
      [['vr'.repeat(60)], '*(v*|r*)-x'],
      [many, '*-*-*-*-alpine'],
    ] as const)
      assert.throws(
        () => tagsMatching(tags, pattern, 'h.example/a'),
        (error) => isFault(error, 'LIMIT_EXCEEDED') && error.subject === 'h.example/a',
      )
  })
})
