/** Finds the Notary Project signatures of an artifact, whether it is carried or lies somewhere. */
import type { Graph, Source } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import { parseManifest, verifying, type Descriptor, type Digest } from '../oci/index.ts'
import { ENVELOPE_CAP, envelopeOf } from '../signature/index.ts'
import type { FoundSignature } from '../trust/index.ts'

/** The bytes of an envelope, proven. */
export type ReadEnvelope = (descriptor: Descriptor) => Promise<Uint8Array>

/** A signature that can't be read is one that fails, and is listed so; what is wrong with it alone condemns nothing else. */
async function found(
  manifest: Digest,
  read: () => Promise<{ mediaType: string; envelope: Uint8Array } | undefined>,
): Promise<FoundSignature | undefined> {
  try {
    const signature = await read()
    return signature === undefined ? undefined : { manifest, ...signature }
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return { manifest, fault: error }
  }
}

/** Reads an envelope from a source, proven against its descriptor. Throws LIMIT_EXCEEDED before it asks for a large one. */
export function envelopesOf(source: Source): ReadEnvelope {
  return async (descriptor) => {
    const subject = `${source.repository}@${descriptor.digest}`
    // Stops a referrer that calls a huge blob an envelope.
    if (descriptor.size > ENVELOPE_CAP)
      throw new SallyportError('LIMIT_EXCEEDED', {
        side: 'source',
        subject,
        detail: 'a signature envelope over 32 MiB',
      })
    const chunks: Uint8Array[] = []
    for await (const chunk of verifying(source.blob(descriptor), descriptor, 'source', subject))
      chunks.push(Uint8Array.from(chunk))
    return Buffer.concat(chunks)
  }
}

/** The signatures of a manifest that its graph carries, in the order of their digests. */
export async function carriedSignatures(graph: Graph, subject: Digest, read: ReadEnvelope): Promise<FoundSignature[]> {
  const signatures: FoundSignature[] = []
  for (const digest of graph.referrersOf(subject)) {
    const manifest = graph.nodes.get(digest)?.manifest
    if (manifest === undefined) continue
    const signature = await found(digest, async () => {
      const envelope = envelopeOf(manifest)
      return envelope === undefined ? undefined : { mediaType: envelope.mediaType, envelope: await read(envelope) }
    })
    if (signature !== undefined) signatures.push(signature)
  }
  return signatures
}

// More signatures than anybody has on one artifact; each costs two requests to a registry that may be hostile.
const MAX_ASKED = 1000

/**
 * The signatures that a source lists for a manifest, in the order of their digests. What is listed and does not name
 * the manifest itself is none. Throws what listing throws: a list that can't be had is not an empty one.
 */
export async function signaturesAt(source: Source, subject: Digest): Promise<FoundSignature[]> {
  const listed = await source.referrers(subject)
  if (listed.length > MAX_ASKED)
    throw new SallyportError('LIMIT_EXCEEDED', {
      side: 'source',
      subject: `${source.repository}@${subject}`,
      detail: `${listed.length} referrers, at most ${MAX_ASKED} are looked at`,
    })
  const read = envelopesOf(source)
  const signatures: FoundSignature[] = []
  for (const descriptor of listed) {
    const signature = await found(descriptor.digest, async () => {
      const bytes = await source.manifest(descriptor)
      const manifest = parseManifest(bytes, descriptor.mediaType, 'source', `${source.repository}@${descriptor.digest}`)
      if (manifest.subject?.digest !== subject) return undefined
      const envelope = envelopeOf(manifest)
      return envelope === undefined ? undefined : { mediaType: envelope.mediaType, envelope: await read(envelope) }
    })
    if (signature !== undefined) signatures.push(signature)
  }
  return signatures
}
