/** What was wanted and can't be had: what excuses it, and the refusal where nothing does. */
import { CODES, detailOf, SallyportError } from '../../errors/index.ts'
import { UNASKED } from './allowance.ts'
import type { Wanted } from './wants.ts'

/** What was wanted and is not carried, or carried although something is wrong with it. */
export interface Lacking {
  kind: Wanted['kind']
  url: string
  issuer: string
  fault: SallyportError
  /** Named in the plan; of an answer whose certificate its lists speak of too; of signers that the policy does not believe. */
  accepted: 'by name' | 'by its lists' | 'by policy' | undefined
}

/** What the refusal's remedy depends on. */
export interface LackingTerms {
  /** The bundle is to carry nothing else: `revocation collect`, whose options are others. */
  alone: boolean
  /** A policy says whose lists are demanded. */
  policy: boolean
}

/** The issuers of the plan's list with and without `sha256:` before the digits. */
export function acceptedNames(accept: readonly string[]): ReadonlySet<string> {
  return new Set(accept.map((name) => (/^sha256:[0-9a-f]{64}$/.test(name) ? name.slice('sha256:'.length) : name)))
}

function remedyFor({ code, remedy }: SallyportError, { alone, policy }: LackingTerms): string {
  // What is dated ahead may be right, and this clock wrong.
  const own = remedy === CODES[code][2] && code !== 'LIST_FUTURE' ? '' : `${remedy}; or `
  const stranger = policy
    ? ''
    : ', or, for a signature that a stranger attached, name the policy with --policy DIR: only the lists of those it believes are demanded then'
  const accepted = `accept its absence by its address or issuer under revocation.accept in the plan${stranger}`
  return alone
    ? `${own}name a folder that holds it with --from DIR, or ${accepted}`
    : `${own}name a folder that holds it with --revocation DIR (from: in the plan), ${accepted}, or carry none with --revocation none`
}

/** Throws the first of what is lacking unaccepted. */
export function demandAccepted(lacking: readonly Lacking[], terms: LackingTerms): void {
  const gravity = ({ kind, fault }: Lacking): number =>
    ['list', 'delta', 'answer'].indexOf(kind) + (fault.subject === UNASKED ? 3 : 0)
  const open = lacking.filter(({ accepted }) => accepted === undefined).sort((a, b) => gravity(a) - gravity(b))
  const [first] = open
  if (first === undefined) return
  const more =
    open.length === 1
      ? ''
      : ` (and ${open.length - 1} more: ${open
          .slice(1, 4)
          .map(({ url }) => url)
          .join(', ')})`
  throw new SallyportError(first.fault.code, {
    side: 'source',
    subject: first.url,
    detail: `${first.kind} of issuer ${first.issuer}: ${detailOf(first.fault)}${more}`,
    remedy: remedyFor(first.fault, terms),
  })
}
