/** What stands in a repository of a target, and what of it needs a manifest that is to go. */
import PQueue from 'p-queue'
import type { Target } from '../../content/index.ts'
import { isFault, SallyportError } from '../../errors/index.ts'
import { isIndexType, isReservedTag, type Descriptor, type Digest } from '../../oci/index.ts'
import type { JudgedPlace, State } from '../../state/index.ts'
import type { Place } from '../place/place.ts'
import { shareCompanions } from './shared-companions.ts'
import type { TagChangeReport } from './tag-change.ts'
import { ifSound, readNode, type AttachedTag, type TargetGraph } from './target-graph.ts'

const AT_ONCE = 8
const MAX_BELOW = 100_000

export class StandingManifests {
  readonly #state: State
  readonly #place: string
  readonly #path: string
  readonly #target: Target
  #tags: Promise<{ tags: Map<string, Descriptor>; listed: boolean }> | undefined
  readonly #closures = new Map<Digest, Promise<Digest[]>>()
  readonly #condemned = new Set<Digest>()

  constructor(state: State, place: Place, path: string) {
    this.#state = state
    this.#place = place.name
    this.#path = path
    this.#target = place.at(path)
  }

  /** Every tag with what it names now; asked for once. Without `listed` only those are in it that the state knows. */
  tags(): Promise<{ tags: Map<string, Descriptor>; listed: boolean }> {
    this.#tags ??= this.#ask()
    return this.#tags
  }

  async #ask(): Promise<{ tags: Map<string, Descriptor>; listed: boolean }> {
    const names = new Set(await this.#state.tagNames(this.#place, this.#path))
    let listed = true
    try {
      for (const tag of await this.#target.tags()) names.add(tag)
    } catch (error) {
      if (!isFault(error, 'REPOSITORY_MISSING')) {
        if (!isFault(error, 'REGISTRY_DENIED', 'REGISTRY_PROTOCOL', 'GRAPH_TOO_LARGE')) throw error
        listed = false
      }
    }
    const queue = new PQueue({ concurrency: AT_ONCE })
    const asked = await queue.addAll(
      [...names].sort().map((tag) => async () => ({ tag, descriptor: await this.#target.resolve(tag) })),
    )
    const tags = new Map(
      asked.flatMap(({ tag, descriptor }) => (descriptor === undefined ? [] : [[tag, descriptor] as const])),
    )
    return { tags, listed }
  }

  /**
   * The tags that name the manifest.
   * @param known - tags to ask for whatever the target lists and the state knows
   */
  async tagsOf(digest: Digest, known: readonly string[]): Promise<string[]> {
    const { tags } = await this.tags()
    for (const tag of known) {
      const descriptor = tags.has(tag) ? undefined : await this.#target.resolve(tag)
      if (descriptor !== undefined) tags.set(tag, descriptor)
    }
    return [...tags].filter(([, descriptor]) => descriptor.digest === digest).map(([tag]) => tag)
  }

  /** Notes what was changed here: so one look serves measures against many artifacts. */
  async changed(reports: readonly TagChangeReport[]): Promise<void> {
    const { tags } = await this.tags()
    for (const { tag, new: now } of reports) {
      const descriptor = now === null ? undefined : await this.#target.resolve(tag)
      if (descriptor === undefined) tags.delete(tag)
      else tags.set(tag, descriptor)
    }
  }

  /** Notes what was judged rejected where it lies: it needs nothing from then on. */
  condemn(digest: Digest): void {
    this.#condemned.add(digest)
  }

  /**
   * Which manifests of a graph belong to something else as well, each with what needs it: another tag, or an index under
   * one; an artifact that the site let in, or may yet; a subject outside of the graph; what refers to any of these. What was
   * judged rejected where it lies needs nothing.
   * @param lists - the graph's own referrers lists
   */
  async sharers(graph: TargetGraph, lists: readonly AttachedTag[]): Promise<Map<Digest, string>> {
    const shared = new Map<Digest, string>()
    const judged = this.#judged()
    const needsNothing = (digest: Digest): boolean =>
      this.#condemned.has(digest) || this.#isTakenAway(judged.get(digest))
    const need = async (root: Descriptor, who: string, deep: boolean): Promise<void> => {
      if (root.digest === graph.root || needsNothing(root.digest)) return
      for (const digest of deep ? await this.#closure(root) : [root.digest])
        if (!shared.has(digest)) shared.set(digest, who)
    }
    const own = new Set([...graph.signatureTags, ...lists].map(({ tag }) => tag))
    for (const [tag, descriptor] of (await this.tags()).tags)
      // Whoever can write a referrers list must not be able to shield what it names.
      if (!own.has(tag)) await need(descriptor, `tag ${tag}`, !isReservedTag(tag))
    // What is undecided may be good tomorrow. What was let in and is rejected may be so at the door alone, which says
    // nothing of what lies here: stops whoever may send bundles from having what an index needs taken away by sending it
    // once more, without its signatures.
    for (const { digest, verdict, fell } of judged.values()) {
      if ((verdict === 'rejected' && fell === undefined) || needsNothing(digest)) continue
      const descriptor = await this.#target.resolve(digest)
      const how = verdict === 'trusted' ? 'is trusted here' : 'was not found rejected where it lies'
      if (descriptor !== undefined) await need(descriptor, `${digest}, which ${how}`, true)
    }
    shareCompanions(graph, lists, shared)
    return shared
  }

  #judged(): Map<Digest, JudgedPlace> {
    const here = new Map<Digest, JudgedPlace>()
    for (const one of this.#state.judgedArtifacts())
      if (one.target === this.#place && one.path === this.#path && one.absent !== true) here.set(one.digest, one)
    return here
  }

  /**
   * A run before judged it where it lies, and was to take it away; it was not trusted since. Stops what could not go then,
   * for the sake of an index, from staying on its own account when the index goes.
   */
  #isTakenAway(one: JudgedPlace | undefined): boolean {
    if (one?.verdict !== 'rejected') return false
    const held = this.#state.quarantinedAt(one)
    return held?.measure === 'remove' && held.n > (one.fell ?? 0)
  }

  #closure(root: Descriptor): Promise<Digest[]> {
    const known = this.#closures.get(root.digest) ?? this.#below(root)
    this.#closures.set(root.digest, known)
    return known
  }

  /** The manifest and those below it, each once. */
  async #below(root: Descriptor): Promise<Digest[]> {
    const found = new Map<Digest, Descriptor>([[root.digest, root]])
    // A map goes on to what is added to it on the way.
    for (const descriptor of found.values()) {
      if (!isIndexType(descriptor.mediaType)) continue
      const node = await ifSound(readNode(this.#target, descriptor))
      for (const child of node?.manifest.manifests ?? []) if (!found.has(child.digest)) found.set(child.digest, child)
      if (found.size > MAX_BELOW)
        throw new SallyportError('GRAPH_TOO_LARGE', {
          side: 'target',
          subject: `${this.#target.repository}@${root.digest}`,
        })
    }
    return [...found.keys()]
  }
}
