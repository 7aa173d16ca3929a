/** Reports on revocation in words. */
import type {
  CarriedRevocationReport,
  CollectedReport,
  DenyReport,
  ExportReport,
  RevocationBundleReport,
  RevokedSinceReport,
} from '../index.ts'
import { bytes, counted, plain, word } from './show.ts'

const WAYS = { list: 'by list', answer: 'by OCSP', both: 'by list and OCSP', none: 'no way to be revoked' } as const

/** What an export carries on revocation; nothing when no signature of a certificate was met. */
export function collectedLines(revocation: CollectedReport | null): string[] {
  if (revocation === null || (revocation.certificates.length === 0 && revocation.pieces.length === 0)) return []
  const { certificates, pieces, lacking, warnings, from } = revocation
  const counts = (['list', 'delta', 'answer', 'denials'] as const).flatMap((kind) => {
    const count = pieces.filter((piece) => piece.kind === kind).length
    return count === 0 ? [] : [kind === 'denials' ? 'denials' : counted(count, kind)]
  })
  return [
    `revocation: ${counts.length === 0 ? 'nothing is carried' : counts.join(', ')} (from: ${from})`,
    ...certificates.map(({ subject, revocable, numbers, nextUpdate, staleBeforeNext, revoked }) => {
      const carried = numbers.length === 0 ? '' : `, number ${numbers.join(', ')}`
      const until =
        nextUpdate === null
          ? ''
          : `, good until ${nextUpdate}${staleBeforeNext ? ' (STALE before the next bundle)' : ''}`
      return `  ${plain(subject)}: ${revoked === null ? '' : `REVOKED ${revoked}, `}${WAYS[revocable]}${carried}${until}`
    }),
    ...lacking.map(
      ({ kind, url, code, accepted }) => `  lacking, accepted ${accepted}: ${kind} ${plain(url)} (${code})`,
    ),
    ...warnings.map((warning) => `  note: ${plain(warning)}`),
  ]
}

/** Lists, answers and denials in a bundle, for whoever approves it or looks at it. */
export function carriedLines(revocation: CarriedRevocationReport | null | undefined): string[] {
  const { pieces, denials } = revocation ?? { pieces: [], denials: [] }
  return [
    ...pieces.flatMap(({ kind, url, issuer, number, serial, nextUpdate }) =>
      kind === 'denials'
        ? []
        : [
            `${kind}  ${plain(url ?? '')}  ${number === null ? `serial ${serial}` : `number ${number}`}, good until ${nextUpdate}, of issuer ${issuer}`,
          ],
    ),
    ...denials.map(
      ({ artifact, signer, reason, since }) =>
        `denies  ${artifact}${signer === undefined ? '' : `, what key ${signer} signed of it`}, since ${since}: ${plain(reason)}`,
    ),
  ]
}

/** What the earlier bundle said and this one does not. */
function leftOutLines({ dropped, droppedCount, absent, absentCount, droppedDenials }: RevokedSinceReport): string[] {
  return [
    ...absent.map(
      ({ kind, url, serial, issuerName }) =>
        `  NO LONGER ABOARD: ${kind} ${plain(url)}${serial === null ? '' : `, serial ${serial}`} of ${plain(issuerName)}`,
    ),
    ...(absentCount > absent.length ? [`  and ${absentCount - absent.length} more that are no longer aboard`] : []),
    ...dropped.map(({ issuerName, serial }) => `  NO LONGER NAMED: serial ${serial} of ${plain(issuerName)}`),
    ...(droppedCount > dropped.length ? [`  and ${droppedCount - dropped.length} more that are no longer named`] : []),
    ...droppedDenials.map(
      ({ artifact, signer, reason }) =>
        `  NO LONGER DENIED: ${artifact}${signer === undefined ? '' : `, what key ${signer} signed of it`}: ${plain(reason)}`,
    ),
  ]
}

/** What an approver must know before the key is used. */
export function revokedLines(report: RevokedSinceReport): string[] {
  const { since, certificates, count, denials } = report
  const against =
    since === null
      ? 'in all (name what was approved last with --since, to see what is new)'
      : `since sequence ${since.sequence} (approved by ${since.approved} of ${since.threshold}): ${plain(since.bundle)}`
  return [
    `revokes ${counted(count, 'certificate')}, denies ${counted(denials.length, 'artifact')} ${against}`,
    ...certificates.map(
      ({ issuerName, serial, subject, reason, revoked }) =>
        `  serial ${serial} of ${plain(issuerName)}${subject === null ? '' : `, ${plain(subject)}`}: ${reason}, since ${revoked}`,
    ),
    ...(count > certificates.length ? [`  and ${count - certificates.length} more`] : []),
    ...denials.map(
      ({ artifact, signer, reason }) =>
        `  ${artifact}${signer === undefined ? '' : `, what key ${signer} signed of it`}: ${plain(reason)}`,
    ),
    ...leftOutLines(report),
  ]
}

/** By how many a bundle is signed, and how many must still approve it. */
export function approvalsText({ output, signedBy, approvalsMissing, dryRun }: ExportReport): string {
  const missing = approvalsMissing === 0 ? '' : `; ${counted(approvalsMissing, 'approval')} `
  if (dryRun) return `would be signed by ${signedBy}${missing && `${missing}would still be missing`}`
  const how = `still missing: sallyport approve ${word(output)} --key KEY`
  return `signed by ${signedBy}${missing && `${missing}${how}`}`
}

export function revocationBundleText(report: RevocationBundleReport): string[] {
  const { output, channel, sequence, id, audience, size, revocation, changes, heartbeat, denials, dryRun } = report
  const changed = (['added', 'renewed', 'gone'] as const).flatMap((kind) =>
    changes[kind].map((tag) => `  ${kind} ${plain(tag)}`),
  )
  return [
    `${dryRun ? 'would write' : 'wrote'} ${plain(output)}: ${bytes(size)}`,
    `channel ${channel}, sequence ${sequence}, for ${audience.join(', ')}, valid until ${report.validUntil}`,
    `bundle id ${id}`,
    ...collectedLines(revocation),
    ...(denials === 0 ? [] : [`denials: ${denials}`]),
    heartbeat ? 'nothing has changed since the last bundle: a heartbeat' : 'since the last bundle:',
    ...changed,
    approvalsText(report),
  ]
}

export function denyText({ channel, denial, added, denials, dryRun }: DenyReport): string[] {
  const { artifact, signer, reason, since } = denial
  const what = signer === undefined ? artifact : `what key ${signer} signed of ${artifact}`
  return [
    added
      ? `${dryRun ? 'would deny' : 'denied'} ${what}: ${plain(reason)}`
      : `denied before, since ${since}: ${what}: ${plain(reason)}`,
    `channel ${channel} ${dryRun && added ? 'would have' : 'has'} ${counted(denials, 'denial')}; sallyport revocation collect carries ${denials === 1 ? 'it' : 'them'}`,
  ]
}
