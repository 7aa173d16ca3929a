/** Verdicts in words. Names of signers, tags and repositories come from others and pass through `plain`. */
import type { CheckReport, JudgedArtifact, SignatureReport, SignReport, VerdictReport } from '../index.ts'
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
  return [`    ${verdict}${met}  ${by}${kind}${times}${reason}`, `      ${manifest}`]
}

/** The verdict on one artifact, with every signature that was found. */
export function verdictLines(name: string, verdict: VerdictReport): string[] {
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
  return verdictLines(`${report.repository}${tag}@${report.digest}`, report)
}

export function signText(report: SignReport): string[] {
  const { repository, tag, artifact, signature, signer, algorithm, format, expiry, timestamped, dryRun } = report
  return [
    `${dryRun ? 'would sign' : 'signed'} ${plain(repository)}${tag === null ? '' : `:${plain(tag)}`}@${artifact}`,
    `by         ${plain(signer)} (${algorithm}, ${format})`,
    `at         ${report.signingTime}${timestamped ? ', timestamped' : ''}${expiry === null ? '' : `, expires ${expiry}`}`,
    ...(signature === null ? [] : [`signature  ${signature}`]),
    ...(report.referrers === 'fallback' ? ['found by the fallback tag, since there is no Referrers API'] : []),
  ]
}
