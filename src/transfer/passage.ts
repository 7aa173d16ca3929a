/**
 * The near door: reads a bundle up to its payload and judges it on the way. Head, promise and law are proven, and every
 * payload byte's place and digest is known, before the caller acts on anything. Nothing is written here.
 */
import {
  BundleReader,
  layOutPayload,
  takeCensus,
  type ByteInput,
  type Census,
  type Head,
  type PlacedBlob,
  type PromiseFiles,
} from '../bundle/index.ts'
import { SallyportError } from '../errors/index.ts'
import type { Digest } from '../oci/index.ts'
import type { VerifiedRoots } from '../state/index.ts'
import { inspectHead, judgeHead, judgeRoots, type HeadVerdict, type Purpose } from '../tuf/index.ts'
import { checkInterrupted, type RunOptions } from './run.ts'

/** What the site pinned of the channel, and what it has accepted from it. */
export type Pinned = Omit<Parameters<typeof judgeHead>[0], 'bundle' | 'now'>

/** Finds what is pinned under a channel's name. Throws CHANNEL_NOT_PINNED. */
export type FindPinned = (channel: string) => Pinned

export interface PassageOptions extends RunOptions {
  /** Not below the floor of the state. */
  now: Date
  findPinned: FindPinned
  /** Keeps roots that verify, whatever becomes of the head they came with. */
  keepRoots?: ((roots: VerifiedRoots) => Promise<void>) | undefined
  /** The site's name, which the audience must hold; undefined where no site is asked for. */
  site: string | undefined
}

export interface Passage {
  reader: BundleReader
  head: Head
  verdict: HeadVerdict
  files: PromiseFiles
  law: Map<Digest, Buffer>
  census: Census
  /** Where the payload stands in the bundle, in order. */
  payload: PlacedBlob[]
  /** Offset of the end mark. */
  end: number
}

/** The signed parts and transfer.json must say one thing (FORMAT "Agreement"): stops a head over another promise. */
export function checkAgreement(
  { transfer }: PromiseFiles,
  said: { channel: string; purpose: Purpose; sequence: number; expires: string },
): void {
  const differ = (
    what: string,
    code: 'METADATA_MIXED' | 'CHANNEL_MISMATCH' | 'PURPOSE_MISMATCH' = 'METADATA_MIXED',
  ): SallyportError =>
    new SallyportError(code, {
      side: 'bundle',
      subject: 'transfer.json',
      detail: `${what} differs from the signed metadata`,
    })
  if (transfer.channel !== said.channel) throw differ('channel', 'CHANNEL_MISMATCH')
  if (transfer.purpose !== said.purpose) throw differ('purpose', 'PURPOSE_MISMATCH')
  if (transfer.sequence !== said.sequence) throw differ('sequence')
  if (transfer.validUntil !== said.expires) throw differ('validUntil')
}

function checkAudience({ transfer }: PromiseFiles, site: string | undefined): void {
  if (site === undefined || transfer.audience.includes(site)) return
  throw new SallyportError('AUDIENCE_MISMATCH', {
    side: 'bundle',
    subject: site,
    detail: `it is for ${transfer.audience.join(', ').slice(0, 200)}`,
  })
}

/**
 * The bundle, judged up to its payload; the reader stands at the first payload member.
 * The order: screen → pinned channel → TUF → promise → agreement → audience → law → census.
 */
export async function passNearDoor(input: ByteInput, options: PassageOptions): Promise<Passage> {
  const reader = new BundleReader(input)
  const head = await reader.head()
  const pinned = await pinnedWithRoots(head, options)
  const verdict = judgeHead({ ...pinned, bundle: head, now: options.now })
  const files = await reader.promise(verdict.targets)
  const { targets } = inspectHead(head).parts
  checkAgreement(files, { ...targets, channel: pinned.channel, purpose: pinned.purpose })
  checkAudience(files, options.site)
  return { head, verdict, files, ...(await readLaw(reader, files, options)) }
}

/** What is pinned, with the roots that the bundle adds to it kept first where there is a state to keep them in. */
async function pinnedWithRoots({ channel, roots }: Head, options: PassageOptions): Promise<Pinned> {
  const pinned = options.findPinned(channel)
  if (options.keepRoots === undefined) return pinned
  const { root, added, reset } = judgeRoots({ ...pinned, roots })
  if (added.length === 0) return pinned
  await options.keepRoots({ channel, roots: added.map(({ bytes }) => bytes), rootVersion: root.version, reset })
  return options.findPinned(channel)
}

/** Group 4 and the census over it; also for those who only look. */
export async function readLaw(
  reader: BundleReader,
  files: PromiseFiles,
  options: RunOptions,
): Promise<Pick<Passage, 'reader' | 'law' | 'census' | 'payload' | 'end'>> {
  const law = new Map<Digest, Buffer>()
  for await (const { digest, bytes } of reader.law(files)) {
    checkInterrupted(options)
    law.set(digest, bytes)
  }
  const census = takeCensus(files, law)
  const { blobs, end } = layOutPayload(census.content.payload, reader.members.at)
  return { reader, law, census, payload: blobs, end }
}
