/** `import`: near door → (file: whole payload proven) → journal → far door → tags → journal. */
import { isFileInput, type ByteInput } from '../bundle/index.ts'
import type { Digest } from '../oci/index.ts'
import { SallyportError } from '../errors/index.ts'
import type { RegistryOptions } from '../registry/index.ts'
import { State } from '../state/index.ts'
import type { TrustMaterial, Verdict } from '../trust/index.ts'
import {
  informationIn,
  verdictOver,
  withoutRefused,
  type JudgedArtifact,
  type PluginPlace,
} from './artifact-verdicts.ts'
import { asOfMember, judgingTime, recordAsOf, standsOver, type AsOfReport, type ClockOptions } from './clock.ts'
import { deliverFile, deliverPipe } from './deliver.ts'
import { demandPolicy, landingIn, recordVerdicts, verdictsFor } from './import-verdicts.ts'
import { mapRepository, refuseCollisions, type Mapping } from './naming.ts'
import type { Remembered } from './judge-carried.ts'
import { passNearDoor, type Passage } from './passage.ts'
import { isAccepted } from './passenger.ts'
import { passengerReports, withAccepted, type PassengerReport } from './passenger-report.ts'
import { expectPayload, provePayload } from './payload.ts'
import { openPlace, type Place } from './place.ts'
import { noCounts, Pusher, type PushCounts } from './push.ts'
import { carriedManifests, rehearse, stillThere } from './presence.ts'
import type { RejudgeReport } from './rejudge-report.ts'
import { revocationDoor } from './revocation-gate.ts'
import { demandRevocationPaths } from './revocation-path.ts'
import type { RevocationReport } from './revocation-intake.ts'
import { nowOf, tell, timeText } from './run.ts'
import { pinnedIn } from './site.ts'
import { checkCreated } from './site-head.ts'
import { approvalOf, summarize, type Approval, type BundleSummary } from './summary.ts'
import { recordHealed, withoutHeld } from './import-quarantine.ts'
import { moveTag, moveTags, settleIntents, type TagMoveReport, type WantedTag } from './tag-moves.ts'
import type { InformationReport } from './trust-information.ts'
import { openInput, type BundleInput } from './verify.ts'

export interface ImportOptions extends ClockOptions {
  input: BundleInput
  state: string
  /** `oci:DIR` or `host[:port][/prefix]`. */
  to: string
  /** The receiver's own mapping; it goes before the sender's. */
  map: readonly Mapping[]
  registry: Omit<RegistryOptions, 'side'>
  concurrency: number
  /** Read every blob back whole after its push. */
  readBackFull?: boolean | undefined
  /** The policy folder to judge each artifact by; without one only the channel is judged. */
  policy?: string | undefined
  /** Where plugins are that signatures may name. */
  plugins?: PluginPlace | undefined
  /** Judges the channel alone at a site that has judged artifacts before; without it that is refused. */
  channelOnly?: boolean | undefined
  /** Brings what is trusted although something else is not. */
  keepGoing?: boolean | undefined
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
  /** What lies at the target and was judged again, for what changed since it was judged last; null when nothing did. */
  rejudged: RejudgeReport | null
  /** The same bundle was accepted before; this run made sure that all of it is there. */
  repeat: boolean
  counts: PushCounts
  tags: TagMoveReport[]
  /** Where each repository went. */
  landed: { name: string; at: string }[]
  /** Tag moves that a killed run had left open. */
  settled: number
  /** The time it was judged at, when that was not the clock's. */
  asOf?: AsOfReport
  dryRun: boolean
}

/** Source repository → path below the place. Throws TARGET_COLLISION; MAP_INVALID, also where lists would be laid over content. */
function landings({ census }: Passage, map: readonly Mapping[]): Map<string, string> {
  const landing = new Map(
    census.repositories.map(({ graph, to }) => [graph.repository, mapRepository(graph.repository, map, to)]),
  )
  refuseCollisions(landing)
  demandRevocationPaths(landing)
  return landing
}

async function commit(state: State, { verdict, files }: Pick<Passage, 'verdict' | 'files'>, now: Date): Promise<void> {
  if (verdict.repeat) return
  const { channel, created } = files.transfer
  const { rootVersion, counters, reset, sequence, id } = verdict
  await state.commitHead({
    channel,
    roots: verdict.roots.map(({ bytes }) => bytes),
    rootVersion,
    counters,
    reset,
    sequence,
    id,
    // A sender's clock that runs ahead must not lift the floor above ours: the next run, even of this same bundle, would
    // be refused until our clock is there.
    floor: created < timeText(now) ? created : timeText(now),
  })
}

