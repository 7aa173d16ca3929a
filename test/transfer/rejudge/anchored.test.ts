import assert from 'node:assert/strict'
import type { TrustedSignature } from '../../../src/state/index.ts'
import { leadToAnchors } from '../../../src/transfer/rejudge/anchored.ts'
import type { StatementAnchors } from '../../../src/trust/index.ts'
import { sha } from '../../state/lists.ts'

type Kind = 'ca' | 'signingAuthority' | 'tsa'

function under(stores: Partial<Record<Kind, string[]>>): StatementAnchors {
  return new Map(Object.entries(stores).map(([kind, names]) => [kind as Kind, new Set(names.map(sha))]))
}

function signature(statement: string, chain: readonly string[], stamped?: readonly string[]): TrustedSignature {
  return { statement, chain: chain.map(sha), ...(stamped && { timestampChain: stamped.map(sha) }) }
}

const CHAIN = ['leaf', 'ca', 'root']
const OTHER = ['other leaf', 'other root']

describe('transfer/rejudge/anchored', () => {
  it('leads to an anchor anywhere in the chain', () => {
    for (const anchor of CHAIN)
      assert.ok(leadToAnchors([signature('a', CHAIN)], new Map([['a', under({ ca: [anchor] })]])), anchor)
    assert.ok(!leadToAnchors([signature('a', CHAIN)], new Map([['a', under({ ca: ['other root'] })]])))
  })

  it('wants an anchor for each signature', () => {
    const both = [signature('a', CHAIN), signature('a', OTHER)]
    assert.ok(leadToAnchors(both, new Map([['a', under({ ca: ['root', 'other root'] })]])))
    assert.ok(!leadToAnchors(both, new Map([['a', under({ ca: ['root'] })]])))
    assert.ok(!leadToAnchors(both, new Map([['a', under({ ca: ['other root'] })]])))
  })

  it('wants an anchor of the statement that was met, and not of another', () => {
    const anchors = new Map([
      ['a', under({ ca: ['other root'] })],
      ['b', under({ ca: ['root', 'other root'] })],
    ])
    assert.ok(leadToAnchors([signature('a', OTHER), signature('b', CHAIN)], anchors))
    assert.ok(!leadToAnchors([signature('a', CHAIN), signature('b', OTHER)], anchors))
    assert.ok(!leadToAnchors([signature('c', CHAIN)], anchors))
  })

  it('keeps the kinds of stores apart, and takes an empty one for no anchor', () => {
    const stamped = signature('a', CHAIN, OTHER)
    const leads = (stores: Parameters<typeof under>[0]): boolean =>
      leadToAnchors([stamped], new Map([['a', under(stores)]]))
    assert.ok(leads({ ca: ['root'], tsa: ['other root'] }))
    assert.ok(leads({ signingAuthority: ['root'] }), 'a statement that asks for no timestamp')
    assert.ok(!leads({ ca: ['root'], tsa: ['root'] }))
    assert.ok(!leads({ ca: ['root'], tsa: [] }))
    assert.ok(!leads({ ca: ['root'], signingAuthority: ['other root'] }), 'the scheme is not known')
    assert.ok(!leads({ ca: [] }))
    assert.ok(!leads({ tsa: ['other root', 'root'] }))
  })

  it('holds of what was trusted by no signature, which a policy skips', () => {
    assert.ok(leadToAnchors([], new Map([['a', under({})]])))
  })
})
