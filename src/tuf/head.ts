/** Judging the head of a bundle: the client workflow of TUF 1.0, section 5, with nothing kept and no clock. */
import { hash } from 'node:crypto'
import type { Digest } from '../oci/index.ts'
import type { Purpose } from './channel.ts'
import type { Envelope } from './envelope.ts'
import { checkFresh } from './expiry.ts'
import { refusal, type Place } from './fault.ts'
import { headMark, snapshotMeta, targetsOf, timestampMeta, type Mark, type TargetInfo } from './parts.ts'
import { checkThreshold, type BadSignature } from './role.ts'
import { judgeRoots, type RootsVerdict, type TrustedRoot } from './root-chain.ts'
import { readSlot, type SlotRole } from './slot.ts'

/** The newest accepted version of each part; all 0 before the first bundle. */
export interface Counters {
  timestamp: number
  snapshot: number
  targets: number
}

export interface HeadFiles {
  /** `N.root.json` by N, from 1. */
  roots: ReadonlyMap<number, Uint8Array>
  timestamp: Uint8Array
  snapshot: Uint8Array
  targets: Uint8Array
}

export interface HeadInput {
  /** The name under which the site pinned the channel. */
  channel: string
  purpose: Purpose
  trusted: TrustedRoot & {
    counters: Counters
    /** The id of the bundle at `counters.targets`; without it a repeat cannot be told from a first. */
    lastId?: string
  }
  bundle: HeadFiles
  /** The one time of this run, not below the floor (TUF 5.1). */
  now: Date
}

export interface HeadVerdict {
  /** The roots that follow the trusted one, in order; see {@link judgeRoots} for keeping them when the head is refused. */
  roots: { version: number; bytes: Uint8Array }[]
  rootVersion: number
  /** What the counters become. */
  counters: Counters
  /** A new root replaced the timestamp or snapshot keys: the counters began again. */
  reset?: { rootVersion: number }
  /** The bundle id. */
  id: Digest
  sequence: number
  /** The earliest expiry of root, timestamp, snapshot and targets. */
  expires: string
  /** The keyids of the people whose signature on targets verifies. */
  signers: string[]
  targets: Map<string, TargetInfo>
  /** The same bundle as the last one that was accepted. */
  repeat: boolean
  badSignatures: BadSignature[]
}

interface Parts {
  timestamp: Envelope
  snapshot: Envelope
  targets: Envelope
}

/**
 * The verdict on a head, from which the caller commits counters and roots once audience and channel are accepted too:
 * nothing is kept here, so that a refused head leaves no trace. The order of the checks:
 *
 * | TUF | check | attack stopped | code |
 * | --- | --- | --- | --- |
 * | 5.4.1, 5.5.1, 5.6.1 | caps, strict JSON, slot form, shape, of all three parts | endless data, two readings | LIMIT_EXCEEDED, METADATA_MALFORMED |
 * | 5.3.1–5.3.9, 5.3.11 | {@link judgeRoots} | arbitrary software, key compromise | see there |
 * | 5.3.10 | newest root not expired | freeze | EXPIRED |
 * | 5.4.2 | timestamp: threshold | arbitrary software | SIGNATURE_INVALID |
 * | ours | timestamp names the pinned channel; its sequence is its version | another channel under the same keys | CHANNEL_MISMATCH, METADATA_MIXED |
 * | 5.4.3 | no version below its counter | rollback | ROLLBACK |
 * | 5.4.4 | timestamp not expired | freeze | EXPIRED |
 * | 5.5.2 | snapshot: length and hash of the slot | mix and match | METADATA_MIXED |
 * | 5.5.3 | snapshot: threshold | arbitrary software | SIGNATURE_INVALID |
 * | 5.5.4, ours | version, channel and sequence as in timestamp | mix and match | METADATA_MIXED |
 * | 5.5.5 | targets version not below its counter | rollback | ROLLBACK |
 * | 5.5.6 | snapshot not expired | freeze | EXPIRED |
 * | 5.6.2, ours | targets: hash of the signed part | mix and match | METADATA_MIXED |
 * | 5.6.3 | targets: threshold | arbitrary software | APPROVAL_MISSING, SIGNATURE_INVALID |
 * | 5.6.4, ours | version, channel and sequence as in timestamp | mix and match | METADATA_MIXED |
 * | 5.6.5 | targets not expired | freeze | EXPIRED |
 * | ours | the sequence of the last bundle, then its id too | equivocation | EQUIVOCATION |
 *
 * Target files (5.7) are the caller's. One deviation: TUF drops a timestamp of equal version unread, here it is judged.
 */
export function judgeHead(input: HeadInput): HeadVerdict {
  const parts = readParts(input)
  const chain = judgeRoots({ ...input, roots: input.bundle.roots })
  const { root } = chain
  checkFresh(root.expires, input.now, { side: 'bundle', subject: pathOf(input, `${root.version}.root`) })
  const floor = chain.reset === undefined ? input.trusted.counters : { timestamp: 0, snapshot: 0, targets: 0 }
  const hint = hintOf(input, chain)
  const bad = [...chain.badSignatures]
  const counted = (role: SlotRole): string[] => {
    const count = checkThreshold(parts[role], root.roles[role], hint)
    bad.push(...count.bad)
    return count.valid
  }

  counted('timestamp')
  const mark = judgeTimestamp(parts.timestamp, input, floor)
  checkSnapshotBytes(parts, input.bundle.snapshot)
  counted('snapshot')
  judgeSnapshot(parts.snapshot, mark, input.now, floor)
  const sha256 = checkTargetsBytes(parts)
  const signers = counted('targets')
  checkMark(parts.targets, mark)
  checkFresh(parts.targets.expires, input.now, parts.targets.place)

  const id: Digest = `sha256:${sha256}`
  const { sequence } = mark
  return {
    roots: chain.added,
    rootVersion: root.version,
    counters: { timestamp: sequence, snapshot: sequence, targets: sequence },
    ...(chain.reset === undefined ? {} : { reset: chain.reset }),
    id,
    sequence,
    expires: [root, parts.timestamp, parts.snapshot, parts.targets].map(({ expires }) => expires).toSorted()[0] ?? '',
    signers,
    targets: targetsOf(parts.targets),
    repeat: sequence === floor.targets && isRepeat(id, sequence, input.trusted.lastId, parts.targets.place),
    badSignatures: bad,
  }
}

