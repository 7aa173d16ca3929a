import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { parseJson, sortedJson, type JsonObject } from '../../src/codec/index.ts'
import { isFault, type Code } from '../../src/errors/index.ts'
import { buildRoot, rootApprovals, signRoot, type RootPlan } from '../../src/tuf/root.ts'
import { fingerprint, readRoot } from '../../src/tuf/root-reader.ts'
import { ROOT_EXPIRES, THRESHOLDS, forgeRoot, makeChannel, makeKeys, rotate, signedOf } from './channel-fixture.ts'

const place = { side: 'state', subject: 'root.json' } as const
const channel = makeChannel()
const keys = channel.keys
const [first, second] = keys.root
assert.ok(first !== undefined && second !== undefined)

function planOf(own = keys, more: Partial<RootPlan> = {}): RootPlan {
  const of = (role: keyof typeof own) => ({ keys: own[role].map(({ tufKey }) => tufKey), threshold: THRESHOLDS[role] })
  const roles = { root: of('root'), targets: of('targets'), snapshot: of('snapshot'), timestamp: of('timestamp') }
  return { channel: 'vendor-a', purpose: 'content', expires: ROOT_EXPIRES, roles, ...more }
}

describe('tuf/root', () => {
  it('gives equal bytes for equal plans, whoever signs first', () => {
    const unsigned = buildRoot(planOf())
    const one = signRoot(signRoot(unsigned, first), second)
    const other = signRoot(signRoot(buildRoot(planOf()), second), first)
    assert.deepEqual(one, other)
    assert.deepEqual(signRoot(one, first), one)
    assert.equal(one.toString(), sortedJson(parseJson(one, 'state', 'root')))
    assert.equal(fingerprint(one), `sha256:${createHash('sha256').update(one).digest('hex')}`)
  })

  it('says what it is for', () => {
    const root = readRoot(channel.root, place)
    const { version, purpose } = root
    assert.deepEqual(
      { version, channel: root.channel, purpose },
      { version: 1, channel: 'vendor-a', purpose: 'content' },
    )
    assert.equal(root.roles.targets.threshold, 2)
    assert.deepEqual([...root.roles.targets.keys.keys()].toSorted(), keys.targets.map(({ keyid }) => keyid).toSorted())
    const signed = signedOf(channel.root)
    assert.equal(signed['consistent_snapshot'], false)
    assert.deepEqual(signed['x-sallyport'], { channel: 'vendor-a', purpose: 'content' })
  })

  it('counts who has signed, of the new root and of the one it replaces', () => {
    const next = buildRoot(planOf(makeKeys('b'), { previous: channel.root }))
    assert.equal(signedOf(next)['version'], 2)
    let bytes = next
    const complete: boolean[] = []
    for (const key of [...keys.root, ...makeKeys('b').root]) {
      bytes = signRoot(bytes, key, channel.root)
      complete.push(rootApprovals(bytes, channel.root).complete)
    }
    assert.deepEqual(complete, [false, false, false, true])
    const { own, previous } = rootApprovals(bytes, channel.root)
    assert.equal(own.signed.length, 2)
    assert.equal(previous?.signed.length, 2)
    assert.equal(rootApprovals(buildRoot(planOf())).complete, false)
  })

  const stranger = makeKeys('x').root[0]
  assert.ok(stranger !== undefined)
  const tufKeys = keys.targets.map(({ tufKey }) => tufKey)
  const withTargets = (role: { keys: typeof tufKeys; threshold: number }): RootPlan => {
    const plan = planOf()
    return { ...plan, roles: { ...plan.roles, targets: role } }
  }
  const cases: [title: string, code: Code, act: () => unknown][] = [
    ['to sign by a stranger', 'KEY_REFUSED', () => signRoot(channel.root, stranger)],
    ['to sign by a key of another role', 'KEY_REFUSED', () => signRoot(channel.root, keys.targets[0] ?? stranger)],
    ['to sign under the name of another key', 'KEY_REFUSED', () => signRoot(channel.root, impostor())],
    ['a channel name that is a path', 'USAGE', () => buildRoot(planOf(keys, { channel: 'a/b' }))],
    ['an expiry with a fraction', 'USAGE', () => buildRoot(planOf(keys, { expires: new Date(0).toISOString() }))],
    ['a threshold of 0', 'USAGE', () => buildRoot(withTargets({ keys: tufKeys, threshold: 0 }))],
    ['a threshold that nobody can meet', 'USAGE', () => buildRoot(withTargets({ keys: tufKeys, threshold: 4 }))],
    [
      'a key that stands there twice',
      'USAGE',
      () => buildRoot(withTargets({ keys: [...tufKeys, ...tufKeys], threshold: 2 })),
    ],
    ['a key with two roles', 'USAGE', () => buildRoot(withTargets({ keys: [first.tufKey], threshold: 1 }))],
    ['a rotation to another channel', 'USAGE', () => buildRoot(planOf(keys, { previous: channel.root, channel: 'b' }))],
    [
      'a rotation to another purpose',
      'USAGE',
      () => buildRoot(planOf(keys, { previous: channel.root, purpose: 'trust' })),
    ],
    ['a root that nobody signed', 'SIGNATURE_INVALID', () => readRoot(buildRoot(planOf()), place)],
    ['a root that too few signed', 'SIGNATURE_INVALID', () => readRoot(signRoot(buildRoot(planOf()), first), place)],
    ['a root of 512,001 bytes', 'LIMIT_EXCEEDED', () => readRoot(Buffer.alloc(512_001, ' '), place)],
    ['a timestamp in its place', 'METADATA_MALFORMED', () => forgedRoot((s) => (s['_type'] = 'timestamp'))],
    ['version 0', 'METADATA_MALFORMED', () => forgedRoot((s) => (s['version'] = 0))],
    [
      'a fifth role',
      'METADATA_MALFORMED',
      () => forgedRoot((s) => (roles(s)['revocation'] = roles(s)['targets'] ?? {})),
    ],
    ['a missing role', 'METADATA_MALFORMED', () => forgedRoot((s) => delete roles(s)['snapshot'])],
    ['consistent snapshots', 'METADATA_MALFORMED', () => forgedRoot((s) => (s['consistent_snapshot'] = true))],
    [
      'an unknown purpose',
      'METADATA_MALFORMED',
      () => forgedRoot((s) => (s['x-sallyport'] = { channel: 'a', purpose: 'all' })),
    ],
    ['no mark', 'METADATA_MALFORMED', () => forgedRoot((s) => delete s['x-sallyport'])],
    [
      'a role that names an absent key',
      'METADATA_MALFORMED',
      () => forgedRoot((s) => keyids(s, 'targets').push('0'.repeat(64))),
    ],
    ['one key in two roles', 'METADATA_MALFORMED', () => forgedRoot((s) => keyids(s, 'targets').push(first.keyid))],
    ['one key under two keyids', 'METADATA_MALFORMED', () => forgedRoot(doubled)],
    [
      'a threshold beyond its keys',
      'METADATA_MALFORMED',
      () => forgedRoot((s) => ((roles(s)['targets'] ?? {})['threshold'] = 4)),
    ],
    [
      'a threshold that is a fraction',
      'METADATA_MALFORMED',
      () => forgedRoot((s) => ((roles(s)['targets'] ?? {})['threshold'] = true)),
    ],
    [
      'a keyid that is a text',
      'METADATA_MALFORMED',
      () => forgedRoot((s) => (keysOf(s)['alice'] = keysOf(s)[first.keyid] ?? {})),
    ],
    ['RSA keys', 'ALGORITHM_REFUSED', () => forgedRoot((s) => ((keysOf(s)[first.keyid] ?? {})['keytype'] = 'rsa'))],
    [
      'an ML-DSA key that no role names',
      'ALGORITHM_REFUSED',
      () => forgedRoot((s) => (keysOf(s)['a'.repeat(64)] = ML_DSA)),
    ],
  ]
  for (const [title, code, act] of cases)
    it(`refuses ${title}: ${code}`, () => {
      assert.throws(act, (error) => {
        assert.ok(isFault(error, code), String(error))
        return true
      })
    })

  it('keeps the fingerprint of a root through a rotation', () => {
    assert.notEqual(fingerprint(rotate(channel, {}).root), fingerprint(channel.root))
    assert.equal(fingerprint(channel.root), fingerprint(makeChannel().root))
  })
})

const ML_DSA = { keytype: 'ml-dsa', scheme: 'ml-dsa-87/1', keyval: { public: 'x' } }
const roles = (signed: JsonObject) => signed['roles'] as Record<string, JsonObject>
const keysOf = (signed: JsonObject) => signed['keys'] as Record<string, JsonObject>
const keyids = (signed: JsonObject, role: string) => (roles(signed)[role] ?? {})['keyids'] as string[]

/** Reads a root with every signature genuine and any content at all. */
function forgedRoot(edit: (signed: JsonObject) => unknown): unknown {
  return readRoot(forgeRoot(channel, edit), place)
}

/** One person under two keyids, both in the role. */
function doubled(signed: JsonObject): void {
  const [keyid = ''] = keyids(signed, 'targets')
  keysOf(signed)['b'.repeat(64)] = { ...keysOf(signed)[keyid], 'x-note': 'the same key' }
  keyids(signed, 'targets').push('b'.repeat(64))
}

function impostor() {
  const key = makeKeys('x').root[0] ?? first
  assert.ok(key !== undefined && first !== undefined)
  return { keyid: first.keyid, tufKey: key.tufKey, sign: (message: Uint8Array) => key.sign(message) }
}