/** Every tag the bundle binds, at its place. */
export function wantedTags({ census }: Passage, place: Place, landing: ReadonlyMap<string, string>): WantedTag[] {
  return census.repositories.flatMap(({ graph, bindings }) => {
    const path = place.path(landing.get(graph.repository) ?? graph.repository)
    return [...bindings].flatMap(([tag, { digest }]) => {
      const node = graph.nodes.get(digest)
      return node === undefined
        ? []
        : [{ target: place.at(path), repository: path, tag, descriptor: node.descriptor, bytes: node.bytes }]
    })
  })
}

interface Delivery {
  state: State
  place: Place
  passage: Passage
  landing: Map<string, string>
  input: ByteInput
}

async function deliver(
  { state, place, passage, landing, input }: Delivery,
  options: ImportOptions,
): Promise<Pick<ImportReport, 'counts' | 'tags' | 'settled'>> {
  const { id, sequence } = passage.verdict
  const { channel } = passage.files.transfer
  const target = place.name
  const pusher = new Pusher({
    ...options,
    place,
    census: passage.census,
    landing,
    readBackFull: options.readBackFull === true,
    first: !(await state.importBegun(target, id)),
    record: {
      held: (repository: string, digests: readonly Digest[]) => state.recordHeld({ target, repository, digests }),
      moveTag: async (to, repository, tag, descriptor, bytes) =>
        void (await moveTag(state, place, { target: to, repository, tag, descriptor, bytes })),
    },
  })
  const settled = await settleIntents(state, place)
  const wanted = wantedTags(passage, place, landing)
  if (
    passage.verdict.repeat &&
    options.readBackFull !== true &&
    (await state.importDone(target, id)) &&
    isFileInput(input) &&
    (await stillThere(passage, place, landing, options))
  ) {
    const tags = wanted.map(({ repository, tag, descriptor }) => ({
      repository,
      tag,
      old: descriptor.digest,
      new: descriptor.digest,
      outcome: 'kept' as const,
    }))
    const manifestsPresent = [...carriedManifests(passage.census.content).values()].reduce(
      (sum, { size }) => sum + size,
      0,
    )
    return { counts: { ...pusher.counts, manifestsPresent }, tags, settled }
  }
  await state.recordImport({ id, channel, sequence, target, phase: 'start' })
  tell(options, { type: 'phase', phase: 'pushing' })
  const { payload } = passage
  tell(options, {
    type: 'total',
    bytes: payload.reduce((sum, { descriptor }) => sum + descriptor.size, 0),
    blobs: payload.length,
  })
  if (isFileInput(input)) await deliverFile(passage, pusher, input, options)
  else await deliverPipe(passage, pusher, input, options)
  tell(options, { type: 'phase', phase: 'tagging' })
  // Each list was read back before a tag moves; meanwhile somebody who wrote at the same time may have undone it.
  const moving = moveTags(state, place, wanted, options.concurrency, options)
  // Whichever fails, the other must not run on while target and state are being closed.
  await Promise.allSettled([moving, pusher.settle()]).then(([, lists]) => {
    if (lists.status === 'rejected') throw lists.reason
  })
  const tags = await moving
  const { referrers: _, ...counts } = pusher.counts
  await state.recordImport({ id, channel, sequence, target, phase: 'done', counts: { ...counts, tags: tags.length } })
  return { counts: pusher.counts, tags, settled }
}

/**
 * Brings the bundle's content to the target. From a file, nothing is written anywhere before the whole file is proven;
 * from a pipe, before head and law are. Run again after any stop, it completes.
 */
export async function importBundle(options: ImportOptions): Promise<ImportReport> {
  const now = nowOf(options)
  const input = openInput(options.input, true, options)
  expectPayload(input)
  try {
    const state = await State.open(options.state, { now, write: options.dryRun !== true })
    try {
      const place = openPlace(options.to, options.registry)
      try {
        return await bring({ state, place, input }, now, options)
      } finally {
        await place.close()
      }
    } finally {
      await state.close()
    }
  } finally {
    await input.close()
  }
}

/**
 * Whatever became of the bundle's own artifacts, what lies there already is looked at. Null in a dry run, and where nothing
 * can have changed, so that such a run starts without the code for it.
 */
