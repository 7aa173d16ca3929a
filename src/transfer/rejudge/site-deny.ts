/** `revocation deny --state` and `revocation judge`: a site's own denial, and judging again because of what came. */
import type { RegistryOptions } from '../../registry/index.ts'
import type { Denial } from '../../revocation/index.ts'
import { State, type ArtifactPlace } from '../../state/index.ts'
import type { TrustMaterial } from '../../trust/index.ts'
import { affectedBy, affectedByPolicy, unitedAffected, type Affected } from './affected.ts'
import type { PluginPlace } from '../verdict/plugin-place.ts'
import { judgingTime, standsOver, type ClockOptions } from '../run/clock.ts'
import { denialOf } from '../revocation/near-denials.ts'
import { openPlace, type Place } from '../place/place.ts'
import { openPolicy } from '../trust/policy-folder.ts'
import { leftAt, liesAt } from './rejudge.ts'
import { rejudgeExit, type RejudgedArtifact, type RejudgeReport } from './report.ts'
import { nowOf } from '../run/run.ts'
import { rejudgeSite } from './site-rejudge.ts'
import type { SealOptions } from '../sign/seal-target.ts'
import type { StateRunOptions } from '../site/state-verbs.ts'

export interface JudgeAgainOptions extends StateRunOptions, ClockOptions {
  /** `oci:DIR` or `host[:port][/prefix]`. */
  to: string
  /** The policy folder; without one only denials are gone by. */
  policy?: string | undefined
  plugins?: PluginPlace | undefined
  registry: Omit<RegistryOptions, 'side'>
  /** Signs tombstones. */
  seal?: SealOptions | undefined
}

/** An artifact that a change touches, as the state knows it. */
export interface TouchedArtifact extends ArtifactPlace {
  because: string[]
}

export interface JudgeAgainReport {
  site: string
  target: string
  /** What would be judged again there; in a dry run this is all that is done. */
  touched: TouchedArtifact[]
  /** Null in a dry run, and when there was nothing to look at. */
  rejudged: RejudgeReport | null
  dryRun: boolean
}

export interface SiteDenyOptions extends Omit<JudgeAgainOptions, 'to' | 'registry'> {
  /** Where to judge again at once. */
  to?: string | undefined
  registry?: JudgeAgainOptions['registry'] | undefined
  artifact: string
  signer?: string | undefined
  reason: string
}

export interface SiteDenyReport {
  site: string
  denial: Denial
  /** False when it was denied before, as the denial here says. */
  added: boolean
  /** How many there are in all. */
  denials: number
  /**
   * Nothing judged here has the digest, by either hash where a place was looked at, or no signature of the key was ever
   * met on it: perhaps it was mistyped.
   */
  unknown: 'artifact' | 'signer' | null
  /** The places of what is denied, at every target. */
  touched: TouchedArtifact[]
  /** Null where no place was named, in a dry run, and when nothing changed. */
  rejudged: RejudgeReport | null
  dryRun: boolean
}

function told({ target, path, digest, because }: Affected): TouchedArtifact {
  return { target, path, digest, because }
}

async function touchedAt(state: State, place: Place, material: TrustMaterial | undefined): Promise<TouchedArtifact[]> {
  const changed = await affectedBy(state, state.pending())
  const byPolicy =
    material === undefined ? [] : affectedByPolicy(state, material, place.name, (path) => place.scope(path))
  const { left } = await leftAt(state, place, material?.revocation.measure ?? 'report')
  const rest = left.map((one) => ({ ...one, because: ['verdict'] }))
  return unitedAffected([...changed, ...byPolicy, ...rest].filter((one) => liesAt(place, one))).map(told)
}

function unknownOf(state: State, { signer }: Denial, places: readonly ArtifactPlace[]): SiteDenyReport['unknown'] {
  if (places.length === 0) return 'artifact'
  if (signer === undefined) return null
  const met = places.some((place) => {
    const behind = state.certificatesBehind(place).flatMap((sha256) => state.certificate(sha256) ?? [])
    // An authority's key is in the chain, and signed no artifact: a whole chain may have been given with it first.
    const issues = behind.some(({ issuer, spki }) => issuer === signer && spki !== signer)
    return !issues && behind.some(({ spki }) => spki === signer)
  })
  return met ? null : 'signer'
}

