/** Making a channel's root, and rotating it. */
import { sortedJson, type Json, type JsonObject } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { MARK, ROLES, isChannelName, type Purpose, type Role } from './channel.ts'
import { isExpiry } from './expiry.ts'
import { refusal, type Place } from './fault.ts'
import type { Signer } from './key.ts'
import { keyidOf, readPublicKey, type TufKey } from './public-key.ts'
import { countSignatures } from './role.ts'
import { readRoot, readRootEnvelope, rootOf, type Root } from './root-reader.ts'

/** The version of TUF that the metadata follows. */
export const SPEC_VERSION = '1.0.31'

export interface RootPlan {
  channel: string
  purpose: Purpose
  /** `YYYY-MM-DDTHH:MM:SSZ`. */
  expires: string
  /** For each role its people, one key each, and how many must sign. No key stands in two roles. */
  roles: Readonly<Record<Role, { keys: readonly TufKey[]; threshold: number }>>
  /** The root this one replaces; without it, the channel begins with version 1. */
  previous?: Uint8Array
}

const PLACE: Place = { side: 'state', subject: 'root.json' }

function usage(detail: string): SallyportError {
  return new SallyportError('USAGE', { ...PLACE, detail })
}

/**
 * The bytes of the next root, not signed yet: see {@link signRoot}. Equal plans give equal bytes.
 * Throws USAGE for a name, purpose, expiry or threshold that cannot be, and for keys that stand in two places.
 */
export function buildRoot(plan: RootPlan): Buffer {
  if (!isChannelName(plan.channel)) throw usage('a channel is named with 1 to 63 of a-z 0-9, singly joined by . _ -')
  if (!isExpiry(plan.expires)) throw usage('expires is not a time of the form YYYY-MM-DDTHH:MM:SSZ')
  const previous = plan.previous === undefined ? undefined : readRoot(plan.previous, PLACE)
  if (previous !== undefined && (previous.channel !== plan.channel || previous.purpose !== plan.purpose))
    throw usage('a rotation changes neither channel nor purpose')
  const keys: JsonObject = {}
  const roles: JsonObject = {}
  for (const role of ROLES) {
    const { threshold } = plan.roles[role]
    const keyids = plan.roles[role].keys.map((key) => {
      const keyid = keyidOf(key)
      if (keys[keyid] !== undefined) throw usage(`key ${keyid} stands there twice`)
      readPublicKey(key, PLACE)
      keys[keyid] = { ...key }
      return keyid
    })
    if (!Number.isSafeInteger(threshold) || threshold < 1 || threshold > keyids.length)
      throw usage(`role ${role}: ${threshold} of ${keyids.length} people cannot sign`)
    roles[role] = { keyids: keyids.toSorted(), threshold }
  }
  const signed: JsonObject = {
    _type: 'root',
    consistent_snapshot: false,
    expires: plan.expires,
    keys,
    roles,
    spec_version: SPEC_VERSION,
    version: (previous?.version ?? 0) + 1,
    [MARK]: { channel: plan.channel, purpose: plan.purpose },
  }
  return rootFile(signed, [])
}

function rootFile(signed: JsonObject, signatures: Json[]): Buffer {
  return Buffer.from(sortedJson({ signatures, signed }), 'utf8')
}

/**
 * The root with one more signature; the same bytes when this key has signed already. Signatures are kept sorted by keyid,
 * so that it does not matter who signs first. Each one changes the fingerprint: hand it out after the last.
 * @param previous - the root that is replaced: its root keys sign too (TUF 6.1)
 * Throws KEY_REFUSED for a key that is a root key of neither.
 */
export function signRoot(bytes: Uint8Array, signer: Signer, previous?: Uint8Array): Buffer {
  const envelope = readRootEnvelope(bytes, PLACE)
  const deciders = [rootOf(envelope, bytes), ...(previous === undefined ? [] : [readRoot(previous, PLACE)])]
  const key = deciders.map((root) => root.roles.root.keys.get(signer.keyid)).find((found) => found !== undefined)
  if (key?.point !== readPublicKey(signer.tufKey, PLACE).point)
    throw refusal('KEY_REFUSED', PLACE, `${signer.keyid} is not a root key`)
  const present = envelope.signatures.find(({ keyid }) => keyid === signer.keyid)
  if (present !== undefined && key.verify(envelope.signedBytes, present.sig)) return Buffer.from(bytes)
  const others = envelope.signatures.filter((entry) => entry !== present)
  const all = [...others, { keyid: signer.keyid, sig: signer.sign(envelope.signedBytes) }]
  all.sort((a, b) => (a.keyid < b.keyid ? -1 : 1))
  return rootFile(
    envelope.signed,
    all.map(({ keyid, sig }) => ({ keyid, sig })),
  )
}

export interface RootApprovals {
  /** Root keys of the new root that signed, of how many needed. */
  own: { signed: string[]; threshold: number }
  /** The same for the root that is replaced. */
  previous?: { signed: string[]; threshold: number }
  complete: boolean
}

/** Who has signed a root so far, and whether that is enough. */
export function rootApprovals(bytes: Uint8Array, previous?: Uint8Array): RootApprovals {
  const envelope = readRootEnvelope(bytes, PLACE)
  const count = (root: Root): { signed: string[]; threshold: number } => ({
    signed: countSignatures(envelope, root.roles.root).valid,
    threshold: root.roles.root.threshold,
  })
  const own = count(rootOf(envelope, bytes))
  if (previous === undefined) return { own, complete: own.signed.length >= own.threshold }
  const before = count(readRoot(previous, PLACE))
  const complete = own.signed.length >= own.threshold && before.signed.length >= before.threshold
  return { own, previous: before, complete }
}
