/** One signature held against one statement: the checklist of trust-store-trust-policy.md, "Steps". */
import { checkAnchor, checkIdentity } from './authenticity.ts'
import { checkTime, unaskedTime, type TimeFinding } from './authentic-time.ts'
import { CheckRecord, failed, undecided, type CheckFinding } from './check-outcome.ts'
import type { ChainReader, Envelope } from '../signature/index.ts'
import type { JudgeMeans, RevocationCheck, RevocationQuery } from './judge-means.ts'
import { CHECKS } from './level.ts'
import type { TrustMaterial } from './material.ts'
import type { OpenSignature } from './open-signature.ts'
import { askPlugin, lookForPlugin, NO_PLUGIN, type PluginState } from './plugin-check.ts'
import type { SiteStatement } from './site-policy.ts'
import type { Statement } from './statement.ts'
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

interface RevocationFinding {
  finding: CheckFinding
  notes: readonly string[]
}

async function checkRevocation(check: RevocationCheck | undefined, query: RevocationQuery): Promise<RevocationFinding> {
  const fault = (finding: CheckFinding): RevocationFinding => ({ finding, notes: [] })
  if (check === undefined) return fault(undecided('REVOCATION_UNKNOWN', UNKNOWN))
  const answer = await check(query)
  if (answer.status === 'good') return { finding: undefined, notes: answer.notes ?? [] }
  if (answer.status === 'revoked') return fault(failed(answer.code, answer.detail))
  return fault(undecided('REVOCATION_UNKNOWN', answer.detail))
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
  if (signature.denied !== undefined) record.deny(signature.denied)
  // What counts for nothing starts no program; the checks that cost little go on, to say whose signature it was.
  const state = signature.denied === undefined ? await lookForPlugin(envelope, means.verifyByPlugin) : NO_PLUGIN
  record.enter('integrity', state.doubt)

  if (!record.enter('authenticity', checkAnchor(chain.certificates, envelope.scheme, statement, material)))
    return finish()
  if (isOurs(signature, state, statement) && !record.enter('authenticity', checkIdentity(chain.leaf, statement)))
    return finish()

  // After the signer, as in notation: of a stranger's signature it is no news that it is bound to no place.
  if (!record.enter('integrity', signature.misplaced)) return finish()

  const { expiry } = envelope
  const over = expiry !== undefined && now >= expiry
  const late = over ? failed('SIGNATURE_EXPIRED', `it expired on ${expiry.toISOString()}`) : undefined
  if (!record.enter('expiry', late)) return finish()

  const time = checkTime(envelope, statement, material, now)
  record.timestamp = time.genTime
  record.timestampChain = time.authority
  if (!record.enter('authenticTimestamp', time.finding)) return finish()
  const authority = await checkAuthority(time, statement.actions.revocation, revocation)
  if (!record.enter('authenticTimestamp', authority.finding)) return finish()
  record.note('authenticTimestamp', authority.notes)
  if (signature.denied !== undefined) return finish()

  if (statement.actions.revocation !== 'skip') {
    const { finding, notes } = await checkSigner(signature, time, record, statement, terms)
    // A plugin that checks revocation speaks where lists don't. What a list revokes it can't bring back: the signature
    // names the plugin, and may be that of whoever has the lost key.
    const counts = !state.revocation || finding?.undecided === false
    if (counts && !record.enter('revocation', finding)) return finish()
    if (counts) record.note('revocation', notes)
  }
  for (const [check, finding] of await askPlugin(state, envelope, statement))
    if (!record.enter(check, finding)) return finish()
  return finish()
}

/**
 * True when the identity is ours to judge. A plugin that is not here may be the one to judge it: then its absence is all
 * that can be said, but of names that we read ourselves, and of a signature that nothing stood on here. Stops a stranger
 * with a certificate of the same authority from making a doubt of an artifact whose signer was revoked, and so of keeping
 * it where it lies, by a signature that names a plugin which nobody has.
 */
function isOurs({ envelope, found }: OpenSignature, { identity, plugin, absent }: PluginState, of: Statement): boolean {
  if (identity) return false
  if (envelope?.plugin === undefined || plugin !== undefined) return true
  return absent === true && found.first !== true && of.identities.every(({ kind }) => kind !== 'other')
}

/** The authority's own revocation is part of the timestamp, and enforced with it unless the policy skips revocation. */
async function checkAuthority(
  { authority }: TimeFinding,
  action: string,
  revocation: RevocationCheck | undefined,
): Promise<RevocationFinding> {
  if (authority === undefined || action === 'skip') return { finding: undefined, notes: [] }
  return checkRevocation(revocation, { chain: authority, purpose: 'timestamping' })
}

/**
 * Was the signer's chain revoked? Where the policy lets timestamps excuse, one that nothing else asked for is looked at once
 * it matters: else a signature would be refused as long as its certificate is valid, and trusted when that has expired.
 */
async function checkSigner(
  { envelope, chain }: OpenSignature,
  time: TimeFinding,
  record: CheckRecord,
  statement: Statement,
  { material, revocation }: StatementTerms,
): Promise<RevocationFinding> {
  const ask = (times: TimeFinding): Promise<RevocationFinding> =>
    checkRevocation(revocation, {
      chain: chain?.certificates ?? [],
      purpose: 'codeSigning',
      ...(envelope === undefined ? {} : vouchedTimes(envelope, times, record)),
    })
  const found = await ask(time)
  const revoked = found.finding?.undecided === false
  if (!revoked || envelope === undefined || time.latest !== undefined || !material.revocation.timestampCounts)
    return found
  const unasked = unaskedTime(envelope, statement, material)
  if (unasked === undefined) return found
  const authority = await checkAuthority(unasked, statement.actions.revocation, revocation)
  const excused = authority.finding === undefined ? await ask(unasked) : found
  if (excused.finding !== undefined) return found
  record.timestamp = unasked.genTime
  record.timestampChain = unasked.authority
  record.note('authenticTimestamp', authority.notes)
  return excused
}

/**
 * The times that may excuse a revocation. Only what passed vouches for one: stops whoever holds a lost key from claiming a
 * signing authority that the policy only logs to be a stranger, or a timestamp of a revoked authority.
 */
function vouchedTimes(
  { authenticSigningTime: vouched }: Envelope,
  { latest }: TimeFinding,
  record: CheckRecord,
): Partial<RevocationQuery> {
  if (!record.hasPassed('authenticity') || !record.hasPassed('authenticTimestamp')) return {}
  return {
    ...(vouched === undefined ? {} : { signingTime: vouched }),
    ...(latest === undefined ? {} : { timestampTime: latest }),
  }
}

function conclude(statement: string, level: StatementVerdict['level'], record: CheckRecord): StatementVerdict {
  const { failure, doubt, remarks, checks, timestamp, timestampChain } = record
  const common = {
    statement,
    level,
    checks,
    ...(timestamp === undefined ? {} : { timestamp }),
    ...(timestampChain === undefined ? {} : { timestampChain }),
  }
  const decided = failure ?? doubt
  if (decided !== undefined) {
    const verdict = failure === undefined ? 'inconclusive' : 'rejected'
    return { ...common, verdict, code: decided.code, why: decided.detail }
  }
  if (level === 'trace') {
    const code = CHECKS.map((check) => checks[check].code).find((found) => found !== undefined)
    const why = ['traced, never trusted', ...remarks].join('; ')
    return { ...common, verdict: 'rejected', code: code ?? 'POLICY_UNMET', why }
  }
  return { ...common, verdict: 'trusted', why: remarks.length === 0 ? PASSED : remarks.join('; ') }
}
