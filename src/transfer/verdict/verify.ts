/** `verify`: is this bundle from a channel we pinned, for us, new and whole? Changes nothing. */
import { fileInput, isFileInput, pipeInput, type ByteInput } from '../../bundle/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { State } from '../../state/index.ts'
import type { Verdict } from '../../trust/index.ts'
import { placed, verdictOver, type JudgedArtifact } from './artifact-verdicts.ts'
import { informationIn } from '../passage/informing.ts'
import { scopesBelow } from '../place/scope.ts'
import type { PluginPlace } from './plugin-place.ts'
import { checkCreated } from '../passage/head-checks.ts'
import { passNearDoor, type Passage } from '../passage/passage.ts'
import { expectPayload, provePayload } from '../passage/payload.ts'
import { passengerReports, withAccepted, type PassengerReport } from '../passage/passenger-report.ts'
import { asOfMember, judgingTime, type AsOfReport, type ClockOptions } from '../run/clock.ts'
import type { KnownRevocations } from '../revocation/known-revocations.ts'
import { revocationDoor } from '../passage/revocation-gate.ts'
import type { RevocationReport } from '../passage/revocation-intake.ts'
import { nowOf, type RunOptions } from '../run/run.ts'
import { pinnedByHand, pinnedIn, type FindPinned, type GivenRoot } from '../site/pinned.ts'
import { approvalOf, summarize, type Approval, type BundleSummary } from '../passage/summary.ts'
import type { InformationReport } from '../passage/trust-information.ts'

/** A bundle file, or the descriptor of an open pipe. */
export type BundleInput = { file: string } | { fd: number }

export interface VerifyOptions extends ClockOptions {
  input: BundleInput
  /** The site's state, which knows the pinned channels and what came before. */
  state?: string | undefined
  /** Judge by this root instead, without memory: replays are not seen. */
  root?: GivenRoot | undefined
  /** The site to judge for; the state's own by default. */
  site?: string | undefined
  /** The policy folder to judge each artifact by. */
  policy?: string | undefined
  /** Where plugins are that signatures may name. */
  plugins?: PluginPlace | undefined
  /** Where the content goes, `host[:port][/prefix]`, since policies name repositories by their destination. */
  destination?: string | undefined
}

export interface VerifyReport extends BundleSummary {
  /** Over channel and artifacts; without a policy over the channel alone. */
  verdict: Verdict
  /** Each artifact's own verdict; null when no policy was given. */
  artifacts: JudgedArtifact[] | null
  /** What rides along to inform on trust: judged by no policy, trusted by nothing. */
  information: InformationReport[]
  /** What an import would make of the lists, answers and denials that are carried; null when there are none. */
  revocation: RevocationReport | null
  /** The bundles of other channels that ride along, each judged alone. */
  passengers: PassengerReport[]
  approval: Approval
  rootVersion: number
  /** The bundle that this site accepted last already. */
  repeat: boolean
  /** False when no state said what came before. */
  replayChecked: boolean
  /** False when no site was named, so that the audience went unchecked. */
  audienceChecked: boolean
  /** The time it was judged at, when that was not the clock's. */
  asOf?: AsOfReport
}

/** `waiting` as for {@link pipeInput}. */
export function openInput(input: BundleInput, waiting: boolean, { signal }: RunOptions): ByteInput {
  return 'file' in input ? fileInput(input.file) : pipeInput(input.fd, waiting, signal)
}

interface Judge {
  findPinned: FindPinned
  site: string | undefined
  /** What the site knows of revocations; without one only what the bundle carries counts. */
  state: State | undefined
  now: Date
  close(): Promise<void>
}

async function judgeOf(options: VerifyOptions): Promise<Judge> {
  const { state, root, site } = options
  if (root !== undefined) {
    const now = judgingTime(undefined, options)
    return { findPinned: pinnedByHand(root), site, state: undefined, now, close: () => Promise.resolve() }
  }
  if (state === undefined)
    throw new SallyportError('USAGE', {
      side: 'state',
      subject: 'verify',
      detail: 'name a state, or a root with its fingerprint',
    })
  const opened = await State.open(state, { now: nowOf(options), write: false })
  return {
    findPinned: pinnedIn(opened),
    site: site ?? opened.site,
    state: opened,
    now: judgingTime(opened, options),
    close: () => opened.close(),
  }
}

/** Over a file both at once; on a pipe every question of trust is answered before the first payload byte. */
async function proveAndJudge(
  input: ByteInput,
  passage: Passage,
  information: readonly InformationReport[],
  now: Date,
  options: VerifyOptions,
  known: KnownRevocations | undefined,
): Promise<JudgedArtifact[] | null> {
  const { policy, destination } = options
  const scopes = scopesBelow(destination)
  const to = new Map(passage.census.repositories.map((repository) => [repository.graph.repository, repository.to]))
  const scopeOf = (name: string): string => scopes(to.get(name) ?? name)
  const judge = async (named: string): Promise<JudgedArtifact[]> => {
    const { judgePassage } = await import('./judge-carried.ts')
    const judged = await judgePassage(passage, information, { ...options, policy: named, now, scopeOf, known })
    return placed(judged, destination)
  }
  const judging = policy === undefined ? Promise.resolve(null) : judge(policy)
  if (!isFileInput(input)) await judging
  // Damage is told before distrust: of a damaged bundle no verdict is worth anything.
  const [proven, judged] = await Promise.allSettled([provePayload(input, passage, options), judging])
  if (proven.status === 'rejected') throw proven.reason
  if (judged.status === 'rejected') throw judged.reason
  return judged.value
}

/**
 * The verdict on a bundle. What is wrong with the bundle itself is thrown, with the code of the first thing; what a
 * policy refuses stands in the report.
 */
export async function verifyBundle(options: VerifyOptions): Promise<VerifyReport> {
  const input = openInput(options.input, false, options)
  expectPayload(input)
  try {
    const judge = await judgeOf(options)
    try {
      const near = await passNearDoor(input, { ...options, ...judge })
      checkCreated(near, judge.now)
      const intake = await revocationDoor(near, judge.state, judge.now, options.policy !== undefined)
      const passage = withAccepted(intake?.passage ?? near)
      const information = await informationIn(passage)
      const artifacts = await proveAndJudge(input, passage, information, judge.now, options, intake?.known)
      const { verdict, files } = passage
      return {
        verdict: verdictOver(artifacts ?? []),
        artifacts,
        information,
        revocation: intake?.report ?? null,
        ...summarize(files, verdict.id),
        passengers: passengerReports(passage.passengers),
        approval: approvalOf(verdict),
        rootVersion: verdict.rootVersion,
        repeat: verdict.repeat,
        replayChecked: options.root === undefined,
        audienceChecked: judge.site !== undefined,
        ...asOfMember(options),
      }
    } finally {
      await judge.close()
    }
  } finally {
    await input.close()
  }
}
