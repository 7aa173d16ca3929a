/**
 * Judges again what lies at a target and is touched by new lists, answers and denials, or by another policy. The others
 * are found by the state alone, and nobody is asked about them.
 */
import { isFault, SallyportError, type Code } from '../../errors/index.ts'
import { isIndexType, MANIFEST_CAP, type Digest } from '../../oci/index.ts'
import type { ArtifactPlace, JudgedPlace, Pending, Quarantined, RecordedVerdict, State } from '../../state/index.ts'
import type { Measure, TrustMaterial, Verdict } from '../../trust/index.ts'
import {
  affectedBy,
  affectedByPolicy,
  affectedByReturn,
  strangeDenials,
  unitedAffected,
  type Affected,
} from './affected.ts'
import type { PluginPlace } from '../verdict/plugin-place.ts'
import { manifestsWithin } from '../revocation/denied-within.ts'
import { KnownRevocations } from '../revocation/known-revocations.ts'
import { isElsewhere } from '../trust/found-signatures.ts'
import type { Place } from '../place/place.ts'
import { Rejudging } from './rejudging.ts'
import { fallenOf, type MeasureOutcome, type RejudgedArtifact, type RejudgeReport } from './report.ts'
import { checkInterrupted, tell, type RunOptions } from '../run/run.ts'
import { SideBySide, type Hold } from '../run/side-by-side.ts'

/** Acts on an artifact that was let in and is rejected. What it can't do it says, and does not throw. */
export type ApplyMeasure = (artifact: ArtifactPlace, verdict: { code: Code; why: string }) => Promise<MeasureOutcome>

export interface RejudgeOptions extends RunOptions {
  now: Date
  /** Without it only denials are gone by. */
  material: TrustMaterial | undefined
  plugins?: PluginPlace | undefined
  /** What {@link apply} does; of a weaker one that was taken before it is not enough. */
  measure: Measure
  /** Told of what is judged rejected where it lies, before {@link apply} is of anything that was judged with it. */
  condemn?: ((artifact: ArtifactPlace, code: Code) => void) | undefined
  apply: ApplyMeasure
}

/** A policy that forgot a repository is no reason to take away what lies there, nor what that needs. */
export const FORGOTTEN = 'POLICY_MISSING'

/** The measure for a verdict with this code, of a site that wants this one. */
export function fittingMeasure(code: string | undefined, measure: Measure): Measure {
  return code === FORGOTTEN ? 'report' : measure
}

/** Judged, and journaled, together: so much is done again at most after a kill, and held in memory at once. */
const BATCH = 256
const STRENGTH: Readonly<Record<Measure, number>> = { report: 0, retag: 1, remove: 2 }

/**
 * All that changed since the last time is looked at for this target, and marked so at the end: a run that is stopped
 * anywhere is completed by the next. Null when there is nothing to look at and nothing left to do.
 * Duty of the caller: nobody else pushes to the place by this state meanwhile. Throws INTERRUPTED, and what reading and
 * writing the state throws; what keeps an artifact from being judged is told of it.
 */
export async function rejudge(state: State, place: Place, options: RejudgeOptions): Promise<RejudgeReport | null> {
  const through = state.head.n
  const pending = changesFor(state.pending(), options.material)
  const run = new Run(state, place, options)
  const changed = await affectedBy(state, pending)
  const here = (one: ArtifactPlace): boolean => liesAt(place, one)
  await run.judge(
    unitedAffected(
      changed.filter(here),
      await run.deniedByOtherHash(pending),
      affectedByReturn(state, place.name, options.material !== undefined).filter(here),
      options.material === undefined
        ? []
        : affectedByPolicy(state, options.material, place.name, (path) => place.scope(path)).filter(here),
    ),
  )
  await run.measureRest()
  const elsewhere = changed.filter((one) => !here(one)).length
  const unlooked = state.pending().lists.length + state.pending().denials.length > 0
  // A site that judges by a policy looks with it: what was looked at for denials alone stays to be looked at.
  const whole = elsewhere === 0 && (options.material !== undefined || state.policySince === undefined)
  const complete = whole && run.asked
  const told = fallenOf(run).length > 0
  if (complete && (unlooked || told)) await state.markRejudged(through, options.material?.digest)
  // Nothing more was looked at, and what fell is told: the next run must not tell it again.
  else if (told) await state.markRejudged(state.pending().through, state.pending().policy)
  if (!unlooked && run.artifacts.length === 0) return null
  const { artifacts, signatures } = run
  return { target: place.name, known: knownAt(state, place), artifacts, signatures, elsewhere, complete }
}

