import { listsExit, passengerExit } from '../passage/passenger-report.ts'
import { lowestExit } from '../run/exit.ts'
import { verdictExit } from './artifact-verdicts.ts'
import type { VerifyReport } from './verify.ts'

/** The exit status of a `verify`: the lowest of artifacts, passengers and lists that were refused; else 3 for what was left out by choice. */
export function verifyExit({
  artifacts,
  passengers,
  omitted,
  revocation,
}: Pick<VerifyReport, 'artifacts' | 'passengers' | 'omitted' | 'revocation'>): number {
  const exits = [verdictExit(artifacts ?? []), passengerExit(passengers), listsExit(revocation)]
  return lowestExit([...exits, omitted.length > 0 ? 3 : 0])
}
