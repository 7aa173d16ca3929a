/** Authenticity: is the signer one the statement believes? (trust-store-trust-policy.md, "Validate Authenticity") */
import type { Certificate, Envelope } from '../signature/index.ts'
import { reachesAnchor } from './chain-facts.ts'
import { failed, type CheckFinding } from './check-outcome.ts'
import { strangerFault } from './identity.ts'
import type { TrustMaterial } from './material.ts'
import { storeKind, type StoreKind } from './store-name.ts'
import type { Statement } from './statement.ts'

/** The stores a signing scheme may be vouched for by. */
const KIND: Readonly<Record<Envelope['scheme'], StoreKind>> = {
  'notary.x509': 'ca',
  'notary.x509.signingAuthority': 'signingAuthority',
}

/** The certificates of a statement's stores of one kind, or why there are none. One absent store spoils all, as in notation. */
export function anchorsOf(
  statement: Statement,
  kind: StoreKind,
  { stores }: TrustMaterial,
): { anchors: Certificate[] } | { fault: string } {
  const names = statement.stores.filter((name) => storeKind(name) === kind)
  if (names.length === 0) return { fault: `${statement.name} names no store of kind ${kind}` }
  const empty = names.find((name) => (stores.get(name)?.length ?? 0) === 0)
  if (empty !== undefined) return { fault: `${empty} holds no certificate` }
  return { anchors: names.flatMap((name) => stores.get(name) ?? []) }
}

/**
 * Does the chain hold a certificate of the stores that may vouch for this scheme?
 * Kinds are never mixed: stops the masquerade in which the holder of a `ca` root claims a signing authority's time.
 */
export function checkAnchor(
  certificates: readonly Certificate[],
  scheme: Envelope['scheme'],
  statement: Statement,
  material: TrustMaterial,
): CheckFinding {
  const found = anchorsOf(statement, KIND[scheme], material)
  if ('fault' in found) return failed('SIGNER_UNTRUSTED', found.fault)
  if (reachesAnchor(certificates, found.anchors)) return undefined
  return failed(
    'SIGNER_UNTRUSTED',
    `no certificate of the chain stands in the ${KIND[scheme]} stores of ${statement.name}`,
  )
}

/** Is the signing certificate one of the statement's identities? */
export function checkIdentity(leaf: Certificate, statement: Statement): CheckFinding {
  const fault = strangerFault(leaf, statement.identities)
  return fault === undefined ? undefined : failed('IDENTITY_UNTRUSTED', fault)
}
