/** Reports on revocation at a site, in words. */
import type { AffectedReport, JudgeAgainReport, RevocationStatusReport, SiteDenyReport } from '../index.ts'
import { rejudgedLines } from './rejudged-text.ts'
import { counted, placed, plain } from './show.ts'

/** How many are named; a report as JSON has all. */
const SHOWN = 10

type List = AffectedReport['certificates'][number]['lists'][number]

function listText({ form, url, number, nextUpdate, daysToBlind, ageSeconds }: List, lost = false): string {
  const numbered = number === null ? '' : ` · number ${number}`
  // What is lost counts as not held: no day is left.
  if (lost) return `${form} ${plain(url)}${numbered} · lost here, have it sent again`
  const left = daysToBlind < 0 ? `STALE since ${nextUpdate}` : `${Math.floor(daysToBlind)} days until blind`
  return `${form} ${plain(url)}${numbered} · ${Math.floor(ageSeconds / 86_400)} days old · ${left}`
}

function touchedLines(touched: JudgeAgainReport['touched']): string[] {
  const groups = Map.groupBy(touched, ({ because }) => because.map(plain).join(', '))
  return [...groups].flatMap(([because, group]) => {
    const named = group.map(({ target, path, digest }) => `${plain(placed({ target, path }))}@${digest}`)
    const [one] = named
    if (named.length === 1) return [`  ${one}, since ${because}`]
    return [`  ${counted(named.length, 'artifact')}, since ${because}:`, ...named.map((name) => `    ${name}`)]
  })
}

function denialText({ artifact, signer, reason, since, channel }: AffectedReport['denials'][number]): string {
  const by = signer === null ? '' : ` by key ${signer}`
  return `denied ${artifact}${by} since ${since}, ${channel === null ? 'here' : `by ${plain(channel)}`}: ${plain(reason)}`
}

const LIES = {
  here: '',
  refused: ', refused at the door and not here',
  quarantine: ', in quarantine',
  gone: ', not there any more',
} as const

/** What was refused at the door is no artifact that somebody here may have pulled. */
function lyingText(artifacts: AffectedReport['artifacts']): string {
  const here = artifacts.filter(({ lies }) => lies === 'here').length
  const others = artifacts.length - here
  return `${counted(here, 'artifact')} here${others === 0 ? '' : `, ${others} not here`}`
}

export function affectedText({ kind, what, certificates, artifacts, denials }: AffectedReport): string[] {
  if (certificates.length + artifacts.length === 0)
    return [
      `nothing that this site judged hangs on ${plain(what)}, or is known by that digest`,
      ...denials.map((denial) => `  ${denialText(denial)}`),
    ]
  return [
    kind === 'artifact'
      ? `${plain(what)} hangs on ${counted(certificates.length, 'certificate')}:`
      : `${kind} ${plain(what)}: ${lyingText(artifacts)}`,
    ...certificates.flatMap(({ subject, serial, issuer, notAfter, lists, revoked, missing, crlUrls, ocspUrls }) => [
      `  ${plain(subject)} · serial ${serial} · until ${notAfter} · issuer ${issuer}${revoked === null ? '' : ` · REVOKED since ${revoked}`}`,
      ...lists.map((list) => `    ${listText(list)}`),
      ...missing.map((url) => `    never had: ${plain(url)}`),
      ...(crlUrls.length + ocspUrls.length === 0 ? ['    no way to be revoked'] : []),
    ]),
    ...artifacts.map(({ target, path, digest, tags, verdict, lies }) => {
      const named = tags.length === 0 ? '' : ` (${tags.map(plain).join(', ')})`
      return `  ${verdict}${LIES[lies]}: ${plain(target)} ${plain(path)}@${digest}${named}`
    }),
    ...denials.map((denial) => `  ${denialText(denial)}`),
  ]
}

export function revocationStatusText(report: RevocationStatusReport): string[] {
  const { site, time, lists, missing, denials, pending, unplaced, overdue } = report
  return [
    `site ${plain(site)} at ${time}: ${counted(lists.length, 'list')} and answers, ${counted(denials.length, 'denial')}`,
    ...lists.map(
      (list) =>
        `${list.bytes === 'lost' ? 'LOST ' : list.state === 'fresh' ? '' : `${list.state.toUpperCase()} `}${plain(list.issuerName ?? list.issuer)} · ${listText(list, list.bytes === 'lost')} · ${counted(list.artifacts, 'artifact')}`,
    ),
    ...missing.map(
      ({ issuer, issuerName, url, certificates, artifacts }) =>
        `NEVER HAD ${plain(issuerName ?? issuer)} · ${plain(url)} · ${counted(certificates, 'certificate')}, ${counted(artifacts, 'artifact')}`,
    ),
    ...denials.map(denialText),
    ...(pending.lists + pending.denials === 0
      ? []
      : [
          `NOT JUDGED BY YET: ${counted(pending.lists, 'list')}, ${counted(pending.denials, 'denial')}: sallyport revocation judge --policy POLICY --to TARGET`,
        ]),
    ...(unplaced.length === 0
      ? []
      : [
          `NEVER JUDGED AGAIN: ${counted(unplaced.length, 'artifact')} let in before places were written down; import again the bundles that bring them:`,
          ...unplaced.slice(0, SHOWN).map(({ repository, digest }) => `  ${plain(repository)}@${digest}`),
          ...(unplaced.length > SHOWN ? [`  and ${unplaced.length - SHOWN} more, which --json names`] : []),
        ]),
    ...overdue.map(({ channel, due }) => `OVERDUE ${plain(channel)}, due ${due ?? ''}`),
  ]
}

export function judgeAgainText({ target, touched, rejudged, dryRun }: JudgeAgainReport): string[] {
  if (dryRun)
    return [`would judge ${counted(touched.length, 'artifact')} again at ${plain(target)}`, ...touchedLines(touched)]
  return rejudged === null ? [`nothing to judge again at ${plain(target)}`] : rejudgedLines(rejudged)
}

const UNKNOWN = {
  artifact:
    'note: nothing that this site judged is known by this digest. Is it that of the manifest, and of an image or index? A referrer goes with its subject: deny that. The other hash of what lies at a target is found by judging again there, with --to',
  signer: 'note: no signature by this key is known here on this artifact; is it the key of its signer?',
} as const

export function siteDenyText(report: SiteDenyReport): string[] {
  const { site, denial, added, denials, unknown, touched, rejudged, dryRun } = report
  const { artifact, signer, reason, since } = denial
  const what = signer === undefined ? artifact : `what key ${signer} signed of ${artifact}`
  return [
    added
      ? `${dryRun ? 'would deny' : 'denied'} ${what}: ${plain(reason)}`
      : `denied before, since ${since}: ${what}: ${plain(reason)}`,
    `site ${plain(site)} has ${counted(denials, 'denial')}`,
    ...(unknown === null ? [] : [UNKNOWN[unknown]]),
    ...touchedLines(touched),
    ...rejudgedLines(rejudged),
  ]
}
