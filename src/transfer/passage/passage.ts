/**
 * The near door: reads a bundle up to its payload and judges it on the way. Head, promise and law are proven, and every
 * payload byte's place and digest is known, before the caller acts on anything. Nothing is written here.
 */
import {
  BundleReader,
  layOutPayload,
  takeCensus,
  takePassenger,
  type ByteInput,
  type Census,
  type Head,
  type PlacedBlobs,
  type PromiseFiles,
} from '../../bundle/index.ts'
import { CODES, detailOf, isFault, SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import { inspectHead, judgeHead, type HeadVerdict } from '../../tuf/index.ts'
import { judgePassengers, readPassengers, type PassengerPassage, type ProvenPassenger } from './passenger.ts'
import { revocationIn } from './revocation-gate.ts'
import type { RevocationInformation } from '../revocation/information.ts'
import type { Pinned } from '../site/pinned.ts'
import { keepHeapSmall } from '../run/heap.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'
import { checkAgreement, checkAudience, pinnedWithRoots, type PassageOptions } from './head-checks.ts'

export interface Passage {
  reader: BundleReader
  head: Head
  verdict: HeadVerdict
  files: PromiseFiles
  law: Map<Digest, Buffer>
  census: Census
  /** Bundles of other channels that ride along, each judged alone; nothing of them is in the census. */
  passengers: PassengerPassage[]
  /** Its own lists, answers and denials, proven; those of passengers stand with them. */
  revocation: RevocationInformation | undefined
  /** Where the payload stands in the bundle, in order, and the end mark behind it. */
  payload: PlacedBlobs
}

/**
 * The bundle, judged up to its payload; the reader stands at the first payload member.
 * The order: screen → pinned channel → TUF → promise → agreement → audience → law → census → revocation → passengers.
 */
export async function passNearDoor(input: ByteInput, options: PassageOptions): Promise<Passage> {
  const reader = new BundleReader(input)
  const head = await reader.head()
  const pinned = await pinnedWithRoots(head, options)
  const verdict = await judged(reader, head, pinned, options)
  const files = await reader.promise(verdict.targets)
  const { targets } = inspectHead(head).parts
  checkAgreement(files, { ...targets, channel: pinned.channel, purpose: pinned.purpose })
  checkAudience(files, options.site)
  const { aboard, ...read } = await readLaw(reader, files, options)
  const revocation = await revocationIn({ ...read, files })
  const passengers = await judgePassengers(aboard, read.law, options)
  return { head, verdict, files, ...read, revocation, passengers }
}

/**
 * Judges the head. An old number is told of together with the sites that the bundle says it is for, which nothing has proven
 * then: of one channel that serves two sites, the disc of the other one is seldom the newest here.
 */
async function judged(
  reader: BundleReader,
  bundle: Head,
  pinned: Pinned,
  { now, site }: PassageOptions,
): Promise<HeadVerdict> {
  try {
    return judgeHead({ ...pinned, bundle, now })
  } catch (cause) {
    if (site === undefined || !isFault(cause, 'ROLLBACK')) throw cause
    const claimed = await reader.promise(inspectHead(bundle).targets).catch(() => undefined)
    if (claimed === undefined || claimed.transfer.audience.includes(site)) throw cause
    const { code, side, subject } = cause
    const detail = `${detailOf(cause)}; it says that it is for ${claimed.transfer.audience.join(', ').slice(0, 200)}`
    throw new SallyportError(code, { side, subject, detail, remedy: CODES.AUDIENCE_MISMATCH[2], cause })
  }
}

/** Passengers, group 4 and the census over all of it, whatever the site; also for those who only look. */
export async function readLaw(
  reader: BundleReader,
  files: PromiseFiles,
  options: RunOptions,
): Promise<Pick<Passage, 'reader' | 'law' | 'census' | 'payload'> & { aboard: ProvenPassenger[] }> {
  keepHeapSmall(files.listed.sha256 + files.listed.sha512)
  const found = await readPassengers(reader, files)
  const law = new Map<Digest, Buffer>()
  for await (const { digest, bytes } of reader.law(files)) {
    checkInterrupted(options)
    law.set(digest, bytes)
  }
  const aboard = found.map((bundle) => ({ ...bundle, ...takePassenger(bundle, law) }))
  const passengers = aboard.map(({ passenger }) => passenger)
  const census = takeCensus(files, law, 'bundle', passengers)
  return { reader, law, census, payload: layOutPayload(census.content.payload, reader.members.at), aboard }
}
