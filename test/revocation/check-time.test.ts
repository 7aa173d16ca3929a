/** R5: a key that was lost, and signatures that say they were made before. */
import assert from 'node:assert/strict'
import { derSequence } from '../../src/codec/index.ts'
import { parseAnswer, parseList, revocationCheck, type RevocationResult } from '../../src/revocation/index.ts'
import type { Certificate } from '../../src/signature/index.ts'
import { Authority, lists, responders } from './authority.ts'
import { acme, certificate, curveKey, extension } from '../signature/hand-made.ts'
import { entry, fullName, invalidity, listAuthority, listDer, reason, uri } from './list-maker.ts'
import { Held } from './held.ts'

const URL = 'http://crl.example/a.crl'
const NOW = new Date('2026-04-15T00:00:00Z')
const SIGNED = new Date('2026-02-01T00:00:00Z')
const DAY = 86_400

type Query = Parameters<ReturnType<typeof revocationCheck>>[0]
type Status = RevocationResult['status']

/** What vouches for the time of signing. What the signer alone claims is in no query: nobody asks for it. */
const VOUCHED: Readonly<Record<string, Partial<Query>>> = {
  'a claim alone': {},
  'a signing authority': { signingTime: SIGNED },
  'a timestamp': { timestampTime: SIGNED },
}
const LOST: Readonly<Record<string, string>> = {
  'no invalidityDate': 'keyCompromise',
  'one after it was signed': 'keyTime,20260201000001Z',
  'one at or before it was signed': 'keyTime,20260201000000Z',
}
/** Row by row, column by column. */
const AS_NOTATION: readonly (readonly Status[])[] = [
  ['revoked', 'revoked', 'revoked'],
  ['revoked', 'good', 'revoked'],
  ['revoked', 'revoked', 'revoked'],
]
const AS_SPECIFIED: readonly (readonly Status[])[] = [
  ['revoked', 'revoked', 'revoked'],
  ['revoked', 'good', 'revoked'],
  ['revoked', 'good', 'revoked'],
]

