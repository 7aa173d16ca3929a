/**
 * Judges again what lies at a target and is touched by new lists, answers and denials, or by another policy. The others
 * are found by the state alone, and nobody is asked about them.
 */
import type { Code } from '../errors/index.ts'
import type { Digest } from '../oci/index.ts'
import type { State, Verdict as VerdictRow } from '../state/index.ts'
import {
  basisOf,
  certificateFacts,
  judgeWith,
  type CertificateFacts,
  type Measure,
  type TrustMaterial,
  type Verdict,
} from '../trust/index.ts'
import { affectedBy, affectedByPolicy, unitedAffected, type Affected } from './affected.ts'
import { isAuthentic, verdictRow, type JudgedArtifact, type PluginPlace } from './artifact-verdicts.ts'
import { manifestsWithin, withoutDenied } from './denied-within.ts'
import { signaturesAt } from './found-signatures.ts'
import { meansOf } from './judge-carried.ts'
import { KnownRevocations } from './known-revocations.ts'
import type { Place } from './place.ts'
import { checkInterrupted, tell, timeText, type RunOptions } from './run.ts'
import { SideBySide } from './side-by-side.ts'
import { verdictReport } from './verdict-report.ts'

/** An artifact that was judged again. */
export interface RejudgedArtifact {
  /** Its repository's path at the target. */
  path: string
  digest: Digest
  /** That its bundle gave it. */
  tags: string[]
  because: string[]
  before: Verdict
  /** `absent`: it does not lie there any more. */
  verdict: Verdict | 'absent'
  code?: Code
  why: string
  /** What was done about it; null where nothing had to be. */
  measure: MeasureOutcome | null
}

export interface MeasureOutcome {
  measure: Measure
  outcome: 'done' | 'impossible' | 'failed'
  detail: string
  /** Whoever knows the digest can still pull it. */
  reachable: boolean
}

export interface RejudgeReport {
  /** Artifacts of this target that the site knows, and those that were judged again. */
  known: number
  artifacts: RejudgedArtifact[]
  /** Artifacts at other targets that are touched and were not judged again: a run for each of these has to. */
  elsewhere: number
}

/** Acts on an artifact that is here and rejected. What it can't do it says, and does not throw. */
export type ApplyMeasure = (artifact: Affected, verdict: { code: Code; why: string }) => Promise<MeasureOutcome>

export interface RejudgeOptions extends RunOptions {
  now: Date
  /** Without it only denials are gone by. */
  material: TrustMaterial | undefined
  plugins?: PluginPlace | undefined
  measure: ApplyMeasure
}

interface Judgement {
  artifact: RejudgedArtifact
  /** The row of the new verdict, and the certificates that it names. */
  row: VerdictRow | undefined
  certificates: CertificateFacts[]
}

/**
 * All that changed since the last time is looked at for this target, and marked so at the end: a run that is stopped
 * anywhere is completed by the next. What can't be asked about for the registry's sake ends the run, and is asked again.
 */
export async function rejudge(state: State, place: Place, options: RejudgeOptions): Promise<RejudgeReport> {
  const { material } = options
  const through = state.head.n
  const pending = state.pending()
  const changed = await affectedBy(state, pending)
  const here = (one: Affected): boolean => one.target === place.name
  const affected = unitedAffected(
    changed.filter(here),
    material === undefined ? [] : affectedByPolicy(state, material, place.name, (path) => place.scope(path)),
  )
  const known = [...state.judgedArtifacts()].filter(({ target }) => target === place.name).length
  if (affected.length > 0) tell(options, { type: 'phase', phase: `judging ${affected.length} artifacts again` })
  const artifacts = await new Rejudging(state, place, options).all(affected)
  const elsewhere = changed.filter((one) => !here(one)).length
  // A site that judges by a policy looks with it: what was looked at for denials alone stays to be looked at.
  const whole = elsewhere === 0 && (material !== undefined || state.policySince === undefined)
  if (whole && pending.lists.length + pending.denials.length > 0) await state.markRejudged(through, material?.digest)
  return { known, artifacts, elsewhere }
}

class Rejudging {
  readonly #state: State
  readonly #place: Place
  readonly #options: RejudgeOptions
  readonly #known: KnownRevocations
  readonly #anchors: ReadonlySet<string>

  constructor(state: State, place: Place, options: RejudgeOptions) {
    this.#state = state
    this.#place = place
    this.#options = options
    this.#known = new KnownRevocations(state)
    this.#anchors = new Set([...(options.material?.stores.values() ?? [])].flat().map(({ sha256 }) => sha256))
  }

