import assert from 'node:assert/strict'
import fc from 'fast-check'
import { DerError, DerFields, der, derOctets, derSequence, isDerValue, parseDer } from '../../src/codec/index.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

function refuses(hex: string): void {
  assert.throws(() => parseDer(bytes(hex)), DerError, hex)
}

/** Values of each kind, nested at random. */
const anyDer: fc.Arbitrary<Buffer> = fc.letrec<{ node: Buffer; leaf: Buffer }>((tie) => ({
  leaf: fc.uint8Array({ maxLength: 300 }).map((contents) => derOctets(contents)),
  node: fc.oneof(
    { maxDepth: 6 },
    tie('leaf'),
    fc.array(tie('node'), { maxLength: 4 }).map((items) => derSequence(...items)),
    fc.array(tie('node'), { maxLength: 4 }).map((items) => der(0x31, ...items.toSorted(Buffer.compare))),
    tie('node').map((item) => der(0xa3, item)),
  ),
})).node

describe('codec/der-tree', () => {
  it('keeps every octet of what it reads', () => {
    fc.assert(
      fc.property(anyDer, (encoded) => {
        const node = parseDer(encoded)
        assert.ok(node.raw.equals(encoded))
        assert.ok(der(node.tag, node.contents).equals(encoded))
        if (node.children.length > 0)
          assert.ok(Buffer.concat(node.children.map(({ raw }) => raw)).equals(node.contents))
      }),
      { seed: 690, numRuns: 300 },
    )
  })

  it('refuses every prefix, and anything behind the element', () => {
    const encoded = derSequence(derOctets(Buffer.alloc(200, 1)), der(0x31, derSequence()))
    for (let end = 0; end < encoded.length; end += 1)
      assert.throws(() => parseDer(encoded.subarray(0, end)), DerError, `${end}`)
    for (const behind of ['00', '0500'])
      assert.throws(() => parseDer(Buffer.concat([encoded, bytes(behind)])), DerError)
    assert.throws(() => parseDer(Buffer.alloc(0)), DerError)
  })

  it('refuses more elements than anything has that is read whole', () => {
    const many = (count: number): Buffer => derSequence(Buffer.alloc(2 * count).fill(Buffer.of(0x05, 0x00)))
    assert.equal(parseDer(many(65_535)).children.length, 65_535)
    // A timestamp of 1 MiB would take 250.
    assert.throws(() => parseDer(many(65_536)), DerError)
    const nested = derSequence(many(30_000), many(40_000))
    assert.throws(() => parseDer(nested), DerError)
  })

  it('refuses lengths that are indefinite or longer than they need be, at any depth', () => {
    for (const hex of ['30 80 00 00', '30 81 02 05 00', '30 03 04 81 00', '30 82 00 80 00', '30 04 30 80 00 00'])
      refuses(hex)
  })

  it('refuses strings in pieces and other constructed or unknown universal types', () => {
    for (const hex of ['24 03 04 01 61', '2c 03 0c 01 61', '23 03 03 01 00', '10 00', '11 00', '00 00', '09 01 00'])
      refuses(hex)
    refuses('1f 81 00 00')
  })

  it('refuses a second spelling of a value', () => {
    const cases = {
      boolean: ['01 01 01', '01 00', '01 02 ff ff'],
      integer: ['02 00', '02 02 00 7f', '02 02 ff 80', '0a 02 00 01'],
      bits: ['03 00', '03 01 01', '03 02 08 00', '03 02 01 01', '03 02 07 40'],
      null: ['05 01 00'],
      oid: ['06 00', '06 02 80 01', '06 03 55 80 01', '06 01 80', '06 02 55 9d'],
    }
    for (const hex of Object.values(cases).flat()) refuses(hex)
    for (const hex of [
      '01 01 ff',
      '02 02 00 80',
      '02 02 ff 7f',
      '03 01 00',
      '03 02 07 80',
      '06 03 55 81 00',
      '05 00',
    ]) {
      const encoded = bytes(hex)
      assert.ok(parseDer(encoded).raw.equals(encoded), hex)
      assert.ok(isDerValue(encoded[0] ?? 0, encoded.subarray(2)))
    }
  })

  it('refuses a set out of order', () => {
    refuses('31 06 04 01 02 04 01 01')
    assert.equal(parseDer(bytes('31 06 04 01 01 04 01 02')).children.length, 2)
  })

  it('refuses nesting beyond 32 and never runs out of stack', () => {
    const nested = (depth: number): Buffer => {
      let inner: Buffer = Buffer.alloc(0)
      for (let at = 0; at < depth; at += 1) inner = derSequence(inner)
      return inner
    }
    assert.doesNotThrow(() => parseDer(nested(32)))
    for (const depth of [34, 12_000]) assert.throws(() => parseDer(nested(depth)), DerError)
  })

  it('hands fields out in order and names one that is missing or left over', () => {
    const fields = new DerFields(parseDer(bytes('30 07 02 01 05 04 02 61 62')), 'the pair')
    assert.equal(fields.maybe(0x04), undefined)
    assert.equal(fields.take(0x02).contents[0], 5)
    assert.ok(fields.more)
    assert.throws(() => fields.end(), DerError)
    assert.throws(() => fields.take(0x02), DerError)
    assert.equal(fields.take(0x04).contents.toString(), 'ab')
    fields.end()
    assert.throws(() => fields.take(0x04), DerError)
  })
})
