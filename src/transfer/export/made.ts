/** Makes the head of an export, and the report on it. */
import { layOut, promise, proveReadable, type BundleLayout, type Promise3 } from '../../bundle/index.ts'
import { byDigest, type Graph, type Omission } from '../../content/index.ts'
import type { Digest } from '../../oci/index.ts'
import { buildHead, type SignedHead } from '../../tuf/index.ts'
import { asOfMember, type AsOfReport } from '../run/clock.ts'
import type { ExportLog } from '../channel/export-log.ts'
import type { ExportCargo } from './cargo.ts'
import type { ExportOptions, ExportTerms } from './terms.ts'
import { passengerClaims, type PassengerClaim } from '../passage/passenger-report.ts'
import type { CollectedReport } from '../collect/report.ts'
import { addDays, EXPORTER, timeText } from '../run/run.ts'
import type { Begun } from './output-place.ts'

export interface ExportReport {
  output: string
  channel: string
  sequence: number
  id: Digest
  audience: string[]
  created: string
  validUntil: string
  size: number
  blobs: number
  manifests: number
  repositories: {
    name: string
    to: string
    tags: Record<string, Digest>
    untagged: Digest[]
    referrers: number
    /** Tags that an earlier bundle brought to one of the audience, and that the source has no more. */
    removed: string[]
  }[]
  omitted: Omission[]
  /** Manifests of media types that are not known here: carried as they are, and nothing that they name with them. */
  opaque: { repository: string; digest: Digest; mediaType: string }[]
  /** Bundles of other channels that ride along. */
  passengers: PassengerClaim[]
  /** Tags that point elsewhere now than in the bundle; null when that could not be looked at. */
  moved: string[] | null
  /** How each certificate of the signatures can be revoked, and what is carried for it; null when there are none. */
  revocation: CollectedReport | null
  signedBy: string
  /** How many people must still approve. */
  approvalsMissing: number
  /** Bytes that a stopped run had brought already are counted in; true when there was one. */
  resumed: boolean
  dryRun: boolean
  /** The time that the policy was asked about, when that was not the clock's. */
  asOf?: AsOfReport
}

/** A bundle that is promised and signed, not yet written. */
export interface MadeBundle {
  head: SignedHead
  files: Promise3
  layout: BundleLayout
}

/** Promise, signatures and layout; equal input gives equal bytes. */
export function makeBundle(
  terms: ExportTerms,
  log: ExportLog,
  { repositories, content }: ExportCargo,
  { created, sequence }: Begun,
  options: ExportOptions,
): MadeBundle {
  const { folder, audience, signers } = terms
  const validUntil = timeText(addDays(new Date(created), options.validDays))
  const files = promise(
    {
      channel: folder.channel,
      purpose: folder.purpose,
      sequence,
      audience,
      previous: Object.fromEntries(audience.map((site) => [site, log.previous(site, sequence)])),
      map: options.plan.map,
      created,
      validUntil,
      exporter: EXPORTER,
    },
    repositories,
    content,
  )
  proveReadable(files, content)
  const targets = Object.fromEntries([...files.files].map(([name, { length, sha256 }]) => [name, { length, sha256 }]))
  const head = buildHead({ root: folder.root.bytes, sequence, expires: validUntil, targets, signers })
  const layout = layOut({ channel: folder.channel, roots: folder.roots, ...head }, files.files, content)
  return { head, files, layout }
}

function opaqueIn({ repository, nodes }: Graph): ExportReport['opaque'] {
  return [...nodes.values()]
    .filter(({ manifest }) => manifest.kind === 'opaque')
    .map(({ descriptor: { digest, mediaType } }) => ({ repository, digest, mediaType }))
    .sort(byDigest)
}

/** The report of a run that is about to write. `signed`: how many people have. */
export function exportReport(
  options: ExportOptions,
  terms: ExportTerms,
  { sequence }: Begun,
  made: MadeBundle,
  { repositories, content, revocation }: ExportCargo,
  signed = 1,
): ExportReport {
  const { transfer } = made.files
  const needed = terms.folder.root.roles.targets.threshold
  return {
    output: typeof options.output === 'string' ? options.output : '-',
    channel: transfer.channel,
    sequence,
    id: made.head.id,
    audience: terms.audience,
    created: transfer.created,
    validUntil: transfer.validUntil,
    size: made.layout.size,
    blobs: made.layout.blobs.length,
    manifests: transfer.counts.manifests - content.generated.length,
    repositories: repositories.map(({ graph, to, bindings, untagged, removed }, i) => ({
      name: graph.repository,
      to,
      // As inspect and approve show them, and not as the answers came: two runs of one plan are compared by eye.
      tags: Object.fromEntries(
        [...bindings].map(([tag, { digest }]) => [tag, digest] as const).sort(([a], [b]) => (a < b ? -1 : 1)),
      ),
      untagged: untagged.map(({ digest }) => digest),
      referrers:
        (transfer.repositories[i]?.referrers.length ?? 0) +
        Object.keys(transfer.repositories[i]?.companions ?? {}).length,
      removed,
    })),
    omitted: transfer.omitted as Omission[],
    opaque: repositories.flatMap(({ graph }) => opaqueIn(graph)),
    passengers: passengerClaims({ transfer }),
    moved: [],
    revocation: revocation?.report ?? null,
    signedBy: terms.holder,
    approvalsMissing: Math.max(0, needed - signed),
    resumed: false,
    dryRun: options.dryRun === true,
    ...asOfMember(options),
  }
}
