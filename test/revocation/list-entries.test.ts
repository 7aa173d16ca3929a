import assert from 'node:assert/strict'
import fc from 'fast-check'
import { der, derOctets, derOid, derSequence } from '../../src/codec/index.ts'
import { parseList, type ListEntry } from '../../src/revocation/index.ts'
import { extension } from '../signature/hand-made.ts'
import { entry, generalized, integer, invalidity, listAuthority, listDer, reason, utc } from './list-maker.ts'

const authority = listAuthority()

function list(...entries: readonly Buffer[]): ReturnType<typeof parseList> {
  return parseList(listDer({ authority, entries }))
}

function refuses(bad: Buffer, why: string): void {
  assert.throws(() => list(entry('1'), bad, entry('2')), { code: 'LIST_MALFORMED' }, why)
}

const hold = (time: string): Buffer => entry('5', [reason(6)], utc(time))
const release = (time: string): Buffer => entry('5', [reason(8)], utc(time))

describe('revocation/list-entries', () => {
  it('reads every reason, no reason, and the invalidity date in any order', () => {
    const day = new Date('2026-03-01T00:00:00Z')
    assert.deepEqual(list(entry('a')).find('a'), { serial: 'a', revoked: day, reason: undefined })
    for (const code of [0, 1, 2, 3, 4, 5, 6, 8, 9, 10])
      assert.deepEqual(list(entry('a', [reason(code)])).find('a'), { serial: 'a', revoked: day, reason: code })
    const invalid = new Date('2026-01-02T03:04:05Z')
    const both = [reason(1), invalidity('20260102030405Z')]
    for (const extensions of [both, both.toReversed()]) {
      const found = list(entry('a', extensions)).find('a')
      assert.deepEqual(found, { serial: 'a', revoked: day, reason: 1, invalidity: invalid })
    }
  })

  it('reads extensions that are not critical and not known, and flags those that are', () => {
    const odd = (critical: boolean): Buffer => extension('1.2.3.4', Buffer.from('not DER'), critical)
    assert.equal(list(entry('a', [odd(false), reason(1)])).find('a')?.unknownCritical, undefined)
    assert.equal(list(entry('a', [odd(true), reason(1)])).find('a')?.unknownCritical, true)
    const instruction = extension('2.5.29.23', derOid('1.2.840.10040.2.1'), true)
    assert.equal(list(entry('a', [instruction])).find('a')?.unknownCritical, true)
    // A flag is of one entry, not of those that follow.
    const read = list(entry('a', [odd(true)]), entry('b'), entry('c', [reason(1)]), entry('d'))
    assert.deepEqual(
      [...read.entries()].map(({ serial, unknownCritical, reason: code }) => [serial, unknownCritical, code]),
      [
        ['a', true, undefined],
        ['b', undefined, undefined],
        ['c', undefined, 1],
        ['d', undefined, undefined],
      ],
    )
  })

  it('takes serial numbers of up to 20 octets, zero among them', () => {
    const serials = ['0', '1', '7f', '80', 'ff', '100', '7'.repeat(40), 'f'.repeat(40), `1${'0'.repeat(32)}`]
    const read = list(...serials.map((serial) => entry(serial)))
    for (const serial of serials) assert.equal(read.find(serial)?.serial, serial)
    assert.deepEqual(
      [...read.entries()].map(({ serial }) => serial),
      serials,
    )
  })

  it('finds entries of every length', () => {
    const sizes = [0, 100, 127, 128, 200, 255, 256, 70_000]
    const entries = sizes.map((size, at) => entry(`a${at}`, [extension('1.2.3', Buffer.alloc(size)), reason(1)]))
    const read = list(...entries)
    for (const at of sizes.keys()) assert.equal(read.find(`a${at}`)?.reason, 1)
    assert.equal(read.find('b0'), undefined)
  })

  it('refuses serial numbers that are negative, too long or written in a second way', () => {
    refuses(entry(Buffer.of(2, 1, 0xff)), 'negative')
    refuses(entry(Buffer.of(2, 2, 0xff, 0x7f)), 'negative, two octets')
    refuses(entry(Buffer.of(2, 2, 0, 0x7f)), 'a zero before it')
    refuses(entry(Buffer.of(2, 0)), 'nothing')
    refuses(entry(integer(`1${'0'.repeat(40)}`)), '21 octets')
    refuses(entry(der(0x0a, Buffer.of(1))), 'no integer')
  })

  it('asks for a serial number in the one spelling that certificates have', () => {
    const read = list(entry('ab'))
    for (const serial of ['AB', '0ab', '', 'xy', '00', ' ab', 'ab\n'])
      assert.throws(() => read.find(serial), RangeError, serial)
    assert.equal(read.find('b'), undefined)
    assert.equal(read.find('f'.repeat(64)), undefined)
  })

  it('refuses reasons and dates that there are not', () => {
    for (const code of [7, 11, 0x80, 0xff]) refuses(entry('a', [reason(code)]), `reason ${code}`)
    refuses(entry('a', [extension('2.5.29.21', Buffer.of(0x0a, 2, 0, 1))]), 'a long reason')
    refuses(entry('a', [extension('2.5.29.21', Buffer.of(0x02, 1, 1))]), 'an integer')
    refuses(entry('a', [extension('2.5.29.21', Buffer.of(0x0a, 1, 1, 5, 0))]), 'bytes behind the reason')
    refuses(entry('a', [extension('2.5.29.24', utc('260101000000Z'))]), 'an invalidity date of the other kind')
    refuses(entry('a', [invalidity('20260230000000Z')]), 'the 30th of February')
    refuses(entry('a', [], generalized('20250229000000Z')), 'the 29th of February of 2025')
    refuses(entry('a', [], utc('260301006000Z')), 'minute 60')
    refuses(entry('a', [], utc('260301000060Z')), 'second 60')
    refuses(entry('a', [], utc('260301240000Z')), 'hour 24')
    refuses(entry('a', [], utc('260300000000Z')), 'day 0')
    refuses(entry('a', [], utc('260001000000Z')), 'month 0')
    refuses(entry('a', [], utc('261301000000Z')), 'month 13')
    refuses(entry('a', [], utc('260301000000X')), 'another zone')
    refuses(entry('a', [], utc('2603010000Z')), 'no seconds')
    refuses(entry('a', [], utc('26030100000:Z')), 'a character behind the digits')
    assert.equal(
      list(entry('a', [], utc('000229000000Z')))
        .find('a')
        ?.revoked.getUTCFullYear(),
      2000,
    )
    assert.equal(
      list(entry('a', [], utc('500101000000Z')))
        .find('a')
        ?.revoked.getUTCFullYear(),
      1950,
    )
    assert.throws(() => list(entry('a', [], generalized('21000229000000Z'))), { code: 'LIST_MALFORMED' })
  })

  it('refuses entries of another shape', () => {
    const serial = integer('a')
    const date = utc('260301000000Z')
    refuses(derSequence(serial), 'no date')
    refuses(derSequence(date, serial), 'out of order')
    refuses(derSequence(serial, date, derSequence()), 'an empty list of extensions')
    refuses(derSequence(serial, date, derSequence(reason(1)), derSequence(reason(1))), 'two lists of extensions')
    refuses(derSequence(serial, date, derSequence(reason(1)), invalidity('20260101000000Z')), 'one beside the list')
    refuses(
      entry('a', [derSequence(derOid('1.2.3'), derOctets(Buffer.of()), Buffer.of(5, 0))]),
      'bytes behind the value',
    )
    refuses(derSequence(serial, date, reason(1)), 'an extension that is in no list')
    refuses(derSequence(serial, date, der(0xa0, derSequence(reason(1)))), 'tagged extensions')
    refuses(der(0x31, serial, date), 'a set')
    refuses(entry('a', [reason(1), reason(1)]), 'a reason twice')
    refuses(entry('a', [reason(1), invalidity('20260101000000Z'), reason(2)]), 'two reasons')
    refuses(
      entry('a', [derSequence(derOid('1.2.3'), Buffer.of(1, 1, 0), derOctets(Buffer.of()))]),
      'a false spelled out',
    )
    refuses(entry('a', [derSequence(derOid('1.2.3'), Buffer.of(1, 1, 2), derOctets(Buffer.of()))]), 'an odd true')
    refuses(entry('a', [derSequence(derOid('1.2.3'))]), 'no value')
    refuses(entry('a', [derSequence(Buffer.of(6, 2, 0x80, 1), derOctets(Buffer.of()))]), 'a name in a second spelling')
    const many = Array.from({ length: 17 }, (_, at) => extension(`1.2.${at}`, Buffer.of()))
    refuses(entry('a', many), 'too many extensions')
    refuses(Buffer.from('30820011' + '02010a' + date.toString('hex'), 'hex'), 'a length in a second spelling')
  })

  it('lets the latest of hold and release decide, wherever it stands', () => {
    const cases: [Buffer[], number][] = [
      [[hold('260301000000Z'), release('260302000000Z')], 8],
      [[release('260302000000Z'), hold('260301000000Z')], 8],
      [[hold('260303000000Z'), release('260302000000Z'), hold('260301000000Z')], 6],
      [[release('260302000000Z'), hold('260302000000Z')], 6],
      [[hold('260302000000Z'), release('260302000000Z')], 6],
    ]
    for (const [entries, code] of cases) assert.equal(list(entry('4'), ...entries, entry('6')).find('5')?.reason, code)
  })

  it('lets what revokes for good win over hold, release and what it can not understand', () => {
    const good = entry('5', [reason(1)], utc('260101000000Z'))
    const plain = entry('5', [], utc('260101000000Z'))
    const odd = entry('5', [extension('1.2.3', Buffer.of(), true)], utc('260601000000Z'))
    for (const others of [[hold('260401000000Z'), release('260501000000Z')], [odd], [odd, release('260501000000Z')]]) {
      assert.equal(list(...others, good).find('5')?.reason, 1)
      assert.deepEqual(list(good, ...others).find('5')?.reason, 1)
      assert.equal(
        list(plain, ...others)
          .find('5')
          ?.revoked.getUTCMonth(),
        0,
      )
    }
    // A release says that all is well: not beside something that may say the contrary.
    assert.equal(list(odd, release('260701000000Z')).find('5')?.unknownCritical, true)
    assert.equal(list(release('260701000000Z'), odd).find('5')?.unknownCritical, true)
  })

  it('lets of two that revoke for good the one win that reaches back further', () => {
    const since = (text: string): Buffer => entry('5', [reason(1), invalidity(text)])
    const [early, late, always] = [since('20250101000000Z'), since('20260101000000Z'), entry('5', [reason(4)])]
    assert.equal(list(late, early).find('5')?.invalidity?.getUTCFullYear(), 2025)
    assert.equal(list(early, late).find('5')?.invalidity?.getUTCFullYear(), 2025)
    assert.equal(list(early, always, late).find('5')?.invalidity, undefined)
  })

  it('finds each entry and no other in any list', () => {
    // Few first octets and many lengths, so that the first bits are often the same.
    const serial = fc
      .tuple(fc.constantFrom('1', '7f', '80', 'ffffff'), fc.integer({ min: 0, max: 16 }), fc.nat(3))
      .map(([first, zeros, last]) => `${first}${'00'.repeat(zeros)}0${last}`)
    fc.assert(
      fc.property(fc.array(serial, { maxLength: 60 }), fc.array(serial, { maxLength: 20 }), (there, others) => {
        const read = list(...there.map((each) => entry(each, each.length % 2 === 0 ? [reason(1)] : [])))
        assert.deepEqual(
          [...read.entries()].map((each: ListEntry) => each.serial),
          there,
        )
        for (const each of there) assert.equal(read.find(each)?.serial, each)
        for (const each of others) assert.equal(read.find(each)?.serial, there.includes(each) ? each : undefined)
      }),
      { seed: 5280, numRuns: 200 },
    )
  })
})
