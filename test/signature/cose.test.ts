import assert from 'node:assert/strict'
import { writeCbor } from '../../src/signature/cbor-write.ts'
import { signatureStructure } from '../../src/signature/cose.ts'
import type { Code } from '../../src/errors/index.ts'
import { COSE } from '../../src/signature/envelope.ts'
import {
  AGENT,
  AUTHENTIC,
  CTY,
  EXPIRY,
  MIN_VERSION,
  PLUGIN,
  SCHEME,
  SIGNED_AT,
  SIGNING_TIME,
  TIMESTAMP,
  assertAsNotationWrites,
  cbor,
  crit,
  openCose,
  pair,
  party,
  protectedPairs,
  refuses,
  rootAsSigner,
  time,
  type CoseCraft,
  type Pair,
} from './envelope-fixture.ts'

const alg = (label: number): Pair => pair(1, cbor.int(label))
const scheme = (name: string): Pair => pair(SCHEME, cbor.text(name))
const authority = {
  crit: crit(SCHEME, AUTHENTIC),
  scheme: scheme('notary.x509.signingAuthority'),
  time: pair(AUTHENTIC, time(SIGNED_AT)),
}
const expiry = (value: Buffer = time(SIGNED_AT + 60)): Record<string, Pair> => ({
  crit: crit(SCHEME, EXPIRY),
  expiry: pair(EXPIRY, value),
})

