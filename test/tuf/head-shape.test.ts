import assert from 'node:assert/strict'
import type { JsonObject } from '../../src/codec/index.ts'
import { MARK } from '../../src/tuf/channel.ts'
import { TARGETS } from './channel-fixture.ts'
import { bundle, genuine, mark, meta, refuses, set, type Case } from './head-cases.ts'

/** The slot with these bytes in the place of others, its padding made to fit. */
function patched(slot: Uint8Array, from: string, to: string): Buffer {
  const text = Buffer.from(slot).toString('latin1')
  assert.ok(text.includes(from))
  const changed = text.replace(from, to)
  const over = changed.length - text.length
  return Buffer.from(over <= 0 ? changed : `${changed.slice(0, -1 - over)}${changed.slice(-1)}`, 'latin1')
}

const MALFORMED: Case[] = [
  ['an empty timestamp', 'METADATA_MALFORMED', () => ({ ...genuine, timestamp: new Uint8Array() })],
  ['a short slot', 'METADATA_MALFORMED', () => ({ ...genuine, snapshot: genuine.snapshot.subarray(1) })],
  ['a slot cut at its end', 'METADATA_MALFORMED', () => ({ ...genuine, timestamp: genuine.timestamp.subarray(0, -1) })],
  [
    'a targets slot that is a block longer',
    'METADATA_MALFORMED',
    () => ({
      ...genuine,
      targets: Buffer.concat([genuine.targets.subarray(0, -1), Buffer.alloc(512, ' '), Buffer.from('\n')]),
    }),
  ],
  [
    'a tab in the padding',
    'METADATA_MALFORMED',
    () => ({ ...genuine, targets: patched(genuine.targets, '  \n', '\t \n') }),
  ],
  [
    'a second line feed',
    'METADATA_MALFORMED',
    () => ({ ...genuine, timestamp: patched(genuine.timestamp, ' \n', '\n\n') }),
  ],
  [
    'no final line feed',
    'METADATA_MALFORMED',
    () => ({ ...genuine, snapshot: patched(genuine.snapshot, ' \n', '  ') }),
  ],
  [
    'a space inside the document',
    'METADATA_MALFORMED',
    () => ({ ...genuine, targets: patched(genuine.targets, '"signed":{', '"signed": {') }),
  ],
  [
    'an unsigned member beside the signatures',
    'METADATA_MALFORMED',
    () => ({ ...genuine, timestamp: patched(genuine.timestamp, '}]}      ', '}],"x":1}') }),
  ],
  [
    'a member twice',
    'METADATA_MALFORMED',
    () => ({ ...genuine, timestamp: patched(genuine.timestamp, '"signatures"', '"signed":1,"signatures"') }),
  ],
  [
    'targets in the place of snapshot',
    'METADATA_MALFORMED',
    () => ({ ...genuine, snapshot: genuine.targets.subarray(0, 16384) }),
  ],
  ['delegations', 'METADATA_MALFORMED', () => bundle({ targets: set('delegations', { keys: {}, roles: [] }) })],
  [
    'a fraction in the version',
    'METADATA_MALFORMED',
    () => ({ ...genuine, timestamp: patched(genuine.timestamp, '"version":5,"x', '"version":5.5,"x') }),
  ],
  [
    'a version of 2^53',
    'METADATA_MALFORMED',
    () => ({ ...genuine, timestamp: patched(genuine.timestamp, '"version":5,"x', '"version":9007199254740992,"x') }),
  ],
  ['version 0', 'METADATA_MALFORMED', () => bundle({ sequence: 0 })],
  ['no version', 'METADATA_MALFORMED', () => bundle({ targets: (s) => delete s['version'] })],
  ['a spec version of 2', 'METADATA_MALFORMED', () => bundle({ targets: set('spec_version', '2.0.0') })],
  [
    'an expiry with a fraction',
    'METADATA_MALFORMED',
    () => bundle({ timestamp: set('expires', '2026-07-01T00:00:00.000Z') }),
  ],
  [
    'an expiry with an offset',
    'METADATA_MALFORMED',
    () => bundle({ snapshot: set('expires', '2026-07-01T00:00:00+00:00') }),
  ],
  ['an expiry on 30 February', 'METADATA_MALFORMED', () => bundle({ targets: set('expires', '2027-02-30T00:00:00Z') })],
  ['no mark', 'METADATA_MALFORMED', () => bundle({ targets: (s) => delete s[MARK] })],
  ['a mark without a sequence', 'METADATA_MALFORMED', () => bundle({ timestamp: set(MARK, { channel: 'vendor-a' }) })],
  ['a channel name that is a path', 'METADATA_MALFORMED', () => bundle({ timestamp: mark({ channel: '../a' }) })],
  [
    'a timestamp without a snapshot hash',
    'METADATA_MALFORMED',
    () => bundle({ timestamp: meta('snapshot.json', { hashes: {} }) }),
  ],
  [
    'a timestamp that lists more',
    'METADATA_MALFORMED',
    () => bundle({ timestamp: (s) => Object.assign(s['meta'] as JsonObject, { 'x.json': { version: 1 } }) }),
  ],
  [
    'a snapshot that lists more',
    'METADATA_MALFORMED',
    () => bundle({ snapshot: (s) => Object.assign(s['meta'] as JsonObject, { 'x.json': { version: 1 } }) }),
  ],
  [
    'a snapshot without the hash of what targets sign',
    'METADATA_MALFORMED',
    () => bundle({ snapshot: set('meta', { 'targets.json': { version: 5 } }) }),
  ],
  [
    'a snapshot that fixes the targets file',
    'METADATA_MALFORMED',
    () => bundle({ snapshot: meta('targets.json', { length: 7 }) }),
  ],
  [
    'a target whose name leaves the bundle',
    'METADATA_MALFORMED',
    () =>
      bundle({ targets: set('targets', { '../x': { length: 1, hashes: { sha256: TARGETS['index.json'].sha256 } } }) }),
  ],
  [
    'a target without a sha256',
    'METADATA_MALFORMED',
    () => bundle({ targets: set('targets', { x: { length: 1, hashes: { sha512: 'ab' } } }) }),
  ],
  [
    'a target of negative length',
    'METADATA_MALFORMED',
    () => bundle({ targets: set('targets', { x: { length: -1, hashes: { sha256: TARGETS['index.json'].sha256 } } }) }),
  ],
  [
    'more targets than can be read quickly',
    'LIMIT_EXCEEDED',
    () =>
      bundle({ targets: set('targets', Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`t${i}`, {}]))) }),
  ],
  ['targets beyond their cap', 'LIMIT_EXCEEDED', () => ({ ...genuine, targets: Buffer.alloc(5_000_001, ' ') })],
]

describe('tuf/head: shape', () => refuses(MALFORMED))
