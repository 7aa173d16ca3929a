/** Judges one artifact of a target where it lies now, under the name of its place: it may lie in the quarantine. */
import type { Target } from '../../content/index.ts'
import { CODES, SallyportError } from '../../errors/index.ts'
import type { ArtifactPlace, State, Verdict as VerdictRow } from '../../state/index.ts'
import { basisOf, certificateFacts, judgeWith, type CertificateFacts, type TrustMaterial } from '../../trust/index.ts'
import { isAuthentic, recordJudged, verdictRow } from './artifact-verdicts.ts'
import type { PluginPlace } from './plugin-place.ts'
import { manifestsWithin, withoutDenied } from '../revocation/denied-within.ts'
import { signaturesBeside } from '../trust/found-signatures.ts'
import { meansOf } from './judge-carried.ts'
import { KnownRevocations } from '../revocation/known-revocations.ts'
import type { Place } from '../place/place.ts'
import type { RunOptions } from '../run/run.ts'
import type { Hold } from '../run/side-by-side.ts'
import { verdictReport, type VerdictReport } from './report.ts'
import { undoneSince } from './undone.ts'

export interface Judgement {
  report: VerdictReport
  /** What the journal is to have of it. */
  row: VerdictRow
  /** That the row names. */
  certificates: readonly CertificateFacts[]
}

/**
 * The verdict on an artifact at its place, read from the repository that it lies in now.
 * `hold` is asked before its signatures are held in memory.
 */
export type JudgeLying = (artifact: ArtifactPlace, lies: Target, hold?: Hold) => Promise<Judgement>

export interface JudgeLyingOptions extends RunOptions {
  now: Date
  plugins?: PluginPlace | undefined
}

/** By the site's policy, and all that the state knows of revocations now. The judge throws MANIFEST_MISSING. */
export function judgeLying(
  state: State,
  place: Place,
  material: TrustMaterial,
  options: JudgeLyingOptions,
): JudgeLying {
  const known = new KnownRevocations(state)
  const anchors = new Set([...material.stores.values()].flat().map(({ sha256 }) => sha256))
  const means = { ...meansOf(options.plugins, options.signal), ...known.means(material, options.now) }
  const judge = judgeWith(material, options.now, means)
  return async ({ target, path, digest }, lies, hold) => {
    const named = await lies.resolve(digest)
    if (named === undefined)
      throw new SallyportError('MANIFEST_MISSING', { side: 'target', subject: `${lies.repository}@${digest}` })
    const artifact = { mediaType: named.mediaType, digest, size: named.size }
    const recorded = await state.verdictOf({ target, path, digest })
    const stood = await state.trustedVerdictOf({ target, path, digest })
    // It came from where it was let in from. Stops a bundle that brings it from somewhere else, and is refused for that,
    // from having what lies here taken for bound to another place.
    const repository = (stood ?? recorded)?.repository ?? path
    const first = new Set(stood?.signatures?.map(({ manifest }) => manifest))
    const { fault, ...found } = await signaturesBeside(lies, digest, { ...options, anchors, first, hold })
    const within = await manifestsWithin(lies, artifact, known, options)
    const query = { artifact, scope: place.scope(path), origin: repository, ...found, aliases: within.aliases }
    const judged = withoutDenied(await judge.artifact(query), within.manifests, known)
    const crowded = judged.verdict === 'inconclusive' && judged.code === 'LIMIT_EXCEEDED'
    const undone = crowded ? await undoneSince(judged, stood, state, known) : undefined
    const verdict =
      undone === undefined
        ? judged
        : { ...judged, verdict: 'rejected' as const, ...undone, remedy: CODES[undone.code][2] }
    // By signatures that happen to be known nothing is trusted: what else is listed might be a later word.
    if (fault !== undefined && verdict.verdict !== 'rejected') throw fault
    const report = verdictReport(verdict)
    const reported = { ...report, repository, tags: [...(recorded?.tags ?? [])] }
    const basis = basisOf(material, report.scope)?.digest
    const row = verdictRow(recorded?.id ?? '-', reported, { target, path }, { within: recorded?.within, basis })
    return { report, row, certificates: certificateFacts(verdict.signatures.filter(isAuthentic)) }
  }
}

/** Journals what the site thinks of it from now on, before anything is done that rests on it. */
export function recordJudgement(state: State, { row, certificates }: Judgement): Promise<void> {
  return recordJudged(state, [row], certificates)
}
