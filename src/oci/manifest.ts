/** Manifests and indexes (OCI image spec; Docker schema 2): one shape for all, children in order, ambiguity refused. */
import { isJsonObject, parseJson, type Json, type JsonObject } from '../codec/index.ts'
import { SallyportError, type Side } from '../errors/index.ts'
import { parseAnnotations, parseDescriptor, parseMediaType, type Descriptor } from './descriptor.ts'
import { isIndexType, isManifestType, isSchema1 } from './media-type.ts'
import { MemberNames } from './member-name.ts'

/** A manifest's cap in bytes, as in the distribution spec. */
export const MANIFEST_CAP = 4 * 1024 * 1024

export interface Manifest {
  /** `opaque`: of a type this version does not know; carried whole, nothing followed. */
  kind: 'image' | 'index' | 'opaque'
  mediaType: string
  /** What the artifact is: `artifactType`, else the config's media type of an image. */
  artifactType?: string
  config?: Descriptor
  layers: Descriptor[]
  manifests: Descriptor[]
  subject?: Descriptor
  annotations: Record<string, string>
}

/** What the spec calls a manifest's members. */
export const MANIFEST_NAMES = new MemberNames(
  'schemaVersion',
  'mediaType',
  'artifactType',
  'config',
  'layers',
  'fsLayers',
  'manifests',
  'subject',
  'annotations',
)

function bad(side: Side, subject: string, detail: string): SallyportError {
  return new SallyportError('MANIFEST_MALFORMED', { side, subject, detail })
}

function list(value: Json | undefined, side: Side, subject: string, name: string): Descriptor[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw bad(side, subject, name)
  return value.map((item, i) => parseDescriptor(item, side, `${subject} ${name}[${i}]`))
}

// CVE-2021-41190: bytes that one client runs as an image and another as an index.
function refuseAmbiguous(document: JsonObject, mediaType: string, side: Side, subject: string): void {
  const own = document['mediaType']
  const index = isIndexType(mediaType)
  const foreign = index ? ['config', 'layers', 'fsLayers'] : ['manifests', 'fsLayers']
  const met = foreign.find((key) => document[key] !== undefined)
  if (met !== undefined)
    throw new SallyportError('MANIFEST_AMBIGUOUS', { side, subject, detail: `"${met}" in ${mediaType}` })
  if (own !== undefined && own !== mediaType) {
    throw new SallyportError('MANIFEST_AMBIGUOUS', {
      side,
      subject,
      detail: `calls itself ${JSON.stringify(own)}, fetched as ${mediaType}`,
    })
  }
  const twin = MANIFEST_NAMES.twinIn(document)
  if (twin !== undefined)
    throw new SallyportError('MANIFEST_AMBIGUOUS', { side, subject, detail: `a member ${JSON.stringify(twin)}` })
}

/**
 * The manifest in `bytes`, which came under `mediaType`.
 * An unknown media type gives kind `opaque`. Duty of the caller: bytes are capped and have the asked-for digest.
 * Throws SCHEMA1_REFUSED, JSON_MALFORMED, MANIFEST_MALFORMED, MANIFEST_AMBIGUOUS, DESCRIPTOR_MALFORMED.
 */
export function parseManifest(bytes: Uint8Array, mediaType: string, side: Side, subject: string): Manifest {
  if (isSchema1(mediaType)) throw new SallyportError('SCHEMA1_REFUSED', { side, subject })
  const manifest: Manifest = { kind: 'opaque', mediaType, layers: [], manifests: [], annotations: {} }
  if (!isManifestType(mediaType)) return manifest
  const document = parseJson(bytes, side, subject)
  if (!isJsonObject(document)) throw bad(side, subject, 'not an object')
  refuseAmbiguous(document, mediaType, side, subject)
  if (document['schemaVersion'] !== 2) throw bad(side, subject, 'schemaVersion')
  manifest.kind = isIndexType(mediaType) ? 'index' : 'image'
  manifest.annotations = parseAnnotations(document['annotations'], side, subject) ?? {}
  if (manifest.kind === 'index') {
    if (!Array.isArray(document['manifests'])) throw bad(side, subject, 'no manifests')
    manifest.manifests = list(document['manifests'], side, subject, 'manifests')
  } else {
    manifest.config = parseDescriptor(document['config'], side, `${subject} config`)
    manifest.layers = list(document['layers'], side, subject, 'layers')
  }
  if (document['subject'] !== undefined && document['subject'] !== null) {
    manifest.subject = parseDescriptor(document['subject'], side, `${subject} subject`)
  }
  const artifactType = document['artifactType']
  if (artifactType !== undefined && artifactType !== '')
    manifest.artifactType = parseMediaType(artifactType, side, subject)
  else if (manifest.config !== undefined) manifest.artifactType = manifest.config.mediaType
  return manifest
}

/** The blobs of a manifest in the order they are needed: config first, then layers. */
export function blobsOf(manifest: Manifest): Descriptor[] {
  return manifest.config === undefined ? manifest.layers : [manifest.config, ...manifest.layers]
}

/** The manifest as a referrers list shows it (distribution spec): what it is, it says itself, and no list says it better. */
export function referrerDescriptor({ mediaType, digest, size }: Descriptor, manifest: Manifest): Descriptor {
  const { artifactType, annotations } = manifest
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  }
}
