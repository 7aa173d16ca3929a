/** What a rotation changes: which keys go, which are to be made, and who must sign from then on. No I/O. */
import { SallyportError } from '../../errors/index.ts'
import {
  buildRoot,
  byRole,
  CAPS,
  keyidOf,
  ROLES,
  type KeyKind,
  type Role,
  type Root,
  type TufKey,
} from '../../tuf/index.ts'
import type { KeyEntry } from './folder.ts'
import { isPersonName } from './person.ts'
import { usage } from './usage.ts'

/**
 * Keys are named as their files are: `ann` signs bundles, `root-ann` signs roots, `host` is the pair of snapshot and
 * timestamp. People are named once, for both of their keys.
 */
export interface RotationChange {
  /** All keys may stay, the next root is good for longer. */
  renew: boolean
  /** Keys that give way to new ones. */
  replace: readonly string[]
  /** People who join. */
  add: readonly string[]
  /** People who leave. */
  remove: readonly string[]
  /** How many people must sign, bundles and roots alike; null: as before. */
  threshold: number | null
  /** Until the next root expires; null: {@link ROOT_DAYS}. */
  days: number | null
  /** Of new keys; null: as the channel's root keys are. */
  kind: KeyKind | null
}

/** Five years. */
export const ROOT_DAYS = 1825

export type NewKey = Pick<KeyEntry, 'role' | 'holder' | 'file'>

export interface RotationPlan {
  /** Of the root to be made. */
  version: number
  thresholds: Record<Role, number>
  stay: KeyEntry[]
  make: NewKey[]
  /** Entries that the new root does not name. */
  retired: KeyEntry[]
}

/** True when no words ask for anything: what waits is gone on with. */
export function isUnchanged({ renew, replace, add, remove, threshold, days, kind }: RotationChange): boolean {
  const named = replace.length + add.length + remove.length
  return !renew && named === 0 && threshold === null && days === null && kind === null
}

/** True when both mean the same, in whatever order they name it. */
export function sameChange(one: RotationChange, other: RotationChange): boolean {
  const text = ({ renew, replace, add, remove, threshold, days, kind }: RotationChange): string =>
    JSON.stringify([renew, replace.toSorted(), add.toSorted(), remove.toSorted(), threshold, days, kind])
  return text(one) === text(other)
}

function keyName({ role, holder }: Pick<KeyEntry, 'role' | 'holder'>): string {
  if (role === 'targets') return holder
  return role === 'root' ? `root-${holder}` : 'host'
}

/** The version keeps a new key's file from the name of the one it replaces. */
function newKey(role: Role, holder: string, version: number): NewKey {
  const name = role === 'targets' ? holder : role === 'root' ? `root-${holder}` : role
  return { role, holder, file: `${name}.${version}.pem` }
}

/**
 * The entries of the keys in force. Throws CHANNEL_FOLDER_DAMAGED unless they are those of the root, each once: a key that
 * nobody is shown must not ride on into the next root.
 */
function inForce(root: Root, keys: readonly KeyEntry[]): KeyEntry[] {
  const bad = (detail: string): SallyportError =>
    new SallyportError('CHANNEL_FOLDER_DAMAGED', { side: 'source', subject: 'channel.json', detail })
  const entries = keys.filter(({ role, keyid }) => root.roles[role].keys.has(keyid))
  const seen = new Set<string>()
  for (const { role, holder, keyid } of entries) {
    const person = role === 'root' || role === 'targets'
    if (person ? !isPersonName(holder) : holder !== 'host')
      throw bad(`${JSON.stringify(holder)} can't hold a ${role} key`)
    for (const once of [keyid, `${role} ${holder}`]) {
      if (seen.has(once)) throw bad(`it lists ${once} twice`)
      seen.add(once)
    }
  }
  for (const role of ROLES)
    for (const [keyid, { tufKey }] of root.roles[role].keys) {
      if (!seen.has(keyid)) throw bad(`it does not list the ${role} key ${keyid}`)
      if (keyidOf(tufKey) !== keyid) throw bad(`the ${role} key ${keyid} is called by another name than its own`)
    }
  return entries
}

