import assert from 'node:assert/strict'
import { BroughtTags, type TagsByRepository } from '../../../src/transfer/channel/brought-tags.ts'

const APP = 'r.io/app'

describe('transfer/channel/brought-tags', () => {
  let brought: BroughtTags

  beforeEach(() => (brought = new BroughtTags()))

  /** As a log that is written and read again. */
  function bring(sequence: number, sites: readonly string[], bound: TagsByRepository): void {
    for (const row of brought.rowsFor(sequence, sites, bound)) brought.learn(row)
    brought.finished(sequence, sites)
  }

  const told = (sites: readonly string[], before: number, repository = APP): string[] =>
    [...brought.toAny(sites, repository, before)].sort()

  it('tells what bundles below a number brought to a site, in whatever order they were finished', () => {
    bring(6, ['a'], { [APP]: ['2'] })
    bring(5, ['a'], { [APP]: ['1', '2'] })
    bring(7, ['b'], { [APP]: ['3'] })
    assert.deepEqual(told(['a'], 5), [])
    assert.deepEqual(told(['a'], 6), ['1', '2'])
    assert.deepEqual(told(['a'], 9), ['1', '2'])
    assert.deepEqual(told(['a', 'b'], 9), ['1', '2', '3'])
    assert.deepEqual(told(['a'], 9, 'r.io/other'), [])
  })

  it('counts nothing of a bundle that was not finished', () => {
    for (const row of brought.rowsFor(5, ['a'], { [APP]: ['1'] })) brought.learn(row)
    assert.deepEqual(told(['a'], 9), [])
  })

  it('books what is new to one of the sites, and nothing twice', () => {
    bring(5, ['a'], { [APP]: ['1'] })
    assert.deepEqual(brought.rowsFor(6, ['a'], { [APP]: ['1'] }), [])
    assert.deepEqual(brought.rowsFor(6, ['a', 'b'], { [APP]: ['1'] }), [{ sequence: 6, tags: { [APP]: ['1'] } }])
  })

  it('divides what one row of a journal can not take', () => {
    const tags = Array.from({ length: 40_000 }, (_, at) => `${'t'.repeat(120)}${at}`)
    const rows = brought.rowsFor(5, ['a'], { [APP]: tags, constructor: ['1'] })
    assert.ok(rows.length > 1)
    assert.ok(rows.every((row) => JSON.stringify(row).length < 2 * 1024 * 1024))
    bring(5, ['a'], { [APP]: tags, constructor: ['1'] })
    assert.equal(told(['a'], 6).length, tags.length)
    assert.deepEqual(told(['a'], 6, 'constructor'), ['1'])
  })
})
