/** index.json of a bundle: every tag, every artifact without one, and a fallback index for every subject (FORMAT "index.json"). */
import { isJsonObject, LARGE_VALUES, parseJson, sortedJson, type Json } from '../codec/index.ts'
import { byDigest, IMAGE_NAME, REF_NAME, type Graph } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import {
  descriptorJson,
  digestOf,
  fallbackTag,
  OCI_INDEX,
  parseDescriptor,
  referrerDescriptor,
  type Descriptor,
  type Digest,
} from '../oci/index.ts'

/** One repository's part in the index, with full descriptors. */
export interface IndexedRepository {
  graph: Graph
  bindings: ReadonlyMap<string, Descriptor>
  untagged: readonly Descriptor[]
}

export interface GeneratedIndex {
  subject: Digest
  descriptor: Descriptor
  bytes: Buffer
}

function encodeIndex(manifests: Json[]): Buffer {
  // Annotations are anybody's text: a line feed in one has a JSON form, but no canonical one.
  return Buffer.from(sortedJson({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }))
}

/** The carried referrers of a manifest as a referrers list shows them, sorted by digest. */
export function referrersCarried(graph: Graph, subject: Digest): Descriptor[] {
  return graph.referrersOf(subject).flatMap((digest) => {
    const node = graph.nodes.get(digest)
    return node === undefined ? [] : [referrerDescriptor(node.descriptor, node.manifest)]
  })
}

/** A fallback index for each carried subject with carried referrers, sorted by subject; united over repositories. */
export function generateIndexes(graphs: readonly Graph[]): GeneratedIndex[] {
  const united = new Map<Digest, Map<Digest, Descriptor>>()
  for (const graph of graphs) {
    for (const subject of graph.nodes.keys()) {
      for (const referrer of referrersCarried(graph, subject)) {
        const entries = united.get(subject) ?? new Map<Digest, Descriptor>()
        united.set(subject, entries.set(referrer.digest, referrer))
      }
    }
  }
  return [...united]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([subject, entries]) => {
      const bytes = encodeIndex([...entries.values()].sort(byDigest).map(descriptorJson))
      return { subject, bytes, descriptor: { mediaType: OCI_INDEX, digest: digestOf(bytes), size: bytes.length } }
    })
}

function entry(descriptor: Descriptor, refName: string | undefined, imageName: string | undefined): Json {
  const { mediaType, digest, size } = descriptor
  const annotations = {
    ...(imageName === undefined ? {} : { [IMAGE_NAME]: imageName }),
    ...(refName === undefined ? {} : { [REF_NAME]: refName }),
  }
  return { mediaType, digest, size, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) }
}

/** The bytes of index.json. The repositories are sorted by name by the caller. */
export function encodeBundleIndex(
  repositories: readonly IndexedRepository[],
  generated: readonly GeneratedIndex[],
): Buffer {
  const manifests: Json[] = []
  const single = repositories.length === 1
  for (const { graph, bindings, untagged } of repositories) {
    const tags = new Map(bindings)
    for (const { tag, descriptor } of carriedCompanions(graph)) tags.set(tag, descriptor)
    for (const [tag, descriptor] of [...tags].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const full = `${graph.repository}:${tag}`
      // Two entries of one name: one tool takes the first, another the last. So names are unique, full when needed.
      manifests.push(entry(descriptor, single ? tag : full, full))
    }
    for (const descriptor of [...untagged].sort(byDigest)) manifests.push(entry(descriptor, undefined, undefined))
  }
  for (const { subject, descriptor } of generated) manifests.push(entry(descriptor, fallbackTag(subject), undefined))
  return encodeIndex(manifests)
}

/** The signature tags whose manifests are carried, in the order of their subjects. */
export function carriedCompanions(graph: Graph): { tag: string; descriptor: Descriptor }[] {
  return [...graph.companions.values()].flat().filter(({ descriptor }) => graph.nodes.has(descriptor.digest))
}

/** The descriptors that index.json holds, by digest. Throws JSON_MALFORMED, LIMIT_EXCEEDED, LAYOUT_MALFORMED, DESCRIPTOR_MALFORMED. */
export function parseBundleIndex(bytes: Uint8Array): Map<Digest, Descriptor> {
  const document = parseJson(bytes, 'bundle', 'index.json', LARGE_VALUES)
  const manifests = isJsonObject(document) ? document['manifests'] : undefined
  if (!Array.isArray(manifests)) throw new SallyportError('LAYOUT_MALFORMED', { side: 'bundle', subject: 'index.json' })
  const found = new Map<Digest, Descriptor>()
  for (const [i, item] of manifests.entries()) {
    const { mediaType, digest, size } = parseDescriptor(item, 'bundle', `index.json manifests[${i}]`)
    found.set(digest, { mediaType, digest, size })
  }
  return found
}
