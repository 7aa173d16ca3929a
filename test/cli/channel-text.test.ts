import assert from 'node:assert/strict'
import { confineText } from '../../src/cli/channel-text.ts'

describe('cli/channel-text', () => {
  const words = (into: string[] | null): string[] =>
    confineText({ channel: 'vendor-b', into, dryRun: false }).join(' ').split(/,? /)

  it('names the first paths that a channel is confined to, and none where it is not', () => {
    assert.ok(!['into', 'alone'].some((word) => words(null).includes(word)))
    assert.deepEqual(words(['a', 'b', 'c', 'd', 'e']).slice(-8), ['into', 'a', 'b', 'c', 'and', '2', 'more', 'alone'])
  })
})
