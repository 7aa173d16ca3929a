/** `check`: the verdict on an artifact where it lies. Changes nothing. */
import { CODES } from '../../errors/index.ts'
import { OCI_MANIFEST, parseManifest, type Descriptor, type Manifest } from '../../oci/index.ts'
import type { RegistryOptions } from '../../registry/index.ts'
import { judgeWith, type ArtifactVerdict } from '../../trust/index.ts'
import type { PluginPlace } from './plugin-place.ts'
import { asOfMember, type AsOfReport, type ClockOptions } from '../run/clock.ts'
import { signaturesAt, type Readable } from '../trust/found-signatures.ts'
import { meansOf } from './judge-carried.ts'
import { knownIn } from '../revocation/known-revocations.ts'
import { manifestsWithin, withoutDenied } from '../revocation/denied-within.ts'
import { openPolicy } from '../trust/policy-folder.ts'
import { locate } from '../place/reference-target.ts'
import { tell } from '../run/run.ts'
import { Sources } from '../place/sources.ts'
import { ifSound } from '../measure/target-graph.ts'
import { tombstoneOf, tombstoneText } from '../measure/tombstone.ts'
import { verdictReport, type VerdictReport } from './report.ts'

/** Ours are smaller by far. */
const TOMBSTONE_CAP = 16 * 1024

export interface CheckOptions extends ClockOptions {
  ref: string
  registry: Omit<RegistryOptions, 'side'>
  /** The policy folder. */
  policy: string
  /** The site's state, which knows lists and denials; without one, of what may be revoked it is unknown. */
  state?: string | undefined
  /** Where plugins are that signatures may name. */
  plugins?: PluginPlace | undefined
  /** The name to judge it under, when it is not the one it lies under. */
  scope?: string | undefined
}

export interface CheckReport extends VerdictReport {
  repository: string
  tag: string | null
  /** The time it was judged at, when that was not the clock's. */
  asOf?: AsOfReport
}

/** The verdict; on a tombstone, though its signature is trusted, why it stands there: it is no artifact to be used. */
async function unlessTombstone(verdict: ArtifactVerdict, source: Readable, root: Descriptor): Promise<ArtifactVerdict> {
  if (root.mediaType !== OCI_MANIFEST || root.size > TOMBSTONE_CAP) return verdict
  const manifest = await ifSound(manifestAt(source, root))
  const denied = manifest && tombstoneOf(manifest)
  if (manifest === undefined || denied === undefined) return verdict
  const code = 'ARTIFACT_QUARANTINED'
  const why = tombstoneText(denied, manifest)
  const { digest, scope, missing, policy, unjudged, signatures } = verdict
  const common = { digest, scope, statements: [], missing, policy, signatures, unjudged }
  return { ...common, verdict: 'rejected', code, why, remedy: CODES[code][2] }
}

async function manifestAt(source: Readable, root: Descriptor): Promise<Manifest> {
  const bytes = await source.manifest(root)
  return parseManifest(bytes, root.mediaType, 'source', `${source.repository}@${root.digest}`)
}

/** The verdict on the artifact behind a reference; a tag is resolved once. Throws only what keeps it from being judged. */
export async function check(options: CheckOptions): Promise<CheckReport> {
  // Before any request: what is judged later is judged by what stands here now.
  const material = openPolicy(options.policy)
  const { known, now } = await knownIn(options.state, options)
  const means = { ...meansOf(options.plugins, options.signal), ...known.means(material, now) }
  const judge = judgeWith(material, now, means)
  const anchors = new Set([...material.stores.values()].flat().map(({ sha256 }) => sha256))
  const sources = new Sources(options.registry, options.signal)
  try {
    tell(options, { type: 'phase', phase: 'resolving' })
    const { source, descriptor, tag, scope } = await locate(sources, options.ref)
    tell(options, { type: 'phase', phase: 'reading signatures' })
    const signatures = await signaturesAt(source, descriptor.digest, { ...options, anchors })
    const within = await manifestsWithin(source, descriptor, known, options)
    const judged = await judge.artifact({
      artifact: descriptor,
      scope: options.scope ?? scope,
      origin: source.repository,
      signatures,
      aliases: within.aliases,
    })
    const verdict = await unlessTombstone(withoutDenied(judged, within.manifests, known), source, descriptor)
    return { ...verdictReport(verdict), repository: source.repository, tag: tag ?? null, ...asOfMember(options) }
  } finally {
    await sources.close()
  }
}
