/** Reports on one's own certificates in words. */
import type { CaInitReport, CaIssueReport, CaListing, CaShowReport } from '../index.ts'
import { revocationLines } from './ca-list-text.ts'
import { counted, plain } from './show.ts'

/** Said wherever a scope is: whoever reads it must not take it for more than it is. */
export const SCOPE_NOTE =
  'A scope binds `sallyport ca issue` alone: no verifier reads it. Limit the signer in each trust policy too.'

function day(time: string): string {
  return time.slice(0, 10)
}

/** What an authority says may lie below it; nothing for a signer. */
function limits({ kind, pathLength, scope }: CaListing): string[] {
  const below = pathLength === null ? 'authorities' : pathLength === 0 ? 'no authority' : counted(pathLength, 'level')
  return [
    ...(kind === 'root' || kind === 'ca' ? [`${below} below it`] : []),
    ...(scope.length === 0 ? [] : [`for ${scope.map(plain).join(', ')}`]),
  ]
}

/** The fingerprint in hex, and in words where a person will have to compare it: of what can stand in a trust store. */
function fingerprintLines({ kind, issuedBy, fingerprint, words }: CaListing): string[] {
  if (fingerprint === null) return []
  const compared = kind === 'root' || kind === 'ca' || issuedBy === null
  const lines = Array.from({ length: compared ? 4 : 0 }, (_, line) => words.slice(line * 8, line * 8 + 8).join(' '))
  return [fingerprint, ...lines.map((line) => `  ${line}`)]
}

function certificateLines(listing: CaListing, state: string[] = []): string[] {
  const { name, kind, purpose, subject, algorithm, notAfter, crlUrl, keyHash } = listing
  const use = kind === 'root' && purpose === 'timestamping' ? 'root of timestamps' : kind
  return [
    `${plain(name)}  ${plain(subject)}`,
    `  ${[use, algorithm, `until ${day(notAfter)}`, ...limits(listing), ...state].join(' · ')}`,
    ...(crlUrl === null ? [] : [`  revocation list at ${plain(crlUrl)}`]),
    ...fingerprintLines(listing).map((line) => `  ${line}`),
    ...(keyHash === null ? [] : [`  key ${keyHash}`]),
  ]
}

export function caInitText({ dir, preset, certificates, dryRun }: CaInitReport): string[] {
  const all = certificates.flatMap((listing) => certificateLines(listing))
  if (dryRun) return [`${plain(dir)} could be made (${preset}):`, ...all]
  const at = plain(dir)
  const roots = certificates.filter(({ issuedBy }) => issuedBy === null)
  return [
    `made ${at} (${preset})`,
    ...all,
    `Give ${roots.map(({ name }) => `${at}/${name}/certificate.crt`).join(' and ')} to those who shall trust you, and the fingerprint by another way.`,
    ...roots
      .filter(({ kind }) => kind === 'root')
      .map(({ name }) => `Take ${at}/${name}/key.pem offline now; it is needed again only to issue from ${name}.`),
    `Sign with --key ${at}/signer/key.pem --chain ${at}/signer/chain.crt`,
    ...(preset === 'vendor' && certificates.every(({ crlUrl }) => crlUrl === null)
      ? ['note: without --crl-url no certificate says where its revocation list lies, and none can be told later']
      : []),
  ]
}

export function caIssueText({ dir, certificate, dryRun }: CaIssueReport): string[] {
  const { name, issuedBy, scope } = certificate
  const at = `${plain(dir)}/${plain(name)}`
  return [
    `${dryRun ? 'could be issued' : 'issued'} by ${plain(issuedBy ?? '')}`,
    ...certificateLines(certificate),
    ...(scope.length === 0 ? [] : [SCOPE_NOTE]),
    ...(dryRun
      ? []
      : [`${at} holds the key, the chain and the record; give it to its holder whole, over a way you trust`]),
  ]
}

export function caShowText({ certificates, ends }: CaShowReport): string[] {
  const scoped = certificates.some(({ scope }) => scope.length > 0)
  return [
    ...certificates.flatMap((shown) => {
      const state = [
        ...(shown.validity === 'valid' ? [] : [shown.validity.toUpperCase()]),
        ...(shown.revoked === null ? [] : [`REVOKED: ${shown.revoked.reason}`]),
        ...(shown.keyHere ? ['key here'] : ['key elsewhere']),
      ]
      // A delegate's folder holds his own part of the tree, whose issuer is named, not shown.
      const above = shown.depth === 0 && shown.issuedBy !== null ? [`  issued by ${plain(shown.issuedBy)}`] : []
      return [...certificateLines(shown, state), ...above, ...revocationLines(shown)].map(
        (line) => `${'    '.repeat(shown.depth)}${line}`,
      )
    }),
    'ends:',
    ...ends.map(({ name, notAfter }) => `  ${day(notAfter)}  ${plain(name)}`),
    ...(scoped ? [SCOPE_NOTE] : []),
  ]
}
