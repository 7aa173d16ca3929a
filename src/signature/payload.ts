/** The payload of a Notary Project signature: the descriptor of what is signed (signature specification, Payload). */
import { isJsonObject, parseJson, sortedJson, type JsonObject } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { parseDescriptor, type Descriptor, type Digest } from '../oci/index.ts'
import { PAYLOAD_CAP, capped, malformed } from './envelope-fault.ts'
import { withoutParameters } from './media-type-parameters.ts'

/** The only content type of an envelope. */
export const PAYLOAD_TYPE = 'application/vnd.cncf.notary.payload.v1+json'

const RESERVED = 'io.cncf.notary'
/** One descriptor, and as many annotations as anybody writes. */
const MAX_VALUES = 65_536
const MEMBERS: readonly string[] = ['mediaType', 'digest', 'size', 'annotations', 'artifactType']

/** An OCI digest, or one by SHA-384: what is signed may be a plain file, whose digest is by the hash of the signing key. */
export type TargetDigest = Digest | `sha384:${string}`

const SHA384 = /^sha384:[0-9a-f]{96}$/
const STAND_IN: Digest = `sha256:${'0'.repeat(64)}`

export interface SignedTarget {
  mediaType: string
  digest: TargetDigest
  size: number
  /** The signer's own words on the artifact (user metadata). */
  annotations: Readonly<Record<string, string>>
}

/**
 * The payload for a target: media type, digest and size, and the user metadata as annotations; nothing else of the
 * descriptor is signed. Equal input gives equal bytes.
 * Throws USAGE for a name of user metadata that the Notary Project keeps for itself.
 */
export function targetPayload(
  target: Pick<Descriptor, 'mediaType' | 'size'> & { digest: TargetDigest },
  userMetadata: Readonly<Record<string, string>> = {},
): Buffer {
  const names = Object.keys(userMetadata)
  const reserved = names.find((name) => name.startsWith(RESERVED))
  if (reserved !== undefined)
    throw new SallyportError('USAGE', { side: 'source', subject: reserved, detail: `${RESERVED} is reserved` })
  const { mediaType, digest, size } = target
  const annotations = names.length === 0 ? {} : { annotations: { ...userMetadata } }
  return Buffer.from(sortedJson({ targetArtifact: { mediaType, digest, size, ...annotations } }), 'utf8')
}

/**
 * The target that a payload names. Digests of other kinds than sha256, sha384 and sha512 are refused.
 * Duty of the caller: the payload comes out of an envelope that was verified.
 * Throws ENVELOPE_MALFORMED, LIMIT_EXCEEDED.
 */
export function readTarget(payload: Uint8Array): SignedTarget {
  capped(payload.length, PAYLOAD_CAP, 'bytes of payload')
  try {
    const document = parseJson(payload, 'bundle', 'payload', MAX_VALUES)
    const target = isJsonObject(document) ? document['targetArtifact'] : undefined
    if (!isJsonObject(document) || !isJsonObject(target)) throw malformed('payload without a target')
    // Stops content beside the descriptor that only another reader would act on.
    if (Object.keys(document).length !== 1) throw malformed('payload with more than a target')
    const foreign = Object.keys(target).find((name) => !MEMBERS.includes(name))
    if (foreign !== undefined) throw malformed('a target with members that may not be signed')
    const { digest } = target
    if (typeof digest !== 'string' || !SHA384.test(digest)) return targetIn(target)
    // No OCI descriptor has such a digest, so the reader of those sees another one.
    return { ...targetIn({ ...target, digest: STAND_IN }), digest: digest as TargetDigest }
  } catch (cause) {
    if (!(cause instanceof SallyportError) || cause.code === 'ENVELOPE_MALFORMED') throw cause
    throw malformed(`payload: ${cause.message}`, cause)
  }
}

function targetIn(target: JsonObject): SignedTarget {
  const { mediaType: whole } = target
  // No OCI descriptor has parameters either; they are compared as they were signed, byte by byte, as notation does.
  const read = typeof whole === 'string' ? { ...target, mediaType: withoutParameters(whole) } : target
  const { mediaType, digest, size, annotations = {} } = parseDescriptor(read, 'bundle', 'target')
  return { mediaType: typeof whole === 'string' ? whole : mediaType, digest, size, annotations }
}
