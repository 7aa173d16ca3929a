import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  der,
  derBits,
  derInteger,
  derNaturalHex,
  derNull,
  derOctets,
  derOid,
  derSequence,
  readDer,
} from '../../src/codec/index.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

describe('codec/der', () => {
  it('writes known encodings', () => {
    assert.equal(hex(derInteger(0)), '020100')
    assert.equal(hex(derInteger(127)), '02017f')
    assert.equal(hex(derInteger(128)), '02020080')
    assert.equal(hex(derInteger(600_000)), '0203' + '0927c0')
    assert.equal(hex(derNaturalHex('0')), '020100')
    assert.equal(hex(derNaturalHex('ff')), '020200ff')
    assert.equal(hex(derNaturalHex('00123')), '02020123')
    assert.equal(hex(derNaturalHex('f'.repeat(40))), `021500${'f'.repeat(40)}`)
    assert.equal(hex(derOid('1.2.840.113549.1.5.13')), '06092a864886f70d01050d')
    assert.equal(hex(derOid('2.16.840.1.101.3.4.1.42')), '060960864801650304012a')
    assert.equal(hex(derOid('1.3.101.112')), '06032b6570')
    assert.equal(
      hex(derSequence(derNull(), derOctets(Uint8Array.of(1)), derBits(Uint8Array.of(2)))),
      '30090500040101' + '03020002',
    )
    assert.equal(hex(der(0xa1, Buffer.alloc(200))).slice(0, 8), 'a181c800')
  })

  it('refuses integers that it has no form for', () => {
    for (const value of [-1, 0.5, 2 ** 53]) assert.throws(() => derInteger(value), RangeError)
  })

  it('reads back what it writes, and what follows', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70_000, size: 'max' }), fc.uint8Array(), (contents, rest) => {
        const read = readDer(Buffer.concat([derOctets(contents), rest]))
        assert.ok(read !== undefined)
        assert.equal(read.tag, 4)
        assert.ok(Buffer.from(read.contents).equals(contents))
        assert.ok(Buffer.from(read.rest).equals(rest))
      }),
      { seed: 384, numRuns: 60 },
    )
  })

  it('refuses what is not DER', () => {
    const bad = ['', '04', '0402aa', '048101aa', '04820001aa', '0480aa0000', '1f0100', '0485000000000100', '0481']
    for (const text of bad) assert.equal(readDer(Buffer.from(text, 'hex')), undefined, text)
  })
})
