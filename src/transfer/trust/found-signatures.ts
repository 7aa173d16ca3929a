/** Finds the Notary Project signatures of an artifact, whether it is carried or lies somewhere. */
import { parseJson } from '../../codec/index.ts'
import type { Graph, Source } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { parseManifest, type Descriptor, type Digest, type Manifest } from '../../oci/index.ts'
import { ENVELOPE_CAP, envelopeOf, THUMBPRINTS } from '../../signature/index.ts'
import type { FoundSignature } from '../../trust/index.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'
import { wholeBlob } from '../place/whole-blob.ts'

/** What can be read of a repository, be it a source or a target. */
export type Readable = Pick<Source, 'repository' | 'manifest' | 'referrers' | 'blob'>

/** The bytes of an envelope, proven. */
export type ReadEnvelope = (descriptor: Descriptor) => Promise<Uint8Array>

/** What keeps a signature from being read and is no fault of its own: a verdict on it would blame the wrong one. */
export function isElsewhere({ code }: SallyportError): boolean {
  return code === 'INTERRUPTED' || code === 'FILE_UNREADABLE' || /^(?:REGISTRY|REDIRECT|REALM)_/.test(code)
}

/** A signature that can't be read is one that fails, and is listed so; what is wrong with it alone condemns nothing else. */
async function found<T>(
  manifest: Digest,
  read: () => Promise<T | undefined>,
): Promise<T | Pick<FoundSignature, 'manifest' | 'fault'> | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof SallyportError) || isElsewhere(error)) throw error
    return { manifest, fault: error }
  }
}

const CLAIM_CAP = 16 * 1024
const CHAIN_CAP = 100

/** The thumbprints that a manifest claims for its chain: anyone's to write, so they decide what is looked at first, no more. */
function claimed({ annotations }: Manifest): string[] {
  const text = annotations[THUMBPRINTS]
  if (text === undefined || text.length > CLAIM_CAP) return []
  try {
    const claim = parseJson(Buffer.from(text), 'bundle', THUMBPRINTS)
    return Array.isArray(claim) ? claim.filter((item) => typeof item === 'string').slice(0, CHAIN_CAP) : []
  } catch {
    return []
  }
}

/** Reads an envelope from a source, proven against its descriptor. Throws LIMIT_EXCEEDED before it asks for a large one. */
export function envelopesOf(source: Readable): ReadEnvelope {
  return async (descriptor) => {
    const subject = `${source.repository}@${descriptor.digest}`
    // Stops a referrer that calls a huge blob an envelope.
    if (descriptor.size > ENVELOPE_CAP)
      throw new SallyportError('LIMIT_EXCEEDED', {
        side: 'source',
        subject,
        detail: 'a signature envelope over 32 MiB',
      })
    return wholeBlob(source, descriptor)
  }
}

/** The signatures of a manifest that its graph carries, in the order of their digests. */
export async function carriedSignatures(
  graph: Graph,
  subject: Digest,
  read: ReadEnvelope,
  options: RunOptions = {},
): Promise<FoundSignature[]> {
  const signatures: FoundSignature[] = []
  for (const digest of graph.referrersOf(subject)) {
    checkInterrupted(options)
    const manifest = graph.nodes.get(digest)?.manifest
    if (manifest === undefined) continue
    const signature = await found(digest, async (): Promise<FoundSignature | undefined> => {
      const envelope = envelopeOf(manifest)
      if (envelope === undefined) return undefined
      const { mediaType } = envelope
      return { manifest: digest, mediaType, envelope: await read(envelope), thumbprints: claimed(manifest) }
    })
    if (signature !== undefined) signatures.push(signature)
  }
  return signatures
}

// More signatures than anybody has on one artifact; each costs two requests to a registry that may be hostile.
const MAX_ASKED = 1000
// All envelopes of one artifact together: they are held in memory until it is judged.
const HELD_CAP = 128 * 1024 * 1024

export interface LookOptions extends RunOptions {
  /** Thumbprints of the site's anchors: what claims one of them is read first. */
  anchors: ReadonlySet<string>
}

interface Listed {
  manifest: Digest
  envelope: Descriptor
  thumbprints: string[]
}

async function listed(source: Readable, subject: Digest, descriptor: Descriptor): Promise<Listed | undefined> {
  const bytes = await source.manifest(descriptor)
  const manifest = parseManifest(bytes, descriptor.mediaType, 'source', `${source.repository}@${descriptor.digest}`)
  if (manifest.subject?.digest !== subject) return undefined
  const envelope = envelopeOf(manifest)
  return envelope && { manifest: descriptor.digest, envelope, thumbprints: claimed(manifest) }
}

/**
 * The signatures that a source lists for a manifest. What is listed and does not name the manifest itself is none.
 * Envelopes beyond 128 MiB together are not read, and fail. Throws what listing throws, since a list that can't be had is
 * not an empty one, and what the source fails with.
 */
export async function signaturesAt(source: Readable, subject: Digest, options: LookOptions): Promise<FoundSignature[]> {
  const referrers = await source.referrers(subject)
  const place = `${source.repository}@${subject}`
  if (referrers.length > MAX_ASKED)
    throw new SallyportError('LIMIT_EXCEEDED', {
      side: 'source',
      subject: place,
      detail: `${referrers.length} referrers, at most ${MAX_ASKED} are looked at`,
    })
  const signatures: FoundSignature[] = []
  const readable: Listed[] = []
  for (const descriptor of referrers) {
    checkInterrupted(options)
    const one = await found(descriptor.digest, () => listed(source, subject, descriptor))
    if (one === undefined) continue
    if ('envelope' in one) readable.push(one)
    else signatures.push(one)
  }
  const read = envelopesOf(source)
  const rank = ({ thumbprints }: Listed): number => (thumbprints.some((one) => options.anchors.has(one)) ? 0 : 1)
  let held = 0
  for (const { manifest, envelope, thumbprints } of readable.sort((a, b) => rank(a) - rank(b))) {
    checkInterrupted(options)
    const signature = await found(manifest, async (): Promise<FoundSignature> => {
      if (held + envelope.size > HELD_CAP)
        throw new SallyportError('LIMIT_EXCEEDED', {
          side: 'source',
          subject: place,
          detail: 'signature envelopes over 128 MiB together',
        })
      const bytes = await read(envelope)
      held += bytes.length
      return { manifest, mediaType: envelope.mediaType, envelope: bytes, thumbprints }
    })
    if (signature !== undefined) signatures.push(signature)
  }
  return signatures
}
