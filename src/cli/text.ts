/** Reports about bundles in words. Every text that comes from a bundle or a registry passes through `plain`. */
import type {
  ApproveReport,
  BundleSummary,
  ExportReport,
  ImportReport,
  InspectReport,
  PromisedReport,
  VerifyReport,
} from '../index.ts'
import { asOfText } from './as-of-option.ts'
import { approvalsText, carriedLines, collectedLines, revokedLines } from './revocation-text.ts'
import { bytes, counted, plain } from './show.ts'
import { fallenCount, rejudgedLines } from './rejudged-text.ts'
import { judgedLines } from './trust-text.ts'
import { informationLines, trustTreeText } from './trust-tree-text.ts'
import { intakeLines } from './intake-text.ts'

function omissions(omitted: BundleSummary['omitted']): string[] {
  if (omitted.length === 0) return []
  return [
    `left out by choice: ${omitted.length}`,
    ...omitted.map(({ repository, digest, mediaType, why, what, of }) => {
      const told = [why, ...(what === undefined ? [] : [plain(what)])].join(' ')
      // What is left out though all referrers are taken is so for its media type.
      return `  ${plain(repository)}@${digest}  ${told}  (${plain(mediaType)}, named by ${of})`
    }),
    ...(omitted.some(({ why }) => why === 'platform')
      ? ['  note: a registry that demands every image of an index refuses one that lacks some (SPARSE_REFUSED)']
      : []),
  ]
}

function removedLines(removed: readonly string[]): string[] {
  return removed.map((tag) => `  ${plain(tag)}  removed at the source since it was brought`)
}

