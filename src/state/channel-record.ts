/** What a site remembers of a channel, and the rules by which a row may change it. Pure. */
import { hash } from 'node:crypto'
import type { JsonObject } from '../codec/index.ts'
import { SallyportError, type Code } from '../errors/index.ts'
import { countOf, isHash, objectOf, oneOf, textOf, textsOf } from './fields.ts'

export const PURPOSES = ['content', 'trust', 'revocation'] as const
export type Purpose = (typeof PURPOSES)[number]

// Type aliases, not interfaces: only they are taken as JSON objects.

/** The versions of the three TUF roles that must not fall. */
export type Counters = {
  timestamp: number
  snapshot: number
  targets: number
}

/** All that hangs on one chain of roots. */
export type Lineage = {
  /** Fingerprint of the root that was pinned by hand. */
  fingerprint: string
  /** Fingerprints of every root of this chain, pinned or verified. */
  seen: string[]
  /** The newest root, base64. */
  root: string
  rootVersion: number
  counters: Counters
  last: { sequence: number; id: string } | null
}

export type ChannelRecord = {
  pinned: boolean
  purpose: Purpose
  lineage: Lineage
  /** Chains the channel had before: they count on when one of their roots is pinned again. */
  past: Lineage[]
}

function refuse(code: Code, channel: string, detail: string): SallyportError {
  return new SallyportError(code, { side: 'bundle', subject: `channel ${channel}`, detail })
}

function fingerprintOf(root: string): string {
  return `sha256:${hash('sha256', Buffer.from(root, 'base64'))}`
}

/**
 * The record after a `pin` row. Throws CHANNEL_PINNED, FINGERPRINT_MISMATCH.
 * Unpin and pin would be a way to make counters fall. So a root that this site has seen in the channel before takes its
 * chain up where it stood, with the newest root of it, and one under which the heads of a chain still pass (`continues`
 * names a root of that) takes up its counters; only another starts from nothing.
 */
export function pinned(before: ChannelRecord | undefined, row: JsonObject): ChannelRecord {
  const channel = textOf(row, 'channel')
  if (before?.pinned === true) throw new SallyportError('CHANNEL_PINNED', { side: 'state', subject: channel })
  const root = textOf(row, 'root')
  const fingerprint = textOf(row, 'fingerprint')
  if (fingerprint !== fingerprintOf(root)) throw refuse('FINGERPRINT_MISMATCH', channel, fingerprint)
  const rootVersion = countOf(row, 'rootVersion')
  const chains = before === undefined ? [] : [before.lineage, ...before.past]
  const known = chains.find(({ seen }) => seen.includes(fingerprint))
  const other = known === undefined && row['continues'] !== undefined ? textOf(row, 'continues') : undefined
  const continued = other === undefined ? undefined : chains.find(({ seen }) => seen.includes(other))
  if (other !== undefined && continued === undefined) throw new TypeError('it continues no chain of the channel')
  const fresh: Lineage = {
    fingerprint,
    seen: [...(continued?.seen ?? []), fingerprint],
    root,
    rootVersion,
    counters: continued?.counters ?? { timestamp: 0, snapshot: 0, targets: 0 },
    last: continued?.last ?? null,
  }
  return {
    pinned: true,
    purpose: oneOf(row, 'purpose', PURPOSES),
    lineage: known === undefined ? fresh : { ...known, fingerprint },
    past: chains.filter((chain) => chain !== known && chain !== continued),
  }
}

/** The record after an `unpin` row: nothing is forgotten. Throws CHANNEL_NOT_PINNED. */
export function unpinned(before: ChannelRecord | undefined, row: JsonObject): ChannelRecord {
  textOf(row, 'reason')
  return { ...demandPinned(before, textOf(row, 'channel')), pinned: false }
}

function demandPinned(record: ChannelRecord | undefined, channel: string): ChannelRecord {
  if (record?.pinned !== true) throw refuse('CHANNEL_NOT_PINNED', channel, 'not pinned here')
  return record
}

