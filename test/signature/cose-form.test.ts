import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import type { Code } from '../../src/errors/index.ts'
import { COSE, openEnvelope } from '../../src/signature/envelope.ts'
import {
  CTY,
  EXPIRY,
  PAYLOAD,
  SCHEME,
  SIGNED_AT,
  cbor,
  crit,
  craftCose,
  openCose,
  pair,
  party,
  protectedPairs,
  refuses,
  time,
  type CoseCraft,
  type Pair,
} from './envelope-fixture.ts'

const alg = (label: number): Pair => pair(1, cbor.int(label))
const scheme = (name: string): Pair => pair(SCHEME, cbor.text(name))
const expiry = (value: Buffer = time(SIGNED_AT + 60)): Record<string, Pair> => ({
  crit: crit(SCHEME, EXPIRY),
  expiry: pair(EXPIRY, value),
})
const genuine = protectedPairs()
const header = (...pairs: Pair[]): Buffer => cbor.map(...Object.values(genuine), ...pairs)

describe('signature/cose', () => {
  // Well-formed CBOR whose heads are not minimal, put in place of genuine items.
  const longText = (text: string): Buffer => Buffer.concat([Buffer.from([0x79, 0, text.length]), Buffer.from(text)])
  const longBytes = (bytes: Buffer): Buffer => {
    const head = Buffer.alloc(9, 0)
    head[0] = 0x5b
    head.writeUInt32BE(bytes.length, 5)
    return Buffer.concat([head, bytes])
  }
  const hex = (text: string): Buffer => Buffer.from(text, 'hex')
  const contents = (item: Buffer): Buffer => item.subarray(item[0] === 0x58 ? 2 : 3)

  const attacks: Readonly<Record<string, readonly [Code, CoseCraft]>> = {
    // C2: form of the CBOR
    'a protected header with a label twice (C2)': ['ENVELOPE_MALFORMED', { signed: header(alg(-7)) }],
    'a protected header with an attribute twice (C2)': [
      'ENVELOPE_MALFORMED',
      { signed: header(scheme('notary.x509')) },
    ],
    'a protected header with two expiries (C2)': [
      'ENVELOPE_MALFORMED',
      {
        signed: cbor.map(...Object.values({ ...genuine, ...expiry() }), pair(EXPIRY, time(SIGNED_AT + 600))),
      },
    ],
    'an unprotected header with a label twice (C2)': ['ENVELOPE_MALFORMED', { unprotected: [pair(33, cbor.array())] }],
    'an unprotected header with a label twice, once not minimal (C2)': [
      'ENVELOPE_MALFORMED',
      { unprotected: [[hex('190021'), cbor.array()]] },
    ],
    'a protected header that is empty (C2)': ['ENVELOPE_MALFORMED', { signed: hex('') }],
    'a protected header that is an empty map (C2)': ['ENVELOPE_MALFORMED', { signed: hex('a0') }],
    'a protected header that is an array (C2)': ['ENVELOPE_MALFORMED', { signed: hex('80') }],
    'a protected header with bytes after the map (C2)': [
      'ENVELOPE_MALFORMED',
      { signed: Buffer.concat([header(), hex('00')]) },
    ],
    'a protected header of indefinite length (C2)': [
      'ENVELOPE_MALFORMED',
      { signed: Buffer.concat([hex('bf'), header().subarray(1), hex('ff')]) },
    ],
    'a protected header with a text length that is not minimal (C2)': [
      'ENVELOPE_MALFORMED',
      { signed: { cty: pair(3, longText(CTY)) } },
    ],
    'a protected header with a label that is not minimal (C2)': [
      'ENVELOPE_MALFORMED',
      { signed: { alg: [hex('1801'), cbor.int(-7)] } },
    ],
    'a protected header with an alg that is not minimal (C2)': [
      'ENVELOPE_MALFORMED',
      { signed: { alg: [cbor.int(1), hex('3806')] } },
    ],
    'a protected header under a tag (C2)': ['ENVELOPE_MALFORMED', { signed: cbor.tag(1, header()) }],
    'a protected header nested 60000 deep (C2)': [
      'ENVELOPE_MALFORMED',
      { signed: { x: pair('x', Buffer.alloc(60_000, 0x81)) } },
    ],
    'an unprotected header nested 100000 deep (C2)': [
      'ENVELOPE_MALFORMED',
      { unprotected: [pair('x', Buffer.alloc(100_000, 0x81))] },
    ],
    'an unprotected header with 5000 items (C2)': [
      'ENVELOPE_MALFORMED',
      { unprotected: [pair('x', cbor.array(...Array.from({ length: 5000 }, () => cbor.int(0))))] },
    ],
    'no tag (C2)': ['ENVELOPE_MALFORMED', { wrap: (items) => cbor.array(...items) }],
    'tag 98, COSE_Sign (C2)': ['ENVELOPE_MALFORMED', { wrap: (items) => cbor.tag(98, cbor.array(...items)) }],
    'tag 17, COSE_Mac0 (C2)': ['ENVELOPE_MALFORMED', { wrap: (items) => cbor.tag(17, cbor.array(...items)) }],
    'tag 18 twice (C2)': ['ENVELOPE_MALFORMED', { wrap: (items) => cbor.tag(18, cbor.tag(18, cbor.array(...items))) }],
    'tag 18 that is not minimal (C2)': [
      'ENVELOPE_MALFORMED',
      { wrap: (items) => Buffer.concat([hex('d812'), cbor.array(...items)]) },
    ],
    'the self-described tag around it (C2)': [
      'ENVELOPE_MALFORMED',
      { wrap: (items) => cbor.tag(55_799, cbor.tag(18, cbor.array(...items))) },
    ],
    'five items (C2)': ['ENVELOPE_MALFORMED', { wrap: (items) => cbor.tag(18, cbor.array(...items, hex('40'))) }],
    'three items (C2)': ['ENVELOPE_MALFORMED', { wrap: (items) => cbor.tag(18, cbor.array(...items.slice(0, 3))) }],
    'an array of indefinite length (C2)': [
      'ENVELOPE_MALFORMED',
      { wrap: (items) => Buffer.concat([hex('d29f'), ...items, hex('ff')]) },
    ],
    'bytes after it (C2)': [
      'ENVELOPE_MALFORMED',
      { wrap: (items) => Buffer.concat([cbor.tag(18, cbor.array(...items)), hex('00')]) },
    ],
    'a byte less (C2)': ['ENVELOPE_MALFORMED', { wrap: (items) => cbor.tag(18, cbor.array(...items)).subarray(0, -1) }],
    'a protected header that is a map (C2)': [
      'ENVELOPE_MALFORMED',
      { wrap: (items) => cbor.tag(18, cbor.array(header(), ...items.slice(1))) },
    ],
    'an unprotected header that is bytes (C2)': [
      'ENVELOPE_MALFORMED',
      {
        wrap: ([first, second, ...rest]) =>
          cbor.tag(18, cbor.array(first ?? hex(''), cbor.bytes(second ?? hex('')), ...rest)),
      },
    ],
    'a detached payload': [
      'ENVELOPE_MALFORMED',
      {
        wrap: ([first, second, , last]) =>
          cbor.tag(18, cbor.array(first ?? hex(''), second ?? hex(''), hex('f6'), last ?? hex(''))),
      },
    ],
    'a payload that is text': [
      'ENVELOPE_MALFORMED',
      {
        wrap: ([first, second, , last]) =>
          cbor.tag(18, cbor.array(first ?? hex(''), second ?? hex(''), cbor.text(PAYLOAD.toString()), last ?? hex(''))),
      },
    ],
    'a payload in chunks (C2)': [
      'ENVELOPE_MALFORMED',
      {
        wrap: ([first, second, third, last]) =>
          cbor.tag(
            18,
            cbor.array(
              first ?? hex(''),
              second ?? hex(''),
              Buffer.concat([hex('5f'), third ?? hex(''), hex('ff')]),
              last ?? hex(''),
            ),
          ),
      },
    ],
    'a protected byte string whose length is not minimal (C2)': [
      'ENVELOPE_MALFORMED',
      { wrap: ([first, ...rest]) => cbor.tag(18, cbor.array(longBytes(contents(first ?? hex(''))), ...rest)) },
    ],
    'an empty signature (C1)': [
      'ENVELOPE_MALFORMED',
      { wrap: (items) => cbor.tag(18, cbor.array(...items.slice(0, 3), hex('40'))) },
    ],
    'a signature of zeros (C1)': [
      'ENVELOPE_SIGNATURE',
      { wrap: (items) => cbor.tag(18, cbor.array(...items.slice(0, 3), cbor.bytes(Buffer.alloc(64)))) },
    ],
    'a signature with a byte more (C4)': [
      'ENVELOPE_SIGNATURE',
      {
        wrap: (items) =>
          cbor.tag(
            18,
            cbor.array(...items.slice(0, 3), cbor.bytes(Buffer.concat([contents(items[3] ?? hex('')), hex('00')]))),
          ),
      },
    ],
  }

  describe('refuses', () => {
    for (const [what, [code, craft]] of Object.entries(attacks)) {
      it(`refuses ${what}`, () => {
        refuses(code, () => openCose(craft))
      })
    }

    it('refuses an RSA signature whose salt is not as long as the hash (RFC 8230)', () => {
      const by = party('PS256')
      const [first, second] = [cbor.bytes(cbor.map(...Object.values(protectedPairs('PS256')))), cbor.bytes(PAYLOAD)]
      const input = cbor.array(cbor.text('Signature1'), first, cbor.bytes(Buffer.alloc(0)), second)
      const signed = (saltLength: number): Buffer => sign('sha256', input, { key: by.key, padding: 6, saltLength })
      const wrap =
        (saltLength: number) =>
        (items: Buffer[]): Buffer =>
          cbor.tag(18, cbor.array(...items.slice(0, 3), cbor.bytes(signed(saltLength))))
      assert.equal(openCose({ by, wrap: wrap(32) }).algorithm, 'PS256')
      refuses('ENVELOPE_SIGNATURE', () => openCose({ by, wrap: wrap(20) }))
    })

    it('refuses a signature over another context or over external data (C2)', () => {
      for (const [context, external] of [
        ['Signature', ''],
        ['CounterSignature', ''],
        ['Signature1', 'x'],
      ] as const) {
        const wrap = (items: Buffer[]): Buffer => {
          const [first = hex(''), second = hex(''), third = hex('')] = items
          const input = cbor.array(cbor.text(context), first, cbor.bytes(Buffer.from(external)), third)
          const signature = sign('sha256', input, { key: party().key, dsaEncoding: 'ieee-p1363' })
          return cbor.tag(18, cbor.array(first, second, third, cbor.bytes(signature)))
        }
        refuses('ENVELOPE_SIGNATURE', () => openCose({ wrap }))
      }
    })

    it('refuses a payload or a protected header of another envelope of the same signer (C5)', () => {
      const keep: Buffer[][] = []
      const wrap = (items: Buffer[]): Buffer => {
        keep.push(items)
        return cbor.tag(18, cbor.array(...items))
      }
      craftCose({ wrap })
      craftCose({ wrap, signed: expiry(), payload: Buffer.from(PAYLOAD.toString().replace('528', '529')) })
      const [one = [], other = []] = keep
      for (const at of [0, 2, 3]) {
        const mixed = one.map((item, i) => (i === at ? (other[i] ?? item) : item))
        refuses('ENVELOPE_SIGNATURE', () => openEnvelope(COSE, cbor.tag(18, cbor.array(...mixed))))
      }
    })

    it('refuses what is not COSE at all', () => {
      for (const bytes of [
        hex(''),
        hex('d2'),
        Buffer.from('{}'),
        Buffer.alloc(100_000, 0xd2),
        Buffer.alloc(100_000, 0x84),
      ])
        refuses('ENVELOPE_MALFORMED', () => openEnvelope(COSE, bytes))
    })
  })
})
