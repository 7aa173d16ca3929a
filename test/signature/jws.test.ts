import assert from 'node:assert/strict'
import { createHmac, sign } from 'node:crypto'
import { JWS } from '../../src/signature/envelope.ts'
import {
  AGENT,
  AUTHENTIC,
  CTY,
  EXPIRY,
  MIN_VERSION,
  PLUGIN,
  SCHEME,
  SIGNING_TIME,
  TIMESTAMP,
  assertAsNotationWrites,
  openJws,
  party,
  protectedJson,
  refuses,
  rootAsSigner,
  type JwsCraft,
} from './envelope-fixture.ts'
import type { Code } from '../../src/errors/index.ts'

const LATER = '2027-01-02T03:04:05Z'
const authority = { crit: [SCHEME, AUTHENTIC], [SCHEME]: 'notary.x509.signingAuthority', [SIGNING_TIME]: undefined }

describe('signature/jws', () => {
  describe('reads', () => {
    it('reads an envelope as notation writes it', () => {
      const opened = openJws({ header: { [AGENT]: 'notation-go/1.3.2', [TIMESTAMP]: 'AQID' } })
      assertAsNotationWrites(opened, JWS)
    })

    it('reads the scheme of the signing authority, with its own time', () => {
      const opened = openJws({ signed: { ...authority, [AUTHENTIC]: '2026-01-02T03:04:05+01:00' } })
      assert.equal(opened.scheme, 'notary.x509.signingAuthority')
      assert.equal(opened.authenticSigningTime?.toISOString(), '2026-01-02T02:04:05.000Z')
      assert.equal(opened.signingTime, undefined)
    })

    it('reads an expiry', () => {
      const opened = openJws({ signed: { crit: [SCHEME, EXPIRY], [EXPIRY]: LATER } })
      assert.equal(opened.expiry?.toISOString(), '2027-01-02T03:04:05.000Z')
    })

    it('hands on critical attributes that are not known, and the plugin apart from them', () => {
      const opened = openJws({
        signed: {
          crit: [SCHEME, 'com.example.must', PLUGIN, MIN_VERSION],
          'com.example.must': { a: [1] },
          [PLUGIN]: 'com.example.plugin',
          [MIN_VERSION]: '1.0.0-rc.1+b5',
        },
      })
      assert.deepEqual([...opened.critical], [['com.example.must', { a: [1] }]])
      assert.deepEqual(opened.plugin, { name: 'com.example.plugin', minVersion: '1.0.0-rc.1+b5' })
    })

    it('takes a plugin without a version', () => {
      assert.deepEqual(openJws({ signed: { crit: [SCHEME, PLUGIN], [PLUGIN]: 'p' } }).plugin, { name: 'p' })
    })

    it('passes over attributes that are not critical, signed or not', () => {
      const opened = openJws({
        signed: { 'com.example.may': 1, typ: 'x', kid: 'k' },
        header: { 'com.example.may2': 1 },
      })
      assert.equal(opened.critical.size, 0)
    })

    it('verifies the bytes that came: a header in another order and with spaces holds', () => {
      const text = JSON.stringify(Object.fromEntries(Object.entries(protectedJson()).reverse()), null, 1)
      assert.equal(openJws({ signed: text }).scheme, 'notary.x509')
    })

    it('takes an RSA signature with another salt length, as notation does for JWS', () => {
      const by = party('PS256')
      const salted = (input: Buffer): Buffer => sign('sha256', input, { key: by.key, padding: 6, saltLength: 20 })
      assert.equal(openJws({ by, sign: salted }).algorithm, 'PS256')
    })

    it('cuts off an agent that goes on and on, and never fails for it', () => {
      assert.equal(openJws({ header: { [AGENT]: 'x'.repeat(100_000) } }).signingAgent, 'x'.repeat(256))
      assert.equal(openJws({ header: { [AGENT]: '\u{7}' } }).signingAgent, '\u{7}')
    })
  })

  const publicPem = party().chain[0]?.publicKey.export({ type: 'spki', format: 'pem' }) as string

  const attacks: Readonly<Record<string, readonly [Code, JwsCraft]>> = {
    // C1: algorithms
    'alg none without a signature (C1)': [
      'ALGORITHM_REFUSED',
      { signed: { alg: 'none' }, sign: () => Buffer.alloc(0) },
    ],
    'alg none with a signature (C1)': ['ALGORITHM_REFUSED', { signed: { alg: 'none' } }],
    'alg None (C1)': ['ALGORITHM_REFUSED', { signed: { alg: 'None' } }],
    'HS256 keyed with the public key (C1)': [
      'ALGORITHM_REFUSED',
      { signed: { alg: 'HS256' }, sign: (input) => createHmac('sha256', publicPem).update(input).digest() },
    ],
    'RS256 (C1)': [
      'ALGORITHM_REFUSED',
      { by: party('PS256'), signed: { alg: 'RS256' }, sign: (input) => sign('sha256', input, party('PS256').key) },
    ],
    'PS256 over PKCS #1 v1.5 (C1)': [
      'ENVELOPE_SIGNATURE',
      { by: party('PS256'), sign: (input) => sign('sha256', input, party('PS256').key) },
    ],
    'EdDSA (C1)': ['ALGORITHM_REFUSED', { signed: { alg: 'EdDSA' } }],
    'ES256K (C1)': ['ALGORITHM_REFUSED', { signed: { alg: 'ES256K' } }],
    'an alg of another hash than the key dictates (C1)': ['ENVELOPE_MALFORMED', { signed: { alg: 'ES384' } }],
    'an RSA alg over an EC key (C1)': ['ENVELOPE_MALFORMED', { signed: { alg: 'PS256' } }],
    'an EC alg over an RSA key (C1)': ['ENVELOPE_MALFORMED', { by: party('PS256'), signed: { alg: 'ES256' } }],
    'PS384 signed by an RSA key of 2048 bits (C1)': [
      'ENVELOPE_MALFORMED',
      {
        by: party('PS256'),
        signed: { alg: 'PS384' },
        sign: (input) => sign('sha384', input, { key: party('PS256').key, padding: 6, saltLength: 48 }),
      },
    ],
    'no alg (C1)': ['ENVELOPE_MALFORMED', { signed: { alg: undefined } }],
    'an alg that is a list (C1)': ['ENVELOPE_MALFORMED', { signed: { alg: ['ES256'] } }],
    'an alg in the unprotected header (C1)': ['ENVELOPE_MALFORMED', { header: { alg: 'ES256' } }],
    'an alg only in the unprotected header (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { alg: undefined }, header: { alg: 'ES256' } },
    ],
    'an ECDSA signature in DER (C4)': ['ENVELOPE_SIGNATURE', { sign: (input) => sign('sha256', input, party().key) }],
    'an ECDSA signature with a byte more (C4)': [
      'ENVELOPE_SIGNATURE',
      {
        sign: (input) =>
          Buffer.concat([sign('sha256', input, { key: party().key, dsaEncoding: 'ieee-p1363' }), Buffer.alloc(1)]),
      },
    ],
    'an empty signature (C1)': ['ENVELOPE_SIGNATURE', { sign: () => Buffer.alloc(0) }],
    'a signature of zeros (C1)': ['ENVELOPE_SIGNATURE', { sign: () => Buffer.alloc(64) }],
    'the signature of another key (C1)': [
      'ENVELOPE_SIGNATURE',
      { sign: (input) => sign('sha256', input, { key: party('ES256', 'mallory').key, dsaEncoding: 'ieee-p1363' }) },
    ],
    // C1: critical names
    'no crit (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: undefined } }],
    'an empty crit (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: [] } }],
    'a crit that is text (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: SCHEME } }],
    'a crit with a number (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: [SCHEME, 1] } }],
    'a crit with a name twice (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: [SCHEME, SCHEME] } }],
    'a crit without the scheme (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: ['x'], x: 1 } }],
    'a critical name without a value (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: [SCHEME, 'com.example.must'] } }],
    'a critical name whose value is unprotected (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: [SCHEME, 'com.example.must'] }, header: { 'com.example.must': 1 } },
    ],
    'a critical name that any object has (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: [SCHEME, 'constructor'] } }],
    'alg as critical (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: [SCHEME, 'alg'] } }],
    'cty as critical (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: [SCHEME, 'cty'] } }],
    'crit as critical (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: [SCHEME, 'crit'] } }],
    'the key id as critical, with a value (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: [SCHEME, 'kid'], kid: 'k' } },
    ],
    'an attribute in both headers (C1)': ['ENVELOPE_MALFORMED', { signed: { x: 1 }, header: { x: 1 } }],
    'the signing time as critical (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: [SCHEME, SIGNING_TIME] } }],
    'a crit in the unprotected header (C1)': ['ENVELOPE_MALFORMED', { header: { crit: [SCHEME] } }],
    'b64 false and critical (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: [SCHEME, 'b64'], b64: false } }],
    'b64 false and not critical (C1)': ['ENVELOPE_MALFORMED', { signed: { b64: false } }],
    'b64 true (C1)': ['ENVELOPE_MALFORMED', { signed: { b64: true } }],
    'b64 unprotected (C1)': ['ENVELOPE_MALFORMED', { header: { b64: false } }],
    'an expiry that is not critical (C1)': ['ENVELOPE_MALFORMED', { signed: { [EXPIRY]: LATER } }],
    'a plugin that is not critical (C1)': ['ENVELOPE_MALFORMED', { signed: { [PLUGIN]: 'p' } }],
    'a plugin version that is not critical (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: [SCHEME, PLUGIN], [PLUGIN]: 'p', [MIN_VERSION]: '1.0.0' } },
    ],
    'a plugin version without a plugin (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: [SCHEME, MIN_VERSION], [MIN_VERSION]: '1.0.0' } },
    ],
    'a plugin without a name (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: [SCHEME, PLUGIN], [PLUGIN]: ' ' } }],
    'a plugin that is null (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: [SCHEME, PLUGIN], [PLUGIN]: null } }],
    'a plugin version that is not semantic (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: [SCHEME, PLUGIN, MIN_VERSION], [PLUGIN]: 'p', [MIN_VERSION]: '1.0' } },
    ],
    // C1: keys from elsewhere
    'a jwk (C1)': ['ENVELOPE_MALFORMED', { signed: { jwk: { kty: 'EC' } } }],
    'a jku (C1)': ['ENVELOPE_MALFORMED', { signed: { jku: 'http://h/' } }],
    'an x5u (C1)': ['ENVELOPE_MALFORMED', { signed: { x5u: 'http://h/' } }],
    'a chain in both headers (C1)': ['ENVELOPE_MALFORMED', { signed: { x5c: [] } }],
    'an unprotected jwk (C1)': ['ENVELOPE_MALFORMED', { header: { jwk: { kty: 'EC' } } }],
    // Names that another reader takes for known ones
    'ALG beside alg (C1)': ['ENVELOPE_MALFORMED', { signed: { ALG: 'ES256' } }],
    'an expiry in other case (C1)': ['ENVELOPE_MALFORMED', { signed: { 'IO.cncf.notary.expiry': LATER } }],
    'an expiry with a long s for its s (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { 'io.cncf.notary.\u{17f}igningScheme': 'notary.x509' } },
    ],
    'X5C beside x5c (C1)': ['ENVELOPE_MALFORMED', { header: { X5C: [] } }],
    // Schemes and times
    'no scheme': ['ENVELOPE_MALFORMED', { signed: { crit: ['x'], x: 1, [SCHEME]: undefined } }],
    'a scheme that is not known': ['ENVELOPE_MALFORMED', { signed: { [SCHEME]: 'notary.x510' } }],
    'a scheme of the wrong type': ['ENVELOPE_MALFORMED', { signed: { [SCHEME]: ['notary.x509'] } }],
    'an unprotected scheme': ['ENVELOPE_MALFORMED', { header: { [SCHEME]: 'notary.x509' } }],
    'no signing time': ['ENVELOPE_MALFORMED', { signed: { [SIGNING_TIME]: undefined } }],
    'a signing time that is null': ['ENVELOPE_MALFORMED', { signed: { [SIGNING_TIME]: null } }],
    'a signing time with a fraction': ['ENVELOPE_MALFORMED', { signed: { [SIGNING_TIME]: '2026-01-02T03:04:05.5Z' } }],
    'a signing time in seconds': ['ENVELOPE_MALFORMED', { signed: { [SIGNING_TIME]: 1_767_323_045 } }],
    'an authentic time under notary.x509': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: [SCHEME, AUTHENTIC], [AUTHENTIC]: LATER } },
    ],
    'a critical authentic time in place of the signing time': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: [SCHEME, AUTHENTIC], [AUTHENTIC]: LATER, [SIGNING_TIME]: undefined } },
    ],
    'a signing time under the signing authority': [
      'ENVELOPE_MALFORMED',
      { signed: { ...authority, [AUTHENTIC]: LATER, [SIGNING_TIME]: LATER } },
    ],
    'the signing authority with the signing time only': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: [SCHEME], [SCHEME]: 'notary.x509.signingAuthority' } },
    ],
    'the signing authority without a time': ['ENVELOPE_MALFORMED', { signed: { ...authority, crit: [SCHEME] } }],
    'an authentic time that is not critical': [
      'ENVELOPE_MALFORMED',
      { signed: { ...authority, crit: [SCHEME], [AUTHENTIC]: LATER } },
    ],
    'an unprotected authentic time': ['ENVELOPE_MALFORMED', { header: { [AUTHENTIC]: LATER } }],
    'an unprotected expiry': ['ENVELOPE_MALFORMED', { header: { [EXPIRY]: LATER } }],
    'an expiry before the signing time': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: [SCHEME, EXPIRY], [EXPIRY]: '2026-01-02T03:04:04Z' } },
    ],
    'an expiry at the signing time, in another offset': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: [SCHEME, EXPIRY], [EXPIRY]: '2026-01-02T04:04:05+01:00' } },
    ],
    'an expiry before the authentic time': [
      'ENVELOPE_MALFORMED',
      {
        signed: {
          ...authority,
          crit: [SCHEME, AUTHENTIC, EXPIRY],
          [AUTHENTIC]: LATER,
          [EXPIRY]: '2026-01-02T03:04:05Z',
        },
      },
    ],
    'an expiry that is null': ['ENVELOPE_MALFORMED', { signed: { crit: [SCHEME, EXPIRY], [EXPIRY]: null } }],
    'the zero time of Go as expiry': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: [SCHEME, EXPIRY], [EXPIRY]: '0001-01-01T00:00:00Z' } },
    ],
    // Content
    'no cty': ['ENVELOPE_MALFORMED', { signed: { cty: undefined } }],
    'another cty': ['ENVELOPE_MALFORMED', { signed: { cty: `${CTY}x` } }],
    'an unprotected cty': ['ENVELOPE_MALFORMED', { header: { cty: CTY } }],
    'an empty payload': ['ENVELOPE_MALFORMED', { payload: Buffer.alloc(0) }],
    'a payload that names no target': ['ENVELOPE_MALFORMED', { payload: Buffer.from('{}') }],
    // Chain
    'no chain': ['ENVELOPE_MALFORMED', { header: { x5c: undefined } }],
    'an empty chain': ['ENVELOPE_MALFORMED', { header: { x5c: [] } }],
    'a chain that is text': ['ENVELOPE_MALFORMED', { header: { x5c: party().chain[0]?.der.toString('base64') } }],
    'a chain in base64url': [
      'ENVELOPE_MALFORMED',
      { header: { x5c: party().chain.map(({ der }) => der.toString('base64url')) } },
    ],
    'a chain with a line end in it': [
      'ENVELOPE_MALFORMED',
      { header: { x5c: party().chain.map(({ der }) => `${der.toString('base64')}\n`) } },
    ],
    'a chain of something else': ['CERTIFICATE_MALFORMED', { header: { x5c: ['AQID'] } }],
    'a chain without its root': ['CHAIN_INVALID', { by: { ...party(), chain: party().chain.slice(0, 1) } }],
    'a chain with the root first': ['ENVELOPE_SIGNATURE', { by: { ...party(), chain: party().chain.toReversed() } }],
    'a chain with the root of another (C1)': [
      'CHAIN_INVALID',
      { by: { ...party(), chain: [...party().chain.slice(0, 1), ...party('ES256', 'mallory').chain.slice(1)] } },
    ],
    'the chain of another signer (C1)': [
      'ENVELOPE_SIGNATURE',
      { by: { ...party(), chain: party('ES256', 'mallory').chain } },
    ],
    'an authority that signs by itself': ['CHAIN_INVALID', { by: rootAsSigner() }],
    'a chain of seventeen': [
      'LIMIT_EXCEEDED',
      { header: { x5c: Array.from({ length: 17 }, () => party().chain[0]?.der.toString('base64')) } },
    ],
    // Unsigned attributes
    'a timestamp that is not base64': ['ENVELOPE_MALFORMED', { header: { [TIMESTAMP]: 'AQI' } }],
    'an empty timestamp': ['ENVELOPE_MALFORMED', { header: { [TIMESTAMP]: '' } }],
    'a timestamp that is null': ['ENVELOPE_MALFORMED', { header: { [TIMESTAMP]: null } }],
    'an agent that is not text': ['ENVELOPE_MALFORMED', { header: { [AGENT]: 1 } }],
    'a timestamp beyond its cap': [
      'LIMIT_EXCEEDED',
      { header: { [TIMESTAMP]: Buffer.alloc(1024 * 1024 + 1).toString('base64') } },
    ],
    'a protected header beyond its cap': ['LIMIT_EXCEEDED', { signed: { x: 'x'.repeat(64 * 1024) } }],
  }
  describe('refuses', () => {
    for (const [what, [code, craft]] of Object.entries(attacks)) {
      it(`refuses ${what}`, () => {
        refuses(code, () => openJws(craft))
      })
    }
  })
})