async function judgeStanding(
  { state, place }: Pick<Delivery, 'state' | 'place'>,
  now: Date,
  options: ImportOptions,
  material: TrustMaterial | undefined,
): Promise<RejudgeReport | null> {
  const { lists, denials } = state.pending()
  if (options.dryRun === true || (material === undefined && lists.length + denials.length === 0)) return null
  // Stops a clock that runs ahead from taking away all that has expired by it.
  if (standsOver(state, now, options)) return null
  const { rejudgeSite } = await import('./site-rejudge.ts')
  const { plugins, signal, onEvent } = options
  return rejudgeSite(state, place, { plugins, signal, onEvent, now, material })
}

/** Stops a bundle that is made to fail from keeping what is revoked by it where it lies. The failure is what is told. */
async function failing(reason: unknown, standing: () => Promise<unknown>): Promise<never> {
  if (isFault(reason)) await settled(standing())
  throw reason
}

type Settled<T> = { value: T } | { reason: unknown }

async function settled<T>(promise: Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await promise }
  } catch (reason) {
    return { reason }
  }
}

function isFault(reason: unknown): boolean {
  return reason instanceof SallyportError && reason.code !== 'INTERRUPTED'
}

async function bring(
  { state, place, input }: Pick<Delivery, 'state' | 'place' | 'input'>,
  now: Date,
  options: ImportOptions,
): Promise<ImportReport> {
  demandPolicy(state, options)
  const at = judgingTime(state, { ...options, now })
  // What was named may lie ahead of the clock, the floor never does.
  const signedUpTo = at < now ? at : now
  const judged = await passNearDoor(input, {
    ...options,
    now: at,
    site: state.site,
    findPinned: pinnedIn(state),
    keepRoots: options.dryRun === true ? undefined : (roots) => state.keepRoots(roots),
  })
  checkCreated(judged, at)
  const intake = await revocationDoor(judged, state, at, options.policy !== undefined)
  const passage = withAccepted(intake?.passage ?? judged)
  const landing = landings(passage, options.map)
  const fromFile = isFileInput(input)
  const information = await informationIn(passage, landing)
  const remembered: Remembered = { certificates: new Map(), bases: new Map() }
  const judging = verdictsFor(passage, place, landing, information, at, options, intake?.known, remembered)
  const landed = landingIn(place, landing)
  const verdicts = await settled(
    judging.then((judgedAll) => ({
      ...judgedAll,
      artifacts: withoutHeld(
        state,
        passage,
        landed,
        judgedAll.artifacts,
        remembered.material?.revocation.releaseNeedsApproval === true,
      ),
    })),
  )
  if (fromFile || options.dryRun === true) await provePayload(input, passage, options)
  const accept = async (): Promise<void> => {
    await recordAsOf(state, options, `bundle ${passage.verdict.id}`)
    await commit(state, passage, signedUpTo)
    for (const passenger of passage.passengers) if (isAccepted(passenger)) await commit(state, passenger, signedUpTo)
    await intake?.write(state)
  }
  const standing = (): Promise<RejudgeReport | null> =>
    judgeStanding({ state, place }, at, options, remembered.material)
  if ('reason' in verdicts) {
    // Lists and denials stand by themselves: whatever keeps artifacts from being judged, they are in force.
    if (options.dryRun === true || !isFault(verdicts.reason)) throw verdicts.reason
    if (intake?.any === true) await accept()
    return failing(verdicts.reason, standing)
  }
  const { artifacts } = verdicts.value
  const common = {
    ...summarize(passage.files, passage.verdict.id),
    passengers: passengerReports(passage.passengers),
    target: options.to,
    approval: approvalOf(passage.verdict),
    verdict: verdictOver(artifacts ?? []),
    artifacts,
    information,
    revocation: intake?.report ?? null,
    rejudged: null,
    repeat: passage.verdict.repeat,
    landed: [...landing].map(([name, to]) => ({ name, at: place.path(to) })),
    dryRun: options.dryRun === true,
    ...asOfMember(options),
  }
  const refused = common.verdict !== 'trusted' && options.keepGoing !== true
  const nothing = { ...common, counts: noCounts(), tags: [], settled: 0 }
  const admitted = withoutRefused(passage, artifacts ?? [], intake?.older)
  if (options.dryRun === true) {
    if (refused) return nothing
    const wanted = wantedTags(admitted, place, landing)
    return { ...nothing, ...(await rehearse(admitted, place, landing, wanted, options)) }
  }
  await accept()
  await recordVerdicts(state, passage, verdicts.value, landed)
  if (refused) return { ...nothing, rejudged: await standing() }
  const delivery = { state, place, passage: admitted, landing, input }
  const delivered = await deliver(delivery, options).catch((reason: unknown) => failing(reason, standing))
  await recordHealed(state, admitted, landed)
  return { ...common, ...delivered, rejudged: await standing() }
}