function isFor({ reason }: Denial, { code, why }: RejudgedArtifact): boolean {
  return code === 'ARTIFACT_DENIED' && why.includes(reason)
}

/** 3 when nothing here is known under what was denied, which stands nonetheless; else that of judging again. */
export function siteDenyExit({ rejudged, unknown }: Pick<SiteDenyReport, 'rejudged' | 'unknown'>): number {
  const exit = rejudgeExit(rejudged)
  return exit === 0 && unknown !== null ? 3 : exit
}

/** By a clock that is in doubt only denials count, which no clock decides. */
function judgeBy(
  state: State,
  place: Place,
  now: Date,
  policy: TrustMaterial | undefined,
  options: Pick<JudgeAgainOptions, 'plugins' | 'seal' | keyof ClockOptions>,
): Promise<RejudgeReport | null> {
  const { plugins, seal, signal, onEvent } = options
  const material = policy !== undefined && standsOver(state, now, options) ? undefined : policy
  return rejudgeSite(state, place, { plugins, seal, signal, onEvent, now, material })
}

/**
 * Judges again, at one place, what changed lists, answers, denials and another policy touch. Throws as `rejudge`,
 * `openPolicy` and `openPlace`, CLOCK_BEHIND, CLOCK_AHEAD.
 */
export async function judgeAgain(options: JudgeAgainOptions): Promise<JudgeAgainReport> {
  const material = options.policy === undefined ? undefined : openPolicy(options.policy)
  const dryRun = options.dryRun === true
  const state = await State.open(options.state, { now: nowOf(options), write: !dryRun })
  try {
    const now = judgingTime(state, options)
    const place = openPlace(options.to, options.registry, options.signal)
    try {
      const touched = await touchedAt(state, place, material)
      const rejudged = dryRun ? null : await judgeBy(state, place, now, material, options)
      return { site: state.site, target: place.name, touched, rejudged, dryRun }
    } finally {
      await place.close()
    }
  } finally {
    await state.close()
  }
}

/**
 * Denies an artifact, or what one key signed of it, at this site alone; denials are never taken back. With `to`, judges
 * again there at once. The denial stands whatever becomes of that. Throws as `denialOf`, and as {@link judgeAgain}.
 */
export async function denyAtSite(options: SiteDenyOptions): Promise<SiteDenyReport> {
  const dryRun = options.dryRun === true
  // Read before the denial is written: a policy that is wrong keeps nothing from being denied, but must be told first.
  const material = options.policy === undefined ? undefined : openPolicy(options.policy)
  const state = await State.open(options.state, { now: nowOf(options), write: !dryRun })
  try {
    const now = judgingTime(state, options)
    const wanted = denialOf(options, now)
    const held = state
      .denials()
      .find(({ artifact, signer }) => artifact === wanted.artifact && signer === wanted.signer)
    const { artifact, signer, reason, since } = held ?? wanted
    const denial: Denial = {
      artifact: artifact as Denial['artifact'],
      ...(signer === undefined ? {} : { signer }),
      reason,
      since,
    }
    if (!dryRun && held === undefined) await state.addDenials([denial], null)
    const places = [...state.artifactsWith(denial.artifact), ...state.artifactsHolding(denial.artifact)]
    const unknown = unknownOf(state, denial, places)
    const touched = [...new Set(places)].map((place) => told({ ...place, because: ['denial'] }))
    const place =
      dryRun || options.to === undefined ? undefined : openPlace(options.to, options.registry ?? {}, options.signal)
    try {
      const rejudged = place === undefined ? null : await judgeBy(state, place, now, material, options)
      const denials = state.denials().length + (dryRun && held === undefined ? 1 : 0)
      // Only what lies there tells its other hash.
      const met = unknown === 'artifact' && rejudged?.artifacts.some((one) => isFor(denial, one)) === true
      const common = { site: state.site, denial, added: held === undefined, denials, touched, rejudged, dryRun }
      return { ...common, unknown: met ? null : unknown }
    } finally {
      await place?.close()
    }
  } finally {
    await state.close()
  }
}
