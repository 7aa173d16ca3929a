/** What was judged again at a target, in words. What is told of many artifacts alike is told once. */
import type { RejudgedArtifact, RejudgeReport } from '../index.ts'
import { counted, plain, word } from './show.ts'

type Told = Pick<RejudgedArtifact, 'path' | 'digest' | 'tags'>

function named({ path, digest, tags }: Told): string {
  return `${plain(path)}@${digest}${tags.length === 0 ? '' : ` (${tags.map(plain).join(', ')})`}`
}

function measureLines({ code, why, measure }: RejudgedArtifact, dryRun: boolean): string[] {
  if (measure === null) return []
  const { outcome, detail, reachable, tombstone } = measure
  // What is done says why it was done, which stands above it.
  const told = outcome === 'done' && detail === `${code ?? 'POLICY_UNMET'}: ${why}` ? '' : `: ${plain(detail)}`
  const left = reachable && !dryRun ? '; STILL THERE for whoever knows its digest' : ''
  const shown = dryRun && outcome === 'done' ? `would ${measure.measure}` : `${measure.measure}: ${outcome}`
  const stone =
    tombstone === undefined
      ? ''
      : `; its tags name ${tombstone.signature === null ? 'an UNSIGNED' : 'a signed'} tombstone`
  return [`${shown}${told}${stone}${left}`]
}

/** All that is told of an artifact but which one it is. */
function sentences(artifact: RejudgedArtifact, dryRun: boolean): { first: string; rest: string[] } {
  const { because, before, verdict, code, why } = artifact
  const reason = code === undefined ? plain(why) : `${code}: ${plain(why)}`
  const first = `${before} → ${verdict}, since ${because.map(plain).join(', ')}`
  return { first, rest: [...(verdict === 'trusted' ? [] : [reason]), ...measureLines(artifact, dryRun)] }
}

function groupLines(group: readonly RejudgedArtifact[], dryRun: boolean): string[] {
  const [one] = group
  if (one === undefined) return []
  const { first, rest } = sentences(one, dryRun)
  const head = group.length === 1 ? named(one) : counted(group.length, 'artifact')
  return [
    `  ${head}: ${first}`,
    ...rest.map((line) => `    ${line}`),
    ...(group.length === 1 ? [] : group.map((other) => `      ${named(other)}`)),
  ]
}

/** How many were trusted before and are so no more. */
export function fallenCount(report: RejudgeReport | null): number {
  const fallen = report?.artifacts.filter(
    ({ before, verdict }) => before === 'trusted' && (verdict === 'rejected' || verdict === 'inconclusive'),
  )
  return fallen?.length ?? 0
}

/** A tombstone is signed where it lies, as anything else; whoever has a key then need not wait for the next measure. */
function unsignedLines({ target, artifacts }: RejudgeReport): string[] {
  const unsigned = artifacts.flatMap(({ path, measure }) => {
    const stone = measure?.tombstone
    return stone === undefined || stone.signature !== null ? [] : [{ path, digest: stone.digest }]
  })
  const [first] = unsigned
  if (first === undefined) return []
  const lies = target.startsWith('oci:') ? target : `${target}/${first.path}`
  const sign = `sallyport sign ${word(`${lies}@${first.digest}`)} --key KEY --chain CHAIN`
  return [`  UNSIGNED: ${counted(unsigned.length, 'tombstone')}, since no --key was named; one is signed by ${sign}`]
}

/** Nothing when nothing had to be looked at. */
export function rejudgedLines(report: RejudgeReport | null, dryRun = false): string[] {
  if (report === null) return []
  const { artifacts, known, elsewhere, complete, target } = report
  const groups = Map.groupBy(artifacts, (artifact) => JSON.stringify(sentences(artifact, dryRun)))
  return [
    `${dryRun ? 'would be judged' : 'judged'} again: ${artifacts.length} of ${counted(known, 'artifact')} at ${plain(target)}`,
    ...[...groups.values()].flatMap((group) => groupLines(group, dryRun)),
    ...unsignedLines(report),
    ...(elsewhere === 0
      ? []
      : [`  ${counted(elsewhere, 'artifact')} at other targets: sallyport revocation judge --to each of them`]),
    ...(complete ? [] : ['  not all could be looked at: the next run does']),
  ]
}
