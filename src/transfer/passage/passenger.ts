/** The bundles of other channels in a bundle: read with it, whatever the site, then each judged alone (FORMAT "Passengers"). */
import type { BundleReader, Census, Head, Passenger, PromiseFiles } from '../../bundle/index.ts'
import { SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import { judgeHead, readAgreedHead, readRoot, type HeadVerdict, type Purpose } from '../../tuf/index.ts'
import { ownRepository, revocationIn } from './revocation-gate.ts'
import type { RevocationInformation } from '../revocation/information.ts'
import {
  checkAgreement,
  checkAudience,
  checkCreated,
  pinnedWithRoots,
  type PassageOptions,
  type SaidOfHead,
} from './head-checks.ts'

/** A passenger as it was found: of one form, and nobody's word is believed yet. */
export interface FoundPassenger {
  channel: string
  purpose: Exclude<Purpose, 'content'>
  sequence: number
  id: Digest
  /** Of its targets. */
  expires: string
  head: Head
  files: PromiseFiles
}

/** One whose own census holds. */
export interface ProvenPassenger extends FoundPassenger {
  passenger: Passenger
  census: Census
}

interface Judged extends Omit<ProvenPassenger, 'passenger'> {
  /** Of the bundle that carries it. */
  law: Map<Digest, Buffer>
}

/** A passenger and what this site makes of it; only of an accepted one, which a repeat is too, may anything be used. */
export type PassengerPassage = Judged &
  (
    | { outcome: 'accepted' | 'repeat'; verdict: HeadVerdict; revocation: RevocationInformation | undefined }
    /** `skipped`: not pinned here, or older than what the site has. `refused`: what is wrong with it. */
    | { outcome: 'skipped' | 'refused'; fault: SallyportError }
  )

export type AcceptedPassenger = Extract<PassengerPassage, { verdict: HeadVerdict }>

export function isAccepted(passenger: PassengerPassage): passenger is AcceptedPassenger {
  return passenger.outcome === 'accepted' || passenger.outcome === 'repeat'
}

/**
 * Kept when a bundle is one that may ride in another: of purpose revocation or trust, with nothing but its own repository.
 * Stops content that comes by another channel's people, and past whoever judges content. Throws PURPOSE_MISMATCH.
 */
export function demandPurpose(
  said: Pick<SaidOfHead, 'channel' | 'purpose'>,
  { transfer }: Pick<PromiseFiles, 'transfer'>,
): asserts said is typeof said & { purpose: FoundPassenger['purpose'] } {
  const { channel, purpose } = said
  const refuse = (subject: string, detail: string): SallyportError =>
    new SallyportError('PURPOSE_MISMATCH', { side: 'bundle', subject, detail })
  if (purpose === 'content') throw refuse(channel, 'a channel of purpose content has no passengers in others')
  const own = ownRepository(channel, purpose)
  const other = transfer.repositories.find(({ name }) => name !== own)
  if (other !== undefined) throw refuse(other.name, `${channel} rides along for ${purpose}`)
}

async function readPassenger(
  reader: BundleReader,
  bundle: PromiseFiles,
  { channel, sequence, id }: { channel: string; sequence: number; id: Digest },
): Promise<FoundPassenger> {
  const head = await reader.passenger(channel, bundle)
  const agreed = readAgreedHead({ channel, bundle: head })
  if (agreed.sequence !== sequence || agreed.id !== id)
    throw new SallyportError('METADATA_MIXED', {
      side: 'bundle',
      subject: `metadata/${channel}/targets.json`,
      detail: `${agreed.sequence} ${agreed.id}, where transfer.json says ${sequence} ${id}`,
    })
  const place = `metadata/${channel}/${head.roots.size}.root.json`
  const root = readRoot(head.roots.get(head.roots.size) ?? Buffer.alloc(0), { side: 'bundle', subject: place })
  if (root.channel !== channel)
    throw new SallyportError('CHANNEL_MISMATCH', {
      side: 'bundle',
      subject: place,
      detail: `it speaks for ${root.channel}`,
    })
  const { expires } = agreed
  const said = { channel, purpose: root.purpose, sequence, expires }
  const files = await reader.promise(agreed.targets, { channel, aboard: bundle.aboard })
  checkAgreement(files, said)
  demandPurpose(said, files)
  return { ...said, id, head, files }
}

/** The passengers of a bundle in order; the reader stands behind its promise. Throws the codes of FORMAT 13.2 and 13.3. */
export async function readPassengers(reader: BundleReader, bundle: PromiseFiles): Promise<FoundPassenger[]> {
  const found: FoundPassenger[] = []
  for (const entry of bundle.transfer.passengers ?? []) found.push(await readPassenger(reader, bundle, entry))
  return found
}

const SKIPPED: readonly string[] = ['CHANNEL_NOT_PINNED', 'ROLLBACK']

async function judge(found: ProvenPassenger, law: Judged['law'], options: PassageOptions): Promise<PassengerPassage> {
  const { passenger: _, ...rest } = found
  const judged = { ...rest, law }
  const { head, files, sequence, expires } = found
  try {
    const pinned = await pinnedWithRoots(head, options)
    const verdict = judgeHead({ ...pinned, bundle: head, now: options.now })
    checkAgreement(files, { channel: pinned.channel, purpose: pinned.purpose, sequence, expires })
    checkAudience(files, options.site)
    checkCreated({ files }, options.now)
    const revocation = await revocationIn(judged)
    return { ...judged, outcome: verdict.repeat ? 'repeat' : 'accepted', verdict, revocation }
  } catch (fault) {
    // What is wrong with the state, and not with the passenger, ends the run.
    if (!(fault instanceof SallyportError) || (fault.side !== 'bundle' && fault.code !== 'CLOCK_BEHIND')) throw fault
    // Whoever tells two things under one number about what is revoked is believed in neither: people must look first.
    if (fault.code === 'EQUIVOCATION') throw fault
    return { ...judged, outcome: SKIPPED.includes(fault.code) ? 'skipped' : 'refused', fault }
  }
}

/** What this site makes of each, in order. Throws EQUIVOCATION, and what the state throws. */
export async function judgePassengers(
  aboard: readonly ProvenPassenger[],
  law: Map<Digest, Buffer>,
  options: PassageOptions,
): Promise<PassengerPassage[]> {
  const judged: PassengerPassage[] = []
  for (const found of aboard) judged.push(await judge(found, law, options))
  return judged
}
