/** `reject/`: heads that no honest exporter of this channel made. */
import { duo, solo, stranger } from './channels.ts'
import { approved, eighth, forged, SNAPSHOT, TARGETS, TIMESTAMP } from './forged.ts'
import { oneImage } from './goods.ts'
import { meta, set } from './head.ts'
import { pack, SITE } from './pack.ts'
import type { RejectVector } from './vector.ts'

function malformed(): RejectVector[] {
  const again = { name: 'delegated', keyids: [], threshold: 1, terminating: false, paths: ['*'] }
  const delegations = { keys: {}, roles: [again] }
  const many = Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`t${i}`, Buffer.alloc(0)]))
  const nul = (slot: Buffer): Buffer =>
    Buffer.from(
      slot.toString('latin1').replace(/ +\n$/, (end) => '\0'.repeat(end.length)),
      'latin1',
    )
  const twice = (slot: Buffer): Buffer =>
    Buffer.from(
      slot
        .toString()
        .replace('"version":8', '"version":8,"version":8')
        .replace(/ {12}\n$/, '\n'),
    )
  return [
    forged('METADATA_MALFORMED', 'nul-padding', TIMESTAMP, { slots: { timestamp: nul } }),
    forged('METADATA_MALFORMED', 'member-twice', TARGETS, { slots: { targets: twice } }),
    forged('METADATA_MALFORMED', 'delegations', TARGETS, { signed: { targets: set('delegations', delegations) } }),
    forged('METADATA_MALFORMED', 'one-key-signs-twice', TARGETS, {
      signatures: { targets: (entries) => [...entries, ...entries] },
    }),
    forged('METADATA_MALFORMED', 'expiry-with-fraction', TIMESTAMP, {
      signed: { timestamp: set('expires', '2999-12-31T23:59:59.000Z') },
    }),
    forged('METADATA_MALFORMED', 'snapshot-with-hash-of-file', SNAPSHOT, {
      signed: { snapshot: meta('targets.json', { length: 5 }) },
    }),
    forged('METADATA_MALFORMED', 'snapshot-without-our-hash', SNAPSHOT, {
      signed: { snapshot: meta('targets.json', { 'x-sallyport-signed-sha256': null }) },
    }),
    forged('METADATA_MALFORMED', 'length-is-no-slot', TARGETS, {
      slots: { targets: (slot) => Buffer.concat([slot.subarray(0, -1), Buffer.alloc(511, ' '), Buffer.from('\n')]) },
    }),
    eighth('METADATA_MALFORMED', 'target-outside', TARGETS, {
      head: {},
      targets: { '../index.json': Buffer.alloc(3) },
    }),
    eighth('LIMIT_EXCEEDED', 'thousand-targets', TARGETS, { head: {}, targets: many }),
  ]
}