/** Lists, and denials of one signer, say nothing to whom no policy names signers. */
function changesFor(pending: Pending, material: TrustMaterial | undefined): Pending {
  if (material !== undefined) return pending
  return { ...pending, lists: [], denials: pending.denials.filter(({ signer }) => signer === undefined) }
}

/** Stops a run for one prefix of a registry from judging, by a policy for that prefix, what lies below another. */
export function liesAt(place: Place, { target, path }: ArtifactPlace): boolean {
  return target === place.name && place.holds(path)
}

function knownAt(state: State, place: Place): number {
  let known = 0
  for (const one of state.judgedArtifacts()) if (liesAt(place, one)) known += 1
  return known
}

function keyOf({ path, digest }: Pick<ArtifactPlace, 'path' | 'digest'>): string {
  return `${path}@${digest}`
}

/** By the verdict that stands, since there is nothing to judge. */
function leftOf({ path, digest }: JudgedPlace, recorded: RecordedVerdict | undefined): RejudgedArtifact {
  const code = (recorded?.why ?? 'POLICY_UNMET') as Code
  const told = { path, digest, tags: [...(recorded?.tags ?? [])], because: ['verdict'], why: recorded?.detail ?? '' }
  return { ...told, before: 'rejected', verdict: 'rejected', code, measure: null }
}

/**
 * What was let in once and is rejected by now, and against which no measure was taken that is as strong as the wanted
 * one: an import refused it at the door while it lay behind it, a run was killed before the measure, the policy wants
 * more by now, or it failed. Also what a run dealt with that was killed before it could tell anybody.
 */
export async function leftAt(
  state: State,
  place: Place,
  measure: Measure,
): Promise<{ since: number; taken: ReadonlyMap<string, Quarantined>; left: JudgedPlace[] }> {
  const taken = new Map(
    state.quarantined().flatMap((held) => (liesAt(place, held) ? [[keyOf(held), held] as const] : [])),
  )
  const since = state.rejudgedAt
  const left: JudgedPlace[] = []
  for (const one of state.judgedArtifacts()) {
    if (!liesAt(place, one) || state.isForgotten(one.target)) continue
    if (one.verdict !== 'rejected' || one.fell === undefined || one.absent === true) continue
    const held = taken.get(keyOf(one))
    const isOpen = held === undefined || held.outcome === 'failed' || held.n < one.fell || one.fell > since
    if (isOpen || STRENGTH[held.measure] < STRENGTH[await wantedFor(state, one, measure)]) left.push(one)
  }
  return { since, taken, left }
}

/** By the newest verdict: a measure that is never taken for it would else be looked for in each run. */
async function wantedFor(state: State, one: JudgedPlace, measure: Measure): Promise<Measure> {
  if (measure === 'report') return measure
  return fittingMeasure((await state.verdictOf(one))?.why, measure)
}

class Run {
  readonly artifacts: RejudgedArtifact[] = []
  signatures = 0
  readonly #state: State
  readonly #place: Place
  readonly #options: RejudgeOptions
  readonly #judging: Rejudging
  /** The target could not be asked for the bytes of something. */
  #silent = false

  constructor(state: State, place: Place, options: RejudgeOptions) {
    this.#state = state
    this.#place = place
    this.#options = options
    this.#judging = new Rejudging(state, place, options)
  }

  /** False when the target could not be asked about something. */
  get asked(): boolean {
    return !this.#silent && this.artifacts.every(({ verdict }) => verdict !== 'unasked')
  }

