/** What an import does about artifacts that a measure stands against: a bundle is no way around the quarantine. */
import { SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { Quarantined, State } from '../../state/index.ts'
import { refusalKey, type JudgedArtifact, type Landing } from '../verdict/artifact-verdicts.ts'
import type { Passage } from '../passage/passage.ts'
import type { FindApproved } from '../measure/release-approval.ts'

type Landed = (repository: string) => Landing

function heldAt(state: State, { target, path }: Landing, digest: Digest): Quarantined | undefined {
  const held = state.quarantinedAt({ target, path, digest })
  return held?.measure === 'report' ? undefined : held
}

/** What a site asks for before a bundle may bring back what is held. */
export interface HealTerms {
  /** Nothing comes out without approval. */
  demanded: boolean
  approved: FindApproved
}

/**
 * The verdicts with what is held refused. Where a policy trusts it again (it was signed anew) it is let in, and so healed,
 * unless the site lets nothing out without approval and it has none, or it only hangs on something else; where the channel alone is judged nothing says that it is good again.
 * Throws ARTIFACT_QUARANTINED in that case; APPROVAL_INVALID.
 */
export function withoutHeld(
  state: State,
  { census }: Passage,
  landed: Landed,
  artifacts: JudgedArtifact[] | null,
  { demanded, approved }: HealTerms,
): JudgedArtifact[] | null {
  if (state.quarantined().length === 0) return artifacts
  if (artifacts === null) {
    for (const { repository, manifests, companions } of census.content.artifacts) {
      const held = heldAmong(state, landed(repository), [...manifests, ...companions])
      if (held === undefined) continue
      throw new SallyportError('ARTIFACT_QUARANTINED', {
        side: 'target',
        subject: `${held.path}@${held.digest}`,
        detail: held.detail,
        remedy: 'judge it with --policy, or let it out with sallyport quarantine release',
      })
    }
    return null
  }
  const carried = new Map(census.content.artifacts.map((one) => [refusalKey({ ...one, digest: one.root }), one]))
  return artifacts.map((artifact) => {
    if (artifact.verdict !== 'trusted') return artifact
    const landing = landed(artifact.repository)
    const { manifests = [artifact.digest], companions = [] } = carried.get(refusalKey(artifact)) ?? {}
    // The manifests of its platforms too: else what is held would come back in an index that somebody signs around it.
    const held = demanded ? heldAmong(state, landing, manifests, (one) => approved(one)?.enough !== true) : undefined
    if (held !== undefined) {
      const what = held.digest === artifact.digest ? 'it' : held.digest
      const why = `${what} is in quarantine (${held.detail}), and this site lets nothing out without approval`
      // A release would judge it by the signatures that lie here, and those that this bundle brings are none of them yet.
      const remedy = `have people run sallyport quarantine approve ${held.digest}, and import it with their files: --approval`
      return { ...artifact, ...REFUSED, why, remedy }
    }
    // Stops it from coming back as a referrer, or under the signature tag, of something that is trusted: nobody judges those.
    const beside = heldAmong(state, landing, companions)
    if (beside === undefined) return artifact
    const why = `${beside.digest}, which is in quarantine (${beside.detail}), is attached to it`
    return { ...artifact, ...REFUSED, why, remedy: 'let it out with sallyport quarantine release' }
  })
}

const REFUSED = { verdict: 'rejected', code: 'ARTIFACT_QUARANTINED' } as const

function heldAmong(
  state: State,
  landing: Landing,
  digests: readonly Digest[],
  counts: (held: Quarantined) => boolean = () => true,
): Quarantined | undefined {
  for (const digest of digests) {
    const held = heldAt(state, landing, digest)
    if (held !== undefined && counts(held)) return held
  }
  return undefined
}

/** Writes down that what was held lies at its place again, by the bundle that brought it back trusted, and who approved. */
export async function recordHealed(
  state: State,
  { census, verdict }: Passage,
  landed: Landed,
  approved: FindApproved,
): Promise<void> {
  if (state.quarantined().length === 0) return
  for (const { repository, manifests } of census.content.artifacts)
    for (const manifest of manifests) {
      const held = heldAt(state, landed(repository), manifest)
      if (held === undefined) continue
      const { target, path, digest } = held
      const { reason, keys } = approved(held) ?? { reason: 'trusted again', keys: [] }
      const by = [`import of ${verdict.id}`, ...keys.map((keyid) => `key ${keyid}`)]
      await state.recordRelease({ target, path, digest, reason, by })
    }
}
