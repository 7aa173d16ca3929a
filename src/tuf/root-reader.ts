/** Roots: which keys speak for which role of which channel. */
import { hash } from 'node:crypto'
import { isJsonObject, type Json } from '../codec/index.ts'
import type { Digest } from '../oci/index.ts'
import { byRole, CAPS, MARK, ROLES, isPurpose, type Purpose, type Role } from './channel.ts'
import { isKeyid, readEnvelope, readMark, type Envelope } from './envelope.ts'
import { malformed, refusal, type Place } from './fault.ts'
import { readPublicKey, type PublicKey } from './public-key.ts'
import { checkThreshold, type RoleKeys } from './role.ts'

export interface Root {
  /** The file as it is. */
  bytes: Uint8Array
  version: number
  channel: string
  purpose: Purpose
  expires: string
  roles: Readonly<Record<Role, RoleKeys>>
}

/** The digest of the file's bytes: what `sha256sum root.json` prints, and what a site pins. */
export function fingerprint(rootBytes: Uint8Array): Digest {
  return `sha256:${hash('sha256', rootBytes, 'hex')}`
}

/** The digest of what a root says, the same whoever has signed it by now: what holders compare before they sign. */
export function rootId(rootBytes: Uint8Array, place: Place): Digest {
  return `sha256:${hash('sha256', readRootEnvelope(rootBytes, place).signedBytes, 'hex')}`
}

/** The document of a root, before anything in it is believed. Throws METADATA_MALFORMED, LIMIT_EXCEEDED. */
export function readRootEnvelope(bytes: Uint8Array, place: Place): Envelope {
  // Stops endless data (TUF 5.3.3).
  if (bytes.length > CAPS.root) throw refusal('LIMIT_EXCEEDED', place, `more than ${CAPS.root} bytes`)
  return readEnvelope(bytes, 'root', place)
}

/**
 * What a root says. Signatures are not looked at.
 * Throws ALGORITHM_REFUSED for a key of another kind anywhere in it, METADATA_MALFORMED for what a channel may not be.
 */
export function rootOf(envelope: Envelope, bytes: Uint8Array): Root {
  const { signed, place, version, expires } = envelope
  const { channel, purpose } = readMark(envelope)
  if (!isPurpose(purpose)) throw malformed(place, `${MARK} names no purpose`)
  if (signed['consistent_snapshot'] !== false) throw malformed(place, 'consistent_snapshot is not false')
  const keys = readKeys(signed['keys'], place)
  return { bytes, version, channel, purpose, expires, roles: readRoles(signed['roles'], keys, place) }
}

function readKeys(listed: Json | undefined, place: Place): Map<string, PublicKey> {
  if (!isJsonObject(listed)) throw malformed(place, 'no keys')
  const keys = new Map<string, PublicKey>()
  const points = new Set<string>()
  for (const [keyid, json] of Object.entries(listed)) {
    if (!isKeyid(keyid)) throw malformed(place, 'a keyid is not 64 hexadecimal digits')
    const key = readPublicKey(json, place)
    // Stops one person from counting twice under two keyids.
    if (points.has(key.point)) throw malformed(place, `key ${keyid} stands there under another keyid too`)
    points.add(key.point)
    keys.set(keyid, key)
  }
  return keys
}

function readRoles(listed: Json | undefined, keys: Map<string, PublicKey>, place: Place): Record<Role, RoleKeys> {
  if (!isJsonObject(listed) || Object.keys(listed).toSorted().join() !== ROLES.toSorted().join())
    throw malformed(place, `the roles are not ${ROLES.join(', ')}`)
  const used = new Set<string>()
  const read = (role: Role): RoleKeys => {
    const { keyids, threshold } = isJsonObject(listed[role]) ? listed[role] : {}
    if (!Array.isArray(keyids) || typeof threshold !== 'number') throw malformed(place, `role ${role} has no keys`)
    const own = new Map<string, PublicKey>()
    for (const keyid of keyids) {
      const key = typeof keyid === 'string' ? keys.get(keyid) : undefined
      if (typeof keyid !== 'string' || key === undefined) throw malformed(place, `role ${role} names an absent key`)
      // Stops the theft of one key from opening two roles.
      if (used.has(keyid)) throw malformed(place, `key ${keyid} has two roles`)
      used.add(keyid)
      own.set(keyid, key)
    }
    if (!Number.isSafeInteger(threshold) || threshold < 1 || threshold > own.size)
      throw malformed(place, `role ${role} asks for ${threshold} of ${own.size} keys`)
    return { keys: own, threshold }
  }
  return byRole(read)
}

/** What a root says that waits for signatures; those it has are not looked at. Throws as {@link rootOf} does. */
export function readUnsignedRoot(bytes: Uint8Array, place: Place): Root {
  return rootOf(readRootEnvelope(bytes, place), bytes)
}

/**
 * A root that stands on its own: well-formed and signed by enough of the root keys it names. This is no reason to trust
 * it: that is a {@link fingerprint} obtained by another way. Its expiry is not looked at.
 * Throws METADATA_MALFORMED, ALGORITHM_REFUSED, LIMIT_EXCEEDED, SIGNATURE_INVALID.
 */
export function readRoot(bytes: Uint8Array, place: Place): Root {
  const envelope = readRootEnvelope(bytes, place)
  const root = rootOf(envelope, bytes)
  checkThreshold(envelope, root.roles.root)
  return root
}
