/** A found signature, opened: what holds of it whatever statement it is held against. */
import { SallyportError, type Code } from '../errors/index.ts'
import type { Descriptor, Digest } from '../oci/index.ts'
import {
  openEnvelopeAsync,
  readTarget,
  type ChainReader,
  type Envelope,
  type TargetDigest,
} from '../signature/index.ts'
import { isRefused } from './algorithm-rule.ts'
import { chainFacts, type ChainFacts } from './chain-facts.ts'
import { failed, type CheckFinding } from './check-outcome.ts'
import { denialOfSignature } from './denied.ts'
import type { Denials } from './judge-means.ts'
import type { SitePolicy } from './site-policy.ts'

export interface FoundSignature {
  /** Of the signature's manifest; of the envelope itself where it lies in a file of its own. */
  manifest: Digest
  /** Of the envelope. */
  mediaType?: string
  envelope?: Uint8Array
  /** It could not be read: counts as a failed signature, and is listed. */
  fault?: SallyportError
  /** A verdict here stood on it once: it is judged before all others. */
  first?: true
  /** From the annotation of the manifest: decides only which signatures are judged first. */
  thumbprints?: readonly string[]
}

export interface OpenSignature {
  found: FoundSignature
  /** Absent when the envelope is broken; what is said about its maker then would be unproven. */
  envelope?: Envelope
  chain?: ChainFacts
  /** What is wrong with it under any statement. */
  fault: CheckFinding
  /** That it is bound to another place than the scope demands: to be told only of a signer who is believed. */
  misplaced?: CheckFinding
  /** Why it counts for nothing here, whatever it proves. */
  denied?: string | undefined
}

/** User metadata that binds a signature to where its artifact comes from. */
export const ORIGIN = 'io.sallyport.origin'

/** What every signature of an artifact is held against. */
export interface SignatureTerms {
  /** What it must be over. Blobs are compared by media type only when the caller names one. */
  target: Pick<Descriptor, 'size'> & { digest: TargetDigest; mediaType?: string | undefined }
  /** The repository it must be bound to, when the scope demands that; `known` false when the source has no name here. */
  origin: { required: false } | { required: true; repository: string | undefined }
  site: SitePolicy | undefined
  /** Digests of the same bytes by other algorithms: a denial may name any of them. */
  aliases: readonly TargetDigest[]
}

/** The signature, its integrity proven as far as no policy is asked (workflow steps 4 and 10), or why it fails. */
export async function openSignature(
  found: FoundSignature,
  terms: SignatureTerms,
  chains: ChainReader,
  denials: Denials | undefined,
): Promise<OpenSignature> {
  if (found.fault !== undefined) return { found, fault: failed(found.fault.code, found.fault.message) }
  if (found.envelope === undefined) return { found, fault: failed('ENVELOPE_MALFORMED', 'there is no envelope') }
  let envelope: Envelope
  try {
    envelope = await openEnvelopeAsync(found.mediaType ?? '', found.envelope, chains)
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return { found, fault: failed(error.code, error.message) }
  }
  const chain = chainFacts(envelope.chain)
  if (chain === undefined) return { found, fault: failed('CHAIN_INVALID', 'there is no certificate') }
  const opened = { found, envelope, chain }
  const { mediaType, digest, size, annotations } = readTarget(envelope.payload)
  const { target, origin, site } = terms
  // Stops a genuine signature from being laid beside another artifact, or read as of another kind or length.
  const other = (
    [
      ['digest', digest !== target.digest],
      ['size', size !== target.size],
      ['media type', target.mediaType !== undefined && mediaType !== target.mediaType],
    ] as const
  ).find(([, differs]) => differs)
  if (other !== undefined) return { ...opened, fault: failed('TARGET_MISMATCH', `another ${other[0]} is signed`) }
  const denied = denialOfSignature(terms, chain.leaf.spkiSha256, denials)
  if (isRefused(site?.algorithms, envelope.algorithm))
    return {
      ...opened,
      denied,
      fault: failed('ALGORITHM_DISALLOWED', `${envelope.algorithm} is refused by policy.yaml`),
    }
  const bound = Object.hasOwn(annotations, ORIGIN) ? annotations[ORIGIN] : undefined
  const misplaced = origin.required ? originFault(bound, origin.repository) : undefined
  return { ...opened, fault: undefined, misplaced, denied }
}

/** Stops an artifact signed for one place (a test registry) from being taken for one meant for another. */
function originFault(bound: string | undefined, repository: string | undefined): CheckFinding {
  const bad = (detail: string): CheckFinding => failed('ORIGIN_MISMATCH' satisfies Code, detail)
  if (repository === undefined) return bad('where the artifact comes from is not known here')
  if (bound === undefined) return bad(`the signature carries no ${ORIGIN}`)
  // A signature may be bound to a registry as a whole, or to one repository of it.
  if (bound === repository || bound === repository.split('/')[0]) return undefined
  return bad(`it is bound to ${JSON.stringify(bound.slice(0, 300))}, not to ${repository}`)
}
