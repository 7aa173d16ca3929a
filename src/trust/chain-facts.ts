/** Facts of one chain that many signatures share, worked out once. */
import { distinguishedNameText, type Certificate } from '../signature/index.ts'

export interface ChainFacts {
  certificates: readonly Certificate[]
  leaf: Certificate
  /** Subject of the leaf. */
  signer: string
  thumbprints: readonly string[]
  /** The thumbprints, joined: two chains of one key hold the same bytes. */
  key: string
}

export function chainFacts(certificates: readonly Certificate[]): ChainFacts | undefined {
  const [leaf] = certificates
  if (leaf === undefined) return undefined
  const thumbprints = certificates.map(({ sha256 }) => sha256)
  return { certificates, leaf, signer: distinguishedNameText(leaf.subject), thumbprints, key: thumbprints.join(' ') }
}

/** The first certificate that is not valid in all of [from, to], both ends included, and why; undefined when all are. */
export function validityFault(certificates: readonly Certificate[], from: Date, to: Date = from): string | undefined {
  for (const { notBefore, notAfter, subject } of certificates) {
    if (from < notBefore) return `${distinguishedNameText(subject)} is valid from ${notBefore.toISOString()} only`
    if (to > notAfter) return `${distinguishedNameText(subject)} expired on ${notAfter.toISOString()}`
  }
  return undefined
}

/** True when a certificate of the chain is one of the anchors, byte for byte: names, serials and key ids can be copied. */
export function reachesAnchor(certificates: readonly Certificate[], anchors: readonly Certificate[]): boolean {
  return certificates.some(({ sha256, der }) =>
    anchors.some((anchor) => anchor.sha256 === sha256 && anchor.der.equals(der)),
  )
}
