import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import fc from 'fast-check'
import { canonicalBytes } from '../../src/codec/index.ts'
import { isFault, type Code } from '../../src/errors/index.ts'
import { addSignature, buildHead, type HeadPlan } from '../../src/tuf/build.ts'
import { judgeHead } from '../../src/tuf/head.ts'
import { targetsSlot } from '../../src/tuf/slot.ts'
import { LATER, TARGETS, forge, judging, makeChannel, makeKeys, roots, signedOf } from './channel-fixture.ts'

const channel = makeChannel()
const { keys } = channel
const [alice, bob, carol] = keys.targets
assert.ok(alice !== undefined && bob !== undefined && carol !== undefined)
const online = [...keys.snapshot, ...keys.timestamp]
const plan: HeadPlan = {
  root: channel.root,
  sequence: 5,
  expires: LATER,
  targets: TARGETS,
  signers: [...online, alice, bob],
}
const head = buildHead(plan)

describe('tuf/build', () => {
  it('gives equal bytes for equal plans, in whatever order keys and targets are named', () => {
    const targets = Object.fromEntries(Object.entries(TARGETS).toReversed())
    const again = buildHead({ ...plan, targets, signers: [...plan.signers.toReversed(), alice] })
    assert.deepEqual(again, head)
  })

  it('fills the slots of the format', () => {
    const signed = canonicalBytes(signedOf(head.targets))
    assert.equal(head.timestamp.length, 16_384)
    assert.equal(head.snapshot.length, 16_384)
    assert.equal(head.targets.length, 512 * Math.ceil((signed.length + 3 * 10_240) / 512))
    assert.equal(head.targets.length, targetsSlot(signed.length, 3))
    for (const slot of [head.timestamp, head.snapshot, head.targets])
      assert.match(slot.toString(), /^\{"signed":\{.*\},"signatures":\[.*\]\} +\n$/)
  })

  it('chains the parts: one sequence, one channel, the id in snapshot, the snapshot slot in timestamp', () => {
    const [timestamp, snapshot, targets] = [head.timestamp, head.snapshot, head.targets].map(signedOf)
    const sha256 = hash('sha256', canonicalBytes(targets ?? {}))
    assert.equal(head.id, `sha256:${sha256}`)
    for (const signed of [timestamp, snapshot, targets]) {
      assert.equal(signed?.['version'], 5)
      assert.deepEqual(signed?.['x-sallyport'], { channel: 'vendor-a', sequence: 5 })
    }
    assert.deepEqual(snapshot?.['meta'], { 'targets.json': { version: 5, 'x-sallyport-signed-sha256': sha256 } })
    const hashes = { sha256: hash('sha256', head.snapshot) }
    assert.deepEqual(timestamp?.['meta'], { 'snapshot.json': { version: 5, length: 16_384, hashes } })
  })

  it('is accepted, with an id that approvals do not change', () => {
    const files = { roots: roots(channel), ...head }
    const before = judgeHead(judging(channel, files))
    assert.equal(before.id, head.id)
    const approved = { ...files, targets: addSignature(head.targets, channel.root, carol) }
    const after = judgeHead(
      judging(channel, approved, {
        trusted: { ...judging(channel, files).trusted, counters: before.counters, lastId: before.id },
      }),
    )
    assert.equal(after.repeat, true)
    assert.equal(after.signers.length, 3)
  })

  it('agrees with a forge that was written apart', () => {
    const { timestamp, snapshot, targets } = forge(channel, {
      signers: { targets: [alice, bob].toSorted((a, b) => (a.keyid < b.keyid ? -1 : 1)) },
    })
    assert.deepEqual(
      { timestamp, snapshot, targets },
      { timestamp: head.timestamp, snapshot: head.snapshot, targets: head.targets },
    )
  })

  const stranger = makeKeys('x').targets[0] ?? alice
  const impostor = {
    keyid: alice.keyid,
    tufKey: stranger.tufKey,
    sign: (message: Uint8Array) => stranger.sign(message),
  }
  const cases: [title: string, code: Code, act: () => unknown][] = [
    ['sequence 0', 'USAGE', () => buildHead({ ...plan, sequence: 0 })],
    ['sequence 2^53', 'USAGE', () => buildHead({ ...plan, sequence: 2 ** 53 })],
    ['an expiry with a fraction', 'USAGE', () => buildHead({ ...plan, expires: '2026-07-01T00:00:00.000Z' })],
    [
      'a target whose name leaves the bundle',
      'USAGE',
      () => buildHead({ ...plan, targets: { '../x': TARGETS['index.json'] } }),
    ],
    ['a signer without a role', 'KEY_REFUSED', () => buildHead({ ...plan, signers: [...plan.signers, stranger] })],
    ['a root key as signer', 'KEY_REFUSED', () => buildHead({ ...plan, signers: [...plan.signers, ...keys.root] })],
    ['a signer under the name of another', 'KEY_REFUSED', () => buildHead({ ...plan, signers: [...online, impostor] })],
    [
      'to build without the timestamp key',
      'KEY_MISSING',
      () => buildHead({ ...plan, signers: [...keys.snapshot, alice] }),
    ],
    [
      'to build without the snapshot key',
      'KEY_MISSING',
      () => buildHead({ ...plan, signers: [...keys.timestamp, alice] }),
    ],
    ['a damaged root', 'METADATA_MALFORMED', () => buildHead({ ...plan, root: channel.root.subarray(1) })],
    ['an approval by a stranger', 'KEY_REFUSED', () => addSignature(head.targets, channel.root, stranger)],
    [
      'an approval by the snapshot key',
      'KEY_REFUSED',
      () => addSignature(head.targets, channel.root, keys.snapshot[0] ?? stranger),
    ],
    ['an approval under the name of another', 'KEY_REFUSED', () => addSignature(head.targets, channel.root, impostor)],
    ['to approve a snapshot', 'METADATA_MALFORMED', () => addSignature(head.snapshot, channel.root, carol)],
    [
      'to approve a damaged slot',
      'METADATA_MALFORMED',
      () => addSignature(head.targets.subarray(512), channel.root, carol),
    ],
  ]
  for (const [title, code, act] of cases)
    it(`refuses ${title}: ${code}`, () => {
      assert.throws(act, (error) => {
        assert.ok(isFault(error, code), String(error))
        return true
      })
    })
})

