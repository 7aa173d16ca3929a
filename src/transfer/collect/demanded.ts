/**
 * Whose lists an export must have. Anyone may push a signature to a public registry, with a certificate of his own making
 * that names a dead address: where a policy is named, what no statement of it believes holds nobody up.
 */
import { selfSigned, type Certificate } from '../../signature/index.ts'
import { explainPolicy, pathTo, storeKind, type TrustMaterial } from '../../trust/index.ts'
import type { CarriedChain } from '../trust/document.ts'
import type { CollectedChain } from './wants.ts'

/** What the statements for one repository are anchored in, for each purpose of a chain. */
export type Anchors = Readonly<Record<CarriedChain['purpose'], readonly Certificate[]>>

/** The anchors that the policy goes by in a repository, by its name at the destination; those it only traces are none. */
export function anchorsFor(material: TrustMaterial, scope: string): Anchors {
  const anchors = { signing: [] as Certificate[], timestamping: [] as Certificate[] }
  for (const { stores } of explainPolicy(material, scope).statements)
    for (const { name } of stores)
      anchors[storeKind(name) === 'tsa' ? 'timestamping' : 'signing'].push(...(material.stores.get(name) ?? []))
  return anchors
}

/** One text for equal anchors. */
export function anchorsKey({ signing, timestamping }: Anchors): string {
  const text = (anchors: readonly Certificate[]): string => anchors.map(({ sha256 }) => sha256).join()
  return `${text(signing)} ${text(timestamping)}`
}

/**
 * The chain with what of it hangs below an anchor, and the anchor itself where a root made it. Only there each issuer is
 * vouched for: above, anyone who certifies a key anew could put in a certificate with lists of his own, but not sign in the
 * root's own name. A timestamp's chain is led on to the anchor that issued its
 * last certificate, which tokens leave out.
 */
export function demandedOf({ purpose, chain }: CarriedChain, anchors: Anchors): CollectedChain[] {
  if (purpose === 'signing') {
    const at = chain.findIndex(({ der }) => anchors.signing.some((anchor) => anchor.der.equals(der)))
    const above = at < 0 ? undefined : chain[at + 1]
    const rooted = above !== undefined && selfSigned(above)
    return [{ purpose, chain, demanded: rooted ? at + 1 : Math.max(0, at) }]
  }
  const [first, ...above] = pathTo(anchors.timestamping, chain) ?? []
  const tried = { purpose, chain, demanded: 0 }
  return first === undefined ? [tried] : [{ purpose, chain: [first, ...above], demanded: above.length }, tried]
}
