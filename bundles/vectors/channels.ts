/** The channels of the corpus: every key comes from a seed, so that the same bundles come out on every machine. */
import { hash } from 'node:crypto'
import { parseJson, signingBytes, sortedJson, type JsonObject } from '../../src/codec/index.ts'
import {
  buildRoot,
  generateKey,
  signRoot,
  type ChannelKey,
  type KeyKind,
  type Purpose,
  type Role,
} from '../../src/tuf/index.ts'

export const EXPIRES = '2999-12-31T23:59:59Z'

export type Keys = Record<Role, ChannelKey[]>

export interface Channel {
  name: string
  purpose: Purpose
  keys: Keys
  thresholds: Record<Role, number>
  /** From version 1 on; the keys are those of the last. */
  roots: Buffer[]
}

/** Bytes that look random and are the same in every run. */
export function seeded(seed: string): (count: number) => Buffer {
  let block = 0
  return (count) => {
    const blocks: Buffer[] = []
    while (blocks.length * 32 < count) blocks.push(hash('sha256', `sallyport vectors ${seed} ${block++}`, 'buffer'))
    return Buffer.concat(blocks).subarray(0, count)
  }
}

export function makeKeys(seed: string, kinds: Record<Role, readonly KeyKind[]>): Keys {
  const make = (role: Role): ChannelKey[] =>
    kinds[role].map((kind, i) => generateKey(kind, seeded(`${seed} ${role} ${i}`)))
  return { root: make('root'), targets: make('targets'), snapshot: make('snapshot'), timestamp: make('timestamp') }
}

interface RootTerms {
  expires?: string
}

function makeRoot(channel: Channel, previous: Channel | undefined, { expires = EXPIRES }: RootTerms): Buffer {
  const { name, purpose, keys, thresholds } = channel
  const of = (role: Role) => ({ keys: keys[role].map(({ tufKey }) => tufKey), threshold: thresholds[role] })
  const before = previous?.roots.at(-1)
  let root = buildRoot({
    channel: name,
    purpose,
    expires,
    roles: { root: of('root'), targets: of('targets'), snapshot: of('snapshot'), timestamp: of('timestamp') },
    ...(before === undefined ? {} : { previous: before }),
  })
  for (const key of new Set([...(previous?.keys.root ?? []), ...keys.root])) root = signRoot(root, key, before)
  return root
}

function begin(channel: Omit<Channel, 'roots'>, terms: RootTerms = {}): Channel {
  const bare = { ...channel, roots: [] }
  return { ...bare, roots: [makeRoot(bare, undefined, terms)] }
}

/** The channel after a rotation that gives it these keys. */
export function rotate(previous: Channel, keys: Partial<Keys>, terms: RootTerms = {}): Channel {
  const bare = { ...previous, keys: { ...previous.keys, ...keys } }
  return { ...bare, roots: [...previous.roots, makeRoot(bare, previous, terms)] }
}

const SOLO = { root: ['ed25519'], targets: ['ed25519'], snapshot: ['ed25519'], timestamp: ['ed25519'] } as const
const DUO = {
  root: ['p384', 'p384'],
  targets: ['p384', 'p384', 'p384'],
  snapshot: ['p384'],
  timestamp: ['p384'],
} as const
const ONE = { root: 1, targets: 1, snapshot: 1, timestamp: 1 }

/** One person, Ed25519. */
export const solo = begin({ name: 'solo', purpose: 'content', keys: makeKeys('solo', SOLO), thresholds: ONE })

/** Two of three people, P-384. */
export const duo = begin({
  name: 'vendor-a',
  purpose: 'content',
  keys: makeKeys('duo', DUO),
  thresholds: { root: 2, targets: 2, snapshot: 1, timestamp: 1 },
})

const young = begin({ name: 'turning', purpose: 'content', keys: makeKeys('turning', SOLO), thresholds: ONE })
const second = makeKeys('turning 2', SOLO)
/** Under its first root only; what sites have pinned. */
export const turning = young
/** The same channel after root 2 replaced the keys of the exporting host and root 3 those of the people. */
export const turned = rotate(rotate(young, { snapshot: second.snapshot, timestamp: second.timestamp }), {
  targets: second.targets,
  root: second.root,
})

/** Calls itself `solo` and is another channel. */
export const impostor = begin({ ...solo, keys: makeKeys('impostor', SOLO) })
/** A channel that no site of the corpus has pinned. */
export const stranger = begin({ ...solo, name: 'stranger', keys: makeKeys('stranger', SOLO) })
/** Its one root has expired by the time of the corpus. */
export const fading = begin(
  { ...solo, name: 'fading', keys: makeKeys('fading', SOLO) },
  { expires: '2026-05-01T00:00:00Z' },
)

/** The same channel after a further root that is still good. */
export const renewed = rotate(fading, {})

/** Says what was revoked, and nothing else. */
export const office = begin({ ...solo, name: 'office', purpose: 'revocation', keys: makeKeys('office', SOLO) })
/** Tells of stores and policies. */
export const stores = begin({ ...solo, name: 'stores', purpose: 'trust', keys: makeKeys('stores', SOLO) })
/** Calls itself `office` and is another channel. */
export const impostorOffice = begin({ ...office, keys: makeKeys('impostor office', SOLO) })

export function newestRoot({ roots }: Channel): Buffer {
  const root = roots.at(-1)
  if (root === undefined) throw new TypeError('a channel without a root')
  return root
}

/** The next root with any content at all, signed by these keys. */
export function forgeRoot(
  channel: Channel,
  edit: (signed: JsonObject) => void,
  signers: readonly ChannelKey[] = channel.keys.root,
): Channel {
  const { signed } = parseJson(newestRoot(channel), 'bundle', 'root') as { signed: JsonObject }
  signed['version'] = channel.roots.length + 1
  edit(signed)
  const bytes = signingBytes(signed)
  const signatures = signers.map((key) => ({ keyid: key.keyid, sig: key.sign(bytes) }))
  return { ...channel, roots: [...channel.roots, Buffer.from(sortedJson({ signatures, signed }))] }
}