  /** In batches: each is journaled before anything is done about it. */
  async judge(affected: readonly Affected[]): Promise<void> {
    if (affected.length > 0)
      tell(this.#options, {
        type: 'phase',
        phase: `judging ${affected.length} ${affected.length === 1 ? 'artifact' : 'artifacts'} again`,
      })
    for (let at = 0; at < affected.length; at += BATCH) {
      const batch = affected.slice(at, at + BATCH)
      const judgements = await this.#side(batch, (one, hold) => this.#judging.judge(one, hold))
      await this.#judging.record(judgements)
      this.signatures += judgements.reduce((sum, { signatures }) => sum + signatures, 0)
      for (const { artifact } of judgements) this.#condemn(artifact)
      for (const [i, { artifact }] of judgements.entries()) {
        this.artifacts.push(artifact)
        const one = batch[i]
        // What can't be decided is no reason to take something away: it may be good again tomorrow.
        if (one !== undefined && artifact.verdict === 'rejected') await this.#measure(one, artifact)
      }
    }
  }

  /**
   * What {@link leftAt} finds. Each is judged again where it lies, without a policy only what was denied. Stops whoever
   * may send bundles from having trusted content taken away by sending it once more, without its signatures.
   */
  async measureRest(): Promise<void> {
    const { measure, material } = this.#options
    const done = new Set(this.artifacts.map(keyOf))
    const { since, taken, left } = await leftAt(this.#state, this.#place, measure)
    const due: { one: JudgedPlace; recorded: RecordedVerdict | undefined; artifact: RejudgedArtifact }[] = []
    for (const one of left.filter((candidate) => !done.has(keyOf(candidate)))) {
      const recorded = await this.#state.verdictOf(one)
      if (material === undefined && recorded?.why !== 'ARTIFACT_DENIED') continue
      const known = taken.has(keyOf(one))
      // Nobody was told yet that it fell.
      const before: Verdict = known && !((one.fell ?? 0) > since) ? 'rejected' : 'trusted'
      const judgement = await this.#judging.judge({ ...one, verdict: before, because: ['verdict'] })
      const gone = judgement.artifact.verdict === 'absent' && known
      // A measure that took it from its place has perhaps not come to its end.
      const artifact = gone ? { ...leftOf(one, recorded), before } : judgement.artifact
      if (!gone) await this.#judging.record([judgement])
      this.signatures += judgement.signatures
      this.#condemn(artifact)
      due.push({ one, recorded, artifact })
    }
    for (const { one, recorded, artifact } of due) {
      if (artifact.verdict === 'rejected') await this.#measure(one, artifact)
      // Nothing was done, since nothing is there: it is not looked for again.
      if (artifact.measure?.reachable === false && this.#state.quarantinedAt(one) === undefined)
        await this.#judging.record([this.#judging.absent(one, recorded)])
      this.artifacts.push(artifact)
    }
  }

  #condemn({ verdict, path, digest, code = 'POLICY_UNMET' }: RejudgedArtifact): void {
    if (verdict === 'rejected') this.#options.condemn?.({ target: this.#place.name, path, digest }, code)
  }

  async #measure(one: ArtifactPlace, artifact: RejudgedArtifact): Promise<void> {
    checkInterrupted(this.#options)
    const { target, path, digest } = one
    const { code = 'POLICY_UNMET', why } = artifact
    artifact.measure = await this.#options.apply({ target, path, digest }, { code, why })
  }

  async #side<T, R>(items: readonly T[], work: (item: T, hold: Hold) => Promise<R>): Promise<R[]> {
    const side = new SideBySide<R>()
    try {
      for (const item of items) {
        checkInterrupted(this.#options)
        await side.beginWeighing((hold) => work(item, hold))
      }
    } finally {
      // State and target are closed behind an error: nothing may run on.
      await side.ended()
    }
    return side.all()
  }

  /**
   * A denial may name an artifact, or a manifest within it, by the other hash than the site knows it by. Only bytes tell,
   * so that then, and then only, each artifact of the target is read.
   */
  async deniedByOtherHash({ denials }: Pick<Pending, 'denials'>): Promise<Affected[]> {
    const found: Affected[] = []
    const all = this.#state.denials()
    const strangeTo = (one: JudgedPlace): Set<Digest> => strangeDenials(this.#state.isStale(one) ? all : denials, one)
    const asked = [...this.#state.judgedArtifacts()].filter(
      (one) =>
        liesAt(this.#place, one) &&
        one.absent !== true &&
        !this.#state.isForgotten(one.target) &&
        strangeTo(one).size > 0,
    )
    const known = new KnownRevocations(this.#state)
    for (let at = 0; at < asked.length; at += BATCH) {
      const batch = asked.slice(at, at + BATCH)
      const others = await this.#side(batch, (one, hold) => this.#otherNames(one, known, hold))
      for (const [i, one] of batch.entries()) {
        const strange = strangeTo(one)
        const [alias, within] = [others[i]?.aliases, others[i]?.manifests].map((names) =>
          names?.find((name) => strange.has(name)),
        )
        if (alias !== undefined) found.push({ ...one, because: ['denial'], alias })
        else if (within !== undefined) found.push({ ...one, because: ['denial'], within })
      }
    }
    return found
  }

  async #otherNames(
    { path, digest }: ArtifactPlace,
    known: KnownRevocations,
    hold: Hold,
  ): Promise<{ aliases: Digest[]; manifests: Digest[] } | undefined> {
    if (this.#silent) return undefined
    try {
      const at = this.#place.at(path)
      const descriptor = await at.resolve(digest)
      if (descriptor === undefined) return undefined
      await hold(isIndexType(descriptor.mediaType) ? MANIFEST_CAP : descriptor.size)
      return await manifestsWithin(at, { ...descriptor, digest }, known, this.#options)
    } catch (error) {
      if (!(error instanceof SallyportError) || isFault(error, 'INTERRUPTED')) throw error
      this.#silent ||= isElsewhere(error)
      return undefined
    }
  }
}
