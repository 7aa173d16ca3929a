import assert from 'node:assert/strict'
import type { Code } from '../../src/errors/index.ts'
import { targetPayload } from '../../src/signature/index.ts'
import { AUTHENTIC, craftJws, SCHEME, SIGNING_TIME } from '../signature/envelope-fixture.ts'
import {
  ARTIFACT,
  issue,
  NOW,
  party,
  signed,
  stamp,
  subject,
  timestampAuthority,
  wrapped,
  type Party,
  type TokenTerms,
} from './pki-fixture.ts'
import { assertVerdict, judge, material, statement } from './policy-fixture.ts'

const SECOND = 1000
const FROM = new Date('2026-01-01T00:00:00Z')
const TO = new Date('2026-12-31T23:59:59Z')
const at = (date: Date, seconds: number): Date => new Date(date.getTime() + seconds * SECOND)

const tsa = timestampAuthority('time')

/** Trusted without a code, else the code of the refusal. */
type Outcome = Code | undefined

describe('trust/authentic-time', () => {
  const century = issue({
    subject: subject('acme', 'root'),
    kind: 'ca',
    from: '2000-01-01T00:00:00Z',
    to: '2080-01-01T00:00:00Z',
  })
  const acme = party('acme', { root: century, from: FROM, to: TO })
  const stores = { 'ca:acme': [acme.root], 'signingAuthority:acme': [acme.root], 'tsa:time': [tsa.root] }

  describe('expiry', () => {
    const expiry = new Date('2026-07-01T00:00:00Z')
    const cases: readonly [string, Date, Outcome][] = [
      ['a second before', at(expiry, -1), undefined],
      ['a millisecond before', new Date(expiry.getTime() - 1), undefined],
      ['at', expiry, 'SIGNATURE_EXPIRED'],
      ['a second after', at(expiry, 1), 'SIGNATURE_EXPIRED'],
    ]
    for (const [when, now, code] of cases)
      it(`${code === undefined ? 'trusts' : 'rejects'} ${when} the expiry`, async () => {
        const verdict = await judge(material([statement()], stores), [await signed(acme, { expiry })], { now })
        assertVerdict(verdict, code === undefined ? 'trusted' : 'rejected', code)
      })
  })

  describe('without a timestamp', () => {
    const cases: readonly [string, Date, Outcome][] = [
      ['a millisecond before notBefore', new Date(FROM.getTime() - 1), 'CERTIFICATE_EXPIRED'],
      ['at notBefore', FROM, undefined],
      ['at notAfter', TO, undefined],
      ['a millisecond after notAfter', new Date(TO.getTime() + 1), 'CERTIFICATE_EXPIRED'],
      ['ten years before', new Date('2016-06-15T12:00:00Z'), 'CERTIFICATE_EXPIRED'],
      ['ten years after', new Date('2036-06-15T12:00:00Z'), 'CERTIFICATE_EXPIRED'],
    ]
    for (const [when, now, code] of cases)
      it(`${code === undefined ? 'trusts' : 'rejects'} now ${when}`, async () => {
        const verdict = await judge(material([statement()], stores), [await signed(acme)], { now })
        assertVerdict(verdict, code === undefined ? 'trusted' : 'rejected', code)
      })

    it('goes by every certificate of the chain, not the leaf alone', async () => {
      const outlives = party('acme', { root: party('short').root, to: '2060-01-01T00:00:00Z' })
      const by = material([statement()], { 'ca:acme': [outlives.root] })
      assertVerdict(await judge(by, [await signed(outlives)]), 'trusted')
      const now = new Date('2031-01-01T00:00:00Z')
      assertVerdict(await judge(by, [await signed(outlives)], { now }), 'rejected', 'CERTIFICATE_EXPIRED')
    })

    for (const now of ['2028-02-29T12:00:00Z', '2038-01-19T03:14:08Z', '2049-12-31T23:59:59Z', '2050-01-01T00:00:00Z'])
      it(`judges at ${now} (R6)`, async () => {
        const late = party('acme', { root: century, from: '2020-01-01T00:00:00Z', to: '2060-01-01T00:00:00Z' })
        const by = material([statement()], { 'ca:acme': [century] })
        const terms = { now: new Date(now) }
        assertVerdict(await judge(by, [await signed(late)], terms), 'trusted')
        const past = party('acme', { root: century, to: at(terms.now, -1) })
        assertVerdict(await judge(by, [await signed(past)], terms), 'rejected', 'CERTIFICATE_EXPIRED')
      })
  })

  describe('scheme notary.x509.signingAuthority', () => {
    const by = material([statement({ trustStores: ['signingAuthority:acme'] })], stores)
    const cases: readonly [string, Date, Outcome][] = [
      ['at notBefore', FROM, undefined],
      ['at notAfter', TO, undefined],
      ['a second before notBefore', at(FROM, -1), 'CERTIFICATE_EXPIRED'],
      ['a second after notAfter', at(TO, 1), 'CERTIFICATE_EXPIRED'],
    ]
    for (const [when, signingTime, code] of cases)
      for (const now of [NOW, new Date('2029-06-01T00:00:00Z')])
        it(`${code === undefined ? 'trusts' : 'rejects'} signing ${when}, judged in ${now.getUTCFullYear()}`, async () => {
          const signature = wrapped(
            craftJws({
              by: { algorithm: 'ES256', key: acme.key, chain: [...acme.chain] },
              payload: targetPayload(ARTIFACT),
              signed: {
                crit: [SCHEME, AUTHENTIC],
                [SCHEME]: 'notary.x509.signingAuthority',
                [SIGNING_TIME]: undefined,
                [AUTHENTIC]: signingTime.toISOString().replace('.000', ''),
              },
            }),
            'jws',
          )
          const verdict = await judge(by, [signature], { now })
          assertVerdict(verdict, code === undefined ? 'trusted' : 'rejected', code)
        })
  })

  describe('timestamps', () => {
    const now = new Date('2027-06-01T00:00:00Z') // acme has expired
    const verifying = (verifyTimestamp?: string, over: Record<string, unknown> = {}): ReturnType<typeof material> =>
      material(
        [
          statement({
            trustStores: ['ca:acme', 'tsa:time'],
            signatureVerification: {
              level: 'strict',
              override: { revocation: 'skip' },
              ...(verifyTimestamp && { verifyTimestamp }),
            },
            ...over,
          }),
        ],
        stores,
      )
    const stamped = (terms: TokenTerms, authority: Party = tsa): ReturnType<typeof signed> =>
      signed(acme, { timestamp: stamp(authority, terms) })

    const range: readonly [string, Date, number | undefined, Outcome][] = [
      ['in the middle', NOW, undefined, undefined],
      ['at notBefore', FROM, undefined, undefined],
      ['at notAfter', TO, undefined, undefined],
      ['a second before notBefore', at(FROM, -1), undefined, 'CERTIFICATE_EXPIRED'],
      ['a second after notAfter', at(TO, 1), undefined, 'CERTIFICATE_EXPIRED'],
      ['10 s after notBefore with an accuracy of 10 s', at(FROM, 10), 10, undefined],
      ['10 s after notBefore with an accuracy of 11 s', at(FROM, 10), 11, 'CERTIFICATE_EXPIRED'],
      ['10 s before notAfter with an accuracy of 10 s', at(TO, -10), 10, undefined],
      ['10 s before notAfter with an accuracy of 11 s', at(TO, -10), 11, 'CERTIFICATE_EXPIRED'],
    ]
    for (const [when, genTime, accuracySeconds, code] of range)
      it(`${code === undefined ? 'trusts' : 'rejects'} a timestamp ${when}`, async () => {
        const terms = { genTime: genTime.toISOString(), ...(accuracySeconds !== undefined && { accuracySeconds }) }
        const verdict = await judge(verifying(), [await stamped(terms)], { now })
        assertVerdict(verdict, code === undefined ? 'trusted' : 'rejected', code)
        assert.deepEqual(verdict.signatures[0]?.timestamp, code === undefined ? genTime : undefined)
      })

    it('rejects an expired chain without a timestamp, and asks for one only where a tsa store is named', async () => {
      const bare = await signed(acme)
      assertVerdict(await judge(verifying(), [bare], { now }), 'rejected', 'TIMESTAMP_INVALID')
      assertVerdict(await judge(material([statement()], stores), [bare], { now }), 'rejected', 'CERTIFICATE_EXPIRED')
    })

    it('asks for one always by default, and with afterCertExpiry only when the chain has expired', async () => {
      const bare = await signed(acme)
      const soon = { now: NOW }
      assertVerdict(await judge(verifying(), [bare], soon), 'rejected', 'TIMESTAMP_INVALID')
      assertVerdict(await judge(verifying('always'), [bare], soon), 'rejected', 'TIMESTAMP_INVALID')
      assertVerdict(await judge(verifying('afterCertExpiry'), [bare], soon), 'trusted')
      assertVerdict(await judge(verifying('afterCertExpiry'), [bare], { now: TO }), 'trusted')
      assertVerdict(
        await judge(verifying('afterCertExpiry'), [bare], { now: at(TO, 1) }),
        'rejected',
        'TIMESTAMP_INVALID',
      )
      const early = { now: at(FROM, -1) }
      assertVerdict(await judge(verifying('afterCertExpiry'), [bare], early), 'rejected', 'CERTIFICATE_EXPIRED')
      const good = await stamped({ genTime: NOW.toISOString() })
      assertVerdict(await judge(verifying('afterCertExpiry'), [good], { now }), 'trusted')
    })

    const genTime = NOW.toISOString()
    const bad: readonly [string, () => ReturnType<typeof signed>][] = [
      ['of other bytes', () => stamped({ genTime, data: Buffer.from('other') })],
      ['by an authority of no store', () => stamped({ genTime }, timestampAuthority('unknown'))],
      ['by a twin of the authority', () => stamped({ genTime }, timestampAuthority('time'))],
      [
        'by an authority not yet valid then',
        () => stamped({ genTime }, timestampAuthority('time', { root: tsa.root, from: '2026-07-01T00:00:00Z' })),
      ],
      [
        'by an authority expired then',
        () => stamped({ genTime }, timestampAuthority('time', { root: tsa.root, to: '2026-06-01T00:00:00Z' })),
      ],
      ['by a signer of artifacts under the root', () => stamped({ genTime }, party('time', { root: tsa.root }))],
      ['by an authority that another signer issued', () => stamped({ genTime }, underNoAuthority())],
      ['that is no token', () => signed(acme, { timestamp: async () => Buffer.from('token') })],
    ]
    for (const [what, make] of bad)
      it(`rejects a timestamp ${what}`, async () =>
        assertVerdict(await judge(verifying(), [await make()], { now }), 'rejected', 'TIMESTAMP_INVALID'))

    it('trusts an authority that has expired since', async () => {
      const past = timestampAuthority('time', { root: tsa.root, to: '2026-07-01T00:00:00Z' })
      assertVerdict(await judge(verifying(), [await stamped({ genTime }, past)], { now }), 'trusted')
    })

    it('does not take a `ca` root for a timestamp authority', async () => {
      const by = material([statement({ trustStores: ['ca:acme', 'ca:time', 'tsa:none'] })], {
        ...stores,
        'ca:time': [tsa.root],
        'tsa:none': [timestampAuthority('none').root],
      })
      assertVerdict(await judge(by, [await stamped({ genTime })], { now }), 'rejected', 'TIMESTAMP_INVALID')
    })

    it('finds the root in the store when the token does not carry it', async () => {
      const [leaf] = tsa.chain
      assert.ok(leaf)
      assertVerdict(
        await judge(verifying(), [await stamped({ genTime }, { ...tsa, chain: [leaf] })], { now }),
        'trusted',
      )
    })

    it('looks at no token under the scheme signingAuthority', async () => {
      const by = material([statement({ trustStores: ['signingAuthority:acme', 'tsa:time'] })], stores)
      const signature = await signed(acme, { scheme: 'notary.x509.signingAuthority' })
      assertVerdict(await judge(by, [signature], { now }), 'trusted')
    })

    it('proves nothing about the time of expiry', async () => {
      const terms = { expiry: new Date('2027-01-01T00:00:00Z'), timestamp: stamp(tsa, { genTime }) }
      assertVerdict(await judge(verifying(), [await signed(acme, terms)], { now }), 'rejected', 'SIGNATURE_EXPIRED')
    })
  })
})

/** A timestamp signer whose issuer under the trusted root is no authority. */
function underNoAuthority(): Party {
  const middle = issue({ subject: subject('time', 'middle'), by: tsa.root, kind: 'signer' })
  const leaf = issue({ subject: subject('time', 'tsa'), by: middle, kind: 'tsa' })
  return { key: leaf.key, root: tsa.root, chain: [leaf.certificate, middle.certificate, tsa.root.certificate] }
}