/**
 * The record after a `head` row. Throws CHANNEL_NOT_PINNED, ROLLBACK, EQUIVOCATION.
 * Counters and sequence may only fall with `reset`, which names the new root that replaced timestamp or snapshot keys.
 */
export function advanced(before: ChannelRecord | undefined, row: JsonObject): ChannelRecord {
  const channel = textOf(row, 'channel')
  const record = demandPinned(before, channel)
  const { lineage } = record
  const { rootVersion, roots } = rootsOf(row, lineage, channel)
  const counters = countersOf(row)
  const last = { sequence: countOf(row, 'sequence'), id: textOf(row, 'id') }
  if (row['signers'] !== undefined && !textsOf(row, 'signers').every(isHash))
    throw new TypeError('signers are no keyids')
  if (!resets(row, lineage, rootVersion, channel)) refuseFall(lineage, counters, last, channel)
  return { ...record, lineage: { ...followed(lineage, rootVersion, roots), counters, last } }
}

/**
 * The record after a `roots` row: roots that verified, kept although the head they came with was refused (TUF 5.3).
 * Else a thief of replaced keys could go on using them with every bundle that leaves the new root out.
 */
export function rooted(before: ChannelRecord | undefined, row: JsonObject): ChannelRecord {
  const channel = textOf(row, 'channel')
  const record = demandPinned(before, channel)
  const { lineage } = record
  const { rootVersion, roots } = rootsOf(row, lineage, channel)
  if (roots.length === 0) throw new TypeError('a row of roots without a root')
  const next = followed(lineage, rootVersion, roots)
  if (!resets(row, lineage, rootVersion, channel)) return { ...record, lineage: next }
  return { ...record, lineage: { ...next, counters: { timestamp: 0, snapshot: 0, targets: 0 }, last: null } }
}

function rootsOf(row: JsonObject, lineage: Lineage, channel: string): { rootVersion: number; roots: string[] } {
  const rootVersion = countOf(row, 'rootVersion')
  if (rootVersion < lineage.rootVersion) throw refuse('ROLLBACK', channel, `root ${rootVersion}`)
  const roots = textsOf(row, 'roots')
  if (roots.length !== rootVersion - lineage.rootVersion) throw new TypeError('roots do not lead to rootVersion')
  return { rootVersion, roots }
}

function followed(lineage: Lineage, rootVersion: number, roots: readonly string[]): Lineage {
  const seen = [...lineage.seen, ...roots.map(fingerprintOf)]
  return { ...lineage, seen, root: roots.at(-1) ?? lineage.root, rootVersion }
}

function countersOf(row: JsonObject): Counters {
  const counters = objectOf(row, 'counters')
  return {
    timestamp: countOf(counters, 'timestamp'),
    snapshot: countOf(counters, 'snapshot'),
    targets: countOf(counters, 'targets'),
  }
}

/** Stops a reset that no new root of this very row stands for. */
function resets(row: JsonObject, lineage: Lineage, rootVersion: number, channel: string): boolean {
  if (row['reset'] === undefined) return false
  const by = countOf(objectOf(row, 'reset'), 'rootVersion')
  if (by <= lineage.rootVersion || by > rootVersion) throw refuse('ROLLBACK', channel, `reset by root ${by}`)
  return true
}

function refuseFall(lineage: Lineage, counters: Counters, last: Lineage['last'] & object, channel: string): void {
  for (const role of ['timestamp', 'snapshot', 'targets'] as const) {
    const had = lineage.counters[role]
    if (counters[role] < had) throw refuse('ROLLBACK', channel, `${role} ${counters[role]} after ${had}`)
  }
  if (lineage.last === null) return
  if (last.sequence < lineage.last.sequence)
    throw refuse('ROLLBACK', channel, `sequence ${last.sequence} after ${lineage.last.sequence}`)
  if (last.sequence === lineage.last.sequence && last.id !== lineage.last.id)
    throw refuse('EQUIVOCATION', channel, `sequence ${last.sequence} is ${lineage.last.id} and ${last.id}`)
}
