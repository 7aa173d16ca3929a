import assert from 'node:assert/strict'
import { leadsToAnchors } from '../../../src/transfer/rejudge/anchored.ts'
import { certificateOf, sha } from '../../state/lists.ts'

const known = new Map(
  [
    ['leaf', 'ca'],
    ['ca', 'root'],
    ['root', 'root'],
    ['other leaf', 'other root'],
    ['other root', 'other root'],
  ].map(([name = '', by = '']) => [sha(name), certificateOf(name, { issuer: sha(`key of ${by}`) })]),
)

function leads(behind: readonly string[], ...anchors: string[]): boolean {
  return leadsToAnchors(behind.map(sha), (sha256) => known.get(sha256), new Set(anchors.map(sha)))
}

describe('transfer/rejudge/anchored', () => {
  it('leads to an anchor anywhere on the way up', () => {
    for (const anchor of ['leaf', 'ca', 'root']) assert.ok(leads(['leaf', 'ca', 'root'], anchor), anchor)
    assert.ok(!leads(['leaf', 'ca', 'root'], 'other root'))
  })

  it('wants an anchor for each signature: the one that was counted may be the one whose anchor is gone', () => {
    const both = ['leaf', 'ca', 'root', 'other leaf', 'other root']
    assert.ok(leads(both, 'root', 'other root'))
    assert.ok(!leads(both, 'root'))
    assert.ok(!leads(both, 'other root'))
  })

  it('leads nowhere from what the state does not know, or from nothing', () => {
    assert.ok(!leads([], 'root'))
    assert.ok(!leads(['leaf', 'ca', 'root', 'nobody'], 'root'))
  })
})