  async all(affected: readonly Affected[]): Promise<RejudgedArtifact[]> {
    const judged = new SideBySide<Judgement>()
    for (const one of affected) {
      checkInterrupted(this.#options)
      await judged.begin(1, () => this.#judge(one))
    }
    const judgements = await judged.all()
    await this.#record(judgements)
    for (const [i, { artifact }] of judgements.entries()) {
      checkInterrupted(this.#options)
      const one = affected[i]
      // What can't be decided is no reason to take something away: it may be good again tomorrow.
      if (one === undefined || artifact.verdict !== 'rejected') continue
      const { code = 'POLICY_UNMET', why } = artifact
      artifact.measure = await this.#options.measure(one, { code, why })
    }
    return judgements.map(({ artifact }) => artifact)
  }

  /** The verdict is journaled before anything is done about it. */
  async #record(judgements: readonly Judgement[]): Promise<void> {
    await this.#state.knowCertificates(
      judgements.flatMap(({ certificates }) =>
        certificates.map(({ notAfter, ...facts }) => ({ ...facts, notAfter: timeText(notAfter) })),
      ),
    )
    await this.#state.recordVerdicts(judgements.flatMap(({ row }) => row ?? []))
  }

  async #judge(affected: Affected): Promise<Judgement> {
    const { path, digest, because, verdict: before } = affected
    const recorded = await this.#state.verdictOf(affected)
    const tags = [...(recorded?.tags ?? [])]
    const common = { path, digest, tags, because, before, measure: null }
    const target = this.#place.at(path)
    const denied = this.#known.denied(digest)
    const material = this.#options.material
    const found = await target.resolve(digest)
    if (found === undefined)
      return {
        artifact: { ...common, verdict: 'absent', why: 'it is gone' },
        row: this.#row(recorded, common, 'MANIFEST_MISSING', 'it is gone'),
        certificates: [],
      }
    const { mediaType, size } = found
    const descriptor = { mediaType, digest, size }
    if (material === undefined) {
      const within = await manifestsWithin(target, descriptor, this.#known, this.#options)
      const named =
        denied ?? within.manifests.map((child) => this.#known.denied(child)).find((one) => one !== undefined)
      if (named === undefined)
        return { artifact: { ...common, verdict: before, why: 'not denied' }, row: undefined, certificates: [] }
      const verdict = { verdict: 'rejected' as const, code: 'ARTIFACT_DENIED' as const, why: named.reason }
      const row = this.#row(recorded, common, 'ARTIFACT_DENIED', named.reason)
      return { artifact: { ...common, ...verdict }, row, certificates: [] }
    }
    return this.#byPolicy(material, { common, descriptor, recorded })
  }

  /** For what no policy was asked about. */
  #row(
    recorded: ByPolicy['recorded'],
    { path, digest, tags }: ByPolicy['common'],
    why: Code,
    detail: string,
  ): VerdictRow {
    return {
      id: recorded?.id ?? '-',
      repository: recorded?.repository ?? path,
      digest,
      target: this.#place.name,
      path,
      tags,
      within: recorded?.within,
      verdict: 'rejected',
      why,
      detail: detail.slice(0, 400),
    }
  }

  async #byPolicy(material: TrustMaterial, { common, descriptor, recorded }: ByPolicy): Promise<Judgement> {
    const { path, digest, tags } = common
    const target = this.#place.at(path)
    const signatures = await signaturesAt(target, digest, { ...this.#options, anchors: this.#anchors })
    const within = await manifestsWithin(target, descriptor, this.#known, this.#options)
    const means = {
      ...meansOf(this.#options.plugins, this.#options.signal),
      ...this.#known.means(material, this.#options.now),
    }
    const repository = recorded?.repository ?? path
    const verdict = withoutDenied(
      await judgeWith(material, this.#options.now, means).artifact({
        artifact: descriptor,
        scope: this.#place.scope(path),
        origin: repository,
        signatures,
        aliases: within.aliases,
      }),
      within.manifests,
      this.#known,
    )
    const judged: JudgedArtifact = { ...verdictReport(verdict), repository, tags }
    const artifact = {
      ...common,
      verdict: verdict.verdict,
      ...(verdict.code === undefined ? {} : { code: verdict.code }),
      why: verdict.why,
    }
    return {
      artifact,
      row: verdictRow(
        recorded?.id ?? '-',
        judged,
        { target: this.#place.name, path },
        { within: recorded?.within, basis: basisOf(material, judged.scope)?.digest },
      ),
      certificates: certificateFacts(verdict.signatures.filter(isAuthentic)),
    }
  }
}

interface ByPolicy {
  common: Omit<RejudgedArtifact, 'verdict' | 'code' | 'why'>
  descriptor: { mediaType: string; digest: Digest; size: number }
  recorded: Awaited<ReturnType<State['verdictOf']>>
}

/** True when something that was trusted here is so no more. */
export function anyFallen({ artifacts }: Pick<RejudgeReport, 'artifacts'>): boolean {
  return artifacts.some(({ before, verdict }) => before === 'trusted' && verdict !== 'trusted' && verdict !== 'absent')
}
