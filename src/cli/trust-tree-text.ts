/** Trust information in words. All of it comes out of a bundle: every text passes through `plain`. */
import type { InformationReport, TreeCertificate, TrustTree } from '../index.ts'
import { SCOPE_NOTE } from './ca-text.ts'
import { counted, plain } from './show.ts'

/** Said before anything of it is shown: whoever reads a fingerprint here must not take it for the true one. */
const WARNING =
  'It informs, and makes nothing trusted: no store and no policy of this site is changed by it. ' +
  'Compare fingerprints with what their owners tell you, never with what stands here.'

function ends({
  notAfter,
  notBefore,
  validity,
}: TreeCertificate | TrustTree['stores'][number]['anchors'][number]): string {
  if (validity === 'expired') return `EXPIRED ${notAfter.slice(0, 10)}`
  return `${validity === 'valid' ? '' : `NOT VALID BEFORE ${notBefore.slice(0, 10)}, `}until ${notAfter.slice(0, 10)}`
}

function duties({ delegation, signs }: TreeCertificate): string[] {
  const said =
    delegation === null
      ? ['no record of delegation']
      : [
          delegation.purpose === 'timestamping' && delegation.kind !== 'tsa'
            ? `${delegation.kind} of timestamps`
            : delegation.kind,
          ...(delegation.scope.length === 0 ? [] : [`for ${delegation.scope.map(plain).join(', ')}`]),
          ...(delegation.pathLength === null ? [] : [`${counted(delegation.pathLength, 'level')} below it`]),
          ...(delegation.crlUrl === null ? [] : [`revocation list at ${plain(delegation.crlUrl)}`]),
        ]
  return [
    ...said,
    ...(signs.includes('signing') ? ['signed what is carried'] : []),
    ...(signs.includes('timestamping') ? ['timestamped what is carried'] : []),
  ]
}

function certificateLines(certificate: TreeCertificate): string[] {
  const { subject, fingerprint, depth } = certificate
  const lines = [plain(subject), `  ${[ends(certificate), ...duties(certificate)].join(' · ')}`, `  ${fingerprint}`]
  return lines.map((line) => `  ${'  '.repeat(depth)}${line}`)
}

function part(title: string, lines: string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines]
}

function storeLines({ store, anchors }: TrustTree['stores'][number]): string[] {
  return [
    `  ${plain(store)}`,
    ...anchors.flatMap((anchor) => [`    ${plain(anchor.subject)}`, `      ${ends(anchor)} · ${anchor.fingerprint}`]),
  ]
}

function statementLines({ file, name, level, scopes, stores, identities }: TrustTree['statements'][number]): string[] {
  return [
    `  ${plain(name)} (${level})${file === 'blob' ? ', for files' : ''}${scopes.length === 0 ? '' : `: ${scopes.map(plain).join(', ')}`}`,
    ...(stores.length === 0 ? [] : [`    by ${stores.map(plain).join(', ')}`]),
    ...identities.map((identity) => `    signer ${plain(identity)}`),
  ]
}

function requirementLines({ scope, count, of, trace, requireOrigin }: TrustTree['requirements'][number]): string[] {
  return [
    `  ${plain(scope)}: ${count === 0 ? 'nothing is ever trusted' : `${count} of ${of.map(plain).join(', ')}`}`,
    ...(trace.length === 0 ? [] : [`    traced: ${trace.map(plain).join(', ')}`]),
    ...(requireOrigin ? ['    bound to the origin'] : []),
  ]
}

export function trustTreeText(tree: TrustTree): string[] {
  const { repository, items, faults, certificates, stores, statements, requirements } = tree
  if (items.length + faults.length === 0) return ['trust information: none is carried']
  return [
    `trust information in ${plain(repository)}: ${items.map(({ tag }) => plain(tag)).join(', ')}`,
    WARNING,
    ...part('who delegated to whom:', certificates.flatMap(certificateLines)),
    ...(certificates.some(({ delegation }) => (delegation?.scope.length ?? 0) > 0) ? [SCOPE_NOTE] : []),
    ...part("the sender's trust stores:", stores.flatMap(storeLines)),
    ...part("the sender's trust policies:", statements.flatMap(statementLines)),
    ...part('what policy.yaml asks for:', requirements.flatMap(requirementLines)),
    ...part(
      'NO trust information, though it lies there; judged as content:',
      faults.map(({ digest, tags, why }) => `  ${digest} (${tags.map(plain).join(', ')}): ${plain(why)}`),
    ),
  ]
}

/** One line for what was not judged. */
export function informationLines(information: readonly InformationReport[]): string[] {
  const [first] = information
  if (first === undefined) return []
  return [
    `information, judged by no policy: ${plain(first.repository)} (${information.map(({ tag }) => plain(tag)).join(', ')})`,
  ]
}
