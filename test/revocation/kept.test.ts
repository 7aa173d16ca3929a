import assert from 'node:assert/strict'
import { der, derSequence } from '../../src/codec/index.ts'
import {
  KEPT_CAP,
  KeptEntries,
  offerList,
  parseList,
  readKept,
  type ListsInForce,
  type Offer,
  type RevocationList,
} from '../../src/revocation/index.ts'
import { KeptWriter } from '../../src/revocation/kept.ts'
import type { KeptEntry } from '../../src/revocation/kept-record.ts'
import { authorityKeyId, KEY_ID, listAuthority, listDer, listNumber, utc } from './list-maker.ts'
import { LIST_CAP as FILE_CAP } from '../../src/state/list-files.ts'

const DAY = new Date('2026-03-01T00:00:00Z')
const of = (serial: string, more: Partial<KeptEntry> = {}): KeptEntry => ({
  serial,
  number: '1',
  revoked: DAY,
  reason: undefined,
  ...more,
})

function kept(...entries: KeptEntry[]): KeptEntries {
  const writer = new KeptWriter()
  for (const one of entries) writer.add(one)
  return writer.finish()
}

const ENTRIES = [
  of('0', { reason: 0 }),
  of('1', { reason: 10, number: '0' }),
  of('ff', { revoked: new Date('1950-01-01T00:00:00Z') }),
  of('100', { invalidity: new Date('0000-01-01T00:00:00Z'), revoked: new Date('9999-12-31T23:59:59Z') }),
  of('f'.repeat(40), { number: 'f'.repeat(40), invalidity: DAY, reason: 1 }),
]

const refused = { code: 'LIST_MALFORMED', side: 'state' }
/** A million in a campaign: what the largest authorities list. */
const MANY = process.env['CAMPAIGN'] === undefined ? 100_000 : 1_000_000
const HEAD = 17
const RECORD = 53

