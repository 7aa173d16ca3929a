/** Reports on what an authority revokes, in words. */
import type { CaCrlReport, CaRevokeReport, CaShown } from '../index.ts'
import { counted, plain, word } from './show.ts'

export function caRevokeText(report: CaRevokeReport): string[] {
  const { dir, issuer, certificate, reason, revoked, invalidity, released, crlUrl, dryRun } = report
  const held = reason === 'certificateHold'
  const what = released !== null ? 'is no longer held' : held ? 'is held' : `is revoked: ${reason}`
  const since = released ?? revoked
  return [
    `${plain(certificate.subject)} ${dryRun ? 'could be noted: it ' : ''}${what}, since ${since}`,
    `  serial ${certificate.serial}${invalidity === null ? '' : ` · bad since ${invalidity}`}`,
    ...(dryRun
      ? []
      : [`No list tells it yet: sign the next with sallyport ca crl --dir ${word(dir)} --from ${word(issuer)}`]),
    ...(crlUrl === null ? [NO_PLACE] : []),
  ]
}

const NO_PLACE =
  'note: no certificate of this authority says where its list lies, so verifiers must be given it by hand'

export function caCrlText(report: CaCrlReport): string[] {
  const { form, number, deltaBase, nextUpdate, entries, url, deltaUrl, files, issuer, dryRun } = report
  const name = form === 'base' ? `list ${number}` : `delta list ${number} to list ${deltaBase}`
  return [
    `${dryRun ? 'could sign' : 'signed'} ${name} of ${plain(issuer)}: ${counted(entries, form === 'base' ? 'revoked certificate' : 'change')}`,
    `  the next is due before ${nextUpdate}`,
    ...files.map((file) => `  ${plain(file)}`),
    url === null ? NO_PLACE : `Publish it at ${plain(url)}`,
    ...(deltaUrl === null
      ? []
      : [`Publish a delta list at ${plain(deltaUrl)} with it: sign one now with --delta, as verifiers ask for both`]),
  ]
}

/** What an authority of the tree has revoked. */
export function revocationLines({ kind, crlUrl, revocation }: CaShown): string[] {
  if (revocation === null) return []
  const { base, delta, due, overdue, unlisted, revoked } = revocation
  if (base === null && revoked.length === 0 && crlUrl === null) return []
  const lists = [
    ...(base === null ? [] : [`list ${base.number}`]),
    ...(delta === null ? [] : [`delta list ${delta.number}`]),
  ]
  const told = lists.length === 0 ? `no list of this ${kind} yet` : lists.join(', ')
  return [
    `  ${[told, ...(due === null ? [] : [`next due ${due}${overdue ? ', OVERDUE' : ''}`])].join(' · ')}`,
    ...revoked.map(({ subject, serial, reason, revoked: since, released, listed }) => {
      const what = released === null ? `${reason} since ${since}` : `hold ended ${released}`
      return `    ${plain(subject)}, serial ${serial}: ${what}${listed ? '' : ' (in no list yet)'}`
    }),
    ...(unlisted === 0 ? [] : [`    ${counted(unlisted, 'change')} in no list yet: sign one with sallyport ca crl`]),
  ]
}
