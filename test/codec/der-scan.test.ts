import assert from 'node:assert/strict'
import { DerError, DerScan, der, derOctets, readDer } from '../../src/codec/index.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

describe('codec/der-scan', () => {
  it('finds contents of every length, and where the next element starts', () => {
    for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536]) {
      const encoded = Buffer.concat([derOctets(Buffer.alloc(3)), derOctets(Buffer.alloc(length)), der(0x05)])
      const scan = new DerScan(encoded)
      scan.take(0x04, 5, encoded.length, 'octets')
      assert.equal(scan.end - scan.start, length)
      scan.take(0x05, scan.end, encoded.length, 'null')
      assert.equal(scan.end, encoded.length)
    }
  })

  it('refuses what the reader of single elements refuses, and takes what it takes', () => {
    const heads = [
      '04',
      '04 80',
      '04 81',
      '04 81 7f',
      '04 81 80',
      '04 82 00 80',
      '04 82 01 00',
      '04 83 01 00 00',
      '1f 01',
    ]
    heads.push(
      '04 84 00 01 00 00',
      '04 85 00 00 00 00 01',
      '04 ff',
      '04 00',
      '24 03',
      '04 03',
      '3f 00',
      'bf 00',
      '30 80',
    )
    for (const head of heads)
      for (const behind of [0, 1, 3, 128, 256, 65_536]) {
        const encoded = Buffer.concat([bytes(head), Buffer.alloc(behind)])
        const scan = new DerScan(encoded)
        const known = readDer(encoded)
        if (known === undefined) assert.throws(() => scan.read(0, encoded.length), DerError, head)
        else {
          scan.read(0, encoded.length)
          assert.equal(scan.end, encoded.length - known.rest.length, head)
          assert.equal(scan.tag, known.tag)
        }
      }
  })

  it('never reads beyond the limit', () => {
    const encoded = derOctets(Buffer.alloc(200))
    for (let limit = 0; limit < encoded.length; limit += 1)
      assert.throws(() => new DerScan(encoded).read(0, limit), DerError, `${limit}`)
    assert.throws(() => new DerScan(encoded).read(encoded.length, encoded.length), DerError)
  })

  it('refuses another tag', () => {
    assert.throws(() => new DerScan(bytes('05 00')).take(0x04, 0, 2, 'octets'), DerError)
  })
})
