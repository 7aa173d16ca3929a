/** Signature tags at the target: united with what stands there, layer by layer, never overwritten. */
import { canonicalBytes, isJsonObject, parseJson, type JsonObject } from '../codec/index.ts'
import type { Target } from '../content/index.ts'
import { digestOf, parseManifest, type Descriptor } from '../oci/index.ts'

export interface Companion {
  descriptor: Descriptor
  bytes: Buffer
}

function layersOf(companion: Companion, subject: string): JsonObject[] {
  const document = parseJson(companion.bytes, 'target', subject)
  const layers = isJsonObject(document) ? document['layers'] : undefined
  return Array.isArray(layers) ? layers.filter(isJsonObject) : []
}

// One blob may carry several signatures, each in the annotations of its own layer entry: the whole entry counts.
function identity(layer: JsonObject): string {
  return canonicalBytes(layer).toString()
}

/**
 * The manifest that the tag must point at: ours when nothing stands there or ours holds all of it, theirs when it
 * holds all of ours, else a new one with the layers of both, theirs first. Blobs of both are in the repository already.
 */
export function uniteCompanions(ours: Companion, theirs: Companion, subject: string): Companion {
  if (ours.descriptor.digest === theirs.descriptor.digest) return ours
  const mine = layersOf(ours, subject)
  const held = layersOf(theirs, subject)
  const known = new Set(held.map(identity))
  const added = mine.filter((layer) => !known.has(identity(layer)))
  if (added.length === 0) return theirs
  if (added.length === mine.length - held.length) return ours
  const document = parseJson(theirs.bytes, 'target', subject) as JsonObject
  const bytes = canonicalBytes({ ...document, layers: [...held, ...added] })
  const { mediaType } = theirs.descriptor
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } }
}

/** What stands at the tag now, or undefined. Throws what reading and parsing it throws: a tag that can't be read is not overwritten. */
export async function standing(target: Target, tag: string): Promise<Companion | undefined> {
  const descriptor = await target.resolve(tag)
  if (descriptor === undefined) return undefined
  const bytes = await target.manifest(descriptor)
  parseManifest(bytes, descriptor.mediaType, 'target', `${target.repository}:${tag}`)
  return { descriptor, bytes }
}
