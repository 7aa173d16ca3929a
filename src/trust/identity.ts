/** Trusted identities of a statement (trust-store-trust-policy.md, "Trusted Identities Constraints"). */
import { detailOf, SallyportError } from '../errors/index.ts'
import {
  distinguishedNameText,
  identityFault,
  namesSubset,
  parseDistinguishedName,
  type Certificate,
  type DistinguishedName,
} from '../signature/index.ts'
import type { Reporter } from './finding.ts'

/** `any`: whoever the stores vouch for. `other`: of a kind that only a plugin knows. */
export type Identity =
  | { kind: 'any'; text: '*' }
  | { kind: 'subject'; text: string; name: DistinguishedName }
  | { kind: 'other'; text: string }

const SUBJECT = 'x509.subject'

/** The identities of a statement; every broken rule goes to `report`, under `place`. */
export function readIdentities(texts: readonly string[], place: string, report: Reporter): Identity[] {
  const identities: Identity[] = []
  for (const [i, text] of texts.entries()) {
    const identity = readIdentity(text, `${place}[${i}]`, report)
    if (identity === undefined) continue
    if (identity.kind === 'any' && texts.length > 1) report.error(`${place}[${i}]`, '"*" stands alone')
    // Stops a narrow entry from being taken for a limit while a wider one beside it lets everything pass.
    const twin = identities.find((other) => overlap(identity, other))
    if (twin !== undefined)
      report.error(`${place}[${i}]`, `overlaps with ${JSON.stringify(twin.text)}: one of the two says it all`)
    identities.push(identity)
  }
  if (identities.length > 0 && identities.every(({ kind }) => kind === 'other'))
    report.warning(place, `without "${SUBJECT}: …" only a signature that names a plugin can pass`)
  return identities
}

function readIdentity(text: string, place: string, report: Reporter): Identity | undefined {
  if (text === '*') return { kind: 'any', text }
  const colon = text.indexOf(':')
  if (colon < 1) report.error(place, `${JSON.stringify(text.slice(0, 200))} is not "*" or "${SUBJECT}: NAME"`)
  else if (text.slice(0, colon) !== SUBJECT) return { kind: 'other', text }
  else {
    try {
      return { kind: 'subject', text, name: parseDistinguishedName(text.slice(colon + 1)) }
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      report.error(place, detailOf(error))
    }
  }
  return undefined
}

function overlap(a: Identity, b: Identity): boolean {
  return a.kind === 'subject' && b.kind === 'subject' && (namesSubset(a.name, b.name) || namesSubset(b.name, a.name))
}

/** Why a signing certificate is none of the identities, or undefined when it is one. */
export function strangerFault(leaf: Certificate, identities: readonly Identity[]): string | undefined {
  if (identities.some(({ kind }) => kind === 'any')) return undefined
  const subject = distinguishedNameText(leaf.subject)
  const unfit = identityFault(leaf.subject)
  // The name of the signer goes through the policy's own rules: C, ST and O are there, nothing is there twice.
  if (unfit !== undefined) return `${subject} can only match "*": ${unfit}`
  if (identities.some((identity) => identity.kind === 'subject' && namesSubset(identity.name, leaf.subject)))
    return undefined
  return `${subject} is none of the trusted identities`
}
