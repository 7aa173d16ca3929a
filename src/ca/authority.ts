/** What an authority may issue. These rules bind us; of a verifier's, only path length and validity are among them. */
import { SallyportError } from '../errors/index.ts'
import type { CertificateKind } from './extensions.ts'
import { scopeBeyond } from './scope.ts'

/** What an authority's own chain and record leave it. */
export interface Authority {
  /** Named in the error. */
  name: string
  kind: CertificateKind
  /** True when it was made for timestamps; it then issues nothing that signs artifacts. */
  timestamping: boolean
  notBefore: Date
  notAfter: Date
  /** How many authorities may still stand below it, by itself and all above it; undefined is no limit. */
  room: number | undefined
  /** Empty is no limit. */
  scope: readonly string[]
}

export interface Wanted {
  kind: Exclude<CertificateKind, 'root'>
  notAfter: Date
  pathLength: number | undefined
  scope: readonly string[]
}

/** Passes when the authority may issue this at `now`. Throws CA_SCOPE with the limit that was met. */
export function demandMayIssue(authority: Authority, wanted: Wanted, now: Date): void {
  const fault = issueFault(authority, wanted, now)
  if (fault !== undefined)
    throw new SallyportError('CA_SCOPE', { side: 'source', subject: authority.name, detail: fault })
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10)
}

function issueFault(
  authority: Authority,
  { kind, notAfter, pathLength, scope }: Wanted,
  now: Date,
): string | undefined {
  const { room, timestamping } = authority
  if (authority.kind === 'signer' || authority.kind === 'tsa') return 'it is no certificate authority'
  if (now < authority.notBefore) return `it is not valid before ${day(authority.notBefore)}`
  if (now > authority.notAfter) return `it ended on ${day(authority.notAfter)}`
  // A root in a tsa store must not become one that vouches for artifacts by what is issued below it.
  if (kind === 'signer' && timestamping) return 'it was made for timestamps alone'
  if (notAfter > authority.notAfter) return `it ends on ${day(authority.notAfter)}, before what it would issue`
  if (kind === 'ca' && room !== undefined) {
    if (room < 1) return 'its path length leaves no room for an authority below it'
    if (pathLength === undefined || pathLength >= room) return `its path length leaves at most ${room - 1} below`
  }
  const beyond = scopeBeyond(scope, authority.scope)
  return beyond === undefined ? undefined : `${beyond} is beyond its scope of ${authority.scope.join(', ')}`
}

/** The room that path lengths leave an authority. @param lengths - its own first, then each above it */
export function roomBelow(lengths: readonly (number | undefined)[]): number | undefined {
  const limits = lengths.flatMap((length, above) => (length === undefined ? [] : [length - above]))
  return limits.length === 0 ? undefined : Math.min(...limits)
}
