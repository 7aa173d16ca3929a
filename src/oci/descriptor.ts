/** Descriptors (OCI image spec, descriptor.md): media type, digest and size of content, read from hostile JSON. */
import { isJsonObject, type Json, type JsonObject } from '../codec/index.ts'
import { SallyportError, type Side } from '../errors/index.ts'
import { parseDigest, type Digest } from './digest.ts'
import { MemberNames } from './member-name.ts'

export interface Platform {
  os: string
  architecture: string
  variant?: string
  'os.version'?: string
}

export interface Descriptor {
  mediaType: string
  digest: Digest
  size: number
  artifactType?: string
  platform?: Platform
  annotations?: Record<string, string>
  /** Where a foreign layer can be had; named in reports, never followed. */
  urls?: string[]
}

const MEDIA_TYPE = /^[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}\/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}$/

const NAMES = new MemberNames('mediaType', 'digest', 'size', 'artifactType', 'platform', 'annotations', 'urls', 'data')
const PLATFORM_NAMES = new MemberNames('os', 'architecture', 'variant', 'os.version', 'os.features')

function bad(side: Side, subject: string, detail: string): SallyportError {
  return new SallyportError('DESCRIPTOR_MALFORMED', { side, subject, detail })
}

/** True for a media type by the names of RFC 6838, without parameters. */
export function isMediaType(text: string): boolean {
  return MEDIA_TYPE.test(text)
}

/** The value as a media type (RFC 6838 names). Throws DESCRIPTOR_MALFORMED. */
export function parseMediaType(value: Json | undefined, side: Side, subject: string): string {
  if (typeof value === 'string' && isMediaType(value)) return value
  throw bad(side, subject, 'media type')
}

/** The value as a string map, as annotations are. Throws DESCRIPTOR_MALFORMED. */
export function parseAnnotations(
  value: Json | undefined,
  side: Side,
  subject: string,
): Record<string, string> | undefined {
  if (value === undefined || value === null) return undefined
  if (!isJsonObject(value)) throw bad(side, subject, 'annotations')
  for (const item of Object.values(value)) if (typeof item !== 'string') throw bad(side, subject, 'annotations')
  return value as Record<string, string>
}

function parsePlatform(value: Json | undefined, side: Side, subject: string): Platform | undefined {
  if (value === undefined || value === null) return undefined
  if (!isJsonObject(value) || PLATFORM_NAMES.twinIn(value) !== undefined) throw bad(side, subject, 'platform')
  const part = (key: string): string | undefined => {
    const item = value[key]
    if (item === undefined || item === '') return undefined
    if (typeof item !== 'string') throw bad(side, subject, `platform.${key}`)
    return item
  }
  const platform: Platform = { os: part('os') ?? '', architecture: part('architecture') ?? '' }
  const variant = part('variant')
  const version = part('os.version')
  if (variant !== undefined) platform.variant = variant
  if (version !== undefined) platform['os.version'] = version
  return platform
}

function parseUrls(value: Json | undefined, side: Side, subject: string): string[] | undefined {
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value) || value.some((item) => typeof item !== 'string')) throw bad(side, subject, 'urls')
  return value as string[]
}

/** The descriptor in a parsed document. Throws DESCRIPTOR_MALFORMED or DIGEST_MALFORMED naming `subject`. */
export function parseDescriptor(value: Json | undefined, side: Side, subject: string): Descriptor {
  if (!isJsonObject(value)) throw bad(side, subject, 'not an object')
  const twin = NAMES.twinIn(value)
  if (twin !== undefined) throw bad(side, subject, `a member ${JSON.stringify(twin)}`)
  const size = value['size']
  // Stops negative and fractional sizes, which would move every offset after them.
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw bad(side, subject, 'size')
  const descriptor: Descriptor = {
    mediaType: parseMediaType(value['mediaType'], side, subject),
    digest: parseDigest(value['digest'], side, subject),
    size,
  }
  const artifactType = value['artifactType']
  if (artifactType !== undefined && artifactType !== '')
    descriptor.artifactType = parseMediaType(artifactType, side, subject)
  const platform = parsePlatform(value['platform'], side, subject)
  const annotations = parseAnnotations(value['annotations'], side, subject)
  const urls = parseUrls(value['urls'], side, subject)
  if (platform !== undefined) descriptor.platform = platform
  if (annotations !== undefined) descriptor.annotations = annotations
  if (urls !== undefined && urls.length > 0) descriptor.urls = urls
  return descriptor
}

/** The descriptor as JSON, members in the order of the spec's own examples. */
export function descriptorJson(descriptor: Descriptor): JsonObject {
  const { mediaType, digest, size, artifactType, platform, annotations, urls } = descriptor
  return {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(platform === undefined ? {} : { platform: { ...platform } }),
    ...(urls === undefined ? {} : { urls }),
    ...(annotations === undefined ? {} : { annotations }),
  }
}

/** `os/architecture[/variant]`, as people write it. */
export function platformText(platform: Platform): string {
  return [platform.os, platform.architecture, platform.variant]
    .filter((part) => part !== undefined && part !== '')
    .join('/')
}
