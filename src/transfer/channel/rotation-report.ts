/** What a rotation tells: who has signed the next root, who has not, and which keys stay, come and go. */
import { join } from 'node:path'
import type { Digest } from '../../oci/index.ts'
import {
  fingerprint,
  readUnsignedRoot,
  rootApprovals,
  rootId,
  type Purpose,
  type Root,
  type RootApprovals,
} from '../../tuf/index.ts'
import { rootFileName, type ChannelFolder, type KeyEntry } from './folder.ts'
import { pendingFile, previousOf, type PendingRoot } from './pending-root.ts'
import type { NewKey, RotationPlan } from './rotation-plan.ts'

export interface ChannelRotateReport {
  channel: string
  purpose: Purpose
  /** `planned` before anything is made; `waiting` until enough root keys have signed; `was in force`: by a run before. */
  phase: 'planned' | 'waiting' | 'in force' | 'was in force' | 'abandoned'
  /** Of the new root. */
  version: number
  /** Its file. */
  root: string
  /** The fingerprint of the channel's first root, to which it leads back. */
  first: Digest
  /** The fingerprint of the root that it replaces. */
  follows: Digest
  /** The digest of what it says, whoever has signed it: what holders compare. Null before its keys are made. */
  id: Digest | null
  /** Null before it is in force: each signature changes it. */
  fingerprint: Digest | null
  rootExpires: string
  /** How many people must approve a bundle, and a root after this one. */
  threshold: number
  rootThreshold: number
  people: string[]
  keys: RotatedKey[]
  /** Who has signed, of those who must: root keys of the root before, and the new root's own. Null in a plan. */
  signed: { before: Signed; own: Signed } | null
  /** Holders of root keys whose signature would still count. */
  missing: string[]
  /** True when sites begin to count the channel's bundles anew; null when this run did not put the root in force. */
  countersBeginAgain: boolean | null
}

export interface RotatedKey extends NewKey {
  /** Null before it is made. */
  keyid: string | null
  /** A retired key is good for nothing once the root is in force. */
  is: 'staying' | 'new' | 'retired'
}

interface Signed {
  signed: number
  threshold: number
}

type Approved = RootApprovals['own']

/** Who has signed the waiting root, by the keys of the one before and by its own. */
export function approvalsOf(folder: ChannelFolder, pending: PendingRoot): { before: Approved; own: Approved } {
  const { own, previous } = rootApprovals(pending.bytes, previousOf(folder, pending))
  return { own, before: previous ?? own }
}

function keysOf(is: RotatedKey['is'], entries: readonly (NewKey & { keyid?: string })[]): RotatedKey[] {
  return entries.map(({ role, holder, file, keyid }) => ({ role, holder, file, keyid: keyid ?? null, is }))
}

function peopleOf(keys: readonly RotatedKey[]): string[] {
  return keys.filter(({ role, is }) => role === 'targets' && is !== 'retired').map(({ holder }) => holder)
}

/** What a rotation would do that has not begun. */
export function planReport(folder: ChannelFolder, plan: RotationPlan, rootExpires: string): ChannelRotateReport {
  const keys = [...keysOf('staying', plan.stay), ...keysOf('new', plan.make), ...keysOf('retired', plan.retired)]
  return {
    channel: folder.channel,
    purpose: folder.purpose,
    phase: 'planned',
    version: plan.version,
    root: pendingFile(folder.dir),
    first: fingerprint(folder.roots[0] ?? Buffer.alloc(0)),
    follows: fingerprint(folder.root.bytes),
    id: null,
    fingerprint: null,
    rootExpires,
    threshold: plan.thresholds.targets,
    rootThreshold: plan.thresholds.root,
    people: peopleOf(keys),
    keys,
    signed: null,
    missing: [],
    countersBeginAgain: null,
  }
}

/** How far a rotation has come. */
export function pendingReport(
  folder: ChannelFolder,
  pending: PendingRoot,
  phase: 'waiting' | 'abandoned',
): ChannelRotateReport {
  const place = { side: 'source' as const, subject: pendingFile(folder.dir) }
  const next = readUnsignedRoot(pending.bytes, place)
  const previous = previousOf(folder, pending)
  const before = readUnsignedRoot(previous, place)
  const approvals = approvalsOf(folder, pending)
  const isIn = ({ roles }: Root, { role, keyid }: KeyEntry): boolean => roles[role].keys.has(keyid)
  const had = folder.keys.filter((entry) => isIn(before, entry))
  const keys = [
    ...keysOf(
      'staying',
      had.filter((entry) => isIn(next, entry)),
    ),
    ...keysOf('new', pending.made),
    ...keysOf(
      'retired',
      had.filter((entry) => !isIn(next, entry)),
    ),
  ]
  const done = new Set([...approvals.before.signed, ...approvals.own.signed])
  const lacking = (root: Root, { signed, threshold }: Approved): string[] =>
    signed.length >= threshold
      ? []
      : [...had, ...pending.made]
          .filter((entry) => entry.role === 'root' && isIn(root, entry) && !done.has(entry.keyid))
          .map(({ holder }) => holder)
  const count = ({ signed, threshold }: Approved): Signed => ({ signed: signed.length, threshold })
  const missing = new Set([...lacking(before, approvals.before), ...lacking(next, approvals.own)])
  return {
    channel: folder.channel,
    purpose: folder.purpose,
    phase,
    version: pending.version,
    root: place.subject,
    first: fingerprint(folder.roots[0] ?? Buffer.alloc(0)),
    follows: fingerprint(previous),
    id: rootId(pending.bytes, place),
    fingerprint: null,
    rootExpires: next.expires,
    threshold: next.roles.targets.threshold,
    rootThreshold: next.roles.root.threshold,
    people: peopleOf(keys),
    keys,
    signed: { before: count(approvals.before), own: count(approvals.own) },
    missing: phase === 'waiting' ? [...missing] : [],
    countersBeginAgain: null,
  }
}

/** A rotation that is done. */
export function inForceReport(
  folder: ChannelFolder,
  pending: PendingRoot,
  countersBeginAgain: boolean | null,
): ChannelRotateReport {
  const report = pendingReport(folder, pending, 'waiting')
  const root = join(folder.dir, rootFileName(pending.version))
  return {
    ...report,
    phase: 'in force',
    root,
    fingerprint: fingerprint(pending.bytes),
    missing: [],
    countersBeginAgain,
  }
}