/** What a head says of itself. */
export interface AgreedHead {
  id: Digest
  sequence: number
  /** Of targets. */
  expires: string
  targets: Map<string, TargetInfo>
}

/**
 * What a head says of itself, once its three parts are proven to be of this channel and to belong together. No key is
 * looked at: nothing of it is trusted. Throws METADATA_MALFORMED, METADATA_MIXED, LIMIT_EXCEEDED.
 */
export function readAgreedHead(input: Pick<HeadInput, 'channel' | 'bundle'>): AgreedHead {
  const parts = readParts(input)
  const mark = headMark(parts.timestamp)
  if (mark.channel !== input.channel)
    throw refusal('METADATA_MIXED', parts.timestamp.place, `it speaks for ${mark.channel}, not ${input.channel}`)
  checkSnapshotBytes(parts, input.bundle.snapshot)
  checkMark(parts.snapshot, mark)
  const id: Digest = `sha256:${checkTargetsBytes(parts)}`
  checkMark(parts.targets, mark)
  const { expires } = parts.targets
  return { id, sequence: mark.sequence, expires, targets: targetsOf(parts.targets) }
}

function pathOf({ channel }: Pick<HeadInput, 'channel'>, name: string): string {
  return `metadata/${channel}/${name}.json`
}

function readParts(input: Pick<HeadInput, 'channel' | 'bundle'>): Parts {
  const read = (role: SlotRole): Envelope =>
    readSlot(input.bundle[role], role, { side: 'bundle', subject: pathOf(input, role) })
  return { timestamp: read('timestamp'), snapshot: read('snapshot'), targets: read('targets') }
}

function hintOf({ bundle }: HeadInput, { root }: RootsVerdict): string {
  const last = Math.max(...bundle.roots.keys())
  return last < root.version ? `; the bundle was made under root ${last}, this site has root ${root.version}` : ''
}

function judgeTimestamp(envelope: Envelope, input: HeadInput, floor: Counters): Mark {
  const mark = headMark(envelope)
  if (mark.channel !== input.channel)
    throw refusal('CHANNEL_MISMATCH', envelope.place, `it speaks for ${mark.channel}, not ${input.channel}`)
  const { version } = timestampMeta(envelope)
  checkCounter(envelope.version, floor.timestamp, envelope.place)
  checkCounter(version, floor.snapshot, envelope.place)
  checkFresh(envelope.expires, input.now, envelope.place)
  return mark
}

function checkSnapshotBytes({ timestamp, snapshot }: Parts, slot: Uint8Array): void {
  const { length, sha256 } = timestampMeta(timestamp)
  if (slot.length !== length || hash('sha256', slot, 'hex') !== sha256)
    throw refusal('METADATA_MIXED', snapshot.place, 'not the snapshot that timestamp.json names')
  const { version } = timestampMeta(timestamp)
  if (snapshot.version !== version)
    throw refusal('METADATA_MIXED', snapshot.place, `version ${snapshot.version}, where ${version} is promised`)
}

function judgeSnapshot(envelope: Envelope, mark: Mark, now: Date, floor: Counters): void {
  checkMark(envelope, mark)
  checkCounter(snapshotMeta(envelope).version, floor.targets, envelope.place)
  checkFresh(envelope.expires, now, envelope.place)
}

function checkTargetsBytes({ snapshot, targets }: Parts): string {
  const { version, signedSha256 } = snapshotMeta(snapshot)
  const sha256 = hash('sha256', targets.signedBytes, 'hex')
  if (sha256 !== signedSha256)
    throw refusal('METADATA_MIXED', targets.place, 'not the targets that snapshot.json names')
  if (targets.version !== version)
    throw refusal('METADATA_MIXED', targets.place, `version ${targets.version}, where ${version} is promised`)
  return sha256
}

function checkMark(envelope: Envelope, mark: Mark): void {
  const own = headMark(envelope)
  if (own.channel !== mark.channel || own.sequence !== mark.sequence)
    throw refusal(
      'METADATA_MIXED',
      envelope.place,
      `${own.channel} ${own.sequence} beside ${mark.channel} ${mark.sequence}`,
    )
}

function checkCounter(version: number, floor: number, place: Place): void {
  if (version < floor) throw refusal('ROLLBACK', place, `sequence ${version}, this site has ${floor}`)
}

function isRepeat(id: Digest, sequence: number, lastId: string | undefined, place: Place): boolean {
  // Stops an exporter, or a thief of its keys, from telling two sites different things under one number.
  if (lastId !== undefined && lastId !== id)
    throw refusal('EQUIVOCATION', place, `sequence ${sequence} is ${id} here and ${lastId} at this site`)
  return lastId === id
}
