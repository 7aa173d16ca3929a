/** Heads with every hash and signature as asked, and any content at all. */
import { hash } from 'node:crypto'
import { canonicalBytes, canonicalJson, type JsonObject } from '../../src/codec/index.ts'
import { digestOf, type Digest } from '../../src/oci/index.ts'
import { buildHead, CAPS, targetsSlot, type ChannelKey, type Role, type SlotRole } from '../../src/tuf/index.ts'
import { EXPIRES, newestRoot, type Channel } from './channels.ts'

export interface HeadSlots {
  timestamp: Buffer
  snapshot: Buffer
  targets: Buffer
}

export type MadeHead = HeadSlots & { id: Digest }
export type Edit = (signed: JsonObject) => unknown
interface SignatureEntry {
  keyid: string
  sig: string
}

export interface HeadForgery {
  expires?: string
  /** Changes to what is signed, made before it is signed and hashed. */
  signed?: Partial<Record<SlotRole, Edit>>
  /** Who signs; by default as many as the threshold asks for. */
  signers?: Partial<Record<Role, readonly ChannelKey[]>>
  /** Changes to the signatures, before snapshot is hashed for timestamp. */
  signatures?: Partial<Record<SlotRole, (entries: SignatureEntry[]) => SignatureEntry[]>>
  /** Changes to a whole slot, before snapshot is hashed for timestamp. */
  slots?: Partial<Record<SlotRole, (slot: Buffer) => Buffer>>
}

function targetsJson(files: ReadonlyMap<string, Buffer>): JsonObject {
  return Object.fromEntries(
    [...files].map(([name, bytes]) => [name, { hashes: { sha256: hash('sha256', bytes) }, length: bytes.length }]),
  )
}

/** The head that an honest exporter makes. */
export function honestHead(
  channel: Channel,
  sequence: number,
  files: ReadonlyMap<string, Buffer>,
  expires = EXPIRES,
): MadeHead {
  const { keys, thresholds } = channel
  const targets = Object.fromEntries(
    [...files].map(([name, bytes]) => [name, { length: bytes.length, sha256: hash('sha256', bytes) }]),
  )
  const signers = [...keys.snapshot, ...keys.timestamp, ...keys.targets.slice(0, thresholds.targets)]
  return buildHead({ root: newestRoot(channel), sequence, expires, targets, signers })
}

/** The same shape with the forger's changes. */
export function forgeHead(
  channel: Channel,
  sequence: number,
  files: ReadonlyMap<string, Buffer>,
  forgery: HeadForgery,
): MadeHead {
  const { expires = EXPIRES } = forgery
  const part = (role: SlotRole, own: JsonObject): { signed: Buffer; slot: Buffer } => {
    const mark = { channel: channel.name, sequence }
    const signed: JsonObject = { _type: role, spec_version: '1.0.31', version: sequence, expires, ...own }
    signed['x-sallyport'] = mark
    forgery.signed?.[role]?.(signed)
    const bytes = canonicalBytes(signed)
    const signers = forgery.signers?.[role] ?? channel.keys[role].slice(0, channel.thresholds[role])
    const entries = signers
      .map((key) => ({ keyid: key.keyid, sig: key.sign(bytes) }))
      .sort((a, b) => (a.keyid < b.keyid ? -1 : 1))
    const length = role === 'targets' ? targetsSlot(bytes.length, channel.keys.targets.length) : CAPS[role]
    const slot = slotOf(bytes, forgery.signatures?.[role]?.(entries) ?? entries, length)
    return { signed: bytes, slot: forgery.slots?.[role]?.(slot) ?? slot }
  }
  const targets = part('targets', { targets: targetsJson(files) })
  const listed = { version: sequence, 'x-sallyport-signed-sha256': hash('sha256', targets.signed) }
  const snapshot = part('snapshot', { meta: { 'targets.json': listed } }).slot
  const named = { version: sequence, length: snapshot.length, hashes: { sha256: hash('sha256', snapshot) } }
  const timestamp = part('timestamp', { meta: { 'snapshot.json': named } }).slot
  return { id: digestOf(targets.signed), timestamp, snapshot, targets: targets.slot }
}

function slotOf(signed: Buffer, signatures: readonly SignatureEntry[], length: number): Buffer {
  const list = canonicalJson(signatures.map(({ keyid, sig }) => ({ keyid, sig })))
  const slot = Buffer.alloc(length, ' ')
  Buffer.from(`{"signed":${signed.toString()},"signatures":${list}}`).copy(slot)
  slot[length - 1] = 0x0a
  return slot
}

export const set =
  (name: string, value: unknown): Edit =>
  (signed) =>
    Object.assign(signed, { [name]: value })

/** Changes one entry of `meta`. */
export const meta =
  (file: string, value: JsonObject): Edit =>
  (signed) =>
    Object.assign((signed['meta'] as Record<string, JsonObject>)[file] ?? {}, value)
