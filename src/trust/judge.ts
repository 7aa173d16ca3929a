/** Judging artifacts by one set of trust material at one time. */
import type { Descriptor } from '../oci/index.ts'
import { rememberingReader, type TargetDigest } from '../signature/index.ts'
import { applicablePolicy, single, type Applicable } from './applicable.ts'
import { blobStatementFor } from './blob-policy.ts'
import { judgeSignatures } from './judge-artifact.ts'
import type { JudgeMeans, RevocationAnswer, RevocationCheck } from './judge-means.ts'
import type { TrustMaterial } from './material.ts'
import type { FoundSignature } from './open-signature.ts'
import type { ArtifactVerdict } from './verdict.ts'

export interface ArtifactQuery {
  /** What is judged: media type, digest and size must all be what is signed. */
  artifact: Pick<Descriptor, 'mediaType' | 'digest' | 'size'>
  /** Its repository at the destination: `host[:port]/path`, or `local/path` where no registry is meant. */
  scope: string
  /** The repository it comes from, for scopes with `requireOrigin`; without it no signature is bound to it. */
  origin?: string | undefined
  signatures: readonly FoundSignature[]
  /** How many more there may be, which nobody read: one of them might be the one. */
  unread?: number | undefined
  /** Digests of the same bytes by other algorithms: a denial may name any of them. */
  aliases?: readonly TargetDigest[] | undefined
}

export interface BlobQuery {
  /** Digest by the hash of the signing key; the media type is compared only when it is given. */
  blob: { digest: TargetDigest; size: number; mediaType?: string | undefined }
  /** Name of the statement in trustpolicy.blob.json; without it the global one. */
  policyName?: string | undefined
  signatures: readonly FoundSignature[]
  /** As of an artifact: without its SHA-256 a file whose signer hashes by SHA-384 slips past a denial by that. */
  aliases?: readonly TargetDigest[] | undefined
}

/** What it has found out about a policy or a chain it remembers: to be made anew for each run. */
export interface Judge {
  artifact(query: ArtifactQuery): Promise<ArtifactVerdict>
  blob(query: BlobQuery): Promise<ArtifactVerdict<TargetDigest>>
}

/** Asks once for each chain and purpose; of what is revoked again with the times of each signature, which may excuse it. */
function remembering(check: RevocationCheck): RevocationCheck {
  const answers = new Map<string, RevocationAnswer | Promise<RevocationAnswer>>()
  return async (query) => {
    const { chain, purpose, signingTime, timestampTime } = query
    const key = [purpose, ...chain.map(({ sha256 }) => sha256)].join(' ')
    const answer = answers.get(key) ?? check({ chain, purpose })
    answers.set(key, answer)
    const timeless = await answer
    const excusable = signingTime !== undefined || timestampTime !== undefined
    return timeless.status === 'revoked' && excusable ? check(query) : timeless
  }
}

/**
 * A judge who goes by this material, and by `now` for every artifact of a run.
 * A verdict is returned for whatever a signature holds; only a fault of ours, or of the means, is thrown.
 */
export function judgeWith(material: TrustMaterial, now: Date, means: JudgeMeans = {}): Judge {
  const revocation = means.revocation === undefined ? undefined : remembering(means.revocation)
  const terms = { material, now, means, revocation, chains: rememberingReader() }
  const applicables = new Map<string, Applicable | undefined>()
  const applicableTo = (scope: string): Applicable | undefined => {
    if (!applicables.has(scope)) applicables.set(scope, applicablePolicy(material, scope))
    return applicables.get(scope)
  }
  return {
    artifact({ artifact, scope, origin, signatures, unread = 0, aliases = [] }) {
      const applicable = applicableTo(scope)
      const required = applicable?.requireOrigin === true
      return judgeSignatures(
        {
          digest: artifact.digest,
          scope,
          signatures,
          unread,
          applicable,
          target: artifact,
          origin: required ? { required, repository: origin } : { required: false },
          site: material.site,
          aliases,
        },
        terms,
      )
    },
    async blob({ blob, policyName, signatures, aliases = [] }) {
      const statement = blobStatementFor(material.blobPolicy, policyName)
      const verdict = await judgeSignatures(
        {
          digest: blob.digest,
          scope: policyName ?? 'trustpolicy.blob.json',
          signatures,
          applicable: statement === undefined ? undefined : single({ name: statement.name, statement }),
          target: blob,
          origin: { required: false },
          site: material.site,
          aliases,
        },
        terms,
      )
      if (verdict.code !== 'POLICY_MISSING') return verdict
      return { ...verdict, remedy: 'write the statement into trustpolicy.blob.json, or name one that is there' }
    },
  }
}

export interface JudgeTerms extends ArtifactQuery, JudgeMeans {
  material: TrustMaterial
  now: Date
}

/** The verdict on one artifact. For many, {@link judgeWith} does shared work once. */
export function judgeArtifact(terms: JudgeTerms): Promise<ArtifactVerdict> {
  const { material, now, revocation, denials, verifyByPlugin, ...query } = terms
  return judgeWith(material, now, { revocation, denials, verifyByPlugin }).artifact(query)
}
