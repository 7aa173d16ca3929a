/** Reports in words. Every text that comes from a bundle or a registry passes through `plain`. */
import type {
  ApproveReport,
  BundleSummary,
  ChannelInitReport,
  ChannelShowReport,
  ExpectReport,
  ExportReport,
  ImportReport,
  InspectReport,
  LogReport,
  StatusReport,
  VerifyReport,
} from '../index.ts'
import { attentionLines } from './attention-text.ts'
import { asOfText } from './as-of-option.ts'
import { approvalsText, carriedLines, collectedLines, revokedLines } from './revocation-text.ts'
import { bytes, counted, plain, spanText } from './show.ts'
import { fallenCount, rejudgedLines } from './rejudged-text.ts'
import { judgedLines } from './trust-text.ts'
import { informationLines, trustTreeText } from './trust-tree-text.ts'
import { intakeLines } from './intake-text.ts'
import { alarmLines } from './watch-text.ts'

function omissions(omitted: BundleSummary['omitted']): string[] {
  if (omitted.length === 0) return []
  return [
    `left out by choice: ${omitted.length}`,
    ...omitted.map(
      ({ repository, digest, why, what, of }) =>
        `  ${plain(repository)}@${digest}  ${why}${what === undefined ? '' : ` ${plain(what)}`}  (named by ${of})`,
    ),
  ]
}

function contents(summary: BundleSummary): string[] {
  return summary.repositories.flatMap(({ name, to, tags, untagged, signatureTags, referrers }) => [
    `${plain(name)} → ${plain(to)}`,
    ...Object.entries(tags).map(([tag, digest]) => `  ${plain(tag)}  ${digest}`),
    ...untagged.map((digest) => `  (no tag)  ${digest}`),
    ...(referrers.length > 0 ? [`  ${counted(referrers.length, 'referrer')}`] : []),
    ...(Object.keys(signatureTags).length > 0
      ? [`  ${counted(Object.keys(signatureTags).length, 'signature tag')}`]
      : []),
  ])
}

function heading(summary: BundleSummary): string[] {
  const { channel, purpose, sequence, id, audience, created, validUntil, manifests, blobs } = summary
  return [
    `channel    ${plain(channel)} (${purpose}), sequence ${sequence}`,
    `bundle id  ${id}`,
    `for        ${audience.map(plain).join(', ')}`,
    `made       ${created}, valid until ${validUntil}`,
    `holds      ${counted(manifests, 'manifest')}, ${counted(blobs, 'blob')}, ${bytes(summary.bytes)}`,
  ]
}

function claimedPassengers({ passengers }: Pick<BundleSummary, 'passengers'>): string[] {
  return passengers.map(({ channel, sequence, id }) => `passenger  ${plain(channel)}, sequence ${sequence}, ${id}`)
}

function judgedPassengers({ passengers }: Pick<VerifyReport, 'passengers'>): string[] {
  return passengers.map(({ channel, purpose, sequence, outcome, why }) => {
    const shown = outcome === 'repeat' ? 'accepted here before' : outcome === 'refused' ? 'REFUSED' : outcome
    const reason = why === undefined ? '' : `: ${plain(why)}`
    return `passenger  ${plain(channel)} (${purpose}), sequence ${sequence}, ${shown}${reason}`
  })
}

export function initText(report: ChannelInitReport): string[] {
  if (report.keys.length === 0)
    return [`channel ${report.channel} could be made: ${report.threshold} of ${report.people.join(', ')}`]
  return [
    `channel ${report.channel} (${report.purpose}): ${report.threshold} of ${report.people.length} people (${report.people.join(', ')}) approve a bundle`,
    `root        ${report.root}`,
    `fingerprint ${report.fingerprint}`,
    `expires     ${report.rootExpires}`,
    'Give the root to each site, and the fingerprint by another way. Take the root-*.pem keys offline now,',
    "and give every person's key to that person alone.",
  ]
}

