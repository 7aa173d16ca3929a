import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  DerError,
  der,
  derInteger,
  derOid,
  parseDer,
  readBoolean,
  readNamedBits,
  readNaturalHex,
  readOid,
  readSmallNatural,
  readTime,
} from '../../src/codec/index.ts'

const node = (hex: string) => parseDer(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const time = (text: string, tag = text.length === 13 ? 0x17 : 0x18) => parseDer(der(tag, Buffer.from(text)))

describe('codec/der-values', () => {
  it('reads object identifiers back from what it writes', () => {
    const arc = fc.nat({ max: 2 ** 31 - 1 })
    const heads = fc.oneof(
      fc.tuple(fc.constantFrom(0, 1), fc.nat({ max: 39 })),
      fc.tuple(fc.constant(2), fc.nat({ max: 1000 })),
    )
    fc.assert(
      fc.property(heads, fc.array(arc, { maxLength: 8 }), (head, rest) => {
        const dotted = [...head, ...rest].join('.')
        assert.equal(readOid(parseDer(derOid(dotted))), dotted)
      }),
      { seed: 690, numRuns: 300 },
    )
  })

  it('tells arcs apart that a double would round together', () => {
    assert.equal(readOid(node('06 0a 55 ff ff ff ff ff ff ff ff 7f')), '2.5.9223372036854775807')
    assert.equal(readOid(node('06 0a 55 ff ff ff ff ff ff ff ff 7e')), '2.5.9223372036854775806')
  })

  it('refuses an identifier of very many octets before it is read', () => {
    const long = (length: number): Buffer => der(0x06, Buffer.alloc(length, 0xff).fill(1, length - 1))
    assert.equal(readOid(parseDer(long(128))).length, 272)
    // One of 1 MiB, as a timestamp may hold, would take two minutes.
    for (const length of [129, 64 * 1024]) assert.throws(() => readOid(parseDer(long(length))), DerError)
  })

  it('reads natural numbers and refuses negative ones', () => {
    assert.equal(readNaturalHex(node('02 01 00')), '0')
    assert.equal(readNaturalHex(node('02 02 00 80')), '80')
    assert.equal(readNaturalHex(node('02 03 01 00 00')), '10000')
    assert.throws(() => readNaturalHex(node('02 01 ff')), DerError)
    assert.equal(readSmallNatural(parseDer(derInteger(2 ** 31 - 1))), 2 ** 31 - 1)
    assert.throws(() => readSmallNatural(parseDer(derInteger(2 ** 31))), DerError)
  })

  it('reads bits by position and refuses zeros at the end', () => {
    assert.deepEqual(readNamedBits(node('03 02 07 80')), [0])
    assert.deepEqual(readNamedBits(node('03 02 01 06')), [5, 6])
    assert.deepEqual(readNamedBits(node('03 03 07 00 80')), [8])
    assert.deepEqual(readNamedBits(node('03 01 00')), [])
    for (const hex of ['03 02 00 80', '03 02 06 80', '03 03 00 80 00'])
      assert.throws(() => readNamedBits(node(hex)), DerError)
  })

  it('reads both kinds of time, the short years from 1950 to 2049', () => {
    const cases = {
      '500101000000Z': '1950-01-01T00:00:00.000Z',
      '991231235959Z': '1999-12-31T23:59:59.000Z',
      '000229000000Z': '2000-02-29T00:00:00.000Z',
      '491231235959Z': '2049-12-31T23:59:59.000Z',
      '20500101000000Z': '2050-01-01T00:00:00.000Z',
      '99991231235959Z': '9999-12-31T23:59:59.000Z',
      '20461006083956Z': '2046-10-06T08:39:56.000Z',
      '00500101000000Z': '0050-01-01T00:00:00.000Z',
    }
    for (const [text, iso] of Object.entries(cases)) assert.equal(readTime(time(text)).toISOString(), iso)
  })

  it('refuses times in another form, and times that do not exist', () => {
    const forms = [
      '2601010000Z',
      '260101000000+0100',
      '260101000000',
      '20500101000000.5Z',
      '205001010000Z',
      '26010100000 Z',
    ]
    for (const text of forms)
      for (const tag of [0x17, 0x18]) assert.throws(() => readTime(time(text, tag)), DerError, text)
    assert.throws(() => readTime(time('20500101000000Z', 0x17)), DerError)
    assert.throws(() => readTime(time('260101000000Z', 0x18)), DerError)
    for (const text of [
      '260229000000Z',
      '261301000000Z',
      '260100000000Z',
      '260101240000Z',
      '260101006000Z',
      '260101000060Z',
    ])
      assert.throws(() => readTime(time(text)), DerError, text)
  })

  it('refuses an element of another type', () => {
    const octets = node('04 01 00')
    for (const read of [readOid, readBoolean, readNaturalHex, readNamedBits, readTime])
      assert.throws(() => read(octets), DerError)
    assert.equal(readBoolean(node('01 01 00')), false)
  })
})
