import { listsExit, passengerExit } from '../passage/passenger-report.ts'
import { rejudgeExit } from '../rejudge/report.ts'
import { lowestExit } from '../run/exit.ts'
import { verdictExit } from '../verdict/artifact-verdicts.ts'
import type { ImportReport } from './terms.ts'

/** The exit status of an import: the lowest of artifacts, passengers, lists that were refused and what was judged again; else 3 for what was left out by choice. */
export function importExit({
  artifacts,
  passengers,
  omitted,
  rejudged,
  revocation,
}: Pick<ImportReport, 'artifacts' | 'passengers' | 'omitted' | 'rejudged' | 'revocation'>): number {
  const exits = [verdictExit(artifacts ?? []), passengerExit(passengers), rejudgeExit(rejudged), listsExit(revocation)]
  return lowestExit([...exits, omitted.length > 0 ? 3 : 0])
}