export function exportText(report: ExportReport): string[] {
  const { output, channel, sequence, id, audience, size, blobs, manifests, repositories, omitted, moved, dryRun } =
    report
  return [
    `${dryRun ? 'would write' : report.resumed ? 'completed' : 'wrote'} ${plain(output)}: ${bytes(size)}, ${counted(manifests, 'manifest')}, ${counted(blobs, 'blob')}`,
    `channel ${channel}, sequence ${sequence}, for ${audience.join(', ')}, valid until ${report.validUntil}`,
    `bundle id ${id}`,
    ...asOfText(report),
    ...repositories.flatMap(({ name, to, tags, untagged, referrers }) => [
      `${plain(name)} → ${plain(to)}${referrers > 0 ? ` (${counted(referrers, 'referrer')})` : ''}`,
      ...Object.entries(tags).map(([tag, digest]) => `  ${plain(tag)}  ${digest}`),
      ...untagged.map((digest) => `  (no tag)  ${digest}`),
    ]),
    ...claimedPassengers(report),
    ...collectedLines(report.revocation),
    ...omissions(omitted),
    ...moved.map((tag) => `moved at the source meanwhile: ${plain(tag)} (the bundle holds what it pointed at before)`),
    approvalsText(report),
  ]
}

export function approveText(report: ApproveReport): string[] {
  const { bundle, id, added, signed, threshold, keyid, summary, revocation, revoked } = report
  return [
    ...heading(summary),
    ...contents(summary),
    ...claimedPassengers(summary),
    ...carriedLines(revocation),
    ...(revoked === null ? [] : revokedLines(revoked)),
    ...omissions(summary.omitted),
    `${added ? 'signed' : 'signed before'} by key ${keyid.slice(0, 16)}…: ${signed} of ${threshold} approvals${signed >= threshold ? ', enough' : ''}`,
    `${plain(bundle)} keeps its id ${id}`,
  ]
}

export function verifyText(report: VerifyReport): string[] {
  return [
    ...heading(report),
    ...contents(report),
    ...omissions(report.omitted),
    `approved by ${counted(report.approval.signers.length, 'person').replace('persons', 'people')}${report.approval.badSignatures > 0 ? `, ${counted(report.approval.badSignatures, 'signature')} invalid` : ''}`,
    ...judgedPassengers(report),
    ...intakeLines(report.revocation, true),
    ...(report.replayChecked ? [] : ['note: judged by a root alone, so a replay would not be seen']),
    ...asOfText(report),
    ...(report.audienceChecked ? [] : ['note: no site was named, so the audience was not checked']),
    ...judgedLines(report.artifacts),
    ...informationLines(report.information),
    report.verdict === 'trusted'
      ? `TRUSTED${report.repeat ? ' (accepted here before)' : ''}`
      : `the bundle is genuine; of its artifacts some are NOT TRUSTED: ${report.verdict}`,
  ]
}

export function inspectText(report: InspectReport): string[] {
  const { signed, threshold } = report.approvals
  return [
    'NOT VERIFIED: this is what the bundle says of itself',
    ...heading(report),
    ...contents(report),
    ...claimedPassengers(report),
    ...carriedLines(report.revocation),
    ...omissions(report.omitted),
    ...Object.entries(report.roots).map(([version, fingerprint]) => `root ${version}     ${fingerprint}`),
    `approvals  ${signed.length} of ${threshold}, by the bundle's own root`,
    ...(report.trust === undefined ? [] : trustTreeText(report.trust)),
  ]
}

function lastLine({ verdict, dryRun, repeat, counts, tags, rejudged }: ImportReport): string[] {
  const refused = verdict === 'trusted' ? [] : ['nothing was pushed of the artifacts that are not trusted']
  if (dryRun) return [...refused, 'nothing was written']
  if (verdict !== 'trusted' && counts.manifestsPushed + counts.manifestsPresent + tags.length === 0)
    return [...refused, `REFUSED: ${verdict}`]
  const moved = tags.some(({ outcome }) => outcome !== 'kept')
  const idle = repeat && verdict === 'trusted' && counts.manifestsPushed + counts.blobsPushed === 0 && !moved
  const done = idle ? 'DONE (this bundle was accepted before; all of it is there)' : 'DONE'
  const fallen = fallenCount(rejudged)
  if (fallen === 0) return [...refused, done]
  return [
    ...refused,
    `${done}, BUT ${counted(fallen, 'artifact')} that lay here ${fallen === 1 ? 'is' : 'are'} trusted no more`,
  ]
}

