/** Manifests: resolved, fetched under a cap, proven by our own hash, pushed by digest. */
import { SallyportError } from '../errors/index.ts'
import {
  algorithmOf,
  digestOf,
  isDigest,
  isIndexType,
  isManifestType,
  isMediaType,
  MANIFEST_CAP,
  MANIFEST_TYPES,
  servedType,
  verified,
  type Descriptor,
  type Digest,
} from '../oci/index.ts'
import { plainText } from './errors.ts'
import { callTo, type Repository } from './repository.ts'
import type { Reply } from './request.ts'

const ACCEPT = `${MANIFEST_TYPES.join(', ')}, */*;q=0.1`

export interface FetchedManifest {
  descriptor: Descriptor
  bytes: Buffer
}

export function subjectOf(repository: Repository, reference: string): string {
  return `${repository.name}${isDigest(reference) ? '@' : ':'}${reference}`
}

function protocol(repository: Repository, subject: string, detail: string): SallyportError {
  return new SallyportError('REGISTRY_PROTOCOL', { side: repository.side, subject, detail: plainText(detail) })
}

function contentType(reply: Pick<Reply, 'header'>): string | undefined {
  const header = reply.header('content-type')
  const type = typeof header === 'string' ? header.split(';')[0]?.trim() : undefined
  return type !== undefined && isMediaType(type) ? type : undefined
}

function namedDigest(repository: Repository, reply: Pick<Reply, 'header'>, subject: string): Digest | undefined {
  const header = reply.header('docker-content-digest')
  if (header === undefined || header === '') return undefined
  if (isDigest(header)) return header
  throw protocol(repository, subject, 'Docker-Content-Digest')
}

/** The manifest behind a tag or digest; the digest in the descriptor is of our own making. Throws MANIFEST_MISSING. */
export async function getManifest(repository: Repository, reference: string): Promise<FetchedManifest> {
  return readManifest(repository, reference, await askManifest(repository, reference, [200]))
}

/** The answer with one of these statuses, under the manifest's cap. Throws MANIFEST_TOO_LARGE, and for another status. */
export function askManifest(repository: Repository, reference: string, wanted: number[]): Promise<Reply> {
  const subject = subjectOf(repository, reference)
  const call = callTo(repository, 'GET', `manifests/${reference}`, 'manifest', subject)
  return repository.registry.ask({ ...call, headers: { accept: ACCEPT } }, wanted, MANIFEST_CAP, 'MANIFEST_TOO_LARGE')
}

/** What a registry gave for `reference`, under a digest of our own making. Throws REGISTRY_PROTOCOL, DIGEST_MISMATCH. */
export function readManifest(repository: Repository, reference: string, reply: Reply): FetchedManifest {
  const subject = subjectOf(repository, reference)
  const served = contentType(reply)
  if (served === undefined) throw protocol(repository, subject, 'no Content-Type')
  // A page in front of the registry answers 200 as well.
  if (served === 'text/html') throw protocol(repository, subject, 'an HTML page')
  const named = namedDigest(repository, reply, subject)
  const wanted = isDigest(reference) ? reference : named
  const digest = digestOf(reply.bytes, algorithmOf(wanted ?? 'sha256:'))
  for (const claim of [wanted, named]) {
    if (claim !== undefined && algorithmOf(claim) === algorithmOf(digest) && claim !== digest)
      throw new SallyportError('DIGEST_MISMATCH', { side: repository.side, subject, detail: `they have ${digest}` })
  }
  const mediaType = typeOf(repository, reply.bytes, served, wanted !== undefined, subject)
  return { descriptor: { mediaType, digest, size: reply.bytes.length }, bytes: reply.bytes }
}

function typeOf(repository: Repository, bytes: Buffer, served: string, named: boolean, subject: string): string {
  const { side } = repository
  // Who pulls from a target is told what its registry says: there another type than was pushed is not what was pushed.
  if (side === 'target') return served
  const mediaType = servedType(bytes, served, side, subject)
  // Of a digest that is asked for, or that the registry names, the bytes are its manifest, whatever that is; an error page
  // of something in front of it comes under such a type too.
  if (mediaType === undefined && !named) throw protocol(repository, subject, `${served} that is no manifest`)
  return mediaType ?? served
}

/** The bytes of `fetched` when they are what `descriptor` promises, in media type, size and digest. */
export function asPromised(repository: Repository, fetched: FetchedManifest, descriptor: Descriptor): Buffer {
  const subject = subjectOf(repository, descriptor.digest)
  verified(fetched.bytes, descriptor, repository.side, subject)
  const { mediaType } = fetched.descriptor
  // CVE-2021-41190: one set of bytes under two types runs as two things.
  if (mediaType !== descriptor.mediaType) {
    const detail = plainText(`${mediaType}, listed as ${descriptor.mediaType}`)
    if (isManifestType(mediaType) && isManifestType(descriptor.mediaType))
      throw new SallyportError('MANIFEST_AMBIGUOUS', { side: repository.side, subject, detail })
    throw protocol(repository, subject, `Content-Type ${detail}`)
  }
  return fetched.bytes
}

/** The digest that the registry says a tag names, by one HEAD where that tells it. Throws MANIFEST_MISSING. */
export async function headDigest(repository: Repository, tag: string): Promise<Digest> {
  const reply = await askHead(repository, tag)
  return (
    namedDigest(repository, reply, subjectOf(repository, tag)) ?? (await getManifest(repository, tag)).descriptor.digest
  )
}

function askHead(repository: Repository, reference: string): Promise<Reply> {
  const call = callTo(repository, 'HEAD', `manifests/${reference}`, 'manifest', subjectOf(repository, reference))
  return repository.registry.ask({ ...call, headers: { accept: ACCEPT } }, [200], MANIFEST_CAP)
}

/** What the registry says stands behind a tag or digest, unproven, by one HEAD where that tells enough. */
export async function headManifest(repository: Repository, reference: string): Promise<Descriptor> {
  const subject = subjectOf(repository, reference)
  const reply = await askHead(repository, reference)
  const mediaType = contentType(reply)
  const named = namedDigest(repository, reply, subject)
  const digest = isDigest(reference) ? reference : named
  const size = Number(reply.header('content-length') ?? Number.NaN)
  if (mediaType !== undefined && digest !== undefined && Number.isSafeInteger(size)) return { mediaType, digest, size }
  return (await getManifest(repository, reference)).descriptor
}

/**
 * Puts the manifest under `reference`, its digest or a tag.
 * Throws SPARSE_REFUSED, TAG_IMMUTABLE, QUOTA_EXCEEDED, REPOSITORY_MISSING, PUSH_REFUSED, READ_BACK_MISMATCH.
 */
export async function putManifest(
  repository: Repository,
  reference: string,
  descriptor: Descriptor,
  bytes: Uint8Array,
): Promise<void> {
  const subject = subjectOf(repository, reference)
  const purpose = !isDigest(reference) ? 'tag' : isIndexType(descriptor.mediaType) ? 'push-index' : 'push'
  const call = {
    ...callTo(repository, 'PUT', `manifests/${reference}`, purpose, subject),
    headers: { 'content-type': descriptor.mediaType },
    body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  }
  const reply = await repository.registry.ask(call, [200, 201, 202, 204], MANIFEST_CAP)
  const named = namedDigest(repository, reply, subject)
  if (named === undefined || algorithmOf(named) !== algorithmOf(descriptor.digest) || named === descriptor.digest)
    return
  throw new SallyportError('READ_BACK_MISMATCH', { side: repository.side, subject, detail: `it says ${named}` })
}