function contents(summary: BundleSummary): string[] {
  return summary.repositories.flatMap(({ name, to, tags, untagged, signatureTags, referrers, removed }) => [
    `${plain(name)} → ${plain(to)}`,
    ...Object.entries(tags).map(([tag, digest]) => `  ${plain(tag)}  ${digest}`),
    ...untagged.map((digest) => `  (no tag)  ${digest}`),
    ...(referrers.length > 0 ? [`  ${counted(referrers.length, 'referrer')}`] : []),
    ...(Object.keys(signatureTags).length > 0
      ? [`  ${counted(Object.keys(signatureTags).length, 'signature tag')}`]
      : []),
    ...removedLines(removed),
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

export function exportText(report: ExportReport): string[] {
  const { output, channel, sequence, id, audience, size, blobs, manifests, repositories, omitted, moved, dryRun } =
    report
  return [
    `${dryRun ? 'would write' : report.resumed ? 'completed' : 'wrote'} ${plain(output)}: ${bytes(size)}, ${counted(manifests, 'manifest')}, ${counted(blobs, 'blob')}`,
    `channel ${channel}, sequence ${sequence}, for ${audience.join(', ')}, valid until ${report.validUntil}`,
    `bundle id ${id}`,
    ...asOfText(report),
    ...repositories.flatMap(({ name, to, tags, untagged, referrers, removed }) => [
      `${plain(name)} → ${plain(to)}${referrers > 0 ? ` (${counted(referrers, 'referrer')})` : ''}`,
      ...Object.entries(tags).map(([tag, digest]) => `  ${plain(tag)}  ${digest}`),
      ...untagged.map((digest) => `  (no tag)  ${digest}`),
      ...removedLines(removed),
    ]),
    ...claimedPassengers(report),
    ...collectedLines(report.revocation),
    ...omissions(omitted),
    ...report.opaque.map(
      ({ repository, digest, mediaType }) =>
        `carried as it is, without what it may name: ${plain(repository)}@${digest}  (${plain(mediaType)})`,
    ),
    ...(moved === null ? ['whether tags moved at the source meanwhile is not known'] : []),
    ...(moved ?? []).map(
      (tag) => `moved at the source meanwhile: ${plain(tag)} (the bundle holds what it pointed at before)`,
    ),
    approvalsText(report),
  ]
}

/** What a person must see before the key is used. */
/** Of fifty tags that a month brings again, the few that a person has to hold against what the publisher says. */
function tagsSinceLines({ changed, count }: NonNullable<PromisedReport['tags']>): string[] {
  return [
    `${counted(count, 'tag')} changed since the bundle of --since`,
    ...changed.map(({ repository, tag, old, new: now }) => {
      const move = now === null ? `${old ?? ''}, not aboard now` : old === null ? `${now} (new)` : `${old} → ${now}`
      return `  ${plain(repository)}:${plain(tag)}  ${move}`
    }),
    ...(count > changed.length ? [`  and ${count - changed.length} more`] : []),
  ]
}

export function promisedLines({ summary, revocation, revoked, tags, signed, threshold }: PromisedReport): string[] {
  return [
    ...heading(summary),
    ...contents(summary),
    ...claimedPassengers(summary),
    ...carriedLines(revocation),
    ...(tags === null ? [] : tagsSinceLines(tags)),
    ...(revoked === null ? [] : revokedLines(revoked)),
    ...omissions(summary.omitted),
    `approvals  ${signed} of ${threshold}, by the bundle's own root`,
  ]
}

export function approveText({ bundle, id, added, signed, threshold, keyid, dryRun }: ApproveReport): string[] {
  const done = added ? (dryRun ? 'would be signed' : 'signed') : 'signed before'
  return [
    `${done} by key ${keyid.slice(0, 16)}…: ${signed} of ${threshold} approvals${signed >= threshold ? ', enough' : ''}`,
    `${plain(bundle)} keeps its id ${id}`,
  ]
}

type Refusable = Pick<VerifyReport, 'artifacts' | 'passengers' | 'revocation'> &
  Partial<Pick<ImportReport, 'rejudged' | 'dryRun'>>

/** What is refused of a bundle, or trusted no more by it, and nothing else. */
export function refusalLines(report: Refusable): string[] {
  const { revocation, rejudged = null, dryRun = false } = report
  const lists = (revocation?.lists ?? []).filter(({ outcome }) => outcome === 'refused')
  return [
    ...judgedLines((report.artifacts ?? []).filter(({ verdict }) => verdict !== 'trusted')),
    ...judgedPassengers({ passengers: report.passengers.filter(({ outcome }) => outcome === 'refused') }),
    ...lists.map(({ url, code }) => `REFUSED list of ${plain(url)}${code === undefined ? '' : `: ${code}`}`),
    ...rejudgedLines(rejudged, dryRun),
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

/** Where one artifact that is not trusted stopped all, those that are trusted wait for a word of the operator. */
function refusedLine({ artifacts, dryRun }: ImportReport, nothing: boolean): string {
  const done = dryRun ? 'would be' : 'was'
  const trusted = artifacts?.filter(({ verdict }) => verdict === 'trusted').length ?? 0
  if (!nothing || trusted === 0) return `nothing ${done} pushed of the artifacts that are not trusted`
  return `nothing ${done} pushed at all: --keep-going brings the ${counted(trusted, 'artifact')} that ${trusted === 1 ? 'is' : 'are'} trusted`
}

function lastLine(report: ImportReport): string[] {
  const { verdict, dryRun, repeat, counts, tags, rejudged } = report
  const nothing = counts.manifestsPushed + counts.manifestsPresent + tags.length === 0
  const refused = verdict === 'trusted' ? [] : [refusedLine(report, nothing)]
  if (dryRun) return [...refused, 'nothing was written']
  if (verdict !== 'trusted' && nothing) return [...refused, `REFUSED: ${verdict}`]
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
    `${dryRun ? 'would push at most' : 'pushed'} ${counted(counts.blobsPushed, 'blob')} (${bytes(counts.bytesPushed)}), ${counts.blobsMounted} mounted, ${counts.blobsPresent} there before; ${counted(counts.manifestsPushed, 'manifest')}, ${counts.manifestsPresent} there before`,
    ...(settled > 0 ? [`settled ${counted(settled, 'tag move')} that a stopped run had left open`] : []),
    ...tags.map(
      ({ repository, tag, old, new: now, outcome, takenFrom }) =>
        `  ${plain(repository)}:${plain(tag)}  ${outcome === 'kept' ? now : old === null ? `${now} (new)` : `${old} → ${now}`}` +
        (takenFrom === undefined ? '' : ` (it was channel ${plain(takenFrom)}'s)`),
    ),
    ...report.removed.map(
      ({ at, tag, digest }) =>
        `removed at the source since it was brought, and still here: ${plain(at)}:${plain(tag)}  ${digest}`,
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
