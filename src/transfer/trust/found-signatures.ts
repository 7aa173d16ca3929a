/** Finds the Notary Project signatures of an artifact, whether it is carried or lies somewhere. */
import { parseJson } from '../../codec/index.ts'
import type { Graph, Source, Target } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { parseManifest, type Descriptor, type Digest, type Manifest } from '../../oci/index.ts'
import { ENVELOPE_CAP, envelopeOf, THUMBPRINTS } from '../../signature/index.ts'
import type { FoundSignature } from '../../trust/index.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'
import type { Hold } from '../run/side-by-side.ts'
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

/**
 * The thumbprints that a manifest claims for its chain, in lower case: the specification shows them in capitals. They are
 * anyone's to write, so they decide what is looked at first, no more.
 */
function claimed({ annotations }: Manifest): string[] {
  const annotation = annotations[THUMBPRINTS]
  if (annotation === undefined || annotation.length > CLAIM_CAP) return []
  try {
    const claim = parseJson(Buffer.from(annotation), 'bundle', THUMBPRINTS)
    const texts = Array.isArray(claim) ? claim.filter((item) => typeof item === 'string') : []
    return texts.slice(0, CHAIN_CAP).map((text) => text.toLowerCase())
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
  /** Asked, before envelopes are read, for as many bytes as they say they are, up to 128 MiB. */
  hold?: Hold | undefined
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

/** What was read of the signatures that are listed. */
interface Looked {
  signatures: FoundSignature[]
  /** Those whose envelopes would be more than is held at once. */
  beyond: Digest[]
}

const NONE: ReadonlySet<Digest> = new Set()

/** @param options.first - envelopes of these are read before all others */
async function lookAt(
  source: Readable,
  subject: Digest,
  referrers: readonly Descriptor[],
  { anchors, first = NONE, hold, ...options }: LookOptions & { first?: ReadonlySet<Digest> },
): Promise<Looked> {
  const signatures: FoundSignature[] = []
  const readable: Listed[] = []
  for (const descriptor of referrers) {
    checkInterrupted(options)
    const one = await found(descriptor.digest, () => listed(source, subject, descriptor))
    if (one === undefined) continue
    if ('envelope' in one) readable.push(one)
    else signatures.push(one)
  }
  const sizes = readable.map(({ envelope }) => envelope.size).filter((size) => size <= ENVELOPE_CAP)
  await hold?.(
    Math.min(
      HELD_CAP,
      sizes.reduce((sum, size) => sum + size, 0),
    ),
  )
  const read = envelopesOf(source)
  const rank = ({ manifest, thumbprints }: Listed): number =>
    first.has(manifest) ? 0 : thumbprints.some((one) => anchors.has(one)) ? 1 : 2
  const beyond: Digest[] = []
  let held = 0
  for (const { manifest, envelope, thumbprints } of readable.sort((a, b) => rank(a) - rank(b))) {
    checkInterrupted(options)
    if (envelope.size <= ENVELOPE_CAP && held + envelope.size > HELD_CAP) {
      beyond.push(manifest)
      continue
    }
    const signature = await found(manifest, async (): Promise<FoundSignature> => {
      const bytes = await read(envelope)
      held += bytes.length
      const known = first.has(manifest) ? { first: true as const } : {}
      return { manifest, mediaType: envelope.mediaType, envelope: bytes, thumbprints, ...known }
    })
    if (signature !== undefined) signatures.push(signature)
  }
  return { signatures, beyond }
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
  const { signatures, beyond } = await lookAt(source, subject, referrers, options)
  const detail = 'signature envelopes over 128 MiB together'
  const faults = beyond.map((manifest) => {
    return { manifest, fault: new SallyportError('LIMIT_EXCEEDED', { side: 'source', subject: place, detail }) }
  })
  return [...signatures, ...faults]
}

export interface SignaturesBeside {
  signatures: FoundSignature[]
  /** Listed, and not read: whoever may push to the repository decides how many there are. */
  unread: number
  /** The list can't be had; then the signatures are those that were asked for by digest, and others may be there. */
  fault?: SallyportError
}

/**
 * As {@link signaturesAt} for what lies at the site's own target, which many may push to: these manifests are looked at
 * before all others, and by their digests where the list can't be had. Stops a heap of signatures, or a list that is
 * broken on purpose, from hiding what the site knows. Throws only what the target fails with.
 */
export async function signaturesBeside(
  target: Readable & Pick<Target, 'resolve'>,
  subject: Digest,
  options: LookOptions & { first: ReadonlySet<Digest> },
): Promise<SignaturesBeside> {
  const { first } = options
  try {
    const referrers = await target.referrers(subject)
    const known = referrers.filter(({ digest }) => first.has(digest))
    const others = referrers.filter(({ digest }) => !first.has(digest))
    const asked = [...known, ...others].slice(0, MAX_ASKED)
    const { signatures, beyond } = await lookAt(target, subject, asked, options)
    return { signatures, unread: referrers.length - asked.length + beyond.length }
  } catch (error) {
    if (!(error instanceof SallyportError) || isElsewhere(error)) throw error
    const known: Descriptor[] = []
    for (const digest of first) known.push(...((await describedAt(target, digest)) ?? []))
    return { signatures: (await lookAt(target, subject, known, options)).signatures, unread: 1, fault: error }
  }
}

async function describedAt(target: Pick<Target, 'resolve'>, digest: Digest): Promise<Descriptor[] | undefined> {
  try {
    const found = await target.resolve(digest)
    return found && [{ ...found, digest }]
  } catch (error) {
    if (!(error instanceof SallyportError) || isElsewhere(error)) throw error
    return undefined
  }
}
