/** Referrers (distribution spec "Listing Referrers"): the API and the fallback tag are both read and united. */
import { SallyportError, unlessFault } from '../errors/index.ts'
import {
  fallbackTag,
  isIndexType,
  OCI_INDEX,
  parseDescriptor,
  parseManifest,
  type Descriptor,
  type Digest,
} from '../oci/index.ts'
import { findManifest, speaksOf } from './found-manifest.ts'
import { subjectOf, type FetchedManifest } from './manifest.ts'
import { objectIn, PAGE_CAP, pagesFrom } from './pages.ts'
import { callTo, type Repository } from './repository.ts'
import type { Reply } from './request.ts'

const MAX_REFERRERS = 100_000
/** Of all pages of one list, as they come. */
const MAX_LIST_BYTES = 64 * 1024 * 1024
/** 405 is what ECR says where it has no Referrers API. */
const UNSUPPORTED = [404, 405, 501]

/** The union by digest, sorted by it; the first that names a digest describes it. */
export function unite(...lists: readonly (readonly Descriptor[])[]): Descriptor[] {
  const found = new Map<Digest, Descriptor>()
  for (const descriptor of lists.flat()) if (!found.has(descriptor.digest)) found.set(descriptor.digest, descriptor)
  return [...found.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1))
}

/** The manifest under a subject's fallback tag, or undefined when there is none. Throws MANIFEST_MALFORMED for no index. */
export async function getFallback(repository: Repository, subject: Digest): Promise<FetchedManifest | undefined> {
  const tag = fallbackTag(subject)
  const fetched = await unlessFault(findManifest(repository, tag), 'REPOSITORY_MISSING')
  if (fetched === undefined || isIndexType(fetched.descriptor.mediaType)) return fetched
  throw new SallyportError('MANIFEST_MALFORMED', {
    side: repository.side,
    subject: subjectOf(repository, tag),
    detail: 'the fallback tag names no index',
  })
}

export class Referrers {
  readonly #repository: Repository
  readonly #tags: () => Promise<ReadonlySet<string> | undefined>
  readonly #fallbacks: Map<Digest, Digest> | undefined
  #unsupported = false
  /** True once the API has answered: it does not go away again. */
  #supported = false
  /** Settles with the first question to the API, well or badly. */
  #probed: Promise<unknown> | undefined

  /**
   * `tags` gives the repository's tags when they can be listed: they tell which fallback tags need no asking.
   * `fallbacks` is filled with the digest that each subject's fallback tag named when it was read.
   */
  constructor(
    repository: Repository,
    tags: () => Promise<ReadonlySet<string> | undefined>,
    fallbacks?: Map<Digest, Digest>,
  ) {
    this.#repository = repository
    this.#tags = tags
    this.#fallbacks = fallbacks
  }

  /** What the Referrers API lists, sorted; undefined when the registry has none. Any other answer throws. */
  async fromApi(subject: Digest): Promise<Descriptor[] | undefined> {
    if (this.#probed === undefined) {
      const first = this.#ask(subject)
      this.#probed = first.catch(() => undefined)
      return first
    }
    // Many subjects are asked for at once; whether there is an API at all need be asked but once.
    await this.#probed
    return this.#unsupported ? undefined : this.#ask(subject)
  }

  async #ask(subject: Digest): Promise<Descriptor[] | undefined> {
    const repository = this.#repository
    const { registry, side } = repository
    const named = subjectOf(repository, subject)
    const call = {
      ...callTo(repository, 'GET', `referrers/${subject}`, 'list', named),
      headers: { accept: OCI_INDEX },
    }
    const ask = (): Promise<Reply> => registry.ask(call, [200, ...UNSUPPORTED], PAGE_CAP)
    let first = await ask()
    // Stops one odd answer, as of a gateway that restarts, from passing for a registry without the API: nothing would be
    // listed for any manifest, and nobody would notice.
    if (first.status !== 200 && !speaksOf(first)) first = await ask()
    if (first.status !== 200) {
      // A registry that speaks of this manifest has the API, and may answer for the next one.
      if (!speaksOf(first)) await this.#settle(first, named)
      return undefined
    }
    this.#supported = true
    const found: Descriptor[] = []
    let bytes = 0
    for await (const page of pagesFrom(repository, call, first)) {
      const listed = objectIn(page, [OCI_INDEX, 'application/json'], repository, named)['manifests']
      if (!Array.isArray(listed))
        throw new SallyportError('REGISTRY_PROTOCOL', { side, subject: named, detail: 'no manifests in the list' })
      for (const [i, item] of listed.entries()) found.push(parseDescriptor(item, side, `${named} referrers[${i}]`))
      bytes += page.bytes.length
      const over = found.length > MAX_REFERRERS ? `${MAX_REFERRERS} referrers` : `${MAX_LIST_BYTES} bytes of referrers`
      if (found.length > MAX_REFERRERS || bytes > MAX_LIST_BYTES)
        throw new SallyportError('GRAPH_TOO_LARGE', { side, subject: named, detail: `more than ${over}` })
    }
    return unite(found)
  }

  /** Takes the registry for one without the API. Throws REGISTRY_PROTOCOL when the answer can't be meant so. */
  async #settle({ status, url }: Reply, subject: string): Promise<void> {
    const { registry, side } = this.#repository
    const elsewhere = url.origin !== (await registry.origin()).url
    if (elsewhere || this.#supported) {
      const detail = `status ${status} ${elsewhere ? 'from another origin' : 'this once'}`
      throw new SallyportError('REGISTRY_PROTOCOL', { side, subject, detail })
    }
    this.#unsupported = true
  }

  async #fromTag(subject: Digest): Promise<Descriptor[]> {
    const tags = await this.#tags()
    if (tags !== undefined && !tags.has(fallbackTag(subject))) return []
    const fetched = await getFallback(this.#repository, subject)
    if (fetched === undefined) {
      if (tags === undefined) return []
      // The list names the tag: one that is gone now was not "none", it moved under us.
      const { side } = this.#repository
      throw new SallyportError('MANIFEST_MISSING', { side, subject: subjectOf(this.#repository, fallbackTag(subject)) })
    }
    const { bytes, descriptor } = fetched
    this.#fallbacks?.set(subject, descriptor.digest)
    const named = subjectOf(this.#repository, fallbackTag(subject))
    return parseManifest(bytes, descriptor.mediaType, this.#repository.side, named).manifests
  }

  /** What either place lists, sorted by digest. Empty only when both have answered. */
  async list(subject: Digest): Promise<Descriptor[]> {
    const api = await this.fromApi(subject)
    return unite(api ?? [], await this.#fromTag(subject))
  }
}
