/** Asks a target what it has, without writing: for a repeated import, and for `--dry-run`. */
import PQueue from 'p-queue'
import { isFault } from '../errors/index.ts'
import type { Descriptor } from '../oci/index.ts'
import type { Passage } from './passage.ts'
import type { Place } from './place.ts'
import type { PushCounts } from './push.ts'
import type { RunOptions } from './run.ts'
import type { TagMoveReport, WantedTag } from './tag-moves.ts'

export interface PresenceOptions extends RunOptions {
  concurrency: number
}

interface Asked {
  path: string
  /** The tag to ask by, else the digest. */
  by: string
  descriptor: Descriptor
}

/** One question for each tag, and one for each manifest that no tag names. */
function questions({ census }: Passage, place: Place, landing: ReadonlyMap<string, string>): Asked[] {
  const asked = new Map<string, Asked>()
  for (const { graph, bindings } of census.repositories) {
    const path = place.path(landing.get(graph.repository) ?? graph.repository)
    const named = new Set<string>()
    for (const [tag, { digest }] of bindings) {
      const descriptor = graph.nodes.get(digest)?.descriptor
      if (descriptor === undefined) continue
      named.add(digest)
      asked.set(`${path}:${tag}`, { path, by: tag, descriptor })
    }
    for (const [digest, { descriptor }] of graph.nodes)
      if (!named.has(digest)) asked.set(`${path}@${digest}`, { path, by: digest, descriptor })
  }
  return [...asked.values()]
}

/** True when every tag and every manifest of the bundle is at the target as it should be; blobs are not asked for. */
export async function stillThere(
  passage: Passage,
  place: Place,
  landing: ReadonlyMap<string, string>,
  options: PresenceOptions,
): Promise<boolean> {
  const queue = new PQueue({ concurrency: options.concurrency })
  let there = true
  await queue.addAll(
    questions(passage, place, landing).map(({ path, by, descriptor }) => async () => {
      if (!there) return
      const found = await place.at(path).resolve(by)
      if (found?.digest !== descriptor.digest) there = false
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
  const counts: PushCounts = {
    blobsPushed: 0,
    blobsMounted: 0,
    blobsPresent: 0,
    bytesPushed: 0,
    manifestsPushed: 0,
    manifestsPresent: 0,
    referrers: null,
  }
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
