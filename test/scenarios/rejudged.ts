/** What a run says of artifacts that it judged again. */
import assert from 'node:assert/strict'
import type { JsonResult } from '../cli/program.ts'
import type { RejudgeReport } from '../../src/index.ts'

export function rejudgedIn({ report }: Pick<JsonResult, 'report'>): RejudgeReport {
  const rejudged = report['rejudged']
  assert.ok(typeof rejudged === 'object' && rejudged !== null, JSON.stringify(report, undefined, 2))
  return rejudged as RejudgeReport
}

/** Path, digest, verdict and what became of the measure, of each. */
export function judgedArtifacts(result: Pick<JsonResult, 'report'>): unknown[][] {
  return rejudgedIn(result).artifacts.map(({ path, digest, verdict, measure }) => [
    path,
    digest,
    verdict,
    measure?.outcome,
  ])
}
