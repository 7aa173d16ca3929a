/** `import`: near door → (file: whole payload proven) → journal → far door → tags → journal. */
import { isFileInput } from '../../bundle/index.ts'
import { State } from '../../state/index.ts'
import { verdictOver, withoutRefused } from '../verdict/artifact-verdicts.ts'
import { informationIn } from '../passage/informing.ts'
import { asOfMember, judgingTime, recordAsOf } from '../run/clock.ts'
import { deliver, wantedTags, type Delivery } from './delivery.ts'
import { demandConfined } from './confined.ts'
import { formerChannels, namingFormer } from './former-channel.ts'
import { recordHealed, withoutHeld } from './quarantine.ts'
import { failing, judgeStanding, mayBeToldLater, settled } from './standing.ts'
import type { ImportOptions, ImportReport } from './terms.ts'
import { approvedReleases, needsApproval } from '../measure/release-approval.ts'
import { demandPolicy, dividedVerdicts, landingIn, recordVerdicts, verdictsFor } from './verdicts.ts'
import type { Remembered } from '../verdict/judge-carried.ts'
import { demandUsed, mapRepository, refuseCollisions } from '../place/naming.ts'
import { passNearDoor, type Passage } from '../passage/passage.ts'
import { isAccepted } from '../passage/passenger.ts'
import { passengerReports, withAccepted } from '../passage/passenger-report.ts'
import { expectPayload, provePayload, type Seals } from '../passage/payload.ts'
import { openPlace, type Place } from '../place/place.ts'
import { rehearse } from './presence.ts'
import { noCounts } from './push.ts'
import { removedThere } from './removed-tags.ts'
import type { RejudgeReport } from '../rejudge/report.ts'
import { revocationDoor } from '../passage/revocation-gate.ts'
import { demandRevocationPaths, informingRepositories } from '../revocation/path.ts'
import { nowOf, timeText } from '../run/run.ts'
import { pinnedIn } from '../site/pinned.ts'
import { checkCreated } from '../passage/head-checks.ts'
import { approvalOf, summarize } from '../passage/summary.ts'
import { openInput } from '../verdict/verify.ts'

/** Source repository → path below the place. Throws TARGET_COLLISION, MAP_INVALID. */
function landings({ census, files }: Passage, { map, mapsMore = false }: ImportOptions): Map<string, string> {
  const { channel } = files.transfer
  const names = census.repositories.map(({ graph }) => graph.repository)
  if (!mapsMore) demandUsed(map, names, informingRepositories(channel))
  const landing = new Map(
    census.repositories.map(({ graph, to }) => [graph.repository, mapRepository(graph.repository, map, to)]),
  )
  refuseCollisions(landing)
  return landing
}

/** Each repository's name with its full path at the target. Throws TARGET_COLLISION, MAP_INVALID. */
function pathsOf(
  { files, passengers }: Passage,
  landing: ReadonlyMap<string, string>,
  place: Place,
): (readonly [name: string, path: string])[] {
  const aboard = passengers.filter(isAccepted).map(({ channel }) => channel)
  const paths = [...landing].map(([name, to]) => [name, place.path(to)] as const)
  demandRevocationPaths(paths, [files.transfer.channel, ...aboard])
  return paths
}

async function commit(state: State, { verdict, files }: Pick<Passage, 'verdict' | 'files'>, now: Date): Promise<void> {
  const { channel, created } = files.transfer
  const { rootVersion, counters, reset, sequence, id, signers, repeat } = verdict
  const journaled = new Set(state.journaledSigners(channel, id))
  // Who approved it after it was brought first must answer for it, too. A copy with fewer signatures tells nothing new.
  const signedAnew = signers.some((signer) => !journaled.has(signer))
  // After a restore a repeat says what nothing else can: that the backup has the newest bundle of the channel.
  if (repeat && !signedAnew && state.isHeardSinceRestore(channel)) return
  await state.commitHead({
    channel,
    roots: verdict.roots.map(({ bytes }) => bytes),
    rootVersion,
    counters,
    reset,
    sequence,
    id,
    signers,
    repeat: repeat || undefined,
    // A sender's clock that runs ahead must not lift the floor above ours: the next run, even of this same bundle, would
    // be refused until our clock is there.
    floor: created < timeText(now) ? created : timeText(now),
  })
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
    const dryRun = options.dryRun === true
    // A dry run decides all that the real one would, on a copy in memory: what lies there is judged by it.
    const state = await State.open(options.state, { now, write: !dryRun, rehearse: dryRun })
    try {
      const place = openPlace(options.to, options.registry, options.signal)
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
  const landing = landings(passage, options)
  const paths = pathsOf(passage, landing, place)
  const { channel } = passage.files.transfer
  const information = await informationIn(passage, landing)
  demandConfined(judged, state.confinedTo(channel), { place, landing, map: options.map }, information)
  const fromFile = isFileInput(input)
  const remembered: Remembered = { certificates: new Map(), bases: new Map() }
  const judging = verdictsFor(
    { passage, place, landing, information, now: at, known: intake?.known, remembered },
    options,
  )
  const landed = landingIn(place, landing)
  const approved = approvedReleases(state, options.approvals ?? [], at)
  const verdicts = await settled(
    judging.then((judgedAll) => {
      const demanded = needsApproval(state, remembered.material?.revocation.releaseNeedsApproval === true)
      return withoutHeld(state, passage, landed, judgedAll, { demanded, approved })
    }),
  )
  const proving = { ...options, sealing: options.dryRun !== true }
  const seals: Seals = fromFile || options.dryRun === true ? await provePayload(input, passage, proving) : new Map()
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
    if (options.dryRun === true || !mayBeToldLater(verdicts.reason)) throw verdicts.reason
    if (intake?.any === true) await accept()
    return failing(verdicts.reason, standing)
  }
  const artifacts = verdicts.value
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
    landed: paths.map(([name, at]) => ({ name, at })),
    dryRun: options.dryRun === true,
    ...asOfMember(options),
  }
  const refused = common.verdict !== 'trusted' && options.keepGoing !== true
  const nothing = { ...common, counts: noCounts(), tags: [], removed: [], settled: 0 }
  const admitted = withoutRefused(passage, artifacts ?? [], intake?.older)
  const { before, behind } = dividedVerdicts(state, { judged: artifacts, remembered }, landed)
  await accept()
  await recordVerdicts(state, passage, before, landed)
  if (refused) return { ...nothing, rejudged: await standing() }
  const removed = await removedThere(passage, { state, place, landing }, options).catch((reason: unknown) =>
    failing(reason, standing),
  )
  const wanted = wantedTags(admitted, place, landing)
  const former = await formerChannels(state, place.name, { channel, id: passage.verdict.id }, wanted)
  if (options.dryRun === true) {
    const rehearsed = await rehearse(admitted, place, landing, wanted, options)
    await recordVerdicts(state, passage, behind, landed)
    return { ...nothing, ...rehearsed, tags: namingFormer(rehearsed.tags, former), removed, rejudged: await standing() }
  }
  const delivery = { state, place, passage: admitted, landing, wanted, input, seals }
  const delivered = await deliver(delivery, options).catch((reason: unknown) => failing(reason, standing))
  await recordVerdicts(state, passage, behind, landed)
  await recordHealed(state, admitted, landed, approved)
  return { ...common, ...delivered, tags: namingFormer(delivered.tags, former), removed, rejudged: await standing() }
}
