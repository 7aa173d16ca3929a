/** The verdict on an artifact from its signatures and what is asked of it. */
import { CODES, type Code } from '../errors/index.ts'
import type { Digest } from '../oci/index.ts'
import type { TargetDigest } from '../signature/index.ts'
import type { Applicable } from './applicable.ts'
import { ATTEMPT_CAP, inOrder } from './attempt-order.ts'
import { denialOfArtifact, deniesSigners } from './denied.ts'
import { judgeUnder, PASSED, type StatementTerms } from './judge-statement.ts'
import { describeSignature, nearest, signerOf, type JudgedSignature } from './judged-signature.ts'
import { openSignature, type FoundSignature, type SignatureTerms } from './open-signature.ts'
import { assignSigners, type Meeting } from './requirement.ts'
import type { ArtifactVerdict, SignatureVerdict, Verdict } from './verdict.ts'

export interface ArtifactTerms<D extends TargetDigest> extends SignatureTerms {
  digest: D
  scope: string
  signatures: readonly FoundSignature[]
  /** Beyond these, and not even read. */
  unread?: number
  /** Undefined: nothing speaks for the scope. */
  applicable: Applicable | undefined
}

/** The exit status of what was trusted before it was revoked or denied. */
const REVOKED = 14

type Base<D extends TargetDigest> = Omit<ArtifactVerdict<D>, 'verdict' | 'why'>

function refuse<D extends TargetDigest>(
  base: Base<D>,
  code: Code,
  why: string,
  verdict: Verdict = 'rejected',
): ArtifactVerdict<D> {
  return { ...base, verdict, code, why, remedy: CODES[code][2] }
}

function anchorsOf({ require, trace }: Applicable, { material }: StatementTerms): Set<string> {
  const stores = [...(require?.of ?? []), ...trace].flatMap(({ statement }) => statement.stores)
  return new Set(stores.flatMap((name) => material.stores.get(name) ?? []).map(({ sha256 }) => sha256))
}

/** The verdict. Every signature up to the cap is judged, also when enough are trusted: the verdict lists them all. */
export async function judgeSignatures<D extends TargetDigest>(
  artifact: ArtifactTerms<D>,
  terms: StatementTerms,
): Promise<ArtifactVerdict<D>> {
  const { digest, scope, applicable, unread = 0 } = artifact
  const found = applicable === undefined ? [] : inOrder(artifact.signatures, () => anchorsOf(applicable, terms))
  const base: Base<D> = {
    digest,
    scope,
    statements: [],
    missing: [],
    signatures: [],
    unjudged: artifact.signatures.length + unread,
    policy: terms.material.digest,
  }
  // Before any policy: what is denied by name stays out where nothing is looked at, too.
  const denied = denialOfArtifact(artifact, terms.means.denials)
  if (denied !== undefined) return refuse(base, 'ARTIFACT_DENIED', denied)
  if (applicable === undefined) return refuse(base, 'POLICY_MISSING', `nothing speaks for ${scope}`)
  const required = applicable.require?.of ?? []
  const skipping = required.find(({ statement }) => statement.level === 'skip')
  if (skipping !== undefined) {
    const refusal = await deniedUnseen(artifact, found, base, terms)
    if (refusal !== undefined) return refusal
    const why = `${skipping.name} skips ${scope}: no signature was looked at`
    return { ...base, verdict: 'trusted', why, skipped: true }
  }
  base.missing = required.map(({ name }) => name)
  if (found.length + unread === 0) return refuse(base, 'SIGNATURE_MISSING', 'there is no signature')

  const judged: JudgedSignature[] = []
  for (const one of found.slice(0, ATTEMPT_CAP)) {
    const signature = await openSignature(one, artifact, terms.chains, terms.means.denials)
    const under = []
    for (const statement of [...required, ...applicable.trace])
      under.push(await judgeUnder(signature, statement, terms))
    judged.push({ signature, under })
  }
  base.unjudged = found.length - judged.length + unread
  return weigh(base, applicable, judged, terms)
}

/**
 * The refusal of what would be trusted unseen and bears a denied signature. Where no signature counts no other can stand in
 * for it. It is found while it lies there: whoever can take it away from the artifact can hide it.
 */
async function deniedUnseen<D extends TargetDigest>(
  artifact: ArtifactTerms<D>,
  found: readonly FoundSignature[],
  base: Base<D>,
  { chains, means: { denials } }: StatementTerms,
): Promise<ArtifactVerdict<D> | undefined> {
  if (!deniesSigners(artifact, denials)) return undefined
  for (const one of found.slice(0, ATTEMPT_CAP)) {
    const { denied } = await openSignature(one, artifact, chains, denials)
    if (denied !== undefined) return refuse(base, 'SIGNATURE_DENIED', `${one.manifest}: ${denied}`)
  }
  if (found.length + (artifact.unread ?? 0) <= ATTEMPT_CAP) return undefined
  const why = `a signature of it is denied, and not all were looked at to find it`
  return refuse(base, 'LIMIT_EXCEEDED', why, 'inconclusive')
}

