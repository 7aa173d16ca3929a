/** What a bundle holds, in the words of reports. */
import type { PromiseFiles } from '../../bundle/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { HeadVerdict } from '../../tuf/index.ts'
import { passengerClaims, type PassengerClaim } from './passenger-report.ts'

export interface BundleSummary {
  channel: string
  purpose: string
  sequence: number
  id: Digest
  audience: string[]
  created: string
  validUntil: string
  exporter: string
  manifests: number
  blobs: number
  /** Bytes of all blobs, manifests included. */
  bytes: number
  repositories: {
    name: string
    to: string
    complete: boolean
    tags: Record<string, Digest>
    untagged: Digest[]
    signatureTags: Record<string, Digest>
    referrers: Digest[]
    /** Tags that an earlier bundle brought to one of the audience, and that the source has no more. */
    removed: string[]
  }[]
  omitted: PromiseFiles['transfer']['omitted']
  /** Bundles of other channels that ride along. */
  passengers: PassengerClaim[]
}

/** The summary of a promise; the caller says whether it is proven. */
export function summarize({ transfer }: PromiseFiles, id: Digest): BundleSummary {
  const { channel, purpose, sequence, audience, created, validUntil, exporter, counts, omitted } = transfer
  return {
    channel,
    purpose,
    sequence,
    id,
    audience,
    created,
    validUntil,
    exporter: `${exporter.name} ${exporter.version}`,
    manifests: counts.manifests - transfer.generated.length,
    blobs: counts.law.sha256 + counts.law.sha512 + counts.payload.sha256 + counts.payload.sha512 - counts.manifests,
    bytes: counts.bytes,
    repositories: transfer.repositories.map(
      ({ name, to, tags, bindings, untagged, companions, referrers, removed }) => ({
        name,
        to,
        complete: tags === 'complete',
        tags: bindings,
        untagged,
        signatureTags: companions,
        referrers,
        removed,
      }),
    ),
    omitted,
    passengers: passengerClaims({ transfer }),
  }
}

/** Who approved, for reports. */
export interface Approval {
  signers: string[]
  badSignatures: number
}

export function approvalOf(verdict: HeadVerdict): Approval {
  return { signers: verdict.signers, badSignatures: verdict.badSignatures.length }
}
