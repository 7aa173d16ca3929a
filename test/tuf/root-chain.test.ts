import assert from 'node:assert/strict'
import { isFault, type Code } from '../../src/errors/index.ts'
import { CAPS } from '../../src/tuf/channel.ts'
import { judgeRoots, type RootsInput } from '../../src/tuf/root-chain.ts'
import { buildRoot, signRoot } from '../../src/tuf/root.ts'
import { forgeRoot, makeChannel, makeKeys, makeRoot, rotate, roots, type Channel } from './channel-fixture.ts'

const first = makeChannel()
const second = rotate(first, { root: makeKeys('r2').root })
const third = rotate(second, { root: makeKeys('r3').root })

function input(trusted: Channel, version: number, chain: ReadonlyMap<number, Uint8Array>): RootsInput {
  return { channel: 'vendor-a', purpose: 'content', trusted: { rootBytes: trusted.root, version }, roots: chain }
}

/** The chain 1, 2 with another root in the second place. */
const then = (root: Uint8Array): Map<number, Uint8Array> => roots(first).set(2, root)

describe('tuf/root-chain', () => {
  it('follows the chain from whichever root is pinned', () => {
    const chain = roots(first, second, third)
    for (const [i, trusted] of [first, second, third].entries()) {
      const verdict = judgeRoots(input(trusted, i + 1, chain))
      assert.equal(verdict.root.version, 3)
      const expected = [second, third].slice(i).map(({ root }, j) => ({ version: i + j + 2, bytes: root }))
      assert.deepEqual(verdict.added, expected)
      assert.equal(verdict.reset, undefined)
      assert.deepEqual(verdict.badSignatures, [])
    }
  })

  it('keeps the root it has when the bundle ends at an older one', () => {
    const verdict = judgeRoots(input(third, 3, roots(first)))
    assert.equal(verdict.root.version, 3)
    assert.deepEqual(verdict.added, [])
  })

  it('does not look at the expiry of roots', () => {
    const gone = rotate(first, {}, '2001-01-01T00:00:00Z')
    assert.equal(judgeRoots(input(first, 1, roots(first, gone))).root.version, 2)
  })

  it('lets counters begin again only when no old key can still meet the threshold', () => {
    const fresh = makeKeys('fresh')
    const reset = (next: Channel, from = first) => judgeRoots(input(from, 1, roots(from, next))).reset
    assert.deepEqual(reset(rotate(first, { timestamp: fresh.timestamp })), { rootVersion: 2 })
    assert.deepEqual(reset(rotate(first, { snapshot: fresh.snapshot })), { rootVersion: 2 })
    assert.equal(reset(rotate(first, { targets: fresh.targets })), undefined)
    const [old, other] = [first.keys.timestamp, fresh.timestamp]
    assert.equal(reset(rotate(first, { timestamp: [...old, ...other] })), undefined)
    const two = makeChannel('a', { keys: { ...first.keys, timestamp: [...old, ...other] } })
    assert.equal(reset(rotate(two, { timestamp: old }), two), undefined)
  })

  it('lets no counters begin again when keys that were replaced come back in a later root of the same chain', () => {
    const [old, other] = [first.keys.timestamp, makeKeys('fresh').timestamp]
    const replaced = rotate(first, { timestamp: other })
    const resetOf = (...chain: Channel[]) => judgeRoots(input(first, 1, roots(first, ...chain))).reset
    assert.deepEqual(resetOf(replaced, rotate(replaced, {})), { rootVersion: 2 })
    assert.equal(resetOf(replaced, rotate(replaced, { timestamp: old })), undefined)
    assert.equal(resetOf(replaced, rotate(replaced, { timestamp: [...old, ...other] })), undefined)
    const again = rotate(replaced, { timestamp: old })
    assert.deepEqual(resetOf(replaced, again, rotate(again, { timestamp: makeKeys('third').timestamp })), {
      rootVersion: 4,
    })
  })

  it('reports a bad signature on a root that has enough good ones', () => {
    const stranger = makeKeys('x').root
    const root = forgeRoot(second, () => undefined, [...first.keys.root, ...stranger])
    const bad = judgeRoots(input(first, 1, then(root))).badSignatures
    assert.deepEqual(
      bad,
      stranger.map(({ keyid }) => ({ role: 'root', keyid, reason: 'unknown-key' })),
    )
  })

  it('follows 256 rotations and no more', function () {
    this.timeout(120_000)
    const only = makeKeys('one', {
      root: ['ed25519'],
      targets: ['ed25519'],
      snapshot: ['ed25519'],
      timestamp: ['ed25519'],
    })
    const thresholds = { root: 1, targets: 1, snapshot: 1, timestamp: 1 }
    let channel = makeChannel('one', { keys: only, thresholds })
    const pinned = channel
    const chain = roots(channel)
    for (let version = 2; version <= CAPS.rotations + 2; version++)
      chain.set(version, (channel = { ...channel, root: makeRoot(channel, { previous: channel }) }).root)
    assert.throws(
      () => judgeRoots(input(pinned, 1, chain)),
      (error) => isFault(error, 'LIMIT_EXCEEDED'),
    )
    chain.delete(CAPS.rotations + 2)
    assert.equal(judgeRoots(input(pinned, 1, chain)).added.length, CAPS.rotations)
  })

  const stranger = makeChannel('stranger')
  const byOld = (channel: Channel): Buffer =>
    first.keys.root.reduce<Buffer>((root, key) => signRoot(root, key, first.root), unsigned(channel))
  const unsigned = (channel: Channel): Buffer => {
    const of = (role: 'root' | 'targets' | 'snapshot' | 'timestamp') => ({
      keys: channel.keys[role].map(({ tufKey }) => tufKey),
      threshold: channel.thresholds[role],
    })
    const all = { root: of('root'), targets: of('targets'), snapshot: of('snapshot'), timestamp: of('timestamp') }
    const plan = { channel: 'vendor-a', purpose: 'content', expires: '2036-01-01T00:00:00Z' } as const
    return buildRoot({ ...plan, roles: all, previous: first.root })
  }
  const as = (edit: Parameters<typeof forgeRoot>[1]): Buffer => forgeRoot(second, edit, first.keys.root)
  const cases: [title: string, code: Code, given: RootsInput][] = [
    ['a bundle without roots', 'ROOT_UNKNOWN', input(first, 1, new Map())],
    ["another channel's root of the same name and version", 'ROOT_UNKNOWN', input(first, 1, roots(stranger))],
    ['another root 2 than the pinned one', 'ROOT_UNKNOWN', input(second, 2, then(rotate(first, {}).root))],
    ['a chain with a gap', 'ROOT_UNKNOWN', input(first, 1, roots(first).set(3, third.root))],
    ['a chain without its first root', 'ROOT_UNKNOWN', input(second, 2, new Map([[2, second.root]]))],
    ['a chain that takes two steps at once', 'ROOT_UNKNOWN', input(first, 1, then(as((s) => (s['version'] = 3))))],
    ['a root that does not move on', 'ROOT_UNKNOWN', input(first, 1, then(first.root))],
    ['a state whose root is another version', 'ROOT_UNKNOWN', input(first, 2, roots(first))],
    ['a root that its own keys did not sign', 'SIGNATURE_INVALID', input(first, 1, then(byOld(second)))],
    [
      'a root that the old keys did not sign',
      'SIGNATURE_INVALID',
      input(first, 1, then(forgeRoot(second, () => undefined))),
    ],
    ["a stranger's root", 'SIGNATURE_INVALID', input(first, 1, then(rotate(stranger, {}).root))],
    ['a root that is no JSON', 'METADATA_MALFORMED', input(first, 1, then(Buffer.from('{')))],
    [
      'a rotation to another channel',
      'CHANNEL_MISMATCH',
      input(first, 1, then(as((s) => (s['x-sallyport'] = { channel: 'b', purpose: 'content' })))),
    ],
    [
      'a rotation to another purpose',
      'PURPOSE_MISMATCH',
      input(first, 1, then(as((s) => (s['x-sallyport'] = { channel: 'vendor-a', purpose: 'trust' })))),
    ],
    [
      'a pinned name that is not the channel',
      'CHANNEL_MISMATCH',
      { ...input(first, 1, roots(first)), channel: 'vendor-b' },
    ],
    [
      'a pinned purpose that is not the channel',
      'PURPOSE_MISMATCH',
      { ...input(first, 1, roots(first)), purpose: 'revocation' },
    ],
    [
      'an oversized root',
      'LIMIT_EXCEEDED',
      input(first, 1, then(Buffer.concat([second.root, Buffer.alloc(CAPS.root, ' ')]))),
    ],
    [
      'a new root with a key of another kind',
      'ALGORITHM_REFUSED',
      input(
        first,
        1,
        then(
          as((s) =>
            Object.assign(s['keys'] as object, {
              ['c'.repeat(64)]: { keytype: 'rsa', scheme: 'x', keyval: { public: 'y' } },
            }),
          ),
        ),
      ),
    ],
    [
      'an unsigned root before its odd key',
      'SIGNATURE_INVALID',
      input(
        first,
        1,
        then(
          forgeRoot(stranger, (s) =>
            Object.assign(s['keys'] as object, {
              ['c'.repeat(64)]: { keytype: 'rsa', scheme: 'x', keyval: { public: 'y' } },
            }),
          ),
        ),
      ),
    ],
  ]
  for (const [title, code, given] of cases)
    it(`refuses ${title}: ${code}`, () => {
      assert.throws(
        () => judgeRoots(given),
        (error) => {
          assert.ok(isFault(error, code), String(error))
          return true
        },
      )
    })
})