function signatures(): RejectVector[] {
  const refuses = { tuf: 'refuses' } as const
  const flip = (entries: { keyid: string; sig: string }[]) =>
    entries.map(({ keyid, sig }) => ({ keyid, sig: `${sig.startsWith('0') ? '1' : '0'}${sig.slice(1)}` }))
  const relabel = (entries: { keyid: string; sig: string }[]) =>
    entries.map(({ sig }) => ({ keyid: solo.keys.targets[0]?.keyid ?? '', sig }))
  const [alice, bob] = duo.keys.targets
  if (alice === undefined || bob === undefined) throw new TypeError('duo has three people')
  return [
    forged(
      'SIGNATURE_INVALID',
      'timestamp-by-snapshot-key',
      TIMESTAMP,
      { signers: { timestamp: solo.keys.snapshot } },
      refuses,
    ),
    forged(
      'SIGNATURE_INVALID',
      'snapshot-by-stranger',
      SNAPSHOT,
      { signers: { snapshot: stranger.keys.snapshot } },
      refuses,
    ),
    forged(
      'SIGNATURE_INVALID',
      'targets-by-exporting-host',
      TARGETS,
      { signers: { targets: solo.keys.timestamp } },
      refuses,
    ),
    forged('SIGNATURE_INVALID', 'targets-unsigned', TARGETS, { signers: { targets: [] } }, refuses),
    forged('SIGNATURE_INVALID', 'targets-signature-damaged', TARGETS, { signatures: { targets: flip } }, refuses),
    forged(
      'SIGNATURE_INVALID',
      'keyid-of-another',
      TARGETS,
      { signers: { targets: stranger.keys.targets }, signatures: { targets: relabel } },
      refuses,
    ),
    approved('APPROVAL_MISSING', 'one-of-two', { signers: { targets: [alice] } }, refuses),
    approved(
      'APPROVAL_MISSING',
      'second-signature-damaged',
      {
        signatures: {
          targets: ([first, second]) => [
            ...(first === undefined ? [] : [first]),
            ...flip(second === undefined ? [] : [second]),
          ],
        },
      },
      refuses,
    ),
    approved('APPROVAL_MISSING', 'second-is-no-person', { signers: { targets: [bob, ...duo.keys.snapshot] } }, refuses),
    approved('SIGNATURE_INVALID', 'nobody-of-the-channel', { signers: { targets: stranger.keys.targets } }, refuses),
  ]
}

function mixes(): RejectVector[] {
  const honest = pack(solo, 8, oneImage())
  const sibling = pack(
    solo,
    8,
    oneImage((shelf) => shelf.tag('1.1', shelf.image('sibling'))),
  )
  const seventh = pack(solo, 7, oneImage())
  const { timestamp, snapshot, targets } = honest.slots
  const mark = { channel: 'solo', sequence: 9 }
  return [
    // The one that stock clients accept (notes/format.md A2): all of one version, all signed.
    eighth(
      'METADATA_MIXED',
      'targets-of-a-sibling',
      TARGETS,
      { slots: { timestamp, snapshot, targets: sibling.slots.targets } },
      { tuf: 'beyond' },
    ),
    eighth(
      'METADATA_MIXED',
      'targets-of-7',
      TARGETS,
      { slots: { timestamp, snapshot, targets: seventh.slots.targets } },
      { tuf: 'refuses' },
    ),
    eighth(
      'METADATA_MIXED',
      'snapshot-of-a-sibling',
      SNAPSHOT,
      { slots: { timestamp, targets, snapshot: sibling.slots.snapshot } },
      { tuf: 'refuses' },
    ),
    forged(
      'METADATA_MIXED',
      'mark-of-another-sequence',
      TARGETS,
      { signed: { targets: set('x-sallyport', mark) } },
      { tuf: 'beyond' },
    ),
    eighth(
      'METADATA_MIXED',
      'transfer-of-another-sequence',
      '^transfer\\.json$',
      { head: {}, transfer: (document) => (document['sequence'] = 9) },
      { tuf: 'beyond' },
    ),
    eighth(
      'CHANNEL_MISMATCH',
      'timestamp-of-another-channel',
      TIMESTAMP,
      { head: { signed: { timestamp: set('x-sallyport', { channel: 'other', sequence: 8 }) } } },
      { tuf: 'beyond' },
    ),
    eighth(
      'CHANNEL_MISMATCH',
      'transfer-of-another-channel',
      '^transfer\\.json$',
      { terms: { channel: 'other' } },
      { tuf: 'beyond' },
    ),
    eighth(
      'PURPOSE_MISMATCH',
      'transfer-for-trust',
      '^transfer\\.json$',
      { terms: { purpose: 'trust' } },
      { tuf: 'beyond' },
    ),
    eighth(
      'AUDIENCE_MISMATCH',
      'other-sites',
      `^${SITE}$`,
      { terms: { audience: ['site-b', 'site-c'], previous: { 'site-b': null, 'site-c': null } } },
      { tuf: 'beyond' },
    ),
  ]
}

export function headRejects(): RejectVector[] {
  return [...malformed(), ...signatures(), ...mixes()]
}
