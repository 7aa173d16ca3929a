/** What an import does with verdicts: demands that there are some, journals them, and judges before anything is written. */
import { SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { JudgedPlace, State } from '../../state/index.ts'
import { refusalKey, verdictRow, type JudgedArtifact, type Landing } from '../verdict/artifact-verdicts.ts'
import type { ImportOptions } from './terms.ts'
import { namesCarried } from '../revocation/denied-within.ts'
import type { Remembered } from '../verdict/judge-carried.ts'
import type { KnownRevocations } from '../revocation/known-revocations.ts'
import type { Passage } from '../passage/passage.ts'
import type { Place } from '../place/place.ts'
import { timeText } from '../run/run.ts'
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

export interface ArtifactVerdicts {
  /** Null when no policy was named. */
  artifacts: JudgedArtifact[] | null
  remembered: Remembered
}

/**
 * The verdicts by the policy that was named, each artifact under its name at the target.
 * @param remembered - is told what there is to remember, also when this throws
 */
export async function verdictsFor(
  passage: Passage,
  place: Place,
  landing: ReadonlyMap<string, string>,
  information: readonly InformationReport[],
  now: Date,
  options: ImportOptions,
  known: KnownRevocations | undefined,
  remembered: Remembered = { certificates: new Map(), bases: new Map() },
): Promise<ArtifactVerdicts> {
  const { policy } = options
  if (policy === undefined) {
    demandNoneDenied(passage, known)
    return { artifacts: null, remembered }
  }
  const scopeOf = (name: string): string => place.scope(place.path(landing.get(name) ?? name))
  const { judgePassage } = await import('../verdict/judge-carried.ts')
  const artifacts = await judgePassage(passage, information, {
    ...options,
    policy,
    now,
    scopeOf,
    known,
    remember: remembered,
  })
  return { artifacts, remembered }
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
  { artifacts, remembered }: ArtifactVerdicts,
  landed: (repository: string) => Landing,
): { before: ArtifactVerdicts; behind: ArtifactVerdicts } {
  if (artifacts === null) return { before: { artifacts, remembered }, behind: { artifacts: [], remembered } }
  const { waits = [], rest = [] } = Object.groupBy(artifacts, (artifact) =>
    artifact.verdict === 'trusted' && wasLetIn(state, artifact, landed) ? 'waits' : 'rest',
  )
  return { before: { artifacts: rest, remembered }, behind: { artifacts: waits, remembered } }
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
  { artifacts: judged, remembered }: ArtifactVerdicts,
  landed: (repository: string) => Landing,
): Promise<void> {
  // A policy may have changed since: what it says now is what the push rests on, also when the bundle is a repeat.
  if (judged !== null) {
    await state.knowCertificates(
      [...remembered.certificates.values()].map(({ notAfter, ...facts }) => ({
        ...facts,
        notAfter: timeText(notAfter),
      })),
    )
    const within = withinEach(census)
    return state.recordVerdicts(
      judged.map((artifact) =>
        verdictRow(verdict.id, artifact, landed(artifact.repository), {
          within: within.get(refusalKey(artifact)),
          basis: remembered.bases.get(artifact.scope),
        }),
      ),
    )
  }
  const isNew = (await state.bundle(files.transfer.channel, verdict.sequence))?.state === 'accepted'
  // Stops a run that judges the channel alone from forgetting that a policy rejects what lies there.
  const isFallen = (repository: string, digest: Digest): boolean => {
    const { target, path } = landed(repository)
    return state.artifactsWith(digest).some((one) => one.target === target && one.path === path && isStillFallen(one))
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
