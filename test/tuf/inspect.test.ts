import assert from 'node:assert/strict'
import { isFault } from '../../src/errors/index.ts'
import { judgeHead } from '../../src/tuf/head.ts'
import { approvals, inspectHead } from '../../src/tuf/inspect.ts'
import { fingerprint } from '../../src/tuf/root-reader.ts'
import { LATER, TARGETS, forge, judging, makeChannel, makeKeys, roots, rotate } from './channel-fixture.ts'

const channel = makeChannel()
const second = rotate(channel, {})
const [alice, bob, carol] = channel.keys.targets
assert.ok(alice !== undefined && bob !== undefined && carol !== undefined)
const genuine = { roots: roots(channel, second), ...forge(channel) }

describe('tuf/inspect', () => {
  it('says what a head claims', () => {
    const head = inspectHead(genuine)
    assert.equal(head.verified, false)
    assert.equal(head.channel, 'vendor-a')
    assert.equal(head.sequence, 5)
    assert.equal(head.expires, LATER)
    assert.equal(head.id, judgeHead(judging(channel, genuine)).id)
    assert.deepEqual(head.rootVersions, [1, 2])
    assert.deepEqual(head.fingerprints, { 1: fingerprint(channel.root), 2: fingerprint(second.root) })
    assert.deepEqual(head.parts.targets.keyids, [alice.keyid, bob.keyid])
    assert.deepEqual(Object.fromEntries(head.targets), TARGETS)
  })

  it('shows an unsigned, expired head too, since nothing is verified', () => {
    const nobody = { root: [], targets: [], snapshot: [], timestamp: [] }
    const files = { roots: roots(channel), ...forge(channel, { signers: nobody, expires: '2001-01-01T00:00:00Z' }) }
    assert.deepEqual(inspectHead(files).parts.targets.keyids, [])
    assert.equal(inspectHead(files).expires, '2001-01-01T00:00:00Z')
  })

  it('refuses what is no head', () => {
    for (const bytes of [new Uint8Array(), genuine.snapshot, genuine.timestamp.subarray(1)])
      assert.throws(
        () => inspectHead({ ...genuine, timestamp: Buffer.from(bytes) }),
        (error) => isFault(error, 'METADATA_MALFORMED'),
      )
  })

  it('counts approvals by the keys of a root', () => {
    const stranger = makeKeys('x').targets.slice(0, 1)
    const { targets } = forge(channel, { signers: { targets: [carol, ...stranger] } })
    assert.deepEqual(approvals(targets, channel.root), {
      signed: [carol.keyid],
      threshold: 2,
      open: [alice.keyid, bob.keyid].toSorted(),
      bad: stranger.map(({ keyid }) => ({ role: 'targets', keyid, reason: 'unknown-key' })),
    })
  })
})
