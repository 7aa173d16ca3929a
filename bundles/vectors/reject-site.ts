/** `reject/`: genuine heads that this site may not take, and roots that lead nowhere. */
import type { JsonObject } from '../../src/codec/index.ts'
import { fading, forgeRoot, impostor, solo, stranger, turning } from './channels.ts'
import { eighth, forged, ROOT_2, rooted, SNAPSHOT, TARGETS, TIMESTAMP } from './forged.ts'
import { oneImage } from './goods.ts'
import { meta, set } from './head.ts'
import { pack } from './pack.ts'
import type { RejectVector } from './vector.ts'

function replays(): RejectVector[] {
  const older = pack(solo, 5, oneImage()).tar
  const other = pack(
    solo,
    7,
    oneImage((shelf) => shelf.tag('1.0', shelf.image('told to somebody else'))),
  ).tar
  const past = '2026-05-01T00:00:00Z'
  const common = { pinned: solo, before: 'sequence-7', next: 'sequence-9-after-7' }
  return [
    { ...common, code: 'ROLLBACK', reason: 'older-sequence', subject: TIMESTAMP, tar: older, tuf: 'refuses' },
    forged(
      'ROLLBACK',
      'older-snapshot-named',
      TIMESTAMP,
      { signed: { timestamp: meta('snapshot.json', { version: 3 }) } },
      { tuf: 'refuses' },
    ),
    forged(
      'ROLLBACK',
      'older-targets-named',
      SNAPSHOT,
      { signed: { snapshot: meta('targets.json', { version: 3 }) } },
      { tuf: 'refuses' },
    ),
    { ...common, code: 'EQUIVOCATION', reason: 'another-7', subject: TARGETS, tar: other, tuf: 'beyond' },
    forged('EXPIRED', 'timestamp', TIMESTAMP, { signed: { timestamp: set('expires', past) } }, { tuf: 'refuses' }),
    forged('EXPIRED', 'snapshot', SNAPSHOT, { signed: { snapshot: set('expires', past) } }, { tuf: 'refuses' }),
    forged('EXPIRED', 'targets', TARGETS, { signed: { targets: set('expires', past) } }, { tuf: 'refuses' }),
    {
      code: 'EXPIRED',
      reason: 'root',
      subject: 'metadata/fading/1\\.root\\.json$',
      tar: pack(fading, 1, oneImage()).tar,
      pinned: fading,
      next: 'expired-root-renewed',
      tuf: 'refuses',
    },
    eighth(
      'CLOCK_BEHIND',
      'made-in-the-future',
      '^2900-01-01T00:00:00Z$',
      { terms: { created: '2900-01-01T00:00:00Z' } },
      { tuf: 'beyond' },
    ),
  ]
}

function channels(): RejectVector[] {
  const rsa = (signed: JsonObject): void => {
    const key = { keytype: 'rsa', scheme: 'rsassa-pss-sha256', keyval: { public: 'none' } }
    Object.assign(signed['keys'] as JsonObject, { ['ab'.repeat(32)]: key })
  }
  const says = (value: JsonObject) => (signed: JsonObject) => void (signed['x-sallyport'] = value)
  const nothing = (): void => undefined
  return [
    {
      code: 'CHANNEL_NOT_PINNED',
      reason: 'stranger',
      subject: '^stranger$',
      tar: pack(stranger, 1, oneImage()).tar,
      pinned: solo,
      next: 'solo-ed25519',
      tuf: 'refuses',
    },
    {
      code: 'ROOT_UNKNOWN',
      reason: 'same-name-other-root',
      subject: 'metadata/solo/1\\.root\\.json$',
      tar: pack(impostor, 1, oneImage()).tar,
      pinned: solo,
      next: 'solo-ed25519',
      tuf: 'refuses',
    },
    rooted(
      'ROOT_UNKNOWN',
      'version-skipped',
      ROOT_2,
      forgeRoot(turning, (signed) => (signed['version'] = 3)),
      { tuf: 'refuses' },
    ),
    rooted('SIGNATURE_INVALID', 'root-2-by-others', ROOT_2, forgeRoot(turning, nothing, solo.keys.root), {
      tuf: 'refuses',
    }),
    rooted(
      'CHANNEL_MISMATCH',
      'root-2-of-another-channel',
      ROOT_2,
      forgeRoot(turning, says({ channel: 'other', purpose: 'content' })),
      { tuf: 'beyond' },
    ),
    rooted(
      'PURPOSE_MISMATCH',
      'root-2-for-trust',
      ROOT_2,
      forgeRoot(turning, says({ channel: 'turning', purpose: 'trust' })),
      { tuf: 'beyond' },
    ),
    rooted('ALGORITHM_REFUSED', 'rsa-key-in-root-2', ROOT_2, forgeRoot(turning, rsa)),
    rooted(
      'METADATA_MALFORMED',
      'consistent-snapshot',
      ROOT_2,
      forgeRoot(turning, (signed) => void (signed['consistent_snapshot'] = true)),
    ),
  ]
}

export function siteRejects(): RejectVector[] {
  return [...replays(), ...channels()]
}
