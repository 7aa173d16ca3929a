import assert from 'node:assert/strict'
import { createPublicKey, type KeyObject } from 'node:crypto'
import { DELEGATION_CAP, KEY_ALGORITHMS, readDelegation, writeDelegation, type Delegation } from '../../src/ca/index.ts'
import { isFault } from '../../src/errors/index.ts'
import { fixtureKey } from '../../fixtures/chains/keys.ts'

const RECORD: Omit<Delegation, 'format'> = {
  kind: 'ca',
  purpose: 'signing',
  from: { subject: 'CN=root,O=Acme,ST=none,C=XX', certificate: 'a'.repeat(64) },
  to: { subject: 'CN=team "a",O=Ä\\,B,ST=none,C=XX', certificate: 'b'.repeat(64) },
  scope: ['r.site/team/*'],
  notBefore: '2026-01-01T00:00:00Z',
  notAfter: '2027-01-01T00:00:00Z',
  pathLength: 0,
  crlUrl: 'http://crl.example/team.crl',
}
const { key, issuer } = fixtureKey('ES256', 'delegating')
const PUBLIC = createPublicKey(key)

function read(text: string | Uint8Array, by: KeyObject = PUBLIC): Delegation {
  return readDelegation(Buffer.from(text), by, 'delegation.json')
}

function refused(text: string | Uint8Array, by: KeyObject = PUBLIC): void {
  assert.throws(
    () => read(text, by),
    (error) => isFault(error, 'CA_MALFORMED', 'JSON_MALFORMED'),
  )
}

/** The signed record with a change that its signer did not make. */
function forged(change: Record<string, unknown>): string {
  return JSON.stringify({ ...(JSON.parse(writeDelegation(RECORD, issuer)) as object), ...change })
}

describe('ca/delegation', () => {
  for (const algorithm of KEY_ALGORITHMS) {
    it(`reads back a record signed with ${algorithm}`, () => {
      const by = fixtureKey(algorithm, 'delegating')
      const text = writeDelegation(RECORD, by.issuer)
      assert.deepEqual(read(text, createPublicKey(by.key)), { format: 'sallyport-delegation/1', ...RECORD })
    })
  }

  it('reads a record that nobody delegated, without limits', () => {
    const root = { ...RECORD, kind: 'root', from: null, scope: [], pathLength: null, crlUrl: null } as const
    assert.deepEqual(read(writeDelegation({ ...root, scope: [] }, issuer)), {
      format: 'sallyport-delegation/1',
      ...root,
    })
  })

  it('reads it in whatever order and space its members stand', () => {
    const members = Object.entries(JSON.parse(writeDelegation(RECORD, issuer)) as object).reverse()
    assert.equal(read(JSON.stringify(Object.fromEntries(members), null, 2)).kind, 'ca')
  })

  for (const [what, change] of [
    ['a wider scope', { scope: ['r.site/*'] }],
    ['no scope', { scope: [] }],
    ['a longer time', { notAfter: '2037-01-01T00:00:00Z' }],
    ['a longer path', { pathLength: 9 }],
    ['another certificate', { to: { ...RECORD.to, certificate: 'c'.repeat(64) } }],
    ['another purpose', { purpose: 'timestamping' }],
    ['no delegating party', { from: null }],
    ['a further member', { note: 'x' }],
    ['a scope that is none', { scope: ['*'] }],
    ['another format', { format: 'sallyport-delegation/2' }],
    ['a name with a control character', { to: { ...RECORD.to, subject: 'CN=a\u001b[2J' } }],
    ['an address with a control character', { crlUrl: 'http://crl.example/\n' }],
    ['no signature', { signature: '' }],
    ['a signature of junk', { signature: 'AAAA' }],
  ] as const)
    it(`refuses ${what} that the delegating key did not sign`, () => {
      assert.equal(read(forged({})).kind, 'ca')
      refused(forged(change))
    })

  it('refuses a signature by another key, or over the bare record', () => {
    refused(writeDelegation(RECORD, fixtureKey('ES256', 'someone else').issuer))
    const { signature: _, ...bare } = JSON.parse(writeDelegation(RECORD, issuer)) as Record<string, unknown>
    refused(forged({ signature: issuer.sign(Buffer.from(JSON.stringify(bare))).toString('base64') }))
    refused(writeDelegation(RECORD, issuer), createPublicKey(fixtureKey('ES384', 'delegating').key))
  })

  it('refuses what is too long, damaged or doubled', () => {
    const text = writeDelegation(RECORD, issuer)
    refused(Buffer.concat([Buffer.from(text), Buffer.alloc(DELEGATION_CAP, ' ')]))
    refused(text.slice(0, -3))
    refused(text.replace('{', '{"kind":"ca",'))
    refused('[]')
  })
})
