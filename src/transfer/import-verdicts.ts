/** What an import does with verdicts: demands that there are some, journals them, and judges before anything is written. */
import { SallyportError } from '../errors/index.ts'
import type { State } from '../state/index.ts'
import { verdictRow, type JudgedArtifact } from './artifact-verdicts.ts'
import type { ImportOptions } from './import.ts'
import type { Passage } from './passage.ts'
import type { Place } from './place.ts'
import type { InformationReport } from './trust-information.ts'

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

/** The verdicts by the policy that was named, each artifact under its name at the target; null when none was. */
export async function verdictsFor(
  passage: Passage,
  place: Place,
  landing: ReadonlyMap<string, string>,
  information: readonly InformationReport[],
  now: Date,
  options: ImportOptions,
): Promise<JudgedArtifact[] | null> {
  const { policy } = options
  if (policy === undefined) return null
  const scopeOf = (name: string): string => place.scope(place.path(landing.get(name) ?? name))
  const { judgePassage } = await import('./judge-carried.ts')
  return judgePassage(passage, information, { ...options, policy, now, scopeOf })
}

export async function recordVerdicts(
  state: State,
  { census, verdict, files }: Passage,
  judged: readonly JudgedArtifact[] | null,
): Promise<void> {
  // A policy may have changed since: what it says now is what the push rests on, also when the bundle is a repeat.
  if (judged !== null) return state.recordVerdicts(judged.map((artifact) => verdictRow(verdict.id, artifact)))
  if (await state.bundle(files.transfer.channel, verdict.sequence).then((known) => known?.state !== 'accepted')) return
  await state.recordVerdicts(
    census.content.artifacts.map(({ repository, root }) => ({
      id: verdict.id,
      repository,
      digest: root,
      verdict: 'trusted',
      why: 'CHANNEL',
    })),
  )
}