describe('revocation/kept', () => {
  it('reads what it wrote, whatever lists can say', () => {
    const read = readKept(kept(...ENTRIES).bytes)
    assert.deepEqual([...read.entries()], ENTRIES)
    for (const one of ENTRIES) assert.deepEqual(read.find(one.serial), one)
    assert.equal(readKept(new KeptEntries().bytes).size, 0)
    for (const serial of ['2', 'fe', '101', `1${'0'.repeat(39)}`, '1'.repeat(41)])
      assert.equal(read.find(serial), undefined)
  })

  it('refuses every octet changed that makes it no sound entries, and reads the rest as it stands', () => {
    const { bytes } = kept(...ENTRIES)
    let sound = 0
    for (let at = 0; at < bytes.length; at += 1)
      for (const mask of [1, 0x80]) {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ mask
        try {
          assert.deepEqual(readKept(changed).bytes, changed)
          sound += 1
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'LIST_MALFORMED')
        }
      }
    assert.ok(sound > 0)
  })

  it('refuses another head, an entry cut short, another order, twice one serial number, and no such reason or time', () => {
    const { bytes } = kept(...ENTRIES)
    const head = bytes.subarray(0, HEAD)
    const record = (at: number): Buffer => bytes.subarray(HEAD + at * RECORD, HEAD + (at + 1) * RECORD)
    const edited = (at: number, value: number): Buffer => {
      const one = Buffer.from(record(0))
      one[at] = value
      return one
    }
    assert.throws(() => readKept(Buffer.alloc(0)), refused)
    assert.throws(() => readKept(bytes.subarray(1)), refused)
    assert.throws(() => readKept(bytes.subarray(0, -1)), refused)
    assert.throws(() => readKept(Buffer.concat([head, record(1), record(0)])), refused)
    assert.throws(() => readKept(Buffer.concat([head, record(0), record(0)])), refused)
    for (const reason of [6, 7, 8, 11, 0xfe])
      assert.throws(() => readKept(Buffer.concat([head, edited(52, reason)])), refused)
    for (const at of [40, 46]) assert.throws(() => readKept(Buffer.concat([head, edited(at, 0xff)])), refused)
    const never = edited(46, 0).fill(0, 46, 52)
    assert.throws(() => readKept(Buffer.concat([head, never])), refused)
    assert.equal(readKept(Buffer.concat([head, record(0), record(1)])).size, 2)
  })

  it('unites by serial number: the higher list counts, and of one list what excuses less', () => {
    const some = kept(of('1'), of('2', { number: '9' }), of('3', { invalidity: DAY }))
    const more = kept(of('2', { number: '10' }), of('3', { reason: 1 }), of('4'))
    const both = some.unite(more)
    assert.deepEqual(
      [...both.entries()].map(({ serial, number, reason }) => [serial, number, reason]),
      [
        ['1', '1', undefined],
        ['2', '10', undefined],
        ['3', '1', 1],
        ['4', '1', undefined],
      ],
    )
    assert.deepEqual(more.unite(some).bytes, both.bytes)
    assert.deepEqual(both.unite(some).bytes, both.bytes)
    assert.deepEqual(both.unite(new KeptEntries()).bytes, both.bytes)
  })

  it('holds a list of many entries against the one before, and refuses to keep more than a file holds', function () {
    this.timeout(120_000)
    const authority = listAuthority()
    // In the order of their serial numbers, of 16 octets each.
    const one = derSequence(der(0x02, Buffer.alloc(16, 0x40)), utc('260301000000Z'))
    const revoked = (count: number): Buffer => {
      const all = Buffer.alloc(count * one.length)
      for (let at = 0; at < count; at += 1) {
        one.copy(all, at * one.length)
        all.writeUInt32BE(at, at * one.length + 16)
      }
      return count === 0 ? all : der(0x30, all)
    }
    const list = (number: number, count: number): RevocationList => {
      const extensions = [authorityKeyId(KEY_ID), listNumber(number.toString(16))]
      const thisUpdate = utc(`26060${number}000000Z`)
      return parseList(listDer({ authority, extensions, revoked: revoked(count), thisUpdate }))
    }
    const terms = { now: new Date('2026-06-15T00:00:00Z') }
    const timed = (inForce: ListsInForce, offered: RevocationList): [Offer, number] => {
      const start = performance.now()
      return [offerList(inForce, offered, terms), Math.round(performance.now() - start)]
    }
    const [, second, fewer] = [1, 2, 3].map((number) => list(number, number === 3 ? MANY * 0.9 : MANY))
    assert.ok(second !== undefined && fewer !== undefined)
    const [held, still] = timed({ base: list(1, MANY) }, second)
    const [dropped, gone] = timed(held, fewer)
    assert.deepEqual([held.kept.size, dropped.kept.size], [0, MANY / 10])
    process.stdout.write(`      ${MANY} against as many: ${still} ms; a tenth dropped: ${gone} ms\n`)

    const records = Buffer.alloc(KEPT_CAP * RECORD)
    const [, record = Buffer.alloc(0)] = [0, HEAD].map((at) => kept(of('1')).bytes.subarray(at))
    for (let at = 0; at < KEPT_CAP; at += 1) {
      record.copy(records, at * RECORD)
      records.writeUInt32BE(at + 1, at * RECORD)
    }
    const full = readKept(Buffer.concat([kept().bytes, records]))
    assert.equal(full.size, KEPT_CAP)
    // What a state could not write down would end an import behind its judgement, and each one after it.
    assert.ok(full.bytes.length <= FILE_CAP && full.bytes.length + RECORD > FILE_CAP)
    assert.equal(offerList({ base: list(1, 0), kept: full }, list(2, 0), terms).keptChanged, false)
    assert.throws(() => offerList({ base: list(1, 1), kept: full }, list(2, 0), terms), { code: 'LIMIT_EXCEEDED' })
  })
})
