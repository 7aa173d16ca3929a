/** Verdicts in words. Names of signers, tags and repositories come from others and pass through `plain`. */
import type {
  Anchor,
  CheckBlobReport,
  CheckReport,
  JudgedArtifact,
  PolicyCheckReport,
  PolicyEditReport,
  PolicyExplainReport,
  PolicyShowReport,
  SignatureReport,
  SignBlobReport,
  SignReport,
  StoreAddReport,
  StoreListReport,
  StoreRemoveReport,
  VerdictReport,
} from '../index.ts'
import { asOfText } from './as-of-option.ts'
import { counted, plain } from './show.ts'

const WORDS = { trusted: 'TRUSTED', rejected: 'REJECTED', inconclusive: 'INCONCLUSIVE (not trusted)' } as const

function day(time: string | undefined, prefix: string): string {
  return time === undefined ? '' : `, ${prefix} ${time.slice(0, 10)}`
}

function signatureLines(signature: SignatureReport): string[] {
  const { manifest, signer, algorithm, format, verdict, statement, why, code, timestamp, expiry, deprecated } =
    signature
  const by = signer === undefined ? 'signer unknown' : plain(signer)
  const kind = algorithm === undefined ? '' : ` (${algorithm}${format === undefined ? '' : `, ${format}`})`
  const times = `${day(timestamp, 'signed before')}${day(expiry, 'expires')}${day(deprecated, 'algorithm deprecated since')}`
  const met = verdict === 'trusted' && statement !== undefined ? ` for ${plain(statement)}` : ''
  const reason = verdict === 'trusted' ? '' : `: ${code ?? ''}${why === undefined ? '' : ` ${plain(why)}`}`
  const key = signature.signerKey === undefined ? '' : `, key ${signature.signerKey}`
  return [`    ${verdict}${met}  ${by}${kind}${times}${reason}`, `      ${manifest}${key}`]
}

/** The verdict on one artifact, with every signature that was found. */
export function verdictLines(name: string, verdict: Omit<VerdictReport, 'digest'>): string[] {
  const { code, why, remedy, signatures, unjudged, statements, missing, scope } = verdict
  return [
    `${WORDS[verdict.verdict]}  ${plain(name)}`,
    `    as ${plain(scope)}: ${code === undefined ? '' : `${code}: `}${plain(why)}`,
    ...(statements.length === 0 ? [] : [`    satisfied: ${statements.map(plain).join(', ')}`]),
    ...(missing.length === 0 ? [] : [`    missing: ${missing.map(plain).join(', ')}`]),
    ...(verdict.skipped === true ? ['    SKIPPED by policy: no signature was looked at'] : []),
    ...signatures.flatMap(signatureLines),
    ...(unjudged === 0 ? [] : [`    ${counted(unjudged, 'further signature')} not looked at`]),
    ...(remedy === undefined || verdict.verdict === 'trusted' ? [] : [`    remedy: ${plain(remedy)}`]),
  ]
}

export function judgedLines(artifacts: readonly JudgedArtifact[] | null): string[] {
  if (artifacts === null) return ['note: no policy was given, so the artifacts themselves were not judged']
  return artifacts.flatMap((artifact) => {
    const tags = artifact.tags.length === 0 ? '' : `:${artifact.tags.join(',')}`
    return verdictLines(`${artifact.repository}${tags}@${artifact.digest}`, artifact)
  })
}

export function checkText(report: CheckReport): string[] {
  const tag = report.tag === null ? '' : `:${report.tag}`
  return [...verdictLines(`${report.repository}${tag}@${report.digest}`, report), ...asOfText(report)]
}

export function checkBlobText(report: CheckBlobReport): string[] {
  return [...verdictLines(`${report.file} ${report.digest}`, report), ...asOfText(report)]
}

function signerLines(report: SignReport | SignBlobReport): string[] {
  const { signer, signerKey, algorithm, format, signingTime, timestamped, expiry } = report
  return [
    `by         ${signer === null ? 'the key of the plugin' : plain(signer)} (${algorithm === null ? '' : `${algorithm}, `}${format})`,
    ...(signerKey === null ? [] : [`key        ${signerKey}`]),
    `at         ${signingTime}${timestamped ? ', timestamped' : ''}${expiry === null ? '' : `, expires ${expiry}`}`,
  ]
}

export function signBlobText(report: SignBlobReport): string[] {
  const { file, digest, mediaType, output, dryRun } = report
  return [
    `${dryRun ? 'would sign' : 'signed'} ${plain(file)} (${mediaType}) ${digest}`,
    ...signerLines(report),
    `${dryRun ? 'would be in' : 'signature '} ${plain(output)}`,
  ]
}

export function signText(report: SignReport): string[] {
  const { repository, tag, artifact, signature, dryRun } = report
  return [
    `${dryRun ? 'would sign' : 'signed'} ${plain(repository)}${tag === null ? '' : `:${plain(tag)}`}@${artifact}`,
    ...signerLines(report),
    ...(signature === null ? [] : [`signature  ${signature}`]),
    ...(report.referrers === 'fallback' ? ['found by the fallback tag, since there is no Referrers API'] : []),
  ]
}

