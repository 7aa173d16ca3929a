/** What an import is asked for, and what it says. */
import type { RegistryOptions } from '../../registry/index.ts'
import type { Verdict } from '../../trust/index.ts'
import type { JudgedArtifact } from '../verdict/artifact-verdicts.ts'
import type { PluginPlace } from '../verdict/plugin-place.ts'
import type { AsOfReport, ClockOptions } from '../run/clock.ts'
import type { Mapping } from '../place/naming.ts'
import type { PassengerReport } from '../passage/passenger-report.ts'
import type { PushCounts } from './push.ts'
import type { RejudgeReport } from '../rejudge/report.ts'
import type { RemovedTag } from './removed-tags.ts'
import type { RevocationReport } from '../passage/revocation-intake.ts'
import type { Approval, BundleSummary } from '../passage/summary.ts'
import type { TagMoveReport } from '../place/tag-moves.ts'
import type { InformationReport } from '../passage/trust-information.ts'
import type { SealOptions } from '../sign/seal-target.ts'
import type { BundleInput } from '../verdict/verify.ts'

export interface ImportOptions extends ClockOptions {
  input: BundleInput
  state: string
  /** `oci:DIR` or `host[:port][/prefix]`. */
  to: string
  /** The receiver's own mapping; it goes before the sender's. */
  map: readonly Mapping[]
  /** It is for further bundles too: a mapping that is for nothing in this one is no mistake. */
  mapsMore?: boolean | undefined
  registry: Omit<RegistryOptions, 'side'>
  concurrency: number
  /** Read every blob back whole after its push. */
  readBackFull?: boolean | undefined
  /** The policy folder to judge each artifact by; without one only the channel is judged. */
  policy?: string | undefined
  /** Where plugins are that signatures may name. */
  plugins?: PluginPlace | undefined
  /** Signs the tombstones of measures. */
  seal?: SealOptions | undefined
  /** Judges the channel alone at a site that has judged artifacts before; without it that is refused. */
  channelOnly?: boolean | undefined
  /** Brings what is trusted although something else is not. */
  keepGoing?: boolean | undefined
  /** Files of `quarantine approve`, for what it brings back that is held. */
  approvals?: readonly string[] | undefined
  /** Says what would be done and writes nothing, neither to the target nor to the state. */
  dryRun?: boolean | undefined
}

export interface ImportReport extends BundleSummary {
  target: string
  /** The bundles of other channels that ride along, each judged alone. */
  passengers: PassengerReport[]
  approval: Approval
  /** Over the artifacts: something but `trusted` means that nothing of the refused ones was pushed. */
  verdict: Verdict
  /** Each artifact's own verdict; null when no policy was given. */
  artifacts: JudgedArtifact[] | null
  /** What rides along to inform on trust: judged by no policy, trusted by nothing. */
  information: InformationReport[]
  /** What became of the lists, answers and denials that it and its passengers carry; null when there are none. */
  revocation: RevocationReport | null
  /**
   * What lies at the target and was judged again, for what changed since it was judged last; null when nothing did. In a dry
   * run what would be, and the measures that would be taken.
   */
  rejudged: RejudgeReport | null
  /** The same bundle was accepted before; this run made sure that all of it is there. */
  repeat: boolean
  counts: PushCounts
  tags: TagMoveReport[]
  /** Tags that the source has no more and that are still here, as this site had them from it; they stay. */
  removed: RemovedTag[]
  /** Where each repository went. */
  landed: { name: string; at: string }[]
  /** Tag moves that a killed run had left open. */
  settled: number
  /** The time it was judged at, when that was not the clock's. */
  asOf?: AsOfReport
  dryRun: boolean
}
