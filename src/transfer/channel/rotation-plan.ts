/** What a rotation changes: which keys go, which are to be made, and who must sign from then on. No I/O. */
import { SallyportError } from '../../errors/index.ts'
import { keyidOf, type Role, type Root } from '../../tuf/index.ts'
import type { KeyEntry } from './folder.ts'
import { isPersonName } from './person.ts'

/**
 * Keys are named as their files are: `ann` signs bundles, `root-ann` signs roots, `host` is the pair of snapshot and
 * timestamp. People are named once, for both of their keys.
 */
export interface RotationChange {
  /** Keys that give way to new ones. */
  replace: readonly string[]
  /** People who join. */
  add: readonly string[]
  /** People who leave. */
  remove: readonly string[]
  /** How many people must sign, bundles and roots alike; null: as before. */
  threshold: number | null
}

export type NewKey = Pick<KeyEntry, 'role' | 'holder' | 'file'>

export interface RotationPlan {
  /** Of the root to be made. */
  version: number
  /** For each role the keyids that stay, and how many must sign. */
  roles: Record<Role, { kept: string[]; threshold: number }>
  make: NewKey[]
  /** Entries that the new root does not name. */
  retired: KeyEntry[]
  people: string[]
}

/** True when no key comes or goes: the next root is only good for longer. */
export function isUnchanged({ replace, add, remove, threshold }: RotationChange): boolean {
  return replace.length + add.length + remove.length === 0 && threshold === null
}

/** True when both mean the same, in whatever order they name it. */
export function sameChange(one: RotationChange, other: RotationChange): boolean {
  const text = ({ replace, add, remove, threshold }: RotationChange): string =>
    JSON.stringify([replace.toSorted(), add.toSorted(), remove.toSorted(), threshold])
  return text(one) === text(other)
}

function usage(subject: string, detail: string): SallyportError {
  return new SallyportError('USAGE', { side: 'source', subject, detail })
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
 * The rotation that a change comes to; with an empty change all keys stay, and the next root is good for longer.
 * @param keys - of channel.json
 * Throws USAGE for a name that can't be meant, and for a threshold that the people left can't reach.
 */
export function planRotation(root: Root, keys: readonly KeyEntry[], change: RotationChange): RotationPlan {
  const inForce = keys.filter(({ role, keyid }) => root.roles[role].keys.has(keyid))
  const holders = inForce.filter(({ role }) => role === 'targets' || role === 'root').map(({ holder }) => holder)
  const before = new Set(holders)
  check(change, new Set(inForce.map(keyName)), before)
  const version = root.version + 1
  const replaced = inForce.filter((entry) => change.replace.includes(keyName(entry)))
  const left = inForce.filter(({ role, holder }) => /^(?:targets|root)$/.test(role) && change.remove.includes(holder))
  const retired = [...replaced, ...left]
  const gone = new Set(retired.map(({ keyid }) => keyid))
  const make = [
    ...replaced.map(({ role, holder }) => newKey(role, holder, version)),
    ...change.add.flatMap((person) => [newKey('targets', person, version), newKey('root', person, version)]),
  ]
  const role = (name: Role): RotationPlan['roles'][Role] => {
    const { keys: had, threshold } = root.roles[name]
    const needed = name === 'root' || name === 'targets' ? (change.threshold ?? threshold) : threshold
    const kept = [...had.keys()].filter((keyid) => !gone.has(keyid))
    const count = kept.length + make.filter((key) => key.role === name).length
    if (!Number.isSafeInteger(needed) || needed < 1 || needed > count)
      throw usage('--threshold', `${needed} of ${count} ${name} keys`)
    return { kept, threshold: needed }
  }
  const roles = {
    root: role('root'),
    targets: role('targets'),
    snapshot: role('snapshot'),
    timestamp: role('timestamp'),
  }
  const people = [...before].filter((person) => !change.remove.includes(person))
  return { version, roles, make, retired, people: [...people, ...change.add] }
}

/**
 * True when the root holds what the plan says and nothing else, with these new keys. Stops someone who writes the folder
 * from putting a key of their own before a person who signs: what is shown of the plan is then all there is.
 */
export function isPlanned(next: Root, plan: RotationPlan, root: Root, made: readonly KeyEntry[]): boolean {
  if (next.version !== plan.version || next.channel !== root.channel || next.purpose !== root.purpose) return false
  if (made.length !== plan.make.length) return false
  if (
    plan.make.some(
      ({ role, holder, file }, i) => made[i]?.role !== role || made[i].holder !== holder || made[i].file !== file,
    )
  )
    return false
  return Object.entries(plan.roles).every(([name, { kept, threshold }]) => {
    const role = name as Role
    // A keyid is only a name: the keys themselves are compared.
    const ids = (of: Root): string[] => Array.from(of.roles[role].keys.values(), ({ tufKey }) => keyidOf(tufKey))
    const stay = kept.flatMap((keyid) => root.roles[role].keys.get(keyid)?.tufKey ?? []).map(keyidOf)
    const wanted = [...stay, ...made.filter((key) => key.role === role).map(({ keyid }) => keyid)]
    return next.roles[role].threshold === threshold && ids(next).toSorted().join() === wanted.toSorted().join()
  })
}
