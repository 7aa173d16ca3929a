/** What may replace what: lists of the real openssl in every order, and a model that says where they must end. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { derBits, derSequence, parseDer } from '../../src/codec/index.ts'
import { SallyportError } from '../../src/errors/index.ts'
import {
  compareNumbers,
  demandIssuedList,
  offerList,
  parseList,
  readKept,
  type ListsInForce,
  type Offer,
  type OfferTerms,
  type RevocationList,
} from '../../src/revocation/index.ts'
import { Authority, type ListTerms, type Revoked } from './authority.ts'
import {
  authorityKeyId,
  deltaIndicator,
  entry,
  integer,
  KEY_ID,
  listAuthority,
  listDer,
  listNumber,
  reason,
  utc,
} from './list-maker.ts'
import { orders } from '../orders.ts'
import { extension } from '../signature/hand-made.ts'

const NOW = new Date('2026-12-15T00:00:00Z')
const terms: OfferTerms = { now: NOW }

/** Every order of these. */
function codeOf(act: () => unknown): string | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    if (error instanceof SallyportError) return error.code
    throw error
  }
}

/** Offered one after the other; what is refused for want of its base is offered again, as the sender would. */
function arrive(lists: readonly RevocationList[], again: boolean): ListsInForce {
  let inForce: ListsInForce = {}
  let waiting: RevocationList[] = []
  for (const list of lists) {
    const refused: RevocationList[] = []
    for (const offered of [list, ...waiting]) {
      const code = codeOf(() => (inForce = offerList(inForce, offered, terms)))
      if (code === undefined) continue
      assert.equal(code, 'LIST_BASE_MISSING')
      refused.push(offered)
    }
    waiting = again ? refused : []
  }
  return inForce
}

function stateOf({ base, delta, kept }: ListsInForce): unknown {
  return [base?.number, base?.sha256, delta?.sha256, kept?.bytes.toString('hex')]
}

const serialsOf = ({ kept }: ListsInForce): string[] => [...(kept?.entries() ?? [])].map(({ serial }) => serial)

/** The order of P-256. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** With n − s in place of s. */
function mirrored(bytes: Buffer): Buffer {
  const [body, algorithm, bits] = parseDer(bytes).children
  const [r, s] = parseDer(bits?.contents.subarray(1) ?? Buffer.alloc(0)).children
  assert.ok(body && algorithm && r && s)
  const other = integer((ORDER - BigInt(`0x${s.contents.toString('hex')}`)).toString(16))
  return derSequence(body.raw, algorithm.raw, derBits(derSequence(r.raw, other)))
}

