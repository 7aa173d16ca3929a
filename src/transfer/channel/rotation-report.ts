/** What a rotation tells: who has signed the next root, who has not, and which keys come and go. */
import { join } from 'node:path'
import type { Digest } from '../../oci/index.ts'
import {
  fingerprint,
  readRoot,
  readUnsignedRoot,
  rootApprovals,
  type Purpose,
  type Root,
  type RootApprovals,
} from '../../tuf/index.ts'
import type { ChannelFolder, KeyEntry } from './folder.ts'
import { pendingFile, type PendingRoot } from './pending-root.ts'
import type { NewKey, RotationPlan } from './rotation-plan.ts'

export interface ChannelRotateReport {
  channel: string
  purpose: Purpose
  /** `planned` by a dry run; `waiting` until enough root keys have signed. */
  phase: 'planned' | 'waiting' | 'in force' | 'abandoned'
  /** Of the new root. */
  version: number
  /** Its file. */
  root: string
  /** The fingerprint of the root that it replaces. */
  follows: Digest
  /** Null before the root is in force: each signature changes it. */
  fingerprint: Digest | null
  rootExpires: string
  /** How many people must approve a bundle. */
  threshold: number
  people: string[]
  made: NewKey[]
  /** Keys that are good for nothing once the root is in force. */
  retired: NewKey[]
  /** Who has signed, of those who must: root keys of the root before, and the new root's own. Null in a plan. */
  signed: { before: Signed; own: Signed } | null
  /** Holders of root keys whose signature would still count. */
  missing: string[]
  /** True when sites begin to count the channel's bundles anew; null before the root is in force. */
  countersBeginAgain: boolean | null
}

interface Signed {
  signed: number
  threshold: number
}

type Approved = RootApprovals['own']

/** The root that the waiting one follows. */
export function previousOf({ roots }: ChannelFolder, { version }: { version: number }): Buffer {
  return roots[version - 2] ?? Buffer.alloc(0)
}

/** Who has signed the waiting root, by the keys of the one before and by its own. */
export function approvalsOf(folder: ChannelFolder, pending: PendingRoot): { before: Approved; own: Approved } {
  const { own, previous } = rootApprovals(pending.bytes, previousOf(folder, pending))
  return { own, before: previous ?? own }
}

function named({ role, holder, file }: NewKey): NewKey {
  return { role, holder, file }
}

/** What a rotation would do that has not begun. */
export function planReport(folder: ChannelFolder, plan: RotationPlan, rootExpires: string): ChannelRotateReport {
  const { version, roles, make, retired, people } = plan
  return {
    channel: folder.channel,
    purpose: folder.purpose,
    phase: 'planned',
    version,
    root: pendingFile(folder.dir),
    follows: fingerprint(folder.root.bytes),
    fingerprint: null,
    rootExpires,
    threshold: roles.targets.threshold,
    people,
    made: make,
    retired: retired.map(named),
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
  const next = readUnsignedRoot(pending.bytes, { side: 'state', subject: pendingFile(folder.dir) })
  const before = readRoot(previousOf(folder, pending), { side: 'state', subject: folder.dir })
  const approvals = approvalsOf(folder, pending)
  const entries = [...folder.keys, ...pending.made]
  const isIn = ({ roles }: Root, { role, keyid }: KeyEntry): boolean => roles[role].keys.has(keyid)
  const done = new Set([...approvals.before.signed, ...approvals.own.signed])
  const lacking = (root: Root, { signed, threshold }: Approved): string[] =>
    signed.length >= threshold
      ? []
      : entries
          .filter((entry) => entry.role === 'root' && isIn(root, entry) && !done.has(entry.keyid))
          .map(({ holder }) => holder)
  const count = ({ signed, threshold }: Approved): Signed => ({ signed: signed.length, threshold })
  const missing = new Set([...lacking(before, approvals.before), ...lacking(next, approvals.own)])
  return {
    channel: folder.channel,
    purpose: folder.purpose,
    phase,
    version: pending.version,
    root: pendingFile(folder.dir),
    follows: fingerprint(before.bytes),
    fingerprint: null,
    rootExpires: next.expires,
    threshold: next.roles.targets.threshold,
    people: entries.filter((entry) => entry.role === 'targets' && isIn(next, entry)).map(({ holder }) => holder),
    made: pending.made.map(named),
    retired: folder.keys.filter((entry) => isIn(before, entry) && !isIn(next, entry)).map(named),
    signed: { before: count(approvals.before), own: count(approvals.own) },
    missing: phase === 'waiting' ? [...missing] : [],
    countersBeginAgain: null,
  }
}

/** A rotation that is done. */
export function inForceReport(
  folder: ChannelFolder,
  pending: PendingRoot,
  file: string,
  countersBeginAgain: boolean,
): ChannelRotateReport {
  const report = pendingReport(folder, pending, 'waiting')
  const root = join(folder.dir, file)
  return {
    ...report,
    phase: 'in force',
    root,
    fingerprint: fingerprint(pending.bytes),
    missing: [],
    countersBeginAgain,
  }
}
