/** What an import does with verdicts: demands that there are some, journals them, and judges before anything is written. */
import { SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { JudgedPlace, State } from '../../state/index.ts'
import {
  recordJudged,
  refusalKey,
  verdictRow,
  type JudgedArtifact,
  type Landing,
} from '../verdict/artifact-verdicts.ts'
import type { ImportOptions } from './terms.ts'
import { namesCarried } from '../revocation/denied-within.ts'
import type { Remembered } from '../verdict/judge-carried.ts'
import type { KnownRevocations } from '../revocation/known-revocations.ts'
import type { Passage } from '../passage/passage.ts'
import type { Place } from '../place/place.ts'
import type { InformationReport } from '../passage/trust-information.ts'

/** A site that has judged artifacts once goes on doing so: an option that was forgotten must not open the door. */
export function demandPolicy(state: State, { policy, channelOnly }: ImportOptions): void {
  if (policy !== undefined || channelOnly === true || state.policySince === undefined) return
  throw new SallyportError('POLICY_MISSING', {
    side: 'state',
    subject: state.site,
    detail: `this site judges artifacts since ${state.policySince}`,
    remedy: 'name the policy folder with --policy, or say --channel-only',
  })
}

/** What is judged, and by what. */
export interface VerdictTerms {
  passage: Passage
  place: Place
  landing: ReadonlyMap<string, string>
  information: readonly InformationReport[]
  now: Date
  known: KnownRevocations | undefined
  /** Told what there is to remember, also when judging ends with an error. */
  remembered: Remembered
}

/** Of each artifact; null when no policy was named. */
export interface DoorVerdicts {
  judged: JudgedArtifact[] | null
  remembered: Remembered
}

/** The verdicts by the policy that was named, each artifact under its name at the target; null when none was. */
export async function verdictsFor(
  { passage, place, landing, information, now, known, remembered }: VerdictTerms,
  options: ImportOptions,
): Promise<JudgedArtifact[] | null> {
  const { policy } = options
  if (policy === undefined) {
    demandNoneDenied(passage, known)
    return null
  }
  const scopeOf = (name: string): string => place.scope(place.path(landing.get(name) ?? name))
  const { judgePassage } = await import('../verdict/judge-carried.ts')
  return judgePassage(passage, information, { ...options, policy, now, scopeOf, known, remember: remembered })
}

/** A denial is the site's own word, or that of its revocation channel: it holds where the channel alone is judged, too. */
function demandNoneDenied({ census }: Passage, known: KnownRevocations | undefined): void {
  if (known?.anyDenials !== true) return
  const graphs = new Map(census.repositories.map(({ graph }) => [graph.repository, graph]))
  for (const artifact of census.content.artifacts) {
    const { repository } = artifact
    const names = namesCarried(graphs.get(repository), artifact)
    const denied = names.find((digest) => known.denied(digest) !== undefined)
    if (denied === undefined) continue
    throw new SallyportError('ARTIFACT_DENIED', {
      side: 'bundle',
      subject: `${repository}@${denied}`,
      detail: known.denied(denied)?.reason,
    })
  }
}

/** Where each repository's artifacts lie, or will. */
export function landingIn(place: Place, landing: ReadonlyMap<string, string>): (repository: string) => Landing {
  return (repository) => ({ target: place.name, path: place.path(landing.get(repository) ?? repository) })
}

/** The manifests within each artifact, by {@link refusalKey}. */
function withinEach({ content }: Passage['census']): Map<string, Digest[]> {
  return new Map(
    content.artifacts.map(({ repository, root, manifests }) => [
      refusalKey({ repository, digest: root }),
      manifests.filter((digest) => digest !== root),
    ]),
  )
}

/**
 * The verdicts that are journaled before the push, and those that are once it came to its end: of what is trusted at the
 * door and was let in before. Stops a bundle that signs it anew, and is refused or not brought, from having what lies
 * there taken for trusted by signatures that do not lie there: nobody would look at it for the lists that came along.
 */
export function dividedVerdicts(
  state: State,
  { judged, remembered }: DoorVerdicts,
  landed: (repository: string) => Landing,
): { before: DoorVerdicts; behind: DoorVerdicts } {
  if (judged === null) return { before: { judged, remembered }, behind: { judged: [], remembered } }
  const { waits = [], rest = [] } = Object.groupBy(judged, (artifact) =>
    artifact.verdict === 'trusted' && wasLetIn(state, artifact, landed) ? 'waits' : 'rest',
  )
  return { before: { judged: rest, remembered }, behind: { judged: waits, remembered } }
}

function wasLetIn(
  state: State,
  { repository, digest }: JudgedArtifact,
  landed: (repository: string) => Landing,
): boolean {
  const { target, path } = landed(repository)
  return state
    .artifactsWith(digest)
    .some((one) => one.target === target && one.path === path && (one.verdict === 'trusted' || one.fell !== undefined))
}

export async function recordVerdicts(
  state: State,
  { census, verdict, files }: Passage,
  { judged, remembered }: DoorVerdicts,
  landed: (repository: string) => Landing,
): Promise<void> {
  // A policy may have changed since: what it says now is what the push rests on, also when the bundle is a repeat.
  if (judged !== null) {
    const within = withinEach(census)
    const rows = judged.map((artifact) =>
      verdictRow(verdict.id, artifact, landed(artifact.repository), {
        within: within.get(refusalKey(artifact)),
        basis: remembered.bases.get(artifact.scope),
      }),
    )
    return recordJudged(state, rows, remembered.certificates.values())
  }
  const isNew = (await state.bundle(files.transfer.channel, verdict.sequence))?.state === 'accepted'
  // Stops a run that judges the channel alone from forgetting that a policy rejects what lies there.
  const isFallen = (repository: string, digest: Digest): boolean => {
    const judged = state.judgedAt({ ...landed(repository), digest })
    return judged !== undefined && isStillFallen(judged)
  }
  // A repeat says where what was let in before places were written down lies.
  const isUnplaced = (repository: string, digest: Digest): boolean => unplaced.has(refusalKey({ repository, digest }))
  const unplaced = new Set(isNew ? [] : state.unplaced().map(refusalKey))
  const artifacts = census.content.artifacts.filter(
    ({ repository, root }) => !isFallen(repository, root) && (isNew || isUnplaced(repository, root)),
  )
  await state.recordVerdicts(
    artifacts.map(({ repository, root, tags, manifests }) => ({
      id: verdict.id,
      repository,
      digest: root,
      ...landed(repository),
      tags,
      within: manifests.filter((digest) => digest !== root),
      verdict: 'trusted',
      why: 'CHANNEL',
    })),
  )
}

function isStillFallen({ verdict, fell, absent, policy }: JudgedPlace): boolean {
  return verdict !== 'trusted' && fell !== undefined && absent !== true && policy !== undefined
}
