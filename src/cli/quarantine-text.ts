/** What is held, released and put back, in words. */
import type { ApproveReleaseReport, QuarantineListReport, ReleaseReport, RestoreReport } from '../index.ts'
import { counted, placed, plain, word } from './show.ts'
import { verdictLines } from './trust-text.ts'

function named(place: { target: string; path: string }): string {
  return plain(placed(place))
}

export function quarantineListText({ held }: QuarantineListReport): string[] {
  if (held.length === 0) return ['nothing is held']
  const groups = Map.groupBy(held, ({ detail }) => detail)
  return [...groups].flatMap(([detail, group]) => [
    ...(group.length === 1 ? [] : [`${counted(group.length, 'artifact')}: ${plain(detail)}`]),
    ...group.flatMap((one) => heldLines(one, group.length === 1)),
  ])
}

/** @param why - also why it is held, which is told once of many held alike */
function heldLines(one: QuarantineListReport['held'][number], why: boolean): string[] {
  return [
    `${named(one)}@${one.digest}  ${one.measure} ${one.outcome} since ${one.since}`,
    ...(why ? [`  why   ${plain(one.detail)}`] : []),
    ...(one.tags.length === 0 ? [] : [`  tags  ${one.tags.map(plain).join(', ')}`]),
    ...(one.at === null ? [] : [`  copy  ${plain(one.at)}`]),
    ...(one.reachable ? ['  whoever knows its digest can still pull it'] : []),
  ]
}

export function approveReleaseText(report: ApproveReleaseReport): string[] {
  const done = report.dryRun ? 'would approve' : 'approved'
  return [
    `${done} the release of ${named(report)}@${report.digest}`,
    `reason  ${plain(report.reason)}`,
    `key     ${report.keyid}`,
    `file    ${plain(report.output)}`,
  ]
}

function moves(tags: ReleaseReport['tags']): string[] {
  return tags.map(({ tag, old, outcome, code }) => {
    if (outcome === 'moved') return `  ${plain(tag)} is back`
    if (outcome === 'kept') return `  ${plain(tag)} named it already`
    if (outcome === 'elsewhere') return `  ${plain(tag)} stays at ${old}`
    return `  ${plain(tag)} was refused by the target (${code})`
  })
}

export function releaseText(report: ReleaseReport): string[] {
  const { verdict, dryRun } = report
  const what = `${named(report)}@${report.digest}`
  if (verdict.verdict !== 'trusted') return ['HELD: it is not trusted now', ...verdictLines(what, verdict)]
  if (dryRun) return [`${what} could be released`, 'nothing was written']
  return [
    `RELEASED ${what}${report.copied ? ', back from quarantine' : ''}`,
    `by      ${report.by.map(plain).join(', ')}`,
    `reason  ${plain(report.reason)}`,
    ...moves(report.tags),
  ]
}

/** A tag that was restored alone leaves the others where they point. */
function othersLines({ old, others, tagsListed, target, path }: RestoreReport): string[] {
  const at = placed({ target, path })
  return [
    ...(others.length === 0
      ? []
      : [
          `STILL AT ${old}: ${others.map(plain).join(', ')}; the next: sallyport restore ${word(`${at}:${others[0] ?? ''}`)} --to DIGEST --policy POLICY --reason REASON`,
        ]),
    ...(tagsListed ? [] : [`its tags can't be listed here: others may name ${old} unseen`]),
  ]
}

export function restoreText(report: RestoreReport): string[] {
  const { verdict, outcome, dryRun } = report
  const tag = `${named(report)}:${plain(report.tag)}`
  if (verdict.verdict !== 'trusted')
    return ['REFUSED: it is not trusted now', ...verdictLines(`${named(report)}@${report.new}`, verdict)]
  if (outcome === 'kept') return [`${tag} names ${report.new} already`]
  if (outcome === 'elsewhere') return [`${tag} moved meanwhile: look at it, then run this again`]
  return [
    `${tag}  ${report.old ?? '(nothing)'} → ${report.new}`,
    ...othersLines(report),
    dryRun ? 'nothing was written' : `reason  ${plain(report.reason)}`,
  ]
}
