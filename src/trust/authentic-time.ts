/** Authentic timestamp: was every certificate valid when it counted? (trust-store-trust-policy.md, "Validate Trusted Timestamp") */
import { SallyportError } from '../errors/index.ts'
import {
  checkChain,
  issuedBy,
  openTimestamp,
  type Certificate,
  type Envelope,
  type Timestamp,
} from '../signature/index.ts'
import { anchorsOf } from './authenticity.ts'
import { validityFault } from './chain-facts.ts'
import { failed, type CheckFinding } from './check-outcome.ts'
import type { TrustMaterial } from './material.ts'
import type { Statement } from './statement.ts'
import { storeKind } from './store-name.ts'

export interface TimeFinding {
  finding: CheckFinding
  /** A trusted authority's token says: signed at this time or before. */
  genTime?: Date
  /** That time with the authority's accuracy: the signature is no younger. */
  latest?: Date
  /** The authority's chain, whose revocation is part of this check. */
  authority?: readonly Certificate[]
}

function namesAuthority({ stores }: Statement): boolean {
  return stores.some((name) => storeKind(name) === 'tsa')
}

/** True when the statement asks this signature for a timestamp: by default whenever it names a `tsa` store. */
function wantsTimestamp({ chain }: Envelope, statement: Statement, now: Date): boolean {
  if (!namesAuthority(statement)) return false
  return statement.verifyTimestamp === 'always' || chain.some(({ notAfter }) => now > notAfter)
}

function expired(fault: string | undefined): TimeFinding {
  return { finding: fault === undefined ? undefined : failed('CERTIFICATE_EXPIRED', fault) }
}

/** Everything but the revocation of the authority, which is the caller's to ask for. */
export function checkTime(envelope: Envelope, statement: Statement, material: TrustMaterial, now: Date): TimeFinding {
  const { scheme, chain, authenticSigningTime } = envelope
  if (scheme === 'notary.x509.signingAuthority')
    return authenticSigningTime === undefined
      ? expired('no authentic signing time')
      : expired(validityFault(chain, authenticSigningTime))
  // The time that the signer himself claims takes no part: stops a stolen, expired key from signing in the past.
  if (!wantsTimestamp(envelope, statement, now)) return expired(validityFault(chain, now))
  return checkToken(envelope, statement, material)
}

/**
 * What a timestamp proves that {@link checkTime} was not asked to look at, since no certificate has expired; undefined
 * without one that an authority of the statement made.
 */
export function unaskedTime(
  envelope: Envelope,
  statement: Statement,
  material: TrustMaterial,
): TimeFinding | undefined {
  if (envelope.scheme !== 'notary.x509' || envelope.timestamp === undefined || !namesAuthority(statement))
    return undefined
  const time = checkToken(envelope, statement, material)
  return time.finding === undefined ? time : undefined
}

function checkToken(envelope: Envelope, statement: Statement, material: TrustMaterial): TimeFinding {
  const bad = (detail: string): TimeFinding => ({ finding: failed('TIMESTAMP_INVALID', detail) })
  if (envelope.timestamp === undefined) return bad('there is no timestamp')
  const roots = anchorsOf(statement, 'tsa', material)
  if ('fault' in roots) return bad(roots.fault)
  let timestamp: Timestamp
  let path: readonly Certificate[] | undefined
  try {
    timestamp = openTimestamp(envelope.timestamp, envelope.signature)
    path = pathTo(roots.anchors, timestamp.chain)
    if (path === undefined) return bad(`no timestamp authority of ${statement.name} made it`)
    checkChain(path, 'timestamping')
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return bad(error.message)
  }
  const { genTime, accuracyMs } = timestamp
  const dead = validityFault(path, genTime)
  if (dead !== undefined) return bad(`of the authority, ${dead}`)
  const from = new Date(genTime.getTime() - accuracyMs)
  const to = new Date(genTime.getTime() + accuracyMs)
  const fault = validityFault(envelope.chain, from, to)
  if (fault !== undefined)
    return expired(`at the time of the timestamp, ${from.toISOString()} to ${to.toISOString()}: ${fault}`)
  return { finding: undefined, genTime, latest: to, authority: path }
}

/** The chain up to the first certificate that is a root of the stores, or is issued by one; undefined when none is. */
export function pathTo(roots: readonly Certificate[], chain: readonly Certificate[]): Certificate[] | undefined {
  for (const [i, certificate] of chain.entries()) {
    const below = chain.slice(0, i + 1)
    if (roots.some(({ der }) => der.equals(certificate.der))) return below
    const root = roots.find((candidate) => issuedBy(certificate, candidate))
    if (root !== undefined) return [...below, root]
  }
  return undefined
}
