/** Writes a subject's fallback tag so that nobody's entries are lost, as far as a registry without locks allows. */
import PQueue from 'p-queue'
import { isJsonObject, parseJson, type JsonObject } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import {
  descriptorJson,
  digestOf,
  fallbackTag,
  MANIFEST_CAP,
  OCI_INDEX,
  parseManifest,
  type Descriptor,
  type Digest,
} from '../oci/index.ts'
import { putManifest, subjectOf, type FetchedManifest } from './manifest.ts'
import { getFallback } from './referrer.ts'
import type { Repository } from './repository.ts'
import { pause, waitFor } from './retry.ts'

const TRIES = 5
const LOOKS = 40
const SETTLING = 8

function entriesOf(repository: Repository, fetched: FetchedManifest | undefined, subject: string): Descriptor[] {
  if (fetched === undefined) return []
  return parseManifest(fetched.bytes, fetched.descriptor.mediaType, repository.side, subject).manifests
}

/** The index in `fetched` with `added` at its end; every member that stands there stays as it is. */
function extended(
  repository: Repository,
  fetched: FetchedManifest | undefined,
  added: readonly Descriptor[],
  subject: string,
): { descriptor: Descriptor; bytes: Buffer } {
  const found = fetched === undefined ? undefined : parseJson(fetched.bytes, repository.side, subject)
  const base: JsonObject = isJsonObject(found) ? found : { schemaVersion: 2, mediaType: OCI_INDEX }
  const before = Array.isArray(base['manifests']) ? base['manifests'] : []
  const bytes = Buffer.from(JSON.stringify({ ...base, manifests: [...before, ...added.map(descriptorJson)] }))
  if (bytes.length > MANIFEST_CAP)
    throw new SallyportError('MANIFEST_TOO_LARGE', { side: repository.side, subject, detail: 'fallback index' })
  const mediaType = fetched?.descriptor.mediaType ?? OCI_INDEX
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes }
}

/** What must stand under a fallback tag, by digest: ours, and what was seen beside it. */
export type Wanted = Map<Digest, Descriptor>

/**
 * Unites `wanted` with the entries under the subject's fallback tag, and reads back; repeated up to 5 times when
 * another writer undid it. Entries that were seen once and are gone are put back too: what is seen goes into `wanted`.
 * True when something had to be written. Not seen is a writer that read before our write and writes after our last look:
 * {@link settleFallback}. Throws READ_BACK_MISMATCH when the entries do not stay.
 */
export async function mergeFallback(repository: Repository, subject: Digest, wanted: Wanted): Promise<boolean> {
  const tag = fallbackTag(subject)
  const named = subjectOf(repository, tag)
  const { settings } = repository.registry
  for (let attempt = 0; ; attempt++) {
    // Two writers that met once should not meet again. Before the look: what others write after it is lost.
    if (attempt > 1) await pause(waitFor(settings, attempt - 2, undefined), repository.signal)
    const fetched = await getFallback(repository, subject)
    const there = new Map(entriesOf(repository, fetched, named).map((entry) => [entry.digest, entry]))
    const added = [...wanted.values()].filter(({ digest }) => !there.has(digest))
    for (const [digest, entry] of there) wanted.set(digest, entry)
    if (added.length === 0) return attempt > 0
    if (attempt > TRIES) break
    const { descriptor, bytes } = extended(repository, fetched, added, named)
    await putManifest(repository, tag, descriptor, bytes)
  }
  throw lost(repository, named)
}

/**
 * Looks again at all that was united, until nothing had to be put back for so many looks in a row: so long apart that the read
 * and the write of another writer lie between. A registry without the Referrers API has no lock: of those who write at once
 * each may write a list without the others, after they looked. Throws READ_BACK_MISMATCH when the entries do not stay.
 */
export async function settleFallback(
  repository: Repository,
  united: ReadonlyMap<Digest, Wanted>,
  looks: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { settings } = repository.registry
  const requests = new PQueue({ concurrency: SETTLING })
  for (let look = 0, steady = 0; united.size > 0 && steady < looks; look++) {
    if (look === LOOKS) throw lost(repository, repository.name)
    // Those who wrote at once should not do so again.
    await pause(waitFor(settings, 0, undefined), signal)
    const merges = [...united].map(
      ([subject, wanted]) =>
        () =>
          mergeFallback(repository, subject, wanted),
    )
    try {
      const wrote = await requests.addAll(merges)
      steady = wrote.includes(true) ? 0 : steady + 1
    } finally {
      // Nothing is written behind an error.
      requests.clear()
      await requests.onIdle()
    }
  }
}

function lost(repository: Repository, subject: string): SallyportError {
  const detail = 'entries of the fallback tag do not stay'
  return new SallyportError('READ_BACK_MISMATCH', { side: repository.side, subject, detail })
}
