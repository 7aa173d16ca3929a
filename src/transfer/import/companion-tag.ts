/** Signature tags at the target: united with what stands there, layer by layer, never overwritten. */
import { isJsonObject, parseJson, type Json, type JsonObject } from '../../codec/index.ts'
import type { Target } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { digestOf, isIndexType, parseManifest, type Descriptor } from '../../oci/index.ts'

export interface Companion {
  descriptor: Descriptor
  bytes: Buffer
}

function documentOf({ bytes, descriptor }: Companion, subject: string): JsonObject & { layers: JsonObject[] } {
  const document = parseJson(bytes, 'target', subject)
  const layers = isJsonObject(document) ? document['layers'] : undefined
  // An index, or what nobody knows, has no layers to unite: to put ours in its place would lose it.
  if (!isJsonObject(document) || !Array.isArray(layers) || isIndexType(descriptor.mediaType)) {
    const detail = `${descriptor.mediaType} stands where signatures are to be united`
    throw new SallyportError('MANIFEST_MALFORMED', { side: 'target', subject, detail })
  }
  return { ...document, layers: layers.filter(isJsonObject) }
}

// One blob may carry several signatures, each in the annotations of its own layer entry: the whole entry counts.
function identity(layer: JsonObject): string {
  return JSON.stringify(layer, (_, value: Json) =>
    isJsonObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  )
}

/**
 * The manifest that the tag must point at: ours when nothing stands there or ours holds all of it, theirs when it
 * holds all of ours, else a new one with the layers of both, theirs first. Blobs of both are in the repository already.
 * Throws MANIFEST_MALFORMED when one of two different ones has no layers.
 */
export function uniteCompanions(ours: Companion, theirs: Companion, subject: string): Companion {
  if (ours.descriptor.digest === theirs.descriptor.digest) return ours
  const mine = documentOf(ours, subject).layers
  const document = documentOf(theirs, subject)
  const held = document.layers
  const absent = (from: JsonObject[], of: JsonObject[]): JsonObject[] => {
    const known = new Set(of.map(identity))
    return from.filter((layer) => !known.has(identity(layer)))
  }
  const added = absent(mine, held)
  if (added.length === 0) return theirs
  if (absent(held, mine).length === 0) return ours
  const bytes = Buffer.from(JSON.stringify({ ...document, layers: [...held, ...added] }))
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
