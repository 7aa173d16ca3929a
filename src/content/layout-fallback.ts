/** Referrers lists of a layout: an index under the bare tag `sha256-<hex>` (distribution spec, referrers tag schema). */
import { isJsonObject, parseJson, type JsonObject } from '../codec/index.ts'
import { SallyportError, type Side } from '../errors/index.ts'
import {
  descriptorJson,
  digestOf,
  isIndexType,
  MANIFEST_CAP,
  OCI_INDEX,
  parseManifest,
  type Descriptor,
} from '../oci/index.ts'
import { byDigest } from './graph.ts'
import type { LayoutReader } from './layout-file.ts'
import { readManifest } from './layout-read.ts'

/** An entry of a list: the descriptor, and the JSON as it stands there with members we may not know. */
export interface FallbackItem {
  descriptor: Descriptor
  json: JsonObject
}

/** What a list holds. Throws LAYOUT_MALFORMED when the entry is no index: that is no answer, so not "none". */
export function readFallback(reader: LayoutReader, list: Descriptor): FallbackItem[] {
  const { side } = reader
  const subject = `${reader.place}@${list.digest}`
  if (!isIndexType(list.mediaType))
    throw new SallyportError('LAYOUT_MALFORMED', { side, subject, detail: 'a referrers list that is no index' })
  const bytes = readManifest(reader, list, subject)
  const { manifests } = parseManifest(bytes, list.mediaType, side, subject)
  const document = parseJson(bytes, side, subject)
  const items = isJsonObject(document) && Array.isArray(document['manifests']) ? document['manifests'] : []
  return manifests.map((descriptor, i) => ({ descriptor, json: items[i] as JsonObject }))
}

/** The lists' entries and the `found` ones, which are proven and win, united by digest and sorted by it. */
export function fallbackEntries(
  reader: LayoutReader,
  lists: readonly Descriptor[],
  found: readonly Descriptor[],
): Descriptor[] {
  const listed = lists.flatMap((list) => readFallback(reader, list).map((item) => item.descriptor))
  return [...new Map([...listed, ...found].map((item) => [item.digest, item])).values()].sort(byDigest)
}

/** The list with the new entries, or undefined when it has them all. Throws MANIFEST_TOO_LARGE. */
export function uniteFallback(
  before: readonly FallbackItem[],
  added: readonly Descriptor[],
  side: Side,
  subject: string,
): { descriptor: Descriptor; bytes: Buffer } | undefined {
  const items = new Map(before.map((item) => [item.descriptor.digest, item]))
  const known = items.size
  for (const { mediaType, digest, size, artifactType, annotations } of added) {
    if (items.has(digest)) continue
    const descriptor: Descriptor = {
      mediaType,
      digest,
      size,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations }),
    }
    items.set(digest, { descriptor, json: descriptorJson(descriptor) })
  }
  if (items.size === known) return undefined
  const sorted = [...items.values()].sort((a, b) => byDigest(a.descriptor, b.descriptor))
  const manifests = sorted.map((item) => item.json)
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }))
  if (bytes.length > MANIFEST_CAP) throw new SallyportError('MANIFEST_TOO_LARGE', { side, subject })
  return { descriptor: { mediaType: OCI_INDEX, digest: digestOf(bytes), size: bytes.length }, bytes }
}