/** Which signer meets which of the required statements, with one of these verdicts. */
function meetings(judged: readonly JudgedSignature[], required: number, verdicts: readonly Verdict[]): Meeting[] {
  return judged.flatMap((one) => {
    const signer = signerOf(one)
    return one.under.slice(0, required).flatMap(({ verdict }, statement): Meeting[] => {
      return signer !== undefined && verdicts.includes(verdict) ? [{ statement, signer }] : []
    })
  })
}

function weigh<D extends TargetDigest>(
  base: Base<D>,
  { require, site }: Applicable,
  judged: readonly JudgedSignature[],
  { material, now }: StatementTerms,
): ArtifactVerdict<D> {
  const names = (require?.of ?? []).map(({ name }) => name)
  const met = assignSigners(names.length, meetings(judged, names.length, ['trusted']))
  const signatures = judged.map((one) => describeSignature(one, names.length, met, material.site?.algorithms, now))
  const statements = names.filter((_, i) => met.has(i))
  const missing = names.filter((_, i) => !met.has(i))
  const all: Base<D> = { ...base, statements, missing, signatures }
  if (require === undefined)
    return refuse(all, 'POLICY_UNMET', `${site?.pattern ?? base.scope} only traces: nothing is trusted there`)
  const { count } = require
  if (met.size >= count) return { ...all, verdict: 'trusted', why: trustedBy(signatures, statements) }

  // Trusted, and yet not counted: what looks met is met by a signer who counts for another statement.
  const again = names.filter((_, i) => !met.has(i) && judged.some(({ under }) => under[i]?.verdict === 'trusted'))
  const twice = again.length === 0 ? '' : ` (${again.join(', ')}: only by a signer who is counted already)`
  const lacking = `${met.size} of ${count} wanted; missing: ${missing.join(', ')}${twice}`
  const possible = assignSigners(names.length, meetings(judged, names.length, ['trusted', 'inconclusive']))
  if (possible.size >= count) {
    const open = signatures
      .flatMap(({ manifest, under }) => under.slice(0, names.length).map((verdict) => ({ ...verdict, manifest })))
      .find(({ verdict }) => verdict === 'inconclusive')
    return refuse(all, open?.code ?? 'POLICY_UNMET', `${lacking}${because(open)}`, 'inconclusive')
  }
  // A signature that was not looked at might be the one.
  if (base.unjudged > 0) {
    const rest = `${base.unjudged} signatures beyond the first ${judged.length} were not looked at`
    return refuse(all, 'LIMIT_EXCEEDED', `${lacking}; ${rest}`, 'inconclusive')
  }
  // That a signer was revoked or denied since is the news, whatever older failures lie beside it.
  const undone = undoneOf(judged, names, met)
  const near = nearest(signatures.filter(({ verdict }) => verdict !== 'trusted'))
  // What was met shows that signing went right: then the news is who is missing, else why the nearest one failed.
  const code = undone?.code ?? (met.size === 0 ? near?.code : undefined)
  return refuse(all, code ?? 'POLICY_UNMET', `${lacking}${because(undone ?? near)}`)
}

/** Of the statements that are not met, one that was, until its signer was revoked or the signature denied. */
function undoneOf(
  judged: readonly JudgedSignature[],
  names: readonly string[],
  met: ReadonlyMap<number, string>,
): { manifest: Digest; code: Code; why: string } | undefined {
  for (const i of names.keys())
    for (const { signature, under } of met.has(i) ? [] : judged) {
      const one = under[i]
      if (one?.code === undefined || CODES[one.code][0] !== REVOKED) continue
      // Denied under every statement, it was nearly a signature for this one only if this one believes its signer.
      if (one.checks.authenticity.outcome === 'passed')
        return { manifest: signature.found.manifest, code: one.code, why: one.why }
    }
  return undefined
}

function because(signature: { manifest: Digest; why?: string } | undefined): string {
  return signature?.why === undefined ? '' : `; ${signature.manifest}: ${signature.why}`
}

function trustedBy(signatures: readonly SignatureVerdict[], statements: readonly string[]): string {
  const signers = statements.map((name) => {
    const signature = signatures.find(({ statement, verdict }) => statement === name && verdict === 'trusted')
    const logged = signature?.why === undefined || signature.why === PASSED ? '' : ` (${signature.why})`
    return `${name}: ${signature?.signer ?? ''}${logged}`
  })
  return signers.join('; ')
}
