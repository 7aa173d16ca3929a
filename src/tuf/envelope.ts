/** A TUF metadata document, read strictly: its shape is proven, its signatures are not. */
import { Metadata, MetadataKind } from '@tufjs/models'
import { isJsonObject, parseJson, signingBytes, type Json, type JsonObject } from '../codec/index.ts'
import { MARK, isChannelName, type Role } from './channel.ts'
import { readExpiry } from './expiry.ts'
import { malformed, refusal, type Place } from './fault.ts'

export interface SignatureEntry {
  keyid: string
  /** Whatever stands there: only a signature that counts must be one. */
  sig: string
}

export interface Envelope {
  role: Role
  place: Place
  signed: JsonObject
  /** The canonical bytes of `signed`: what signatures and the bundle id are over. */
  signedBytes: Buffer
  signatures: SignatureEntry[]
  version: number
  expires: string
}

// The models copy all members again for each one: beyond this a small file would cost minutes.
const MAX_MEMBERS = 1024

const KEYID = /^[0-9a-f]{64}$/

/** True for the form of every keyid in a channel: opaque to us, but nothing that could harm a terminal or a path. */
export function isKeyid(text: unknown): text is string {
  return typeof text === 'string' && KEYID.test(text)
}

/**
 * The document in `bytes`; the caller has capped their length.
 * Throws METADATA_MALFORMED for what is not strict JSON or not TUF 1.0 of that role, LIMIT_EXCEEDED for too many members.
 */
export function readEnvelope(bytes: Uint8Array, role: Role, place: Place): Envelope {
  const document = parse(bytes, place)
  const signed = isJsonObject(document) ? document['signed'] : undefined
  if (!isJsonObject(document) || !isJsonObject(signed)) throw malformed(place, 'no signed part')
  for (const name of ['keys', 'roles', 'targets', 'meta']) {
    const member = signed[name]
    if (isJsonObject(member) && Object.keys(member).length > MAX_MEMBERS)
      throw refusal('LIMIT_EXCEEDED', place, `more than ${MAX_MEMBERS} ${name}`)
  }
  // Stops the keys of `targets` from naming further signers: a channel has four roles and no delegation.
  if (Object.hasOwn(signed, 'delegations')) throw malformed(place, 'delegations are not part of a channel')
  const signatures = readSignatures(document['signatures'], place)
  checkModel(role, document, place)
  const { version } = signed
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1)
    throw malformed(place, 'version is not an integer from 1 to 2^53-1')
  const expires = readExpiry(signed['expires'], place)
  return { role, place, signed, signedBytes: canonical(signed, place), signatures, version, expires }
}

function parse(bytes: Uint8Array, place: Place): Json {
  try {
    return parseJson(bytes, place.side, place.subject)
  } catch (cause) {
    throw malformed(place, 'not strict JSON', cause)
  }
}

function readSignatures(list: Json | undefined, place: Place): SignatureEntry[] {
  if (!Array.isArray(list)) throw malformed(place, 'no list of signatures')
  const seen = new Set<string>()
  return list.map((entry) => {
    const { keyid, sig } = isJsonObject(entry) ? entry : {}
    if (!isKeyid(keyid) || typeof sig !== 'string') throw malformed(place, 'an entry that is no signature')
    // Stops one key from being counted twice towards a threshold (TUF 4.2.1: keyids are unique).
    if (seen.has(keyid)) throw malformed(place, `two signatures of key ${keyid}`)
    seen.add(keyid)
    return { keyid, sig }
  })
}

/** Stops a document that stock TUF clients would read otherwise, or not at all. */
function checkModel(role: Role, document: JsonObject, place: Place): void {
  try {
    if (role === 'root') Metadata.fromJSON(MetadataKind.Root, document)
    else if (role === 'timestamp') Metadata.fromJSON(MetadataKind.Timestamp, document)
    else if (role === 'snapshot') Metadata.fromJSON(MetadataKind.Snapshot, document)
    else Metadata.fromJSON(MetadataKind.Targets, document)
  } catch (cause) {
    throw malformed(place, `not TUF metadata of role ${role}`, cause)
  }
}

function canonical(signed: JsonObject, place: Place): Buffer {
  try {
    return signingBytes(signed)
  } catch (cause) {
    throw malformed(place, 'a number that has no canonical form', cause)
  }
}

/** The `x-sallyport` member of the signed part, its channel checked for form only. Throws METADATA_MALFORMED. */
export function readMark(envelope: Envelope): JsonObject & { channel: string } {
  const mark = envelope.signed[MARK]
  const channel = isJsonObject(mark) ? mark['channel'] : undefined
  if (!isJsonObject(mark) || !isChannelName(channel)) throw malformed(envelope.place, `${MARK} names no channel`)
  return { ...mark, channel }
}