function anchorLines({ subject, fingerprint, words, notAfter, expired }: Anchor): string[] {
  const rows = [0, 8, 16, 24].map((from) => `      ${words.slice(from, from + 8).join(' ')}`)
  return [
    `  ${plain(subject)}`,
    `    ${fingerprint}`,
    ...rows,
    `    ${expired ? 'EXPIRED' : 'valid until'} ${notAfter.slice(0, 10)}`,
  ]
}

export function anchorsText({ store, added, present, dryRun }: StoreAddReport): string[] {
  return [
    ...(added.length > 0 ? [`${dryRun ? 'would add' : 'added'} to ${store}`, ...added.flatMap(anchorLines)] : []),
    ...(present.length > 0 ? [`in ${store} before`, ...present.flatMap(anchorLines)] : []),
    'It grants nothing until a statement of the policy names the store.',
  ]
}

export function storesText({ policy, stores }: StoreListReport): string[] {
  if (stores.length === 0) return [`no trust store in ${plain(policy)}: nobody is believed`]
  return stores.flatMap(({ store, anchors }) => [store, ...anchors.flatMap(anchorLines)])
}

export function removedText({ store, removed, dryRun }: StoreRemoveReport): string[] {
  return [`${dryRun ? 'would remove' : 'removed'} from ${store}:`, ...removed.map((file) => `  ${plain(file)}`)]
}

export function findingsText({ policy, usable, findings, digest }: PolicyCheckReport): string[] {
  return [
    ...findings.map(
      ({ severity, file, place, detail }) =>
        `${severity}  ${plain(file)}${place === '' ? '' : `:${plain(place)}`}  ${plain(detail)}`,
    ),
    usable
      ? `${plain(policy)} can judge (${digest ?? ''})${findings.length === 0 ? '' : `, ${counted(findings.length, 'warning')}`}`
      : `${plain(policy)} can't judge: every artifact is refused`,
  ]
}

function statementLines(statement: PolicyExplainReport['statements'][number]): string[] {
  const { name, trustPolicy, level, actions, verifyTimestamp, stores, identities } = statement
  const checks = Object.entries(actions).map(([check, action]) => `${check} ${action}`)
  return [
    `    ${plain(name)}${name === trustPolicy ? '' : ` (notation: ${plain(trustPolicy)})`}: ${level}, ${checks.join(', ')}`,
    ...stores.map(({ name: store, thumbprints }) => `      by ${store}: ${counted(thumbprints.length, 'anchor')}`),
    ...identities.map((identity) => `      signer ${plain(identity)}`),
    ...(verifyTimestamp === 'always' ? [] : ['      timestamps only after a certificate expired']),
  ]
}

export function explainText(report: PolicyExplainReport): string[] {
  const { scope, found, pattern, count, statements, trace, requireOrigin, algorithms, revocation, skips } = report
  const refused = scope.endsWith('*')
    ? 'every artifact that no other scope names is refused'
    : 'every artifact is refused'
  if (!found) return [`${plain(scope)}: no policy speaks for it; ${refused}`]
  const rules = Object.entries(algorithms).map(
    ([name, { rule, since }]) => `${name} ${rule}${since === undefined ? '' : ` since ${since}`}`,
  )
  return [
    `${plain(scope)}${pattern === undefined ? '' : `, by ${plain(pattern)} in policy.yaml`}`,
    count === 0 ? '  nothing is ever trusted there' : `  ${count} of ${statements.length}:`,
    ...statements.flatMap(statementLines),
    ...(trace.length === 0 ? [] : ['  traced, never counted:', ...trace.flatMap(statementLines)]),
    ...(skips ? ['  SKIPPED: every artifact is trusted there, and no signature is looked at'] : []),
    ...(requireOrigin ? ['  each signature must be bound to its origin'] : []),
    ...(rules.length === 0 ? [] : [`  algorithms: ${rules.join(', ')}`]),
    `  revocation: ${revocationWords(revocation).join(', ')}`,
  ]
}

function revocationWords(revocation: PolicyExplainReport['revocation']): string[] {
  const { measure, maxStaleness, mustHave, timestampCounts, releaseNeedsApproval } = revocation
  return [
    `what loses its trust is ${{ report: 'reported', retag: 'reported and loses its tags', remove: 'removed' }[measure]}`,
    ...(maxStaleness === 0 ? [] : [`lists may be ${maxStaleness / 3600} h past their next update`]),
    ...(mustHave.length === 0 ? [] : [`${counted(mustHave.length, 'issuer')} must have a list`]),
    ...(timestampCounts ? ['timestamps count as signing times'] : []),
    ...(releaseNeedsApproval ? ['a release from quarantine needs a second approval'] : []),
  ]
}

export function showPolicyText({ policy, digest, scopes, files }: PolicyShowReport): string[] {
  const none = scopes.length === 0 ? [`no trust policy in ${plain(policy)}: every artifact is refused`] : []
  if (scopes.length + files.length === 0) return none
  return [
    `${plain(policy)} ${digest}`,
    ...none,
    ...scopes.flatMap(explainText),
    ...files.flatMap((file) => [
      file.global ? 'plain files, unless another statement is named:' : `plain files, with --statement:`,
      ...statementLines(file),
    ]),
  ]
}

export function editedText({ file, name, statements, dryRun }: PolicyEditReport, done: 'added' | 'removed'): string[] {
  return [
    `${dryRun ? `would be ${done}` : done}: ${plain(name)}, in ${plain(file)} (${counted(statements, 'statement')})`,
  ]
}
