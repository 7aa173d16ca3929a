/** `index.json` and `oci-layout` of an OCI image layout (image-layout.md), read from a hostile place. */
import { isJsonObject, LARGE_VALUES, parseJson, valuesIn, type JsonObject } from '../codec/index.ts'
import { SallyportError, type Side } from '../errors/index.ts'
import { descriptorJson, parseDescriptor, type Descriptor, type Digest } from '../oci/index.ts'
import { readWhole } from './layout-read.ts'
import type { LayoutReader } from './layout-file.ts'
import { IMAGE_NAME, parseLayoutName, REF_NAME, type LayoutName } from './layout-name.ts'

/**
 * The cap on `index.json` in bytes, to read and to write: that of a bundle, which is a layout too. About 850,000 tags with
 * full names stay below it, and opening them takes 1.1 GiB of memory, 64 MiB a third of
 * that. What was made to take memory takes up to 3 GiB, and is refused beyond {@link LARGE_VALUES}.
 */
export const LAYOUT_INDEX_CAP = 256 * 1024 * 1024
const MARKER_CAP = 64 * 1024
const RUN = 1024 * 1024

export interface IndexEntry {
  descriptor: Descriptor
  /** `ref.name` as it stands there. */
  name: string | undefined
  /** The entry with all its members, also those we do not know. */
  json: JsonObject
}

/** An entry of our own: what a descriptor says of the content, under a name or none. */
export function indexEntry(descriptor: Descriptor, name?: string, imageName?: string): IndexEntry {
  const { mediaType, digest, size, artifactType } = descriptor
  const annotations = {
    ...(name === undefined ? {} : { [REF_NAME]: name }),
    ...(imageName === undefined ? {} : { [IMAGE_NAME]: imageName }),
  }
  const whole: Descriptor = {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(name === undefined ? {} : { annotations }),
  }
  return { descriptor: whole, name, json: descriptorJson(whole) }
}

export interface LayoutIndex {
  /** The members of the document beside `manifests`. */
  rest: JsonObject
  entries: readonly IndexEntry[]
}

function malformed(reader: LayoutReader, name: string, detail: string): SallyportError {
  return new SallyportError('LAYOUT_MALFORMED', { side: reader.side, subject: `${reader.place} ${name}`, detail })
}

/** True when `oci-layout` is there and of a version we know. Throws LAYOUT_MALFORMED for another version. */
export function readMarker(reader: LayoutReader): boolean {
  const bytes = readWhole(reader, 'oci-layout', MARKER_CAP)
  if (bytes === undefined) return false
  const marker = parseJson(bytes, reader.side, `${reader.place} oci-layout`)
  if (!isJsonObject(marker) || marker['imageLayoutVersion'] !== '1.0.0')
    throw malformed(reader, 'oci-layout', 'not version 1.0.0')
  return true
}

/** The layout's index, or undefined when there is none. Throws LAYOUT_MALFORMED, LIMIT_EXCEEDED, JSON_MALFORMED. */
export function readIndex(reader: LayoutReader): LayoutIndex | undefined {
  const bytes = readWhole(reader, 'index.json', LAYOUT_INDEX_CAP)
  if (bytes === undefined) return undefined
  const subject = `${reader.place} index.json`
  const document = parseJson(bytes, reader.side, subject, LARGE_VALUES)
  if (!isJsonObject(document) || document['schemaVersion'] !== 2) throw malformed(reader, 'index.json', 'schemaVersion')
  const { manifests, ...rest } = document
  if (!Array.isArray(manifests)) throw malformed(reader, 'index.json', 'no manifests')
  const entries = manifests.map((item, i): IndexEntry => {
    const descriptor = parseDescriptor(item, reader.side, `${subject} manifests[${i}]`)
    return { descriptor, name: descriptor.annotations?.[REF_NAME], json: item as JsonObject }
  })
  return { rest, entries }
}

const named = new WeakMap<readonly IndexEntry[], ReadonlyMap<string, IndexEntry>>()

/**
 * The first entry of this name. Stops whoever gives a layout very many tags from having each of them cost a look at all.
 * Duty of the caller: the list stays as it is.
 */
