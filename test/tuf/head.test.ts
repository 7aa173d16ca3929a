import assert from 'node:assert/strict'
import { isFault } from '../../src/errors/index.ts'
import { judgeHead } from '../../src/tuf/head.ts'
import { readSlot } from '../../src/tuf/slot.ts'
import { LATER, TARGETS, forge, judging, makeChannel, makeKeys, roots, rotate } from './channel-fixture.ts'
import {
  alice,
  aliceEntry,
  bob,
  bundle,
  carol,
  channel,
  counters,
  genuine,
  idOf,
  place,
  resigned,
  set,
  sibling,
} from './head-cases.ts'

describe('tuf/head', () => {
  describe('accepts', () => {
    it('accepts a genuine head and says what it found', () => {
      const verdict = judgeHead(judging(channel, genuine))
      const { signedBytes } = readSlot(genuine.targets, 'targets', place)
      assert.deepEqual(verdict.counters, { timestamp: 5, snapshot: 5, targets: 5 })
      assert.equal(verdict.sequence, 5)
      assert.equal(verdict.rootVersion, 1)
      assert.deepEqual(verdict.roots, [])
      assert.equal(verdict.reset, undefined)
      assert.equal(verdict.repeat, false)
      assert.equal(verdict.expires, LATER)
      assert.deepEqual(verdict.signers, [alice.keyid, bob.keyid])
      assert.deepEqual(Object.fromEntries(verdict.targets), TARGETS)
      assert.deepEqual(verdict.badSignatures, [])
      assert.match(verdict.id, /^sha256:[0-9a-f]{64}$/)
      assert.ok(!signedBytes.includes(' '))
    })

    it('calls the same bundle a repeat, and one without a known id not', () => {
      assert.equal(
        judgeHead(
          judging(
            channel,
            genuine,
            counters(5, () => idOf(genuine)),
          ),
        ).repeat,
        true,
      )
      assert.equal(judgeHead(judging(channel, genuine, counters(5))).repeat, false)
    })

    it('takes any two of the three people', () => {
      for (const targets of [
        [alice, carol],
        [carol, bob],
        [alice, bob, carol],
      ])
        assert.equal(judgeHead(judging(channel, bundle({ signers: { targets } }))).signers.length, targets.length)
    })

    it('reports an extra signature that is bad, and goes on', () => {
      const entries = readSlot(genuine.targets, 'targets', place).signatures
      const files = resigned(genuine, [
        { keyid: carol.keyid, sig: aliceEntry.sig },
        ...entries,
        { keyid: 'f'.repeat(64), sig: '' },
      ])
      assert.deepEqual(judgeHead(judging(channel, files)).badSignatures, [
        { role: 'targets', keyid: carol.keyid, reason: 'invalid' },
        { role: 'targets', keyid: 'f'.repeat(64), reason: 'unknown-key' },
      ])
    })

    it('gives the earliest expiry of all parts', () => {
      const early = '2026-06-02T00:00:00Z'
      assert.equal(judgeHead(judging(channel, bundle({ snapshot: set('expires', early) }))).expires, early)
      const short = makeChannel('a', { expires: early })
      assert.equal(judgeHead(judging(short, { roots: roots(short), ...forge(short) })).expires, early)
    })

    it('tolerates further members in signed parts', () => {
      judgeHead(judging(channel, bundle({ targets: set('x-future', { a: [1] }), timestamp: set('y', true) })))
    })

    it('takes a sequence that skips some, up to 2^53-1', () => {
      const { sequence } = judgeHead(judging(channel, bundle({ sequence: Number.MAX_SAFE_INTEGER })))
      assert.equal(sequence, Number.MAX_SAFE_INTEGER)
    })
  })

  it('names both ids of an equivocation', () => {
    const mine = idOf(genuine)
    assert.throws(
      () =>
        judgeHead(
          judging(
            channel,
            sibling,
            counters(5, () => mine),
          ),
        ),
      (error) => {
        assert.ok(isFault(error, 'EQUIVOCATION'))
        return error.message.includes(mine) && error.message.includes(idOf(sibling))
      },
    )
  })

  it('recovers from a fast-forward when a new root replaces both online keys', () => {
    const [end, fresh] = [Number.MAX_SAFE_INTEGER, makeKeys('fresh')]
    const { trusted } = judging(channel, genuine)
    const stolen = judgeHead(judging(channel, bundle({ sequence: end })))
    const poisoned = { ...trusted, counters: stolen.counters, lastId: stolen.id }
    const second = rotate(channel, { timestamp: fresh.timestamp, snapshot: fresh.snapshot })
    const files = { roots: roots(channel, second), ...forge(second, { sequence: 1 }) }
    const verdict = judgeHead(judging(channel, files, { trusted: poisoned }))
    assert.deepEqual(verdict.reset, { rootVersion: 2 })
    assert.deepEqual(verdict.counters, { timestamp: 1, snapshot: 1, targets: 1 })
    assert.deepEqual(verdict.roots, [{ version: 2, bytes: second.root }])
    assert.equal(verdict.rootVersion, 2)
    // Without the new root the poisoned counter holds.
    assert.throws(
      () => judgeHead(judging(channel, bundle({ sequence: 6 }), { trusted: poisoned })),
      (error) => isFault(error, 'ROLLBACK'),
    )
    // What the thief signed before is of no use under the new root.
    const replay = { roots: roots(channel, second), ...forge(channel, { sequence: end }) }
    assert.throws(
      () => judgeHead(judging(channel, replay, { trusted: poisoned })),
      (error) => isFault(error, 'SIGNATURE_INVALID'),
    )
  })

  it('refuses when only the newest root has expired', () => {
    const gone = '2026-05-01T00:00:00Z'
    const second = rotate(channel, {}, gone)
    const third = rotate(second, {})
    const judge = (...chain: (typeof channel)[]) =>
      judgeHead(judging(channel, { roots: roots(...chain), ...forge(channel) }))
    assert.throws(
      () => judge(channel, second),
      (error) => isFault(error, 'EXPIRED'),
    )
    assert.equal(judge(channel, second, third).rootVersion, 3)
  })

  it('judges a head made under an older root by the newer one the site has', () => {
    const kept = rotate(channel, { targets: [alice, bob] })
    const { trusted } = judging(kept, genuine)
    assert.deepEqual(judgeHead(judging(channel, genuine, { trusted })).signers, [alice.keyid, bob.keyid])
    const replaced = rotate(channel, { timestamp: makeKeys('new').timestamp })
    assert.throws(
      () => judgeHead(judging(channel, genuine, { trusted: judging(replaced, genuine).trusted })),
      (error) => isFault(error, 'SIGNATURE_INVALID'),
    )
  })
})
