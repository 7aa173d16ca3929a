/** What became of artifacts that were judged again, as reports have it, and with which status a run ends for it. */
import type { Code } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { Measure, Verdict } from '../../trust/index.ts'
import { verdictExit } from '../verdict/artifact-verdicts.ts'

/** An artifact that was judged again, or against which a measure was still to be taken. */
export interface RejudgedArtifact {
  /** Its repository's path at the target. */
  path: string
  digest: Digest
  /** That its bundle gave it. */
  tags: string[]
  /** What changed for it; `verdict`: an earlier run judged it, and nothing was done about it yet. */
  because: string[]
  before: Verdict
  /** `absent`: it does not lie there any more. `unasked`: the target could not be asked, and is by the next run. */
  verdict: Verdict | 'absent' | 'unasked'
  code?: Code
  why: string
  /** What was done about it; null where nothing had to be. */
  measure: MeasureOutcome | null
}

export interface MeasureOutcome {
  measure: Measure
  outcome: 'done' | 'impossible' | 'failed'
  detail: string
  /** Whoever knows the digest can still pull it. */
  reachable: boolean
  /** What its tags name now, where they were moved; `signature` null: it is unsigned. */
  tombstone?: { digest: Digest; signature: Digest | null }
}

export interface RejudgeReport {
  target: string
  /** Artifacts that the site knows at this target; nobody was asked about the others. */
  known: number
  artifacts: RejudgedArtifact[]
  /** Signatures that were opened for it. */
  signatures: number
  /** Artifacts at other targets that are touched and were not judged again: a run for each of these has to. */
  elsewhere: number
  /** False: something is left to the next run, which looks at it again. */
  complete: boolean
}

/** Those that were trusted here and are so no more. */
export function fallenOf({ artifacts }: Pick<RejudgeReport, 'artifacts'>): RejudgedArtifact[] {
  return artifacts.filter(
    ({ before, verdict }) => before === 'trusted' && (verdict === 'rejected' || verdict === 'inconclusive'),
  )
}

/**
 * The exit status for what was judged again: that of the verdicts on what was trusted before, 14 as a rule, 16 when all is
 * undecided; 21 when a target could not be asked or changed; else 0.
 */
export function rejudgeExit(report: RejudgeReport | null): number {
  if (report === null) return 0
  const fallen = fallenOf(report).map(({ verdict, code }) => ({
    verdict: verdict === 'inconclusive' ? ('inconclusive' as const) : ('rejected' as const),
    ...(code === undefined ? {} : { code }),
  }))
  const exit = verdictExit(fallen)
  if (exit !== 0) return exit
  const left = report.artifacts.some(({ verdict, measure }) => verdict === 'unasked' || measure?.outcome === 'failed')
  return left ? 21 : 0
}
