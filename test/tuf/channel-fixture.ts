/** Real channels with seeded keys, and a forge that signs what no honest exporter would. */
import { hash } from 'node:crypto'
import { canonicalBytes, parseJson, signingBytes, sortedJson, type JsonObject } from '../../src/codec/index.ts'
import { CAPS, MARK, SIGNED_SHA256, type Purpose, type Role } from '../../src/tuf/channel.ts'
import type { HeadFiles, HeadInput } from '../../src/tuf/head.ts'
import { generateKey, type ChannelKey, type Signer } from '../../src/tuf/key.ts'
import type { KeyKind } from '../../src/tuf/public-key.ts'
import { buildRoot, signRoot } from '../../src/tuf/root.ts'
import { targetsSlot, writeSlot } from '../../src/tuf/slot.ts'

/** Bytes that look random and are the same in every run. */
export function seeded(seed: string): (n: number) => Buffer {
  let block = 0
  return (n) => {
    const blocks: Buffer[] = []
    while (blocks.length * 32 < n) blocks.push(hash('sha256', `${seed}:${block++}`, 'buffer'))
    return Buffer.concat(blocks).subarray(0, n)
  }
}

export type Keys = Record<Role, ChannelKey[]>

export interface Channel {
  name: string
  purpose: Purpose
  keys: Keys
  thresholds: Record<Role, number>
  root: Buffer
}

/** Both kinds of key in every role that has several; targets 2 of 3. */
const KINDS: Record<Role, KeyKind[]> = {
  root: ['ed25519', 'p384'],
  targets: ['ed25519', 'p384', 'ed25519'],
  snapshot: ['p384'],
  timestamp: ['ed25519'],
}

export const THRESHOLDS: Record<Role, number> = { root: 2, targets: 2, snapshot: 1, timestamp: 1 }
export const NOW = new Date('2026-06-01T12:00:00Z')
export const LATER = '2026-07-01T00:00:00Z'
export const ROOT_EXPIRES = '2036-01-01T00:00:00Z'

export function makeKeys(seed: string, kinds = KINDS): Keys {
  const make = (role: Role): ChannelKey[] =>
    kinds[role].map((kind, i) => generateKey(kind, seeded(`${seed}/${role}/${i}`)))
  return { root: make('root'), targets: make('targets'), snapshot: make('snapshot'), timestamp: make('timestamp') }
}

/** A fully signed root: the first one, or the next after `previous`. */
export function makeRoot(
  channel: Omit<Channel, 'root'>,
  { previous, expires = ROOT_EXPIRES }: { previous?: Channel; expires?: string } = {},
): Buffer {
  const { name, purpose, keys, thresholds } = channel
  const of = (role: Role) => ({ keys: keys[role].map(({ tufKey }) => tufKey), threshold: thresholds[role] })
  let root = buildRoot({
    channel: name,
    purpose,
    expires,
    roles: { root: of('root'), targets: of('targets'), snapshot: of('snapshot'), timestamp: of('timestamp') },
    ...(previous === undefined ? {} : { previous: previous.root }),
  })
  for (const key of new Set([...(previous?.keys.root ?? []), ...keys.root])) root = signRoot(root, key, previous?.root)
  return root
}

export function makeChannel(seed = 'a', options: Partial<Omit<Channel, 'root'>> & { expires?: string } = {}): Channel {
  const { expires, ...rest } = options
  const channel = {
    name: 'vendor-a',
    purpose: 'content' as const,
    keys: makeKeys(seed),
    thresholds: THRESHOLDS,
    ...rest,
  }
  return { ...channel, root: makeRoot(channel, expires === undefined ? {} : { expires }) }
}

/** The channel after a rotation that gives it these keys. */
export function rotate(previous: Channel, keys: Partial<Keys>, expires?: string): Channel {
  const channel = { ...previous, keys: { ...previous.keys, ...keys } }
  return { ...channel, root: makeRoot(channel, { previous, ...(expires === undefined ? {} : { expires }) }) }
}

export function signedOf(bytes: Uint8Array): JsonObject {
  return (parseJson(bytes, 'bundle', 'test') as { signed: JsonObject }).signed
}

/** The channel's root with any content at all, signed by all its root keys and `others`. */
export function forgeRoot(channel: Channel, edit: (signed: JsonObject) => unknown, others: ChannelKey[] = []): Buffer {
  const signed = signedOf(channel.root)
  edit(signed)
  const bytes = signingBytes(signed)
  const signers = [...channel.keys.root, ...others]
  const signatures = signers.map((key) => ({ keyid: key.keyid, sig: key.sign(bytes) }))
  return Buffer.from(sortedJson({ signatures, signed }))
}

export const TARGETS = {
  'index.json': { length: 5, sha256: hash('sha256', 'index') },
  'transfer.json': { length: 8, sha256: hash('sha256', 'transfer') },
}

type Edit = (signed: JsonObject) => unknown

export interface Forgery {
  sequence?: number
  expires?: string
  /** Changes to what is signed, made before it is signed and hashed. */
  targets?: Edit
  snapshot?: Edit
  timestamp?: Edit
  /** Who signs; by default every key of the role, of targets the first two. */
  signers?: Partial<Record<Role, readonly Signer[]>>
}

/** A head with every hash and signature genuine and any content at all. */
export function forge(channel: Channel, forgery: Forgery = {}): Omit<HeadFiles, 'roots'> {
  const { sequence = 5, expires = LATER } = forgery
  const signers = { ...channel.keys, targets: channel.keys.targets.slice(0, 2), ...forgery.signers }
  const part = (role: 'targets' | 'snapshot' | 'timestamp', own: JsonObject): { signed: Buffer; slot: Buffer } => {
    const mark = { channel: channel.name, sequence }
    const signed: JsonObject = { _type: role, spec_version: '1.0.31', version: sequence, expires, [MARK]: mark, ...own }
    forgery[role]?.(signed)
    const bytes = canonicalBytes(signed)
    const length = role === 'targets' ? targetsSlot(bytes.length, channel.keys.targets.length) : CAPS[role]
    const signatures = signers[role].map((key) => ({ keyid: key.keyid, sig: key.sign(bytes) }))
    return { signed: bytes, slot: writeSlot(bytes, signatures, length, { side: 'state', subject: role }) }
  }
  const files = Object.entries(TARGETS).map(([name, { length, sha256 }]) => [name, { length, hashes: { sha256 } }])
  const targets = part('targets', { targets: Object.fromEntries(files) as JsonObject })
  const listed = { version: sequence, [SIGNED_SHA256]: hash('sha256', targets.signed) }
  const snapshot = part('snapshot', { meta: { 'targets.json': listed } }).slot
  const named = { version: sequence, length: snapshot.length, hashes: { sha256: hash('sha256', snapshot) } }
  const timestamp = part('timestamp', { meta: { 'snapshot.json': named } }).slot
  return { timestamp, snapshot, targets: targets.slot }
}

/** The roots of a channel's life, by version. */
export function roots(...channels: Channel[]): Map<number, Uint8Array> {
  return new Map(channels.map(({ root }, i) => [i + 1, root]))
}

/** A site that pinned the channel's root and has accepted sequence 4. */
export function judging(channel: Channel, bundle: HeadFiles, more: Partial<HeadInput> = {}): HeadInput {
  const { version } = signedOf(channel.root) as { version: number }
  const counters = { timestamp: 4, snapshot: 4, targets: 4 }
  const trusted = { rootBytes: channel.root, version, counters }
  return { channel: channel.name, purpose: channel.purpose, trusted, bundle, now: NOW, ...more }
}
