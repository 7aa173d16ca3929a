/** What follows from verdicts: what is let in, what is journaled, and with which status a run ends. */
import { CODES, SallyportError, type Code } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { SignatureChains, State, Verdict as VerdictRow } from '../../state/index.ts'
import type { CertificateFacts, SignatureVerdict, Verdict } from '../../trust/index.ts'
import type { Passage } from '../passage/passage.ts'
import { lowestExit } from '../run/exit.ts'
import { timeText } from '../run/run.ts'
import type { SignatureReport, VerdictReport } from './report.ts'

export interface JudgedArtifact extends VerdictReport {
  /** As the bundle calls it. */
  repository: string
  tags: string[]
}

/** With what to do where a policy had to judge without being told where the content goes. */
export function placed(artifacts: readonly JudgedArtifact[], destination: string | undefined): JudgedArtifact[] {
  const remedy = 'name where it goes with --destination: policies name repositories by that, not local/…'
  return artifacts.map((artifact) =>
    destination === undefined && artifact.code === 'POLICY_MISSING' ? { ...artifact, remedy } : artifact,
  )
}

/** One verdict over all: the worst, where `rejected` is worse than `inconclusive`. */
export function verdictOver(verdicts: readonly JudgedArtifact[]): Verdict {
  for (const worst of ['rejected', 'inconclusive'] as const)
    if (verdicts.some(({ verdict }) => verdict === worst)) return worst
  return 'trusted'
}

/** The passage without what was refused, and what else is left: nothing of it is pushed that no trusted artifact needs, and no tag names it. */
export function withoutRefused(
  passage: Passage,
  verdicts: readonly JudgedArtifact[],
  left: readonly { repository: string; digest: Digest }[] = [],
): Passage {
  const refused = new Set([...refusedOf(verdicts), ...left.map(refusalKey)])
  if (refused.size === 0) return passage
  const { census } = passage
  const artifacts = census.content.artifacts.filter(
    ({ repository, root }) => !refused.has(refusalKey({ repository, digest: root })),
  )
  const repositories = census.repositories.map((repository) => ({
    ...repository,
    bindings: new Map(
      [...repository.bindings].filter(
        ([, { digest }]) => !refused.has(refusalKey({ repository: repository.graph.repository, digest })),
      ),
    ),
  }))
  return { ...passage, census: { ...census, repositories, content: { ...census.content, artifacts } } }
}

/** True when the store and the identities of some statement know the signer: anyone may have written the others. */
export function isAuthentic({ checks, verdict }: Pick<SignatureVerdict, 'checks' | 'verdict'>): boolean {
  return verdict === 'trusted' || checks.authenticity.outcome === 'passed'
}

/** Where an artifact lies, or will. */
export interface Landing {
  target: string
  path: string
}

function chainsOf({ thumbprints, timestampChain }: SignatureReport): SignatureChains {
  return { chain: thumbprints, ...(timestampChain === undefined ? {} : { timestampChain }) }
}

/** The journal's row for a verdict: what was judged, by which policy, and on whose signatures it rests. */
export function verdictRow(
  id: string,
  { repository, digest, verdict, code, why, scope, policy, signatures, tags }: JudgedArtifact,
  landing: Landing,
  { within, basis }: Pick<VerdictRow, 'within' | 'basis'> = {},
): VerdictRow {
  const refused = signatures.filter((signature) => signature.verdict !== 'trusted' && isAuthentic(signature))
  return {
    id,
    repository,
    digest,
    ...landing,
    tags,
    within,
    basis,
    verdict,
    why: code ?? 'POLICY',
    // What a signature says of itself stands in it: a pair that is cut in two would be no text for other readers.
    detail: why.slice(0, 400).toWellFormed(),
    scope,
    policy,
    signatures: signatures
      .filter((signature) => signature.verdict === 'trusted')
      .map((signature) => ({
        manifest: signature.manifest,
        algorithm: signature.algorithm ?? '',
        statement: signature.statement ?? '',
        ...chainsOf(signature),
      })),
    ...(refused.length === 0
      ? {}
      : {
          refused: refused.map((signature) => ({
            manifest: signature.manifest,
            code: signature.code ?? 'POLICY_UNMET',
            ...chainsOf(signature),
          })),
        }),
  }
}

/** The refused ones, by repository and digest. */
export function refusedOf(verdicts: readonly JudgedArtifact[]): Set<string> {
  return new Set(verdicts.filter(({ verdict }) => verdict !== 'trusted').map((item) => refusalKey(item)))
}

export function refusalKey({ repository, digest }: { repository: string; digest: Digest }): string {
  return `${repository}@${digest}`
}

/** True for a code whose own exit status speaks of trust; of others a signature may fail too, a blob that is gone. */
function isVerdict(code: Code): boolean {
  const [exit] = CODES[code]
  return typeof exit === 'number' && exit >= 12 && exit <= 17
}

function exitOfCode(code: Code = 'POLICY_UNMET'): number {
  const [exit] = CODES[isVerdict(code) ? code : 'POLICY_UNMET']
  return Number(exit)
}

/** The exit status for these verdicts: 0 when all are trusted, else the lowest class met (design: Errors). */
export function verdictExit(verdicts: readonly Pick<VerdictReport, 'verdict' | 'code'>[]): number {
  const refused = verdicts.filter(({ verdict }) => verdict !== 'trusted')
  if (refused.length === 0) return 0
  return lowestExit(refused.map(({ code }) => exitOfCode(code)))
}

/** Throws the gravest refusal, if there is one: its own code and subject, and how many more there are. */
export function demandTrusted(verdicts: readonly JudgedArtifact[], side: 'source' | 'bundle'): void {
  const refused = verdicts.filter(({ verdict }) => verdict !== 'trusted')
  const exit = verdictExit(verdicts)
  const first = refused.find(({ code }) => exitOfCode(code) === exit)
  if (first === undefined) return
  const more = refused.length === 1 ? '' : ` (and ${refused.length - 1} more)`
  const { code = 'POLICY_UNMET' } = first
  // Else the exit status would be that of another kind of fault, and differ from what check and import say.
  const own = isVerdict(code)
  throw new SallyportError(own ? code : 'POLICY_UNMET', {
    side,
    subject: refusalKey(first),
    detail: `${own ? '' : `${code}: `}${first.why}, as ${first.scope}${more}`,
    remedy: first.remedy,
  })
}

/** Journals verdicts, behind the certificates that they name: one of a certificate that the state does not know is refused. */
export async function recordJudged(
  state: State,
  rows: readonly VerdictRow[],
  certificates: Iterable<CertificateFacts>,
): Promise<void> {
  const known = Array.from(certificates, ({ notAfter, ...facts }) => ({ ...facts, notAfter: timeText(notAfter) }))
  await state.knowCertificates(known)
  await state.recordVerdicts(rows)
}
