/** What was judged again at a target, in words. */
import type { RejudgedArtifact, RejudgeReport } from '../index.ts'
import { counted, plain } from './show.ts'

function artifactLines({
  path,
  digest,
  tags,
  because,
  before,
  verdict,
  code,
  why,
  measure,
}: RejudgedArtifact): string[] {
  const named = `${plain(path)}@${digest}${tags.length === 0 ? '' : ` (${tags.map(plain).join(', ')})`}`
  const reason = code === undefined ? plain(why) : `${code}: ${plain(why)}`
  const lines = [
    `  ${named}: ${before} → ${verdict}, since ${because.map(plain).join(', ')}`,
    ...(verdict === 'trusted' ? [] : [`    ${reason}`]),
  ]
  if (measure === null) return lines
  const left = measure.reachable ? '; STILL THERE for whoever knows its digest' : ''
  return [...lines, `    ${measure.measure}: ${measure.outcome}: ${plain(measure.detail)}${left}`]
}

/** How many were trusted before and are so no more. */
export function fallenCount(report: RejudgeReport | null): number {
  const fallen = report?.artifacts.filter(
    ({ before, verdict }) => before === 'trusted' && (verdict === 'rejected' || verdict === 'inconclusive'),
  )
  return fallen?.length ?? 0
}

/** Nothing when nothing had to be looked at. */
export function rejudgedLines(report: RejudgeReport | null): string[] {
  if (report === null) return []
  const { artifacts, known, elsewhere, complete, target } = report
  return [
    `judged again: ${artifacts.length} of ${counted(known, 'artifact')} at ${plain(target)}`,
    ...artifacts.flatMap(artifactLines),
    ...(elsewhere === 0
      ? []
      : [`  ${counted(elsewhere, 'artifact')} at other targets: sallyport revocation judge --to each of them`]),
    ...(complete ? [] : ['  not all could be looked at: the next run does']),
  ]
}