describe('tuf/build: addSignature', () => {
  const unsigned = buildHead({ ...plan, signers: online }).targets

  it('gives the same bytes to a person who has signed already', () => {
    for (const key of [alice, bob]) assert.deepEqual(addSignature(head.targets, channel.root, key), head.targets)
  })

  it('replaces a signature of the same key that does not verify', () => {
    const sig = alice.sign(Buffer.from('something else'))
    const text = unsigned.toString().replace('[]}', `[{"keyid":"${alice.keyid}","sig":"${sig}"}]}`)
    const broken = Buffer.from(`${text.slice(0, unsigned.length - 1)}\n`)
    assert.deepEqual(addSignature(broken, channel.root, alice), addSignature(unsigned, channel.root, alice))
  })

  it('keeps the length, the signed part and every earlier signature, whoever signs when', () => {
    const orders = fc.shuffledSubarray([alice, bob, carol], { minLength: 1 })
    fc.assert(
      fc.property(
        orders,
        fc.dictionary(fc.stringMatching(/^[a-z]{1,12}$/), fc.nat(), { maxKeys: 20 }),
        (order, sizes) => {
          const targets = Object.fromEntries(
            Object.entries(sizes).map(([name, length]) => [name, { length, sha256: hash('sha256', name) }]),
          )
          let slot = buildHead({ ...plan, targets, signers: online }).targets
          for (const key of order) {
            const next = addSignature(slot, channel.root, key)
            assert.equal(next.length, slot.length)
            const kept = slot.toString().trimEnd().length - ']}'.length
            assert.deepEqual(next.subarray(0, kept), slot.subarray(0, kept))
            assert.deepEqual(signedOf(next), signedOf(slot))
            slot = next
          }
        },
      ),
      { seed: 2026, numRuns: 25 },
    )
  })
})
