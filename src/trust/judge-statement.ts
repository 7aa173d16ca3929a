/** One signature held against one statement: the checklist of trust-store-trust-policy.md, "Steps". */
import { checkAnchor, checkIdentity } from './authenticity.ts'
import { checkTime, type TimeFinding } from './authentic-time.ts'
import { CheckRecord, failed, undecided, type CheckFinding } from './check-outcome.ts'
import type { ChainReader } from '../signature/index.ts'
import type { JudgeMeans, RevocationCheck, RevocationQuery } from './judge-means.ts'
import { CHECKS } from './level.ts'
import type { TrustMaterial } from './material.ts'
import type { OpenSignature } from './open-signature.ts'
import { askPlugin, lookForPlugin } from './plugin-check.ts'
import type { SiteStatement } from './site-policy.ts'
import type { StatementVerdict } from './verdict.ts'

export interface StatementTerms {
  material: TrustMaterial
  /** Fixed once a run. */
  now: Date
  means: JudgeMeans
  /** Asked once for each chain. */
  revocation: RevocationCheck | undefined
  /** Proves each chain once. */
  chains: ChainReader
}

/** The whole `why` of a signature that nothing is to be said about. */
export const PASSED = 'every check passed'

const UNKNOWN = 'nothing is known here about revocations: carry them, or say "override": {"revocation": "skip"}'

async function checkRevocation(check: RevocationCheck | undefined, query: RevocationQuery): Promise<CheckFinding> {
  if (check === undefined) return undecided('REVOCATION_UNKNOWN', UNKNOWN)
  const answer = await check(query)
  if (answer.status === 'good') return undefined
  if (answer.status === 'revoked') return failed(answer.code, answer.detail)
  return undecided('REVOCATION_UNKNOWN', answer.detail)
}

/**
 * The verdict, with every check made up to the first enforced failure. The order is notation's; the target, which
 * notation compares last, belongs to integrity and comes first. A check that cannot be decided does not end the
 * judging: only a signature that fails nothing else is inconclusive.
 */
export async function judgeUnder(
  signature: OpenSignature,
  { name, statement }: SiteStatement,
  terms: StatementTerms,
): Promise<StatementVerdict> {
  const record = new CheckRecord(statement.actions)
  const finish = (): StatementVerdict => conclude(name, statement.level, record)
  const { envelope, chain } = signature
  if (!record.enter('integrity', signature.fault) || envelope === undefined || chain === undefined) return finish()
  const { material, now, means, revocation } = terms
  const state = await lookForPlugin(envelope, means.verifyByPlugin)
  record.enter('integrity', state.doubt)

  if (!record.enter('authenticity', checkAnchor(chain.certificates, envelope.scheme, statement, material)))
    return finish()
  // A plugin that is not here may be the one to judge identities: then its absence is all that can be said.
  const ours = !state.identity && (envelope.plugin === undefined || state.plugin !== undefined)
  if (ours && !record.enter('authenticity', checkIdentity(chain.leaf, statement))) return finish()

  // After the signer, as in notation: of a stranger's signature it is no news that it is bound to no place.
  if (!record.enter('integrity', signature.misplaced)) return finish()

  const { expiry } = envelope
  const over = expiry !== undefined && now >= expiry
  const late = over ? failed('SIGNATURE_EXPIRED', `it expired on ${expiry.toISOString()}`) : undefined
  if (!record.enter('expiry', late)) return finish()

  const time = checkTime(envelope, statement, material, now)
  record.timestamp = time.genTime
  if (!record.enter('authenticTimestamp', time.finding)) return finish()
  const authority = await checkAuthority(time, statement.actions.revocation, revocation)
  if (!record.enter('authenticTimestamp', authority)) return finish()

  if (statement.actions.revocation !== 'skip' && !state.revocation) {
    const signingTime = envelope.authenticSigningTime
    const query: RevocationQuery = { chain: chain.certificates, purpose: 'codeSigning' }
    if (signingTime !== undefined) query.signingTime = signingTime
    if (!record.enter('revocation', await checkRevocation(revocation, query))) return finish()
  }
  for (const [check, finding] of await askPlugin(state, envelope, statement))
    if (!record.enter(check, finding)) return finish()
  return finish()
}

/** The authority's own revocation is part of the timestamp, and enforced with it unless the policy skips revocation. */
async function checkAuthority(
  { authority }: TimeFinding,
  action: string,
  revocation: RevocationCheck | undefined,
): Promise<CheckFinding> {
  if (authority === undefined || action === 'skip') return undefined
  return checkRevocation(revocation, { chain: authority, purpose: 'timestamping' })
}

function conclude(statement: string, level: StatementVerdict['level'], record: CheckRecord): StatementVerdict {
  const { failure, doubt, logged, checks, timestamp } = record
  const common = { statement, level, checks, ...(timestamp === undefined ? {} : { timestamp }) }
  const decided = failure ?? doubt
  if (decided !== undefined) {
    const verdict = failure === undefined ? 'inconclusive' : 'rejected'
    return { ...common, verdict, code: decided.code, why: decided.detail }
  }
  if (level === 'trace') {
    const code = CHECKS.map((check) => checks[check].code).find((found) => found !== undefined)
    const why = ['traced, never trusted', ...logged].join('; ')
    return { ...common, verdict: 'rejected', code: code ?? 'POLICY_UNMET', why }
  }
  return { ...common, verdict: 'trusted', why: logged.length === 0 ? PASSED : logged.join('; ') }
}