describe('revocation/replacing', function () {
  this.timeout(120_000)
  const authority = listAuthority()
  const DAYS = ['260601', '260602', '260603', '260604', '260605', '260606', '260607', '260608', '260609', '260610']
  /** A list of this number, dated by it, and of entries `serial` or `serial:reason`. */
  const list = (
    number: number,
    names: readonly string[] = [],
    more: { base?: number; day?: number } = {},
  ): RevocationList => {
    const entries = names.map((name) => {
      const [serial = '', code] = name.split(':')
      return entry(serial, code === undefined ? [] : [reason(Number(code))])
    })
    const extensions = [authorityKeyId(KEY_ID), listNumber(number.toString(16))]
    if (more.base !== undefined) extensions.push(deltaIndicator(more.base.toString(16)))
    return parseList(
      listDer({ authority, entries, extensions, thisUpdate: utc(`${DAYS[more.day ?? number] ?? ''}000000Z`) }),
    )
  }
  const offer = (inForce: ListsInForce, offered: RevocationList): Offer => offerList(inForce, offered, terms)

  it('takes the first list, the same again as held, and a newer one', () => {
    const [one, two] = [list(1), list(2)]
    const first = offer({}, one)
    assert.deepEqual([first.outcome, first.base, first.kept.size], ['taken', one, 0])
    assert.equal(offer(first, one).outcome, 'held')
    const second = offer(first, two)
    assert.deepEqual([second.outcome, second.base], ['taken', two])
  })

  it('R2 takes no older list, by number or by date', () => {
    const held = offer({}, list(5))
    for (const old of [list(4), list(4, [], { day: 9 }), list(6, [], { day: 4 })]) {
      const { outcome, base, keptChanged } = offer(held, old)
      assert.deepEqual([outcome, base, keptChanged], ['older', held.base, false])
    }
    assert.equal(offer(held, list(6, [], { day: 5 })).outcome, 'taken')
  })

  it('R2 raises an alarm at other bytes under the number of the list in force', () => {
    const held = offer({}, list(5))
    assert.equal(
      codeOf(() => offer(held, list(5, ['a']))),
      'LIST_EQUIVOCATION',
    )
    assert.equal(
      codeOf(() => offer(held, list(5, [], { day: 6 }))),
      'LIST_EQUIVOCATION',
    )
    const withDelta = offer(held, list(6, [], { base: 5 }))
    assert.equal(
      codeOf(() => offer(withDelta, list(6, ['a'], { base: 5 }))),
      'LIST_EQUIVOCATION',
    )
    assert.equal(offer(withDelta, list(6, ['a'])).outcome, 'taken')
  })

  it('R2 takes the same list with the other form of its ECDSA signature for the one it has: anyone can write that', () => {
    const mine = list(5, ['a'])
    const twin = parseList(mirrored(mine.der))
    assert.doesNotThrow(() => demandIssuedList(twin, authority.certificate))
    assert.notEqual(twin.sha256, mine.sha256)
    const held = offer({}, twin)
    const again = offer(held, mine)
    assert.deepEqual([again.outcome, again.base.sha256, again.keptChanged], ['held', twin.sha256, false])
  })

  it('R6 refuses a list dated ahead, beyond five minutes', () => {
    const at = (seconds: number): OfferTerms => ({ now: new Date(Date.UTC(2026, 5, 2) - seconds * 1000) })
    assert.equal(
      codeOf(() => offerList({}, list(1), at(300))),
      undefined,
    )
    assert.equal(
      codeOf(() => offerList({}, list(1), at(301))),
      'LIST_FUTURE',
    )
  })

  it('chains a delta to the list in force, and refuses one that has no base here', () => {
    assert.equal(
      codeOf(() => offer({}, list(6, [], { base: 5 }))),
      'LIST_BASE_MISSING',
    )
    const held = offer({}, list(5))
    assert.equal(
      codeOf(() => offer(held, list(8, [], { base: 6 }))),
      'LIST_BASE_MISSING',
    )
    const [six, seven] = [list(6, [], { base: 5 }), list(7, [], { base: 4 })]
    const withSix = offer(held, six)
    assert.deepEqual([withSix.outcome, withSix.base, withSix.delta], ['taken', held.base, six])
    assert.equal(offer(withSix, six).outcome, 'held')
    const withSeven = offer(withSix, seven)
    assert.deepEqual([withSeven.outcome, withSeven.delta], ['taken', seven])
    assert.deepEqual([offer(withSeven, six).outcome, offer(withSeven, six).delta], ['older', seven])
    assert.equal(offer(held, list(4, [], { base: 3 })).outcome, 'older')
    assert.equal(offer(held, list(6, [], { base: 5, day: 4 })).outcome, 'older')
    // Of the same number as the list: made along with it.
    assert.equal(offer(held, list(5, [], { base: 3 })).outcome, 'taken')
  })

  it('leaves a delta in force until a list overtakes it', () => {
    const delta = list(7, [], { base: 5 })
    const held = offer(offer({}, list(5)), delta)
    assert.equal(offer(held, list(6)).delta, delta)
    assert.equal(offer(held, list(7)).delta, delta)
    assert.equal(offer(held, list(8)).delta, undefined)
  })

  it('keeps what later lists drop, but for holds', () => {
    const dropped = offer(offer({}, list(1, ['a', 'b:6', 'c:1', 'd'])), list(2, ['d']))
    assert.deepEqual(serialsOf(dropped), ['a', 'c'])
    assert.ok(dropped.keptChanged)
    assert.equal(dropped.kept.find('c')?.reason, 1)
    assert.equal(dropped.kept.find('a')?.number, '1')
    assert.equal(dropped.kept.find('b'), undefined)
    // What a list names for good again is kept no longer, and by a hold it is not named for good.
    const again = offer(dropped, list(3, ['a', 'c:6', 'd']))
    assert.deepEqual(serialsOf(again), ['c'])
    assert.deepEqual(serialsOf(offer(again, list(4))), ['a', 'c', 'd'])
  })

  it('keeps what a later list says by words that nobody knows, in whatever order they come', () => {
    const odd = parseList(
      listDer({
        authority,
        entries: [entry('a', [reason(1), extension('1.2.3', Buffer.of(5, 0), true)]), entry('b', [reason(1)])],
        extensions: [authorityKeyId(KEY_ID), listNumber('2')],
        thisUpdate: utc(`${DAYS[2] ?? ''}000000Z`),
      }),
    )
    const plain = list(1, ['a:1', 'b:1'])
    for (const order of [
      [plain, odd],
      [odd, plain],
    ]) {
      const held = arrive(order, false)
      assert.deepEqual([held.base, serialsOf(held)], [odd, ['a']])
      // And lets it go for a later one that is understood.
      assert.deepEqual(serialsOf(offer(held, list(3, ['a', 'b']))), [])
    }
  })

  it('keeps what a delta said once it is gone', () => {
    const held = offer(offer({}, list(1, ['a'])), list(2, ['b', 'c:6', 'a:8'], { base: 1 }))
    assert.equal(held.kept.size, 0)
    assert.deepEqual(serialsOf(offer(held, list(3, [], { base: 1 }))), ['b'])
    assert.deepEqual(serialsOf(offer(held, list(4))), ['a', 'b'])
    assert.deepEqual(serialsOf(offer(held, list(4, ['a', 'b']))), [])
  })

  it('learns from an older list what it revoked for good', () => {
    const older = offer(offer({}, list(2, ['a'])), list(1, ['a', 'b', 'c:6']))
    assert.deepEqual([older.outcome, older.keptChanged, serialsOf(older)], ['older', true, ['b']])
  })

  it('gives back what it was given when nothing changes', () => {
    const held = offer(offer({}, list(1, ['a'])), list(2))
    const same = offer(held, list(3))
    assert.equal(same.keptChanged, false)
    assert.deepEqual(same.kept.bytes, held.kept.bytes)
    assert.deepEqual(readKept(same.kept.bytes).find('a'), held.kept.find('a'))
  })

  it('R2 ends in one state in all 24 orders of three lists of openssl and a delta', () => {
    const real = new Authority('real')
    const made = (more: ListTerms): RevocationList => parseList(real.list(more))
    const named = (...serials: string[]): Revoked[] => serials.map((serial) => ({ serial }))
    const lists = [
      made({ number: 1, from: '260401000000Z', revoked: named('0a', '0b') }),
      made({ number: 2, from: '260402000000Z', revoked: named('0a', '0b', '0c') }),
      made({ number: 3, from: '260403000000Z', deltaBase: 2, revoked: named('0d') }),
      made({ number: 4, from: '260404000000Z', revoked: named('0a', '0c', '0d') }),
    ]
    real.remove()
    // An honest issuer, who dropped 0b: a delta without its base is not even needed.
    const ends = orders(lists).map((order) => arrive(order, false))
    assert.equal(ends.length, 24)
    for (const end of ends) {
      assert.deepEqual(stateOf(end), stateOf(ends[0] ?? {}))
      assert.equal(end.base, lists[3])
      assert.deepEqual(serialsOf(end), ['b'])
    }
    // And the other way round: whoever forgot 0d, which the delta alone had told.
    const forgetful = [...lists.slice(0, 3), list(4, ['a', 'c'])]
    for (const order of orders(forgetful)) assert.deepEqual(serialsOf(arrive(order, true)), ['b', 'd'])
  })

  it('R2 ends where the model says, whatever lists there are and in whatever order they come', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 })
    const codes = fc.constantFrom('', ':1', ':6')
    const listing = fc
      .tuple(names, fc.array(codes, { minLength: 4, maxLength: 4 }))
      .map(([serials, reasons]) => serials.map((serial, at) => `${serial}${reasons[at] ?? ''}`))
    const numbered = fc.record({ names: listing, base: fc.option(fc.nat({ max: 8 }), { nil: undefined }) })
    const history = fc.array(numbered, { minLength: 1, maxLength: 6 }).chain((items) => {
      const lists = items.map(({ names: named, base }, at) =>
        list(at + 1, named, base === undefined || at === 0 ? {} : { base: Math.min(base, at) }),
      )
      return fc.tuple(fc.constant(lists), fc.shuffledSubarray(lists, { minLength: lists.length }))
    })
    const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
    process.stdout.write(`      seed ${seed}\n`)
    fc.assert(
      fc.property(history, ([lists, order]) => {
        const end = arrive(order, true)
        const bases = lists.filter(({ deltaBase }) => deltaBase === undefined)
        const base = bases.at(-1)
        assert.equal(end.base?.number, base?.number)
        const delta = lists.findLast(
          ({ deltaBase, number }) =>
            deltaBase !== undefined &&
            base !== undefined &&
            compareNumbers(deltaBase, base.number) <= 0 &&
            compareNumbers(number, base.number) > 0,
        )
        assert.equal(end.delta?.number, delta?.number)
        // Nothing that was seen to be revoked for good is lost, and nothing else is kept.
        const seen = lists.filter(
          ({ deltaBase = '0' }) => base !== undefined && compareNumbers(deltaBase, base.number) <= 0,
        )
        for (const serial of ['a', 'b', 'c', 'd']) {
          const forGood = (one: RevocationList): boolean => {
            const found = one.find(serial)
            return found !== undefined && found.reason !== 6
          }
          const last = seen.findLast(forGood)
          const inForce = last !== undefined && (last === end.base || last === end.delta)
          assert.equal(end.kept?.find(serial)?.number, inForce ? undefined : last?.number, serial)
        }
      }),
      { seed, numRuns: 2000 },
    )
  })
})
