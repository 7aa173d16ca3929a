import assert from 'node:assert/strict'
import { decode, Tag } from 'cbor2'
import { CborTag, readCbor, untagged, type Cbor } from '../../src/signature/cbor.ts'
import { writeCbor } from '../../src/signature/cbor-write.ts'
import { mulberry32 } from '../seed.ts'
import { cbor, refuses } from './envelope-fixture.ts'

const SEED = 0xcb02
const REFUSED = Symbol('refused')

const read = (hex: string): Cbor => readCbor(Buffer.from(hex, 'hex'), 'test')

describe('signature/cbor', () => {
  describe('readCbor', () => {
    const items: readonly [string, Cbor][] = [
      ['00', 0],
      ['1818', 24],
      ['190100', 256],
      ['1a00010000', 65536],
      ['1b0000000100000000', 2 ** 32],
      ['20', -1],
      ['3824', -37],
      ['f4', false],
      ['f5', true],
      ['f6', null],
      ['60', ''],
      ['63efbbbf', '\u{feff}'],
      ['8301820203820405', [1, [2, 3], [4, 5]]],
      [
        'a201020304',
        new Map([
          [1, 2],
          [3, 4],
        ]),
      ],
      [
        'a26161016162820203',
        new Map<string, Cbor>([
          ['a', 1],
          ['b', [2, 3]],
        ]),
      ],
      // Go-cose takes keys in any order, so a signer may have written them so.
      [
        'a203040102',
        new Map([
          [3, 4],
          [1, 2],
        ]),
      ],
    ]
    for (const [hex, value] of items) {
      it(`reads ${hex}`, () => {
        assert.deepEqual(read(hex), value)
      })
    }

    it('reads a byte string and a member named __proto__ as what they are', () => {
      assert.deepEqual(Buffer.from(read('4401020304') as Uint8Array), Buffer.from([1, 2, 3, 4]))
      assert.deepEqual(read('a1695f5f70726f746f5f5f01'), new Map([['__proto__', 1]]))
    })

    it('keeps tags without acting on them: no date, number, URL or RegExp comes of one (C2)', () => {
      for (const hex of [
        'c074323031332d30332d32315432303a30343a30305a',
        'c249010000000000000000',
        'd82061',
        'd8236161',
      ]) {
        const bytes = hex === 'd82061' ? `${hex}61` : hex
        const tag = Number.parseInt(bytes.startsWith('d8') ? bytes.slice(2, 4) : bytes.slice(1, 2), 16)
        const contents = untagged(read(bytes), tag)
        assert.ok(typeof contents === 'string' || contents instanceof Uint8Array, bytes)
      }
    })

    // RFC 8949 appendices A and F, and the attacks of C2.
    const refused: Readonly<Record<string, readonly string[]>> = {
      'an integer or length that is not minimal': [
        '1817',
        '190000',
        '1900ff',
        '1a00000000',
        '1a0000ffff',
        '1b0000000000000000',
        '1b00000000ffffffff',
        '3800',
        '5800',
        '580141',
        '7801 61',
        '590001 41',
        '9800',
        '980101',
        'b800',
        'b8010102',
        'd80100',
        'd81200',
      ],
      'an indefinite length': ['5fff', '5f4101ff', '7fff', '9fff', '9f01ff', 'bfff', 'bf0102ff', '829f01ff00', 'ff'],
      'a reserved length': ['1c', '1d', '1e', '3c', '5c', '7d', '9e', 'bc', 'dc', 'fc', 'fe'],
      'an end too early': [
        '',
        '18',
        '19',
        '1901',
        '1a010203',
        '1b01020304050607',
        '41',
        '4201',
        '5affffffff',
        '61',
        '6201',
        '81',
        '8201',
        'a1',
        'a101',
        'a2010203',
        'c1',
        'd2',
        'd284',
        '9affffffff',
        'bb0000000100000000',
        '5b001fffffffffffff00',
      ],
      'bytes after the item': ['0000', 'f600', '8000', 'a0a0', '4101ff', 'd20000'],
      'equal keys': ['a201000100', 'a2616100616100', 'a3010002000100', '81a201000101', 'a20100190001 00'],
      'a key that is no label': ['a1f600', 'a1f500', 'a1410000', 'a18000', 'a1a000', 'a1c10000', 'a20100c16161 00'],
      'text that is not UTF-8': ['61ff', '62c080', '63eda080', '64f8808080', 'a161ff00'],
      'a float': [
        'f90000',
        'f93c00',
        'fa47c35000',
        'fb3ff199999999999a',
        'f97e00',
        'c1fb41d452d9e2000000',
        'a101f93c00',
      ],
      'undefined and other simple values': ['f7', 'e0', 'f3', 'f0', 'f818', 'f8ff', '81f7'],
      'a number beyond 2^53': [
        '1b0020000000000000',
        '1bffffffffffffffff',
        '3bffffffffffffffff',
        'db002000000000000000',
      ],
    }
    for (const [what, hexes] of Object.entries(refused)) {
      for (const hex of hexes) {
        it(`refuses ${what}: ${hex || 'nothing'} (C2)`, () => {
          refuses('ENVELOPE_MALFORMED', () => read(hex.replaceAll(' ', '')))
        })
      }
    }

    it('refuses nesting 100000 deep, of every kind (C2)', () => {
      for (const byte of [0x81, 0xc1, 0x9f])
        refuses('ENVELOPE_MALFORMED', () => readCbor(Buffer.alloc(100_000, byte), 'test'))
      const maps = Buffer.alloc(100_000)
      for (let at = 0; at < maps.length; at += 2) maps[at] = 0xa1
      refuses('ENVELOPE_MALFORMED', () => readCbor(maps, 'test'))
    })

    it('reads nesting up to the cap and no further', () => {
      const nested = (depth: number): Buffer => Buffer.from(`${'81'.repeat(depth)}00`, 'hex')
      assert.ok(Array.isArray(readCbor(nested(16), 'test')))
      refuses('ENVELOPE_MALFORMED', () => readCbor(nested(17), 'test'))
    })

    it('refuses more items than the cap, whether they are there or only promised (C2)', () => {
      const items = (count: number): Buffer => cbor.array(...Array.from({ length: count }, () => cbor.int(0)))
      assert.equal((readCbor(items(4095), 'test') as Cbor[]).length, 4095)
      refuses('ENVELOPE_MALFORMED', () => readCbor(items(4096), 'test'))
    })
  })

  describe('writeCbor', () => {
    it('sorts keys bytewise, numbers before text, as go-cose does', () => {
      const map = new Map<number | string, Cbor>([
        ['bb', 1],
        ['a', 2],
        [33, 3],
        [3, 4],
        [-1, 5],
      ])
      assert.equal(writeCbor(map).toString('hex'), 'a50304182103200561610262626201')
    })

    it('writes Buffers as byte strings and times as tagged integers', () => {
      assert.equal(
        writeCbor([Buffer.from([1, 2]), new CborTag(1, 1_661_321_924)]).toString('hex'),
        '82420102c11a6305c2c4',
      )
    })

    it('writes what it reads again', () => {
      const value = new Map<number | string, Cbor>([
        [1, -37],
        ['x', ['y', null, true]],
      ])
      assert.deepEqual(readCbor(writeCbor(value), 'test'), value)
    })
  })

  it(`reads what cbor2 reads of what cbor2 wrote, and refuses what it refuses of damage (seed ${SEED})`, () => {
    const dice = mulberry32(SEED)
    const whole = (below: number): number => Math.floor(dice() * below)
    const grow = (depth: number): Cbor => {
      const kind = whole(depth > 4 ? 5 : 8)
      if (kind === 0) return whole(2 ** whole(50))
      if (kind === 1) return -1 - whole(2 ** whole(50))
      if (kind === 2) return Uint8Array.from({ length: whole(300) }, () => whole(256))
      if (kind === 3) return ['', 'a', 'ü', '\u{1f600}', 'x'.repeat(whole(300))][whole(5)] ?? ''
      if (kind === 4) return [true, false, null][whole(3)] ?? null
      const items = Array.from({ length: whole(6) }, () => grow(depth + 1))
      if (kind === 5) return items
      if (kind === 6) return new CborTag(whole(2 ** whole(40)), grow(depth + 1))
      return new Map(items.map((item, i) => [dice() < 0.5 ? i - 3 : `label ${i}`, item]))
    }
    const theirs = (bytes: Uint8Array): unknown => {
      try {
        return decode(bytes, {
          ignoreGlobalTags: true,
          preferMap: true,
          rejectDuplicateKeys: true,
          rejectFloats: true,
          rejectSimple: true,
          rejectStreaming: true,
          rejectUndefined: true,
          requirePreferred: true,
        })
      } catch {
        return REFUSED
      }
    }
    const ours = (bytes: Uint8Array): unknown => {
      try {
        return forCbor2(readCbor(bytes, 'test'))
      } catch {
        return REFUSED
      }
    }
    let refused = 0
    for (let round = 0; round < 3000; round++) {
      const value = grow(0)
      const bytes = writeCbor(value)
      assert.deepEqual(readCbor(bytes, 'test'), value, `round ${round}`)
      bytes[whole(bytes.length)] = whole(256)
      const read = ours(bytes)
      // What only we refuse, labels that are none and integers beyond 2^53, is refused by the rules of COSE and of numbers.
      if (read === REFUSED) refused++
      else assert.deepEqual(read, theirs(Uint8Array.from(bytes)), `round ${round}, damaged: ${bytes.toString('hex')}`)
    }
    assert.ok(refused > 300 && refused < 2700, `${refused} refused`)
  })
})

/** As cbor2 gives it. */
function forCbor2(value: Cbor): unknown {
  if (Array.isArray(value)) return value.map(forCbor2)
  if (value instanceof Map) return new Map([...value].map(([label, item]) => [label, forCbor2(item)]))
  return value instanceof CborTag ? new Tag(value.tag, forCbor2(value.contents)) : value
}
