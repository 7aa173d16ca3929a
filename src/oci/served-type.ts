/** What a manifest is that was served under a type which does not say it, as file servers and CDNs behind a registry do. */
import { isJsonObject, parseJson, type JsonObject } from '../codec/index.ts'
import { isFault, SallyportError, type Side } from '../errors/index.ts'
import { MANIFEST_NAMES } from './manifest.ts'
import { isManifestType, isSchema1, OCI_INDEX, OCI_MANIFEST } from './media-type.ts'

/** What servers say that do not know what they serve. */
const GENERIC = new Set([
  'application/json',
  'text/json',
  'text/plain',
  'application/octet-stream',
  'binary/octet-stream',
])

function ambiguous(side: Side, subject: string, detail: string): SallyportError {
  return new SallyportError('MANIFEST_AMBIGUOUS', { side, subject, detail })
}

/** The JSON object that the bytes begin; undefined for bytes that are none. Throws JSON_MALFORMED for one with two readings. */
function objectIn(bytes: Uint8Array, side: Side, subject: string): JsonObject | undefined {
  const first = bytes.find((byte) => ![0x09, 0x0a, 0x0d, 0x20].includes(byte))
  if (first !== 0x7b) return undefined
  const document = parseJson(bytes, side, subject)
  return isJsonObject(document) ? document : undefined
}

/** The type that a body has by its members (image spec: `mediaType` may be left out, `schemaVersion` may not). */
function typeByShape(document: JsonObject, side: Side, subject: string): string | undefined {
  const has = (...names: string[]): boolean => names.some((name) => document[name] !== undefined)
  if (document['schemaVersion'] === 1 || has('fsLayers')) throw new SallyportError('SCHEMA1_REFUSED', { side, subject })
  if (document['schemaVersion'] !== 2) return undefined
  const [index, image] = [has('manifests'), has('config', 'layers')]
  // CVE-2021-41190: no type says which of the two it is, so each reader would choose for itself.
  if (index && image) throw ambiguous(side, subject, 'layers beside manifests, and no media type')
  return index ? OCI_INDEX : image ? OCI_MANIFEST : undefined
}

/**
 * The media type of a manifest that came under `served`: `served` itself where that says what it is; where it is one of
 * those that say nothing, the body's own, or what the body's members make it. Undefined when neither tells of a manifest.
 * Stops an image that is taken for something opaque, whose layers would stay behind unnoticed.
 * Throws MANIFEST_AMBIGUOUS, SCHEMA1_REFUSED, JSON_MALFORMED. Not checked: what `parseManifest` demands of that type.
 */
export function servedType(bytes: Uint8Array, served: string, side: Side, subject: string): string | undefined {
  if (isManifestType(served) || isSchema1(served)) return served
  if (!GENERIC.has(served.toLowerCase())) return foreignType(bytes, served, side, subject)
  const document = objectIn(bytes, side, subject)
  if (document === undefined) return undefined
  const twin = MANIFEST_NAMES.twinIn(document)
  if (twin !== undefined) throw ambiguous(side, subject, `a member ${JSON.stringify(twin)}`)
  const own = document['mediaType']
  // Readers in Go take the empty text for none.
  if (typeof own !== 'string' || own === '' || GENERIC.has(own)) return typeByShape(document, side, subject)
  if (isSchema1(own)) throw new SallyportError('SCHEMA1_REFUSED', { side, subject })
  if (isManifestType(own)) return own
  // What it calls itself nobody knows, or knows only in another spelling; what it has are the members of a manifest.
  if (knownAs(own) || typeByShape(document, side, subject) !== undefined)
    throw ambiguous(side, subject, `calls itself ${JSON.stringify(own)}, and has the members of a manifest`)
  return served
}

/** True for what a reader that is loose about case and blanks takes for a type that we know. */
function knownAs(mediaType: string): boolean {
  const loose = mediaType.trim().toLowerCase()
  return isManifestType(loose) || isSchema1(loose) || GENERIC.has(loose)
}

// Bytes that one client runs by what they call themselves, and another carries whole by what they came under.
function foreignType(bytes: Uint8Array, served: string, side: Side, subject: string): string {
  try {
    const own = objectIn(bytes, side, subject)?.['mediaType']
    const loose = typeof own === 'string' ? own.trim().toLowerCase() : ''
    if (!isManifestType(loose) && !isSchema1(loose)) return served
    throw ambiguous(side, subject, `calls itself ${JSON.stringify(own)}, fetched as ${served}`)
  } catch (error) {
    // What an unknown type holds need not be JSON.
    if (isFault(error, 'JSON_MALFORMED')) return served
    throw error
  }
}
