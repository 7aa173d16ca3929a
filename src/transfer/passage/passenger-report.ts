/** What reports say of passengers, and what an import does with those that it accepts. */
import type { PromiseFiles } from '../../bundle/index.ts'
import { exitOf, SallyportError, type Code } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { Passage } from './passage.ts'
import { isAccepted, type PassengerPassage } from './passenger.ts'
import { lowestExit } from '../run/exit.ts'

/** A bundle of another channel that rides along, as the bundle names it. */
export interface PassengerClaim {
  channel: string
  sequence: number
  id: Digest
}

export interface PassengerReport extends PassengerClaim {
  purpose: 'trust' | 'revocation'
  created: string
  validUntil: string
  /** `repeat` was accepted here before; `skipped` is of a channel not pinned here or older than what the site has. */
  outcome: PassengerPassage['outcome']
  /** Why it was skipped or refused. */
  code?: Code
  why?: string
}

export function passengerClaims({ transfer }: Pick<PromiseFiles, 'transfer'>): PassengerClaim[] {
  return (transfer.passengers ?? []).map(({ channel, sequence, id }) => ({ channel, sequence, id }))
}

export function passengerReports(passengers: readonly PassengerPassage[]): PassengerReport[] {
  return passengers.map((passenger) => {
    const { channel, sequence, id, purpose, files, outcome } = passenger
    const { created, validUntil } = files.transfer
    const report = { channel, sequence, id, purpose, created, validUntil, outcome }
    if (isAccepted(passenger)) return report
    const { code, message } = passenger.fault
    return { ...report, code, why: message }
  })
}

/** The exit status for these passengers: 0, or the lowest of those that were refused. What was skipped is no fault. */
export function passengerExit(passengers: readonly Pick<PassengerReport, 'outcome' | 'code'>[]): number {
  const refused = passengers.filter(({ outcome }) => outcome === 'refused')
  return lowestExit(
    refused.map(({ code = 'PURPOSE_MISMATCH' }) => exitOf(new SallyportError(code, { side: 'bundle' }))),
  )
}

/** The exit status for what a bundle brought on revocation: 0, or the lowest of what was refused of it and left out. */
export function listsExit(revocation: { lists: readonly { outcome: string; code?: Code }[] } | null): number {
  const refused = (revocation?.lists ?? []).filter(({ outcome }) => outcome === 'refused')
  return lowestExit(refused.map(({ code = 'LIST_INVALID' }) => exitOf(new SallyportError(code, { side: 'bundle' }))))
}

/** The passage with the content of those that were accepted, to be judged and delivered like its own. */
export function withAccepted(passage: Passage): Passage {
  const accepted = passage.passengers.filter(isAccepted)
  if (accepted.length === 0) return passage
  const { census } = passage
  const repositories = [...census.repositories, ...accepted.flatMap((passenger) => passenger.census.repositories)]
  const artifacts = [...census.content.artifacts, ...accepted.flatMap(({ census: own }) => own.content.artifacts)]
  return { ...passage, census: { repositories, content: { ...census.content, artifacts } } }
}
