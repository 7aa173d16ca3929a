import type { JsonObject } from '../../src/codec/index.ts'
import { LATER, makeKeys } from './channel-fixture.ts'
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
  mark,
  meta,
  refuses,
  resigned,
  set,
  sibling,
  type Case,
} from './head-cases.ts'

const SIGNATURES: Case[] = [
  ['one of two approvals', 'APPROVAL_MISSING', () => bundle({ signers: { targets: [carol] } })],
  ['no approval', 'SIGNATURE_INVALID', () => bundle({ signers: { targets: [] } })],
  ['approvals by strangers only', 'SIGNATURE_INVALID', () => bundle({ signers: { targets: makeKeys('x').targets } })],
  [
    'one approval beside a stranger',
    'APPROVAL_MISSING',
    () => bundle({ signers: { targets: [alice, ...makeKeys('x').targets] } }),
  ],
  ['approvals by keys of other roles', 'SIGNATURE_INVALID', () => bundle({ signers: { targets: channel.keys.root } })],
  ['an unsigned timestamp', 'SIGNATURE_INVALID', () => bundle({ signers: { timestamp: [] } })],
  [
    'a timestamp signed by the snapshot key',
    'SIGNATURE_INVALID',
    () => bundle({ signers: { timestamp: channel.keys.snapshot } }),
  ],
  ['an unsigned snapshot', 'SIGNATURE_INVALID', () => bundle({ signers: { snapshot: [] } })],
  [
    'one signature under two keyids',
    'APPROVAL_MISSING',
    () => resigned(genuine, [aliceEntry, { ...aliceEntry, keyid: bob.keyid }]),
  ],
  ['one signature twice', 'METADATA_MALFORMED', () => resigned(genuine, [aliceEntry, aliceEntry])],
  [
    'a signature in upper case',
    'APPROVAL_MISSING',
    () => resigned(genuine, [aliceEntry, { keyid: bob.keyid, sig: aliceEntry.sig.toUpperCase() }]),
  ],
  ['a keyid that is none', 'METADATA_MALFORMED', () => resigned(genuine, [{ ...aliceEntry, keyid: 'alice' }])],
]

const AGE: Case[] = [
  ['a timestamp below its counter', 'ROLLBACK', () => genuine, counters({ timestamp: 6, snapshot: 5, targets: 5 })],
  ['an older sequence', 'ROLLBACK', () => bundle({ sequence: 3 })],
  [
    'a snapshot version below its counter',
    'ROLLBACK',
    () => genuine,
    counters({ timestamp: 5, snapshot: 6, targets: 5 }),
  ],
  [
    'a targets version below its counter',
    'ROLLBACK',
    () => genuine,
    counters({ timestamp: 5, snapshot: 5, targets: 6 }),
  ],
  ['another bundle of the last sequence', 'EQUIVOCATION', () => sibling, counters(5, () => idOf(genuine))],
  ['a head at the second of its expiry', 'EXPIRED', () => genuine, { now: new Date(LATER) }],
  ['an expired timestamp', 'EXPIRED', () => bundle({ timestamp: set('expires', '2026-06-01T12:00:00Z') })],
  ['an expired snapshot', 'EXPIRED', () => bundle({ snapshot: set('expires', '2026-06-01T11:59:59Z') })],
  ['expired targets', 'EXPIRED', () => bundle({ targets: set('expires', '2020-01-01T00:00:00Z') })],
  ['everything when now is no time', 'EXPIRED', () => genuine, { now: new Date(Number.NaN) }],
]

const six = (s: JsonObject): unknown => (set('version', 6)(s), mark({ sequence: 6 })(s))
const MIXED: Case[] = [
  [
    'a snapshot version that timestamp does not name',
    'METADATA_MIXED',
    () => bundle({ timestamp: meta('snapshot.json', { version: 6 }) }),
  ],
  [
    'a targets version that snapshot does not name',
    'METADATA_MIXED',
    () => bundle({ snapshot: meta('targets.json', { version: 6 }) }),
  ],
  [
    'a timestamp that names the snapshot of another sequence',
    'METADATA_MIXED',
    () => bundle({ timestamp: meta('snapshot.json', { version: 6 }), snapshot: six }),
  ],
  [
    'sequences that agree with each other and not with the versions',
    'METADATA_MIXED',
    () => {
      const other = mark({ sequence: 6 })
      return bundle({ timestamp: other, snapshot: other, targets: other })
    },
  ],
  ["another head's targets", 'METADATA_MIXED', () => ({ ...genuine, targets: sibling.targets })],
  ["another head's snapshot", 'METADATA_MIXED', () => ({ ...genuine, snapshot: sibling.snapshot })],
  ["another head's timestamp", 'METADATA_MIXED', () => ({ ...genuine, timestamp: sibling.timestamp })],
  ['a timestamp of another sequence', 'METADATA_MIXED', () => bundle({ timestamp: mark({ sequence: 6 }) })],
  ['a snapshot of another sequence', 'METADATA_MIXED', () => bundle({ snapshot: mark({ sequence: 6 }) })],
  ['a snapshot of another channel', 'METADATA_MIXED', () => bundle({ snapshot: mark({ channel: 'vendor-b' }) })],
  ['targets of another channel', 'METADATA_MIXED', () => bundle({ targets: mark({ channel: 'vendor-b' }) })],
  ['targets of another sequence', 'METADATA_MIXED', () => bundle({ targets: mark({ sequence: 4 }) })],
  ['a snapshot whose version and sequence are another one', 'METADATA_MIXED', () => bundle({ snapshot: six })],
  ['targets whose version and sequence are another one', 'METADATA_MIXED', () => bundle({ targets: six })],
  [
    'a snapshot length that is another one',
    'METADATA_MIXED',
    () => bundle({ timestamp: meta('snapshot.json', { length: 1 }) }),
  ],
  [
    'all parts of another channel under the same keys',
    'CHANNEL_MISMATCH',
    () => {
      const other = mark({ channel: 'vendor-b' })
      return bundle({ timestamp: other, snapshot: other, targets: other })
    },
  ],
]

describe('tuf/head: refusals', () => {
  describe('by signature', () => refuses(SIGNATURES))
  describe('by age', () => refuses(AGE))
  describe('by what does not belong together', () => refuses(MIXED))
})
