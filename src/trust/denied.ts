/** Denials, as a judgement asks for them: by what is signed and the key that signs, which no re-wrapping changes. */
import type { TargetDigest } from '../signature/index.ts'
import type { Denials } from './judge-means.ts'

interface Named {
  target: { digest: TargetDigest }
  aliases: readonly TargetDigest[]
}

/** A reason, fit for a line: it was typed by someone here, or came in the document of a channel. */
function told(denial: { reason: string } | undefined): string | undefined {
  return denial === undefined ? undefined : `denied: ${JSON.stringify(denial.reason.slice(0, 300).toWellFormed())}`
}

/** Why an artifact is denied, by any of its digests; undefined when it is not. */
export function denialOfArtifact({ target, aliases }: Named, denials: Denials | undefined): string | undefined {
  if (denials === undefined) return undefined
  for (const digest of [target.digest, ...aliases]) {
    const denial = denials.artifact(digest)
    if (denial !== undefined) return told(denial)
  }
  return undefined
}

/** True when some signer's word on the artifact is denied, by any of its digests. */
export function deniesSigners({ target, aliases }: Named, denials: Denials | undefined): boolean {
  return denials !== undefined && [target.digest, ...aliases].some((digest) => denials.anySignature(digest))
}

/**
 * Why the signatures of a key on an artifact are denied; undefined when they are not. Nothing of the envelope or its
 * manifest takes part: stops a denied signature from coming back in another manifest, format or certificate, or with the
 * other of the two values of s that ECDSA lets anyone write.
 */
export function denialOfSignature(
  { target, aliases }: Named,
  signerSpki: string,
  denials: Denials | undefined,
): string | undefined {
  if (denials === undefined) return undefined
  for (const digest of [target.digest, ...aliases]) {
    const denial = denials.signature(digest, signerSpki)
    if (denial !== undefined) return told(denial)
  }
  return undefined
}
