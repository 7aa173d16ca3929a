/** Gathers what a plan selects: tags resolved once, graphs walked by digest, repositories in order. */
import PQueue from 'p-queue'
import type { PackedRepository } from '../../bundle/index.ts'
import { Graph, platformsFound, Walk, WalkBudget, type Choice, type Source } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import type { Descriptor } from '../../oci/index.ts'
import { firstNames, mapRepository, refuseCollisions, type Mapping } from './naming.ts'
import { allAtRest } from '../run/at-rest.ts'
import { checkInterrupted, tell, type RunOptions } from '../run/run.ts'
import type { Selection } from './sources.ts'

export interface GatheredRepository extends PackedRepository {
  source: Source
  bindings: Map<string, Descriptor>
  untagged: Descriptor[]
}

/** Tag → descriptor for `repository:tag` and `repository@digest`, as resolved by an earlier, stopped run. */
export type Resolved = Map<string, Descriptor>

export interface GatherOptions extends RunOptions {
  map: readonly Mapping[]
  concurrency: number
  /** Bindings to keep instead of asking again. */
  resolved?: Resolved | undefined
}

function nameOf({ repository }: Source, tagOrDigest: string): string {
  return `${repository}${tagOrDigest.includes(':') ? '@' : ':'}${tagOrDigest}`
}

async function resolve(source: Source, tagOrDigest: string, known: Resolved): Promise<Descriptor> {
  const name = nameOf(source, tagOrDigest)
  const descriptor = known.get(name) ?? (await source.resolve(tagOrDigest))
  if (descriptor === undefined) throw new SallyportError('MANIFEST_MISSING', { side: 'source', subject: name })
  const { mediaType, digest, size } = descriptor
  known.set(name, { mediaType, digest, size })
  return { mediaType, digest, size }
}

/**
 * The platforms asked for that the artifact has no image for. Throws MANIFEST_MISSING when it has an image for none of
 * them: what would be carried is an index that names images and holds no one.
 */
function demandPlatforms(graph: Graph, name: string, { digest }: Descriptor, { platforms = [] }: Choice): string[] {
  const { has, lacks } = platformsFound(graph, digest, platforms)
  if (lacks.length === 0 || lacks.length < platforms.length) return lacks
  throw new SallyportError('MANIFEST_MISSING', {
    side: 'source',
    subject: name,
    detail: `it has no image for ${lacks.join(', ')}, but for ${has.slice(0, 20).join(', ')}`,
    remedy: 'name platforms that it has',
  })
}

/**
 * The repositories of the selections, sorted by name, each with its whole graph.
 * `resolved` is filled with every binding; from it a later run goes on with the same digests.
 */
export async function gather(selections: readonly Selection[], options: GatherOptions): Promise<GatheredRepository[]> {
  const queue = new PQueue({ concurrency: options.concurrency })
  let failure: unknown
  // After the first failure nothing new is asked for: the run ends with that one.
  const gate = async <T>(task: () => Promise<T>): Promise<T> => {
    const run = (): Promise<T> => {
      checkInterrupted(options)
      if (failure !== undefined) throw failure
      return task()
    }
    try {
      return await queue.add(run)
    } catch (error) {
      failure ??= error
      throw error
    }
  }
  const resolved = options.resolved ?? new Map<string, Descriptor>()
  // Several entries of a plan may name one tag: were each to ask, a tag that moves in between would bring two trees.
  const asked = new Map<string, Promise<Descriptor>>()
  const resolveOnce = (source: Source, tagOrDigest: string): Promise<Descriptor> => {
    const name = nameOf(source, tagOrDigest)
    const answer = asked.get(name) ?? gate(() => resolve(source, tagOrDigest, resolved))
    asked.set(name, answer)
    return answer
  }
  const budget = new WalkBudget()
  const repositories = new Map<string, { packed: GatheredRepository; walk: Walk }>()
  const work: Promise<void>[] = []
  /** Platform → artifacts that have others of those asked for, but not this one. */
  const lacking = new Map<string, string[]>()
  for (const { source, complete } of selections) {
    const name = source.repository
    const known = repositories.get(name)
    if (known !== undefined) {
      if (complete) known.packed.tags = 'complete'
      continue
    }
    const graph = new Graph(name)
    const packed: GatheredRepository = {
      source,
      graph,
      bindings: new Map(),
      untagged: [],
      to: mapRepository(name, options.map),
      tags: complete ? 'complete' : 'partial',
      removed: [],
    }
    repositories.set(name, { packed, walk: new Walk(source, graph, gate, budget) })
  }
  refuseCollisions([...repositories.values()].map(({ packed }) => [packed.graph.repository, packed.to]))
  for (const { source, tags, digests, choice } of selections) {
    const repository = repositories.get(source.repository)
    if (repository === undefined) continue
    const { packed, walk } = repository
    const take = async (name: string, descriptor: Descriptor): Promise<void> => {
      await walk.artifact(descriptor, choice, name)
      for (const platform of demandPlatforms(packed.graph, name, descriptor, choice))
        lacking.set(platform, [...(lacking.get(platform) ?? []), name])
    }
    for (const tag of tags) {
      work.push(
        resolveOnce(source, tag).then((descriptor) => {
          packed.bindings.set(tag, descriptor)
          return take(`${source.repository}:${tag}`, descriptor)
        }),
      )
    }
    for (const digest of digests) {
      work.push(
        resolveOnce(source, digest).then((descriptor) => {
          if (!packed.untagged.some((other) => other.digest === descriptor.digest)) packed.untagged.push(descriptor)
          return take(`${source.repository}@${digest}`, descriptor)
        }),
      )
    }
  }
  await allAtRest(work)
  for (const [platform, names] of lacking)
    tell(options, { type: 'note', text: `no image for ${platform} in ${firstNames(names, 3)}` })
  return byName([...repositories.values()].map(({ packed }) => packed))
}

function byName(repositories: GatheredRepository[]): GatheredRepository[] {
  return repositories.sort((a, b) => (a.graph.repository < b.graph.repository ? -1 : 1))
}

/** Both, in order. Throws TARGET_COLLISION when two of them would land on one path. */
export function united(
  repositories: readonly GatheredRepository[],
  further: readonly GatheredRepository[],
): GatheredRepository[] {
  const all = byName([...repositories, ...further])
  refuseCollisions(all.map(({ graph, to }) => [graph.repository, to]))
  return all
}
