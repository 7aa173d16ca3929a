/** Reports about a site in words: how it stands, and what happened there. */
import type { LogReport, StatusReport } from '../index.ts'
import { attentionLines } from './attention-text.ts'
import { showText } from './channel-text.ts'
import { counted, plain, spanText } from './show.ts'
import { alarmLines } from './watch-text.ts'

export function statusText(report: StatusReport): string[] {
  return [
    `site ${report.site}, ${counted(report.rows, 'journal row')}, newest signed time ${report.floor ?? 'none'}`,
    ...showText({ channels: report.channels }),
    ...bundleLines(report.bundles),
    ...report.openTags.map(
      ({ target, repository, tag }) =>
        `open tag move: ${plain(target)} ${plain(repository)}:${plain(tag)}; run the import again`,
    ),
    ...attentionLines(report),
    ...deprecatedLines(report.deprecated),
    ...alarmLines(report.health),
  ]
}

/** The last bundle of each channel at each target, and whatever isn't finished: after a year there are fifty that are. */
function bundleLines(bundles: StatusReport['bundles']): string[] {
  const newest = new Map(bundles.map((bundle) => [JSON.stringify([bundle.channel, bundle.target]), bundle]))
  const last = new Set(newest.values())
  const shown = bundles.filter((bundle) => bundle.phase !== 'done' || last.has(bundle))
  const earlier = bundles.length - shown.length
  return [
    ...shown.map(
      ({ channel, sequence, id, time, phase, target, signers }) =>
        `${time}  ${plain(channel)} ${sequence}  ${phase === 'start' ? 'not finished' : phase}${target === undefined ? '' : ` at ${plain(target)}`}${phase === 'start' ? ', import it again' : ''}  ${plain(id)}${approvedText(signers)}`,
    ),
    ...(earlier === 0 ? [] : [`${counted(earlier, 'earlier bundle')} done (sallyport status --json, sallyport log)`]),
  ]
}

/** Who let something out: names as they were given, and the keys that approved. */
function byText(by: Row[string] | undefined): string {
  const named = Array.isArray(by) ? by.filter((one) => typeof one === 'string') : []
  return named.length === 0 ? '' : `, by ${plain(named.join(', ').slice(0, 400))}`
}

/** Keys that are named in a line; the others are counted. */
const NAMED_KEYS = 3

/** Who approved, as far as it fits a line; empty where the journal is older than that. */
function approvedText(signers: Row[string] | undefined): string {
  if (!Array.isArray(signers) || signers.length === 0) return ''
  const keys = signers.slice(0, NAMED_KEYS).map((signer) => `${plain(String(signer).slice(0, 16))}…`)
  const more = signers.length > keys.length ? ` and ${signers.length - keys.length} more` : ''
  return `, approved by ${keys.join(', ')}${more}`
}

function deprecatedLines(deprecated: StatusReport['deprecated']): string[] {
  if (deprecated === null) return []
  if (deprecated.length === 0) return ['nothing hangs on a deprecated algorithm']
  return deprecated.map(({ scope, digest, target, algorithms, standing, needed }) => {
    const names = algorithms.map(
      ({ algorithm, since }) => `${plain(algorithm)} ${since === null ? '(refused)' : `(deprecated since ${since})`}`,
    )
    const left = `without it ${standing.length} of ${counted(needed, 'statement')}`
    const at = target === null ? '' : ` at ${plain(target)}`
    return `hangs on ${names.join(', ')}: ${plain(scope)}@${plain(digest)}${at}, ${left}; have it signed anew`
  })
}

type Row = LogReport['rows'][number]

/** A list's number, which the journal has in hex. */
function decimal(hex: string): string {
  return /^[0-9a-f]+$/.test(hex) ? BigInt(`0x${hex}`).toString() : hex
}

