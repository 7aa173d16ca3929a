/** What the three parts of a head say, once their shape is proven. */
import { isJsonObject, type Json, type JsonObject } from '../codec/index.ts'
import { SIGNED_SHA256 } from './channel.ts'
import { readMark, type Envelope } from './envelope.ts'
import { malformed, refusal, type Place } from './fault.ts'

/** A file that targets lists. */
export interface TargetInfo {
  length: number
  /** In hex. */
  sha256: string
}

/** What every signed part says of itself. */
export interface Mark {
  channel: string
  sequence: number
}

const SHA256 = /^[0-9a-f]{64}$/
const SEGMENT = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/

/** True for a name that targets may list: a relative path of at most 100 plain ASCII characters, no part of it hidden. */
export function isTargetName(name: string): boolean {
  return name.length <= 100 && name.split('/').every((segment) => SEGMENT.test(segment))
}

function isLength(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isHash(value: Json | undefined): value is string {
  return typeof value === 'string' && SHA256.test(value)
}

/** Channel and sequence. Throws METADATA_MALFORMED, or METADATA_MIXED when the sequence is not the TUF version. */
export function headMark(envelope: Envelope): Mark {
  const { channel, sequence } = readMark(envelope)
  if (!isLength(sequence)) throw malformed(envelope.place, 'the sequence is not an integer')
  if (sequence !== envelope.version)
    throw refusal('METADATA_MIXED', envelope.place, `sequence ${sequence} in version ${envelope.version}`)
  return { channel, sequence }
}

/** The one entry of `meta`. Stops further roles: a channel has none (TUF 4.3, 4.4). */
function onlyEntry(envelope: Envelope, name: string): JsonObject & { version: number } {
  const { meta } = envelope.signed
  const entry = isJsonObject(meta) && Object.keys(meta).length === 1 ? meta[name] : undefined
  if (!isJsonObject(entry)) throw malformed(envelope.place, `meta does not list ${name} alone`)
  const { version } = entry
  if (!isLength(version)) throw malformed(envelope.place, `the version of ${name} is not an integer`)
  return { ...entry, version }
}

/** What timestamp says of snapshot: version, and length and hash of the whole slot. Throws METADATA_MALFORMED. */
export function timestampMeta(envelope: Envelope): { version: number; length: number; sha256: string } {
  const { version, length, hashes } = onlyEntry(envelope, 'snapshot.json')
  const sha256 = isJsonObject(hashes) ? hashes['sha256'] : undefined
  if (!isLength(length) || !isHash(sha256)) throw malformed(envelope.place, 'snapshot.json is listed without its hash')
  return { version, length, sha256 }
}

/** What snapshot says of targets: version, and hash of its signed part. Throws METADATA_MALFORMED. */
export function snapshotMeta(envelope: Envelope): { version: number; signedSha256: string } {
  const { version, length, hashes, [SIGNED_SHA256]: signedSha256 } = onlyEntry(envelope, 'targets.json')
  if (!isHash(signedSha256)) throw malformed(envelope.place, `targets.json is listed without ${SIGNED_SHA256}`)
  // A further approval changes the file: with these, stock clients would refuse what we accept.
  if (length !== undefined || hashes !== undefined)
    throw malformed(envelope.place, 'targets.json is listed with the length or hash of its file')
  return { version, signedSha256 }
}

/** The files that targets lists. Throws METADATA_MALFORMED. */
export function targetsOf(envelope: Envelope): Map<string, TargetInfo> {
  const { targets } = envelope.signed
  if (!isJsonObject(targets)) throw malformed(envelope.place, 'no targets')
  return new Map(Object.entries(targets).map(([name, json]) => [name, targetInfo(name, json, envelope.place)]))
}

function targetInfo(name: string, json: Json, place: Place): TargetInfo {
  // Stops a name that leaves the bundle, or that a terminal obeys.
  if (!isTargetName(name)) throw malformed(place, 'a target has a name that no bundle may hold')
  const { length, hashes } = isJsonObject(json) ? json : {}
  const sha256 = isJsonObject(hashes) ? hashes['sha256'] : undefined
  if (!isLength(length) || !isHash(sha256)) throw malformed(place, `target ${name} has no length or no sha256`)
  return { length, sha256 }
}