function check({ replace, add, remove }: RotationChange, keys: ReadonlySet<string>, people: ReadonlySet<string>): void {
  const lists: [string, readonly string[], (name: string) => boolean, string][] = [
    ['--replace', replace, (name) => keys.has(name), `no such key; there are ${[...keys].join(', ')}`],
    ['--remove', remove, (name) => people.has(name), `no such person; there are ${[...people].join(', ')}`],
    ['--add', add, (name) => isPersonName(name) && !people.has(name), 'not a name that is free'],
  ]
  const named = new Set<string>()
  for (const [option, names, fits, detail] of lists)
    for (const name of names) {
      if (!fits(name)) throw usage(`${option} ${name}`, detail)
      if (named.has(name)) throw usage(`${option} ${name}`, 'it is named twice')
      named.add(name)
    }
  const gone = replace.find((name) => remove.includes(name.replace(/^root-/, '')))
  if (gone !== undefined) throw usage(`--replace ${gone}`, 'its holder is to be removed')
}

/**
 * The rotation that a change comes to.
 * @param keys - of channel.json
 * Throws USAGE for a change of nothing, a name that can't be meant, and a threshold that the people left can't reach;
 * CHANNEL_FOLDER_DAMAGED when channel.json does not list the root's keys.
 */
export function planRotation(root: Root, keys: readonly KeyEntry[], change: RotationChange): RotationPlan {
  const entries = inForce(root, keys)
  if (isUnchanged({ ...change, days: null, kind: null }))
    throw usage('channel rotate', 'it is told no change', 'say --replace, --add, --remove, --threshold or --renew')
  const holders = entries.filter(({ role }) => role === 'targets' || role === 'root').map(({ holder }) => holder)
  check(change, new Set(entries.map(keyName)), new Set(holders))
  const version = root.version + 1
  if (version > CAPS.rotations)
    throw usage(
      'channel rotate',
      `a channel has ${CAPS.rotations} roots at most`,
      'make a new channel, and pin it at each site',
    )
  const leaves = ({ role, holder }: KeyEntry): boolean =>
    role !== 'snapshot' && role !== 'timestamp' && change.remove.includes(holder)
  const replaced = entries.filter((entry) => change.replace.includes(keyName(entry)))
  const retired = [...replaced, ...entries.filter(leaves)]
  const stay = entries.filter((entry) => !retired.includes(entry))
  const make = [
    ...replaced.map(({ role, holder }) => newKey(role, holder, version)),
    ...change.add.flatMap((person) => [newKey('targets', person, version), newKey('root', person, version)]),
  ]
  const thresholds = byRole((name) => {
    const before = root.roles[name].threshold
    const needed = name === 'root' || name === 'targets' ? (change.threshold ?? before) : before
    const count = [...stay, ...make].filter(({ role }) => role === name).length
    if (!Number.isSafeInteger(needed) || needed < 1 || needed > count)
      throw usage('--threshold', `${needed} of ${count} ${name} keys`)
    return needed
  })
  return { version, thresholds, stay, make, retired }
}

/**
 * The root of a plan, not signed. Equal plans with equal keys give equal bytes, so that a root that waits is held against
 * it: nothing else can stand in it.
 * @param made - the public keys of `make`, in its order
 */
export function plannedRoot(root: Root, plan: RotationPlan, made: readonly TufKey[], expires: string): Buffer {
  const roles = byRole((name) => ({
    keys: [
      ...plan.stay
        .filter((entry) => entry.role === name)
        .flatMap(({ keyid }) => root.roles[name].keys.get(keyid)?.tufKey ?? []),
      ...made.filter((_, i) => plan.make[i]?.role === name),
    ],
    threshold: plan.thresholds[name],
  }))
  return buildRoot({ channel: root.channel, purpose: root.purpose, expires, roles, previous: root.bytes })
}