export function importText(report: ImportReport): string[] {
  const { counts, tags, target, dryRun, settled } = report
  return [
    ...heading(report),
    ...asOfText(report),
    ...report.landed.map(
      ({ name, at }) =>
        `${plain(name)} → ${plain(target.startsWith('oci:') ? target : (target.split('/')[0] ?? ''))}${target.startsWith('oci:') ? ':' : '/'}${plain(at)}`,
    ),
    `${dryRun ? 'would push' : 'pushed'} ${counted(counts.blobsPushed, 'blob')} (${bytes(counts.bytesPushed)}), ${counts.blobsMounted} mounted, ${counts.blobsPresent} there before; ${counted(counts.manifestsPushed, 'manifest')}, ${counts.manifestsPresent} there before`,
    ...(settled > 0 ? [`settled ${counted(settled, 'tag move')} that a stopped run had left open`] : []),
    ...tags.map(
      ({ repository, tag, old, new: now, outcome }) =>
        `  ${plain(repository)}:${plain(tag)}  ${outcome === 'kept' ? now : old === null ? `${now} (new)` : `${old} → ${now}`}`,
    ),
    ...judgedPassengers(report),
    ...intakeLines(report.revocation, dryRun),
    ...omissions(report.omitted),
    ...judgedLines(report.artifacts),
    ...informationLines(report.information),
    ...rejudgedLines(report.rejudged, dryRun),
    ...lastLine(report),
  ]
}

export function expectText({ channel, everySeconds, last }: ExpectReport, dryRun: boolean): string[] {
  const would = dryRun ? 'would be' : 'is'
  if (everySeconds === null) return [`${channel} ${would} expected no more`]
  return [`${channel} ${would} expected every ${spanText(everySeconds)}; the last bundle came ${last ?? 'never'}`]
}

export function showText({ channels, folder }: ChannelShowReport): string[] {
  if (folder !== undefined) {
    return [
      `channel ${folder.channel} (${folder.purpose}), root ${folder.rootVersion}, expires ${folder.expires}`,
      `fingerprint ${folder.fingerprint}`,
      `${folder.threshold} of ${folder.people.length} people approve: ${folder.people.map(plain).join(', ')}`,
      ...(folder.waiting === null
        ? []
        : [`root ${folder.waiting} waits for signatures: channel rotate --dir ${plain(folder.dir)}`]),
    ]
  }
  if (channels.length === 0) return ['no channel is pinned']
  return channels.map(
    ({ channel, purpose, fingerprint, rootVersion, lastSequence, everySeconds }) =>
      `${channel} (${purpose})  root ${rootVersion}  pinned ${fingerprint}  last sequence ${lastSequence ?? 'none'}${everySeconds === null ? '' : `  expected every ${spanText(everySeconds)}`}`,
  )
}

export function statusText(report: StatusReport): string[] {
  return [
    `site ${report.site}, ${counted(report.rows, 'journal row')}, newest signed time ${report.floor ?? 'none'}`,
    ...showText({ channels: report.channels }),
    ...report.bundles.map(
      ({ channel, sequence, id, time, phase, target }) =>
        `${time}  ${plain(channel)} ${sequence}  ${phase}${target === undefined ? '' : ` at ${plain(target)}`}  ${plain(id)}`,
    ),
    ...report.openTags.map(
      ({ target, repository, tag }) =>
        `open tag move: ${plain(target)} ${plain(repository)}:${plain(tag)}; run the import again`,
    ),
    ...attentionLines(report),
    ...deprecatedLines(report.deprecated),
    ...alarmLines(report.health),
  ]
}

function deprecatedLines(deprecated: StatusReport['deprecated']): string[] {
  if (deprecated === null) return []
  if (deprecated.length === 0) return ['nothing hangs on a deprecated algorithm']
  return deprecated.map(({ scope, digest, algorithms, standing, needed }) => {
    const names = algorithms.map(
      ({ algorithm, since }) => `${plain(algorithm)} ${since === null ? '(refused)' : `(deprecated since ${since})`}`,
    )
    const left = `without it ${standing.length} of ${counted(needed, 'statement')}`
    return `hangs on ${names.join(', ')}: ${plain(scope)}@${plain(digest)}, ${left}; have it signed anew`
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
  head: (of) => `accepted ${of('channel')} ${of('sequence')}, bundle ${of('id')}`,
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
  release: (of) => `${of('path')}@${of('digest')}: ${of('reason')}`,
  expect: (of) => `${of('channel')} ${of('every') === '' ? 'no more' : `every ${spanText(Number(of('every')))}`}`,
  note: (of) => of('text'),
}

/** Who moved the tag, and under which signers. */
function causeText({ cause, signers, verdict }: LogReport['moves'][number]): string {
  const { by, channel, sequence, reason } = cause
  const who = channel === undefined ? `${by}${reason === undefined ? '' : `: ${reason}`}` : `${channel} ${sequence}`
  const names = signers.map(({ subject, certificate }) => subject ?? certificate)
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