/** One sentence for each kind of row; what is left over goes into the JSON output alone. */
const SENTENCES: Readonly<Record<string, (of: (key: string) => string, row: Row) => string>> = {
  init: (of) => `site ${of('site')}: ${of('reason')}`,
  pin: (of) => `channel ${of('channel')} (${of('purpose')}), root ${of('rootVersion')}, ${of('fingerprint')}`,
  unpin: (of) => `channel ${of('channel')}: ${of('reason')}`,
  head: (of, row) =>
    `${row['repeat'] === true ? 'brought again' : 'accepted'} ${of('channel')} ${of('sequence')}, bundle ${of('id')}${approvedText(row['signers'])}`,
  roots: (of) => `${of('channel')} goes on with root ${of('rootVersion')}`,
  verdict: (of) => `${of('verdict')} ${of('repository')}@${of('digest')} (${of('why')})`,
  import: (of) => `${of('phase')} ${of('channel')} ${of('sequence')} at ${of('target')}`,
  held: (of, row) =>
    `${of('target')} gave back ${counted((row['digests'] as string[]).length, 'digest')} of ${of('repository')}`,
  'tag-intent': (of, row) =>
    `${of('repository')}:${of('tag')} is about to name ${row['new'] === null ? 'nothing' : of('new')}`,
  'tag-done': (of, row) =>
    `${of('repository')}:${of('tag')} ${of('outcome')} to ${row['new'] === null ? 'nothing' : of('new')}${row['old'] === null ? '' : `, before ${of('old')}`}`,
  restore: (of) => of('reason'),
  list: (of) =>
    `${of('form')} list of ${of('url')}${of('number') === '' ? '' : `, number ${decimal(of('number'))}`}, ${of('thisUpdate')} to ${of('nextUpdate')}`,
  denials: (_of, row) => counted((row['denials'] as unknown[]).length, 'denial'),
  certificates: (of, row) =>
    `${counted((row['certificates'] as unknown[]).length, 'certificate')} from number ${of('first')}`,
  rejudged: (of) => `looked at again, up to row ${of('through')}`,
  quarantine: (of) =>
    // Journaled as failed before the first change, so that a kill leaves no better.
    of('detail') === 'begun'
      ? `${of('measure')} begun: ${of('path')}@${of('digest')}`
      : `${of('measure')} ${of('outcome')}: ${of('path')}@${of('digest')} (${of('detail')})`,
  release: (of, row) => `${of('path')}@${of('digest')}: ${of('reason')}${byText(row['by'])}`,
  more: (of, row) =>
    row['tags'] === undefined
      ? `${counted((row['within'] as string[]).length, 'manifest')} within what the ${of('of')} behind is about`
      : `${counted((row['tags'] as string[]).length, 'tag')} of the ${of('of')} behind`,
  confine: (of, row) =>
    `channel ${of('channel')} may bring content ${Array.isArray(row['into']) ? `into ${plain(row['into'].join(', ').slice(0, 400))} alone` : 'anywhere'}`,
  expect: (of) => `${of('channel')} ${of('every') === '' ? 'no more' : `every ${spanText(Number(of('every')))}`}`,
  note: (of) => of('text'),
}

/** Who moved the tag, and under which signers. */
function causeText({ cause, signers, verdict }: LogReport['moves'][number]): string {
  const { by, channel, sequence, reason } = cause
  const who = channel === undefined ? `${by}${reason === undefined ? '' : `: ${reason}`}` : `${channel} ${sequence}`
  // One who signed it twice is one.
  const names = [...new Set(signers.map(({ subject, certificate }) => subject ?? certificate))]
  const under = names.length > 0 ? `, signed by ${names.join('; ')}` : verdict === null ? '' : `, ${verdict}`
  return plain(` (by ${who}${under})`.slice(0, 600))
}

export function logText({ rows, moves }: LogReport): string[] {
  const told = new Map(moves.map((move) => [move.n, causeText(move)]))
  return rows.map((row) => {
    const of = (key: string): string => plain(String(row[key] ?? '').slice(0, 400))
    const sentence = Object.hasOwn(SENTENCES, row.kind) ? SENTENCES[row.kind]?.(of, row) : undefined
    return `${String(row.n).padStart(6)}  ${row.time}  ${plain(row.kind).padEnd(10)}  ${sentence ?? ''}${told.get(row.n) ?? ''}`.trimEnd()
  })
}
