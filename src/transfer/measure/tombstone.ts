/** The manifest of ours that a tag names in place of an artifact that is trusted no more: it says of which one, and why. */
import type { Target } from '../../content/index.ts'
import type { Code } from '../../errors/index.ts'
import { digestOf, isDigest, OCI_EMPTY, OCI_MANIFEST, type Digest, type Manifest } from '../../oci/index.ts'
import { EMPTY_CONFIG, targetPayload } from '../../signature/index.ts'
import { nowOf, timeText, type RunOptions } from '../run/run.ts'
import { sealTarget, sealTimes, type SealOptions } from '../sign/seal-target.ts'
import { attach, store } from '../sign/sign.ts'
import type { Standing } from './tag-change.ts'

export const TOMBSTONE = 'application/vnd.sallyport.tombstone.v1'
const DENIED = 'io.sallyport.tombstone.denied'
const CODE = 'io.sallyport.tombstone.code'
const WHY = 'io.sallyport.tombstone.why'
const CREATED = 'org.opencontainers.image.created'
const WHY_CAP = 400

/** Why an artifact is trusted no more. */
export interface MeasureWhy {
  code: Code
  detail: string
}

/** A tombstone that is at the target. */
export interface LaidTombstone extends Standing {
  /** The manifest of its signature; null: it is unsigned. */
  signature: Digest | null
}

/** The manifest. It has no subject: who copies the artifact with all that refers to it must not copy this. */
export function tombstoneManifest(denied: Digest, { code, detail }: MeasureWhy, time: Date): Standing {
  const empty = { mediaType: OCI_EMPTY, digest: digestOf(EMPTY_CONFIG), size: EMPTY_CONFIG.length }
  const annotations = {
    [DENIED]: denied,
    [CODE]: code,
    // What a signature says of itself may stand in it: a pair that is cut in two would be no text for other readers.
    [WHY]: detail.slice(0, WHY_CAP).toWellFormed(),
    [CREATED]: timeText(time),
  }
  const document = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: TOMBSTONE,
    config: empty,
    layers: [empty],
    annotations,
  }
  const bytes = Buffer.from(JSON.stringify(document))
  return { bytes, descriptor: { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length } }
}

/** The artifact that a tombstone stands for; undefined for any other manifest. */
export function tombstoneOf({ artifactType, annotations }: Manifest): Digest | undefined {
  const denied = annotations[DENIED]
  return artifactType === TOMBSTONE && isDigest(denied) ? denied : undefined
}

/** What a tombstone says of its artifact, in one line; anyone may have written it. */
export function tombstoneText(denied: Digest, { annotations }: Manifest): string {
  const said = [annotations[CODE], annotations[WHY]].flatMap((text) => text?.slice(0, WHY_CAP).toWellFormed() ?? [])
  return `a tombstone stands here, for ${denied}${said.map((text) => `: ${text}`).join('')}`
}

/**
 * Puts the tombstone there, signed where there is a signer; no tag names it yet. Its signature comes before any tag, since
 * whoever sees the tag may look for one at once. Throws what the target and the signer throw.
 */
export async function layTombstone(
  target: Target,
  place: string,
  denied: Digest,
  why: MeasureWhy,
  options: RunOptions & { seal?: SealOptions | undefined },
): Promise<LaidTombstone> {
  const now = nowOf(options)
  const { descriptor, bytes } = tombstoneManifest(denied, why, now)
  await store(target, { mediaType: OCI_EMPTY, digest: digestOf(EMPTY_CONFIG), size: EMPTY_CONFIG.length }, EMPTY_CONFIG)
  await target.pushManifest(descriptor, bytes)
  await target.manifest(descriptor)
  const { seal } = options
  if (seal === undefined) return { descriptor, bytes, signature: null }
  const sealed = await sealTarget(targetPayload(descriptor), seal, sealTimes(now, seal.validDays))
  const terms = { ...options, ref: place, format: seal.format, form: 'legacy' as const }
  const { digest } = await attach(target, descriptor, sealed, terms)
  return { descriptor, bytes, signature: digest }
}
