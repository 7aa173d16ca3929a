/** Asks a target what it has, without writing: for a repeated import, and for `--dry-run`. */
import PQueue from 'p-queue'
import { referrersCarried, type Census } from '../../bundle/index.ts'
import type { Target } from '../../content/index.ts'
import { isFault } from '../../errors/index.ts'
import type { Descriptor, Digest } from '../../oci/index.ts'
import { standing, uniteCompanions, type Companion } from './companion-tag.ts'
import type { Passage } from '../passage/passage.ts'
import type { Place } from '../place/place.ts'
import { noCounts, type PushCounts } from './push.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'
import type { TagMoveReport, WantedTag } from '../place/tag-moves.ts'

export interface PresenceOptions extends RunOptions {
  concurrency: number
}

/** One thing that must be so at the target; asking costs one request, unless others have written there too. */
type Question = () => Promise<boolean>

/** Ours stands at the tag, alone or united with what others put there. */
async function companionThere(target: Target, tag: string, ours: Companion): Promise<boolean> {
  const found = await target.resolve(tag)
  if (found === undefined || found.digest === ours.descriptor.digest) return found !== undefined
  if ((await target.resolve(ours.descriptor.digest)) === undefined) return false
  const theirs = await standing(target, tag)
  if (theirs === undefined) return false
  return uniteCompanions(ours, theirs, `${target.repository}:${tag}`).descriptor.digest === theirs.descriptor.digest
}

async function listed(target: Target, subject: Digest, referrers: readonly Descriptor[]): Promise<boolean> {
  const there = new Set((await target.referrers(subject)).map(({ digest }) => digest))
  return referrers.every(({ digest }) => there.has(digest))
}

/** By repository the manifests that are to be at the target; of a graph those that were refused are not. */
export function carriedManifests({ artifacts }: Census['content']): Map<string, Set<Digest>> {
  const carried = new Map<string, Set<Digest>>()
  for (const { repository, manifests, companions } of artifacts) {
    const known = carried.get(repository) ?? new Set()
    carried.set(repository, known)
    for (const digest of [...manifests, ...companions]) known.add(digest)
  }
  return carried
}

/** One question for each tag, one for each manifest that no tag names, and one for each list of referrers. */
function questions({ census }: Passage, place: Place, landing: ReadonlyMap<string, string>): Question[] {
  const asked: Question[] = []
  const carried = carriedManifests(census.content)
  for (const { graph, bindings } of census.repositories) {
    const target = place.at(place.path(landing.get(graph.repository) ?? graph.repository))
    const named = new Set<Digest>()
    const digests = carried.get(graph.repository) ?? new Set()
    for (const [tag, { digest }] of bindings) {
      named.add(digest)
      asked.push(async () => (await target.resolve(tag))?.digest === digest)
    }
    for (const subject of digests) {
      for (const { tag, descriptor } of graph.companionsOf(subject)) {
        const ours = graph.nodes.get(descriptor.digest)
        if (ours === undefined) continue
        named.add(descriptor.digest)
        asked.push(() => companionThere(target, tag, ours))
      }
      const referrers = referrersCarried(graph, subject)
      if (referrers.length > 0) asked.push(() => listed(target, subject, referrers))
    }
    for (const digest of digests)
      if (!named.has(digest)) asked.push(async () => (await target.resolve(digest))?.digest === digest)
  }
  return asked
}

/**
 * True when every tag, manifest, signature tag and list of referrers of the bundle is at the target as it should be;
 * blobs are not asked for.
 */
export async function stillThere(
  passage: Passage,
  place: Place,
  landing: ReadonlyMap<string, string>,
  options: PresenceOptions,
): Promise<boolean> {
  const queue = new PQueue({ concurrency: options.concurrency })
  let there = true
  await queue.addAll(
    questions(passage, place, landing).map((question) => async () => {
      checkInterrupted(options)
      if (there && !(await question())) there = false
    }),
  )
  return there
}

/** What an import would do, as far as it can be known by asking. */
export async function rehearse(
  passage: Passage,
  place: Place,
  landing: ReadonlyMap<string, string>,
  wanted: readonly WantedTag[],
  options: PresenceOptions,
): Promise<{ counts: PushCounts; tags: TagMoveReport[] }> {
  const counts = noCounts()
  const queue = new PQueue({ concurrency: options.concurrency })
  // A repository that is not there yet holds nothing.
  const absent = <T>(error: unknown, value: T): T => {
    if (isFault(error, 'REPOSITORY_MISSING', 'MANIFEST_MISSING', 'BLOB_MISSING')) return value
    throw error
  }
  const seen = new Set<string>()
  const work: (() => Promise<void>)[] = []
  for (const { repository, blobs, manifests, companions } of passage.census.content.artifacts) {
    const path = place.path(landing.get(repository) ?? repository)
    const target = place.at(path)
    for (const blob of blobs) {
      if (seen.has(`${path} ${blob.digest}`)) continue
      seen.add(`${path} ${blob.digest}`)
      work.push(async () => {
        if (await target.hasBlob(blob).catch((error: unknown) => absent(error, false))) counts.blobsPresent++
        else {
          counts.blobsPushed++
          counts.bytesPushed += blob.size
        }
      })
    }
    for (const digest of [...manifests, ...companions]) {
      if (seen.has(`${path} ${digest}`)) continue
      seen.add(`${path} ${digest}`)
      work.push(async () => {
        const found = await target.resolve(digest).catch((error: unknown) => absent(error, undefined))
        if (found === undefined) counts.manifestsPushed++
        else counts.manifestsPresent++
      })
    }
  }
  await queue.addAll(work)
  const tags = await queue.addAll(
    wanted.map(({ target, repository, tag, descriptor }) => async () => {
      const old = (await target.resolve(tag).catch((error: unknown) => absent(error, undefined)))?.digest ?? null
      return {
        repository,
        tag,
        old,
        new: descriptor.digest,
        outcome: old === descriptor.digest ? ('kept' as const) : ('moved' as const),
      }
    }),
  )
  return { counts, tags }
}