export function entryNamed(entries: readonly IndexEntry[], name: string): IndexEntry | undefined {
  let byName = named.get(entries)
  if (byName === undefined) {
    // The last one set stays: from the end, so that the first of a name does.
    byName = new Map(entries.toReversed().flatMap((entry) => (entry.name === undefined ? [] : [[entry.name, entry]])))
    named.set(entries, byName)
  }
  return byName.get(name)
}

/**
 * The index as it is written, in runs: entries by name, then by digest, so that equal content gives equal bytes.
 * Throws LIMIT_EXCEEDED for one that {@link readIndex} would refuse: the layout could never be opened again.
 */
export function indexRuns(index: LayoutIndex, { side, place }: Pick<LayoutReader, 'side' | 'place'>): Buffer[] {
  const key = (entry: IndexEntry): string => `${entry.name ?? '~'}\0${entry.descriptor.digest}`
  const sorted = index.entries.map((entry) => ({ key: key(entry), json: entry.json }))
  sorted.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const around = { ...index.rest, schemaVersion: 2, manifests: [] }
  const runs: Buffer[] = []
  let text = JSON.stringify(around).slice(0, -2)
  let size = 0
  let values = valuesIn(around)
  const demand = (room: boolean): void => {
    if (room) return
    const detail = `${sorted.length} entries are over ${LAYOUT_INDEX_CAP} bytes or ${LARGE_VALUES} values`
    throw new SallyportError('LIMIT_EXCEEDED', { side, subject: `${place} index.json`, detail })
  }
  // Run by run: as one text it would stand in memory twice more, and far too much of it would be no text at all.
  const end = (): void => {
    const run = Buffer.from(text)
    demand((size += run.length) <= LAYOUT_INDEX_CAP)
    runs.push(run)
    text = ''
  }
  for (const [i, { json }] of sorted.entries()) {
    demand((values += valuesIn(json)) <= LARGE_VALUES)
    text += `${i === 0 ? '' : ','}${JSON.stringify(json)}`
    if (text.length > RUN) end()
  }
  text += ']}'
  end()
  return runs
}

/** The name an entry has: `ref.name`, completed by containerd's full name where the two agree. */
function nameOf(entry: IndexEntry): LayoutName {
  const own = entry.name === undefined ? undefined : parseLayoutName(entry.name)
  if (own?.repository !== undefined) return own
  const image = entry.descriptor.annotations?.[IMAGE_NAME]
  const full = image === undefined ? undefined : parseLayoutName(image)
  // oras keeps containerd's name of the source when it gives a new tag: then that name is not this entry's.
  if (full?.repository === undefined || (own !== undefined && full.tag !== own.tag)) return own ?? {}
  return full
}

/** What a layout's names stand for. */
export interface NamedEntries {
  /** Repository → tag → descriptor; entries that name no repository stand under the local one. */
  tags: Map<string, Map<string, Descriptor>>
  /** Entries without a tag: reachable by digest only. */
  unnamed: Descriptor[]
}

/**
 * The entries sorted by repository and tag.
 * Throws LAYOUT_MALFORMED when one name has two digests: skopeo takes the first of them and oras the last.
 */
export function namedEntries(index: LayoutIndex, local: string, side: Side): NamedEntries {
  const tags: NamedEntries['tags'] = new Map()
  const unnamed = new Map<Digest, Descriptor>()
  for (const entry of index.entries) {
    const { mediaType, digest, size } = entry.descriptor
    const { repository = local, tag } = nameOf(entry)
    if (tag === undefined) {
      unnamed.set(digest, { mediaType, digest, size })
      continue
    }
    const known = tags.get(repository) ?? new Map<string, Descriptor>()
    tags.set(repository, known)
    const other = known.get(tag)
    if (other !== undefined && other.digest !== digest) {
      const detail = `${other.digest} and ${digest}`
      throw new SallyportError('LAYOUT_MALFORMED', { side, subject: `${repository}:${tag}`, detail })
    }
    known.set(tag, { mediaType, digest, size })
  }
  return { tags, unnamed: [...unnamed.values()] }
}