describe('revocation/check-time', function () {
  this.timeout(120_000)
  let root: Authority
  let leaf: Certificate
  before(() => {
    root = new Authority('root')
    leaf = root.issue('leaf', [lists(URL)])
  })
  after(() => root.remove())

  const holding = (why: string, more: { until?: string } = {}): Held => {
    const list = root.list({ number: 1, revoked: [{ serial: leaf.serial, at: '260310000000Z', why }], ...more })
    return new Held().list(root.certificate, URL, parseList(list))
  }
  const ask = (
    held: Held,
    query: Partial<Query>,
    timestampCounts = false,
    certificate = leaf,
    now = NOW,
  ): RevocationResult =>
    revocationCheck(held, { now, mustHave: new Set(), timestampCounts })({
      chain: [certificate, root.certificate],
      purpose: 'codeSigning',
      ...query,
    })

  for (const [option, table] of [
    [false, AS_NOTATION],
    [true, AS_SPECIFIED],
  ] as const)
    for (const [row, [who, query]] of Object.entries(VOUCHED).entries())
      for (const [column, [when, why]] of Object.entries(LOST).entries()) {
        const expected = table[row]?.[column]
        it(`R5 says ${expected} by ${who} and ${when}, timestamps ${option ? 'count' : 'do not count'}`, () => {
          assert.equal(ask(holding(why), query, option).status, expected)
        })
      }

  it('tells that the certificate was excused', () => {
    const found = ask(holding('keyTime,20260301000000Z'), { signingTime: SIGNED })
    assert.equal(found.status === 'good' && found.notes?.length, 1)
  })

  it('excuses no revocation by a list that is stale: whether a newer one says more is not known', () => {
    const late = holding('keyTime,20260301000000Z', { until: '260410000000Z' })
    assert.equal(ask(late, { signingTime: SIGNED }).status, 'unknown')
    assert.equal(ask(late, {}).status, 'revoked')
  })

  it('goes by the signing authority where there is a timestamp too', () => {
    const held = holding('keyTime,20260115000000Z')
    const early = new Date('2026-01-01T00:00:00Z')
    assert.equal(ask(held, { signingTime: SIGNED, timestampTime: early }, true).status, 'revoked')
    assert.equal(ask(held, { timestampTime: early }, true).status, 'good')
  })

  it('goes by the list that the certificate names for since when, and by any other for whether', () => {
    const plain = parseList(root.list({ number: 1, revoked: [{ serial: leaf.serial }] }))
    const other = (held: Held): Held => held.list(root.certificate, `${URL}?old`, plain)
    assert.equal(ask(other(holding('keyTime,20260301000000Z')), { signingTime: SIGNED }).status, 'good')
    assert.equal(ask(other(holding('keyTime,20260301000000Z')), {}).status, 'revoked')
    assert.equal(ask(other(holding('certificateHold')), { signingTime: SIGNED }).status, 'revoked')
    const silent = new Held().list(root.certificate, URL, parseList(root.list({ number: 2 })))
    assert.equal(ask(other(silent), { signingTime: SIGNED }).status, 'revoked')
  })

  it('excuses no timestamp authority by a time, which it could have made itself', () => {
    const held = holding('keyTime,20260301000000Z')
    const times = { signingTime: SIGNED, timestampTime: SIGNED }
    assert.equal(ask(held, { ...times, purpose: 'timestamping' }, true).status, 'revoked')
    assert.equal(ask(held, { ...times, purpose: 'codeSigning' }, true).status, 'good')
  })

  it('goes by the invalidityDate of what later lists dropped, too', () => {
    const held = new Held()
    const revoked = [{ serial: leaf.serial, why: 'keyTime,20260301000000Z' }]
    held.offer(root.certificate, URL, parseList(root.list({ number: 1, revoked })), NOW)
    held.offer(root.certificate, URL, parseList(root.list({ number: 2 })), NOW)
    assert.equal(ask(held, { signingTime: SIGNED }).status, 'good')
    assert.equal(ask(held, { signingTime: new Date('2026-03-02T00:00:00Z') }).status, 'revoked')
    assert.equal(ask(held, {}).status, 'revoked')
  })

  it('excuses a hold as well', () => {
    const authority = listAuthority()
    const issuer = { privateKey: authority.key.privateKey, name: authority.name }
    const points = extension('2.5.29.31', derSequence(derSequence(fullName(uri(URL)))))
    const signer = certificate({ key: curveKey('P-256'), subject: acme('signer'), issuer, extensions: [points] })
    const entries = [entry(signer.serial, [reason(6), invalidity('20260201000001Z')])]
    const held = new Held().list(authority.certificate, URL, parseList(listDer({ authority, entries })))
    const by = (query: Partial<Query>): string => {
      const chain = [signer, authority.certificate]
      const terms = { now: new Date('2026-06-15T00:00:00Z'), mustHave: new Set<string>() }
      return revocationCheck(held, terms)({ chain, purpose: 'codeSigning', ...query }).status
    }
    assert.equal(by({ signingTime: SIGNED }), 'good')
    assert.equal(by({ signingTime: new Date('2026-02-01T00:00:01Z') }), 'revoked')
    assert.equal(by({}), 'revoked')
  })

  it('goes by the invalidityDate of an OCSP answer', () => {
    const asked = root.issue('asked', [responders('http://ocsp.example')])
    const revoked = [{ serial: asked.serial, why: 'keyTime,20260301000000Z' }]
    const held = new Held().hold(root.certificate, asked, parseAnswer(root.answer({ about: [asked], revoked })))
    const now = new Date()
    assert.equal(ask(held, { signingTime: SIGNED }, false, asked, now).status, 'good')
    assert.equal(ask(held, { signingTime: new Date('2026-03-02T00:00:00Z') }, false, asked, now).status, 'revoked')
    assert.equal(ask(held, {}, false, asked, now).status, 'revoked')
    const later = new Date(now.getTime() + 2 * DAY * 1000)
    assert.equal(ask(held, { signingTime: SIGNED }, false, asked, later).status, 'unknown')
  })
})