describe('signature/cose', () => {
  describe('reads', () => {
    it('reads an envelope as notation writes it', () => {
      const unprotected = [
        pair(AGENT, cbor.text('notation-go/1.3.2')),
        pair(TIMESTAMP, cbor.bytes(Buffer.from([1, 2, 3]))),
      ]
      const opened = openCose({ unprotected })
      assertAsNotationWrites(opened, COSE)
    })

    it('reads the scheme of the signing authority, with its own time', () => {
      const opened = openCose({ signed: authority })
      assert.equal(opened.scheme, 'notary.x509.signingAuthority')
      assert.equal(opened.authenticSigningTime?.getTime(), SIGNED_AT * 1000)
      assert.equal(opened.signingTime, undefined)
    })

    it('reads an expiry', () => {
      assert.equal(openCose({ signed: expiry() }).expiry?.getTime(), (SIGNED_AT + 60) * 1000)
    })

    it('hands on critical attributes that are not known, labels of numbers by their digits', () => {
      const signed = {
        crit: crit(SCHEME, 'com.example.must', 99, -70_000, PLUGIN, MIN_VERSION),
        a: pair('com.example.must', cbor.array(cbor.int(1))),
        b: pair(99, cbor.text('x')),
        c: pair(-70_000, cbor.text('y')),
        plugin: pair(PLUGIN, cbor.text('com.example.plugin')),
        version: pair(MIN_VERSION, cbor.text('1.2.3')),
      }
      const opened = openCose({ signed })
      assert.deepEqual(
        [...opened.critical],
        [
          ['com.example.must', [1]],
          ['99', 'x'],
          ['-70000', 'y'],
        ],
      )
      assert.deepEqual(opened.plugin, { name: 'com.example.plugin', minVersion: '1.2.3' })
    })

    it('hands on a critical label of text that looks like a common parameter', () => {
      const opened = openCose({ signed: { crit: crit(SCHEME, '4'), a: pair('4', cbor.text('x')) } })
      assert.deepEqual([...opened.critical], [['4', 'x']])
    })

    it('reads the first second of the epoch and the last of the year 9999', () => {
      const [first, last] = [time(0), Buffer.from('c11b0000003afff4417f', 'hex')]
      const opened = openCose({ signed: { ...expiry(last), time: pair(SIGNING_TIME, first) } })
      assert.equal(opened.signingTime?.toISOString(), '1970-01-01T00:00:00.000Z')
      assert.equal(opened.expiry?.toISOString(), '9999-12-31T23:59:59.000Z')
    })

    it('passes over attributes that are not critical, signed or not', () => {
      const unprotected = [pair('com.example.may2', cbor.int(1)), pair(4, cbor.bytes(Buffer.from('k')))]
      assert.equal(openCose({ signed: { a: pair('com.example.may', cbor.int(1)) }, unprotected }).critical.size, 0)
    })

    it('takes a protected header whose keys stand in any order, as go-cose does', () => {
      const reversed = cbor.map(...Object.values(protectedPairs()).reverse())
      assert.equal(openCose({ signed: reversed }).scheme, 'notary.x509')
    })

    it('cuts off an agent that goes on and on, and never fails for it', () => {
      assert.equal(openCose({ unprotected: [pair(AGENT, cbor.text('x'.repeat(5000)))] }).signingAgent, 'x'.repeat(256))
    })
  })

  const hex = (text: string): Buffer => Buffer.from(text, 'hex')

  const attacks: Readonly<Record<string, readonly [Code, CoseCraft]>> = {
    // C1: algorithms
    'alg 0, reserved (C1)': ['ALGORITHM_REFUSED', { signed: { alg: alg(0) } }],
    'HMAC 256/256 (C1)': ['ALGORITHM_REFUSED', { signed: { alg: alg(5) } }],
    'RS256 (C1)': ['ALGORITHM_REFUSED', { by: party('PS256'), signed: { alg: alg(-257) } }],
    'EdDSA (C1)': ['ALGORITHM_REFUSED', { signed: { alg: alg(-8) } }],
    'ES256K (C1)': ['ALGORITHM_REFUSED', { signed: { alg: alg(-47) } }],
    'an alg of text (C1)': ['ALGORITHM_REFUSED', { signed: { alg: pair(1, cbor.text('ES256')) } }],
    'an alg of another hash than the key dictates (C1)': ['ENVELOPE_MALFORMED', { signed: { alg: alg(-35) } }],
    'an RSA alg over an EC key (C1)': ['ENVELOPE_MALFORMED', { signed: { alg: alg(-37) } }],
    'an EC alg over an RSA key (C1)': ['ENVELOPE_MALFORMED', { by: party('PS256'), signed: { alg: alg(-7) } }],
    'no alg (C1)': ['ENVELOPE_MALFORMED', { signed: { alg: undefined } }],
    'an alg in both headers (C1)': ['ENVELOPE_MALFORMED', { unprotected: [alg(-7)] }],
    'an alg only in the unprotected header (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { alg: undefined }, unprotected: [alg(-7)] },
    ],
    // C1: critical labels
    'no crit (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: undefined } }],
    'an empty crit (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: crit() } }],
    'a crit that is text (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: pair(2, cbor.text(SCHEME)) } }],
    'a crit with a byte string (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: pair(2, cbor.array(cbor.text(SCHEME), cbor.bytes(Buffer.from('x')))) } },
    ],
    'a crit with true, beside an attribute of that name (C1)': [
      'ENVELOPE_MALFORMED',
      {
        signed: {
          crit: pair(2, cbor.array(cbor.text(SCHEME), Buffer.from('f5', 'hex'))),
          x: pair('true', cbor.int(1)),
        },
      },
    ],
    'an attribute in both headers (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { x: pair('x', cbor.int(1)) }, unprotected: [pair('x', cbor.int(1))] },
    ],
    'a label in both headers (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { x: pair(16, cbor.int(1)) }, unprotected: [pair(16, cbor.int(1))] },
    ],
    'a crit with a label twice (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: crit(SCHEME, SCHEME) } }],
    'a crit without the scheme (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: crit('x'), x: pair('x', cbor.int(1)) } },
    ],
    'a critical label without a value (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: crit(SCHEME, 'com.example.must') } },
    ],
    'a critical label whose value is unprotected (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: crit(SCHEME, 'com.example.must') }, unprotected: [pair('com.example.must', cbor.int(1))] },
    ],
    'the text of a common parameter as critical, without a value (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: crit(SCHEME, '1') } },
    ],
    'the key id as critical (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: crit(SCHEME, 4), x: pair(4, cbor.bytes(Buffer.from('k'))) } },
    ],
    'label 8 as critical, with a value (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: crit(SCHEME, 8), x: pair(8, cbor.int(1)) } },
    ],
    'the chain as critical, unprotected (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: crit(SCHEME, 33) } }],
    'the signing time as critical (C1)': ['ENVELOPE_MALFORMED', { signed: { crit: crit(SCHEME, SIGNING_TIME) } }],
    'a crit in the unprotected header (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: undefined }, unprotected: [crit(SCHEME)] },
    ],
    'a label as number and as text (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { a: pair(99, cbor.int(1)), b: pair('99', cbor.int(1)) } },
    ],
    'an expiry that is not critical (C1)': ['ENVELOPE_MALFORMED', { signed: { ...expiry(), crit: crit(SCHEME) } }],
    'a plugin that is not critical (C1)': ['ENVELOPE_MALFORMED', { signed: { plugin: pair(PLUGIN, cbor.text('p')) } }],
    'a plugin that is a number (C1)': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: crit(SCHEME, PLUGIN), plugin: pair(PLUGIN, cbor.int(1)) } },
    ],
    ...Object.fromEntries(
      [0, 1, 2, 3, 4, 5, 6, 7, 8].map((label): [string, readonly [Code, CoseCraft]] => [
        `label ${label} as critical (C1)`,
        ['ENVELOPE_MALFORMED', { signed: { crit: crit(SCHEME, label) } }],
      ]),
    ),
    ...Object.fromEntries(
      [0, 5, 6, 7, 9, 11, 12, 32, 33, 34, 35, 258, 259, 260].map((label): [string, readonly [Code, CoseCraft]] => [
        `label ${label} in the protected header (C1)`,
        ['ENVELOPE_MALFORMED', { signed: { x: pair(label, cbor.int(1)) } }],
      ]),
    ),
    ...Object.fromEntries(
      [0, 1, 2, 3, 5, 6, 7, 8].map((label): [string, readonly [Code, CoseCraft]] => [
        `label ${label} in the unprotected header (C1)`,
        ['ENVELOPE_MALFORMED', { unprotected: [pair(label, cbor.int(1))] }],
      ]),
    ),
    // Schemes and times
    'no scheme': ['ENVELOPE_MALFORMED', { signed: { crit: crit('x'), scheme: pair('x', cbor.int(1)) } }],
    'a scheme that is not known': ['ENVELOPE_MALFORMED', { signed: { scheme: scheme('notary.x510') } }],
    'a scheme of bytes': [
      'ENVELOPE_MALFORMED',
      { signed: { scheme: pair(SCHEME, cbor.bytes(Buffer.from('notary.x509'))) } },
    ],
    'an unprotected scheme': ['ENVELOPE_MALFORMED', { unprotected: [scheme('notary.x509')] }],
    'a scheme only unprotected': [
      'ENVELOPE_MALFORMED',
      { signed: { scheme: undefined, crit: undefined }, unprotected: [scheme('notary.x509')] },
    ],
    'an unprotected expiry': ['ENVELOPE_MALFORMED', { unprotected: [pair(EXPIRY, time(SIGNED_AT + 60))] }],
    'an unprotected authentic time': ['ENVELOPE_MALFORMED', { unprotected: [pair(AUTHENTIC, time(SIGNED_AT))] }],
    'no signing time': ['ENVELOPE_MALFORMED', { signed: { time: undefined } }],
    'a time without a tag': ['ENVELOPE_MALFORMED', { signed: { time: pair(SIGNING_TIME, cbor.int(SIGNED_AT)) } }],
    'a time under tag 0': [
      'ENVELOPE_MALFORMED',
      { signed: { time: pair(SIGNING_TIME, cbor.tag(0, cbor.text('2026-01-02T03:04:05Z'))) } },
    ],
    'a time under tag 2': [
      'ENVELOPE_MALFORMED',
      { signed: { time: pair(SIGNING_TIME, cbor.tag(2, cbor.bytes(hex('69')))) } },
    ],
    'a time under tag 100': [
      'ENVELOPE_MALFORMED',
      { signed: { time: pair(SIGNING_TIME, cbor.tag(100, cbor.int(1))) } },
    ],
    'a time under tag 1001': [
      'ENVELOPE_MALFORMED',
      { signed: { time: pair(SIGNING_TIME, cbor.tag(1001, cbor.map(pair(1, cbor.int(1))))) } },
    ],
    'a time under two tags': [
      'ENVELOPE_MALFORMED',
      { signed: { time: pair(SIGNING_TIME, cbor.tag(1, time(SIGNED_AT))) } },
    ],
    'a time that is a float': [
      'ENVELOPE_MALFORMED',
      { signed: { time: pair(SIGNING_TIME, hex('c1fb41da55a4a2c0000000'.slice(0, 20))) } },
    ],
    'a time that is a short float': ['ENVELOPE_MALFORMED', { signed: { time: pair(SIGNING_TIME, hex('c1f93c00')) } }],
    'a time that is text': [
      'ENVELOPE_MALFORMED',
      { signed: { time: pair(SIGNING_TIME, cbor.text('2026-01-02T03:04:05Z')) } },
    ],
    'a time before the epoch': [
      'ENVELOPE_MALFORMED',
      { signed: { time: pair(SIGNING_TIME, cbor.tag(1, cbor.int(-1))) } },
    ],
    'a time after the year 9999': [
      'ENVELOPE_MALFORMED',
      { signed: { time: pair(SIGNING_TIME, hex('c11b0000003afff44180')) } },
    ],
    'a time of 64 bits': ['ENVELOPE_MALFORMED', { signed: { time: pair(SIGNING_TIME, hex('c11bffffffffffffffff')) } }],
    'an authentic time under notary.x509': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: crit(SCHEME, AUTHENTIC), a: pair(AUTHENTIC, time(SIGNED_AT)) } },
    ],
    'an authentic time in place of the signing time': [
      'ENVELOPE_MALFORMED',
      { signed: { crit: crit(SCHEME, AUTHENTIC), time: pair(AUTHENTIC, time(SIGNED_AT)) } },
    ],
    'a signing time under the signing authority': [
      'ENVELOPE_MALFORMED',
      { signed: { ...authority, a: pair(SIGNING_TIME, time(SIGNED_AT)) } },
    ],
    'the signing authority with the signing time only': [
      'ENVELOPE_MALFORMED',
      { signed: { scheme: scheme('notary.x509.signingAuthority') } },
    ],
    'an authentic time that is not critical': ['ENVELOPE_MALFORMED', { signed: { ...authority, crit: crit(SCHEME) } }],
    'an expiry before the signing time': ['ENVELOPE_MALFORMED', { signed: expiry(time(SIGNED_AT - 1)) }],
    'an expiry at the signing time': ['ENVELOPE_MALFORMED', { signed: expiry(time(SIGNED_AT)) }],
    'an expiry without a tag': ['ENVELOPE_MALFORMED', { signed: expiry(cbor.int(SIGNED_AT + 60)) }],
    'an expiry that is null': ['ENVELOPE_MALFORMED', { signed: expiry(hex('f6')) }],
    // Content
    'no content type': ['ENVELOPE_MALFORMED', { signed: { cty: undefined } }],
    'another content type': ['ENVELOPE_MALFORMED', { signed: { cty: pair(3, cbor.text(`${CTY}x`)) } }],
    'a content type that is a number': ['ENVELOPE_MALFORMED', { signed: { cty: pair(3, cbor.int(50)) } }],
    'an empty payload': ['ENVELOPE_MALFORMED', { payload: Buffer.alloc(0) }],
    'a payload that names no target': ['ENVELOPE_MALFORMED', { payload: Buffer.from('{}') }],
    'a hash envelope': [
      'ENVELOPE_MALFORMED',
      { signed: { cty: undefined, hash: pair(258, cbor.int(-16)) }, payload: Buffer.alloc(32) },
    ],
    // Chain
    'a bare byte string as chain (C2)': ['ENVELOPE_MALFORMED', { chain: cbor.bytes(party().chain[0]?.der ?? hex('')) }],
    'an empty chain': ['ENVELOPE_MALFORMED', { chain: cbor.array() }],
    'a chain of text': ['ENVELOPE_MALFORMED', { chain: cbor.array(cbor.text('x')) }],
    'a chain of tagged bytes (C2)': [
      'ENVELOPE_MALFORMED',
      { chain: cbor.array(...party().chain.map(({ der }) => cbor.tag(24, cbor.bytes(der)))) },
    ],
    'a chain of something else': ['CERTIFICATE_MALFORMED', { chain: cbor.array(cbor.bytes(hex('010203'))) }],
    'a chain of seventeen': [
      'LIMIT_EXCEEDED',
      { chain: cbor.array(...Array.from({ length: 17 }, () => cbor.bytes(hex('01')))) },
    ],
    'a chain in the protected header only': [
      'ENVELOPE_MALFORMED',
      {
        signed: { chain: pair(33, cbor.array(...party().chain.map(({ der }) => cbor.bytes(der)))) },
        wrap: ([first, , ...rest]) => cbor.tag(18, cbor.array(first ?? hex(''), cbor.map(), ...rest)),
      },
    ],
    'a chain without its root': ['CHAIN_INVALID', { by: { ...party(), chain: party().chain.slice(0, 1) } }],
    'a chain with the root of another (C1)': [
      'CHAIN_INVALID',
      { by: { ...party(), chain: [...party().chain.slice(0, 1), ...party('ES256', 'mallory').chain.slice(1)] } },
    ],
    'the chain of another signer (C1)': [
      'ENVELOPE_SIGNATURE',
      { by: { ...party(), chain: party('ES256', 'mallory').chain } },
    ],
    'an authority that signs by itself': ['CHAIN_INVALID', { by: rootAsSigner() }],
    // Unsigned attributes
    'a timestamp that is text': ['ENVELOPE_MALFORMED', { unprotected: [pair(TIMESTAMP, cbor.text('x'))] }],
    'an empty timestamp': ['ENVELOPE_MALFORMED', { unprotected: [pair(TIMESTAMP, cbor.bytes(hex('')))] }],
    'an agent that is a number': ['ENVELOPE_MALFORMED', { unprotected: [pair(AGENT, cbor.int(1))] }],
    'a timestamp beyond its cap': [
      'LIMIT_EXCEEDED',
      { unprotected: [pair(TIMESTAMP, cbor.bytes(Buffer.alloc(1024 * 1024 + 1)))] },
    ],
    'a protected header beyond its cap': [
      'LIMIT_EXCEEDED',
      { signed: { x: pair('x', cbor.bytes(Buffer.alloc(65_536))) } },
    ],
    'a payload beyond its cap': ['LIMIT_EXCEEDED', { payload: Buffer.alloc(4 * 1024 * 1024 + 1) }],
  }

  describe('refuses', () => {
    for (const [what, [code, craft]] of Object.entries(attacks)) {
      it(`refuses ${what}`, () => {
        refuses(code, () => openCose(craft))
      })
    }
  })

  it('signs over the structure that cbor2 writes, whatever the lengths', () => {
    for (const header of [1, 23, 24, 255, 256, 65_535])
      for (const payload of [0, 23, 24, 255, 256, 65_535, 65_536, 100_000]) {
        const [one, two] = [Buffer.alloc(header, 1), Buffer.alloc(payload, 2)]
        const wanted = writeCbor(['Signature1', one, new Uint8Array(), two])
        assert.ok(signatureStructure(one, two).equals(wanted), `${header} and ${payload} bytes`)
      }
  })
})
