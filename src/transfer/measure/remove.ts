/** `remove`: the artifact is copied to the quarantine and read back, then its manifests go, and the tags that named it. */
import type { Target } from '../../content/index.ts'
import { isFault, SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { MeasureCase } from './measure.ts'
import { besideState, obstacleOf, type MeasureReport, type Obstacle } from './report.ts'
import { copyGraph, quarantineTag } from './quarantine-copy.ts'
import { tell } from '../run/run.ts'
import { changeTags, type TagChangeReport } from './tag-change.ts'
import { graphAt, referrersListsAt, type AttachedTag, type TargetGraph } from './target-graph.ts'

export type Removed = Pick<MeasureReport, 'tags' | 'at' | 'removed' | 'kept'> & { obstacle: Obstacle | undefined }

/** What is to go, found out before anything is touched. */
interface Removal {
  graph: TargetGraph
  lists: AttachedTag[]
  /** What needs a manifest that stays. */
  shared: Map<Digest, string>
}

function refusal(code: 'DELETE_DENIED' | 'MANIFEST_SHARED', target: Target, digest: Digest, detail: string): Error {
  return new SallyportError(code, { side: 'target', subject: `${target.repository}@${digest}`, detail })
}

/** Where it lies: at its place, or after a killed run in the quarantine alone. */
async function graphOf({ target, kept, artifact, options }: MeasureCase): Promise<TargetGraph | undefined> {
  const present = await target.resolve(artifact.digest)
  if (present !== undefined) return graphAt(target, present, options)
  const copied = await kept.resolve(artifact.digest)
  return copied === undefined ? undefined : graphAt(kept, copied, options)
}

/** Throws DELETE_DENIED, MANIFEST_SHARED, and what keeps the artifact from being read whole. */
async function plan(one: MeasureCase): Promise<Removal | undefined> {
  const { target, artifact, standing, options } = one
  // To ask for it is a request to delete: a dry run sends none, not even of what can't be there.
  const denied = options.dryRun === true ? undefined : await target.probeDelete('manifest')
  if (denied !== undefined) throw denied
  if (!(await standing.tags()).listed)
    throw refusal('MANIFEST_SHARED', target, artifact.digest, 'tags can not be listed, so what needs it is not known')
  const graph = await graphOf(one)
  if (graph === undefined) return undefined
  const lists = await referrersListsAt(target, graph.nodes.keys())
  const shared = await standing.sharers(graph, lists)
  const who = shared.get(artifact.digest)
  if (who !== undefined) throw refusal('MANIFEST_SHARED', target, artifact.digest, `${who} needs it`)
  return { graph, lists, shared }
}

async function keepCopy({ target, kept, artifact, options }: MeasureCase, graph: TargetGraph): Promise<void> {
  await copyGraph(graph, {
    ...options,
    from: target,
    mountFrom: artifact.path,
    to: kept,
    tag: (attached, node) => kept.tag(attached.tag, node.descriptor, node.bytes),
  })
  const root = graph.nodes.get(artifact.digest)
  if (root !== undefined) await kept.tag(quarantineTag(artifact.digest), root.descriptor, root.bytes)
}

async function take(target: Target, digest: Digest): Promise<void> {
  try {
    await besideState(target.deleteManifest(digest))
  } catch (error) {
    // A killed run took it.
    if (!isFault(error, 'MANIFEST_MISSING')) throw error
  }
}

/** Takes a manifest away with the tags that name it, each between its two journal lines. */
async function takeTagged(one: MeasureCase, digest: Digest, tags: readonly string[]): Promise<TagChangeReport[]> {
  const { state, place, artifact, target, why, options } = one
  const untag = async (left: readonly string[]): Promise<void> => {
    await take(target, digest)
    // A registry may leave them, naming what is gone.
    for (const tag of left) if ((await target.resolve(tag)) !== undefined) await target.untag(tag)
  }
  if (tags.length === 0) await take(target, digest)
  const changes = tags.map((tag) => ({ tag, to: null }))
  const reports = await changeTags(state, place, artifact.path, changes, {
    ...options,
    from: (old) => old === digest,
    cause: { by: 'measure', reason: why.code },
    untag,
  })
  await one.standing.changed(reports)
  if ((await target.resolve(digest)) !== undefined)
    throw refusal('DELETE_DENIED', target, digest, 'it is still there after it was deleted')
  return reports
}

/** What only belonged to it; what the target keeps of that is told, and is no reason to stop. */
async function takeRest(
  one: MeasureCase,
  { graph, lists, shared }: Removal,
): Promise<Pick<Removed, 'removed' | 'kept'>> {
  const { target, artifact } = one
  const removed: Digest[] = []
  const kept: Removed['kept'] = []
  const tagged = new Map(graph.signatureTags.map(({ tag, descriptor }) => [descriptor.digest, tag]))
  // Before what they name: in a layout they lead to it.
  for (const { descriptor } of lists) {
    try {
      if (!shared.has(descriptor.digest)) await take(target, descriptor.digest)
    } catch (error) {
      kept.push({ digest: descriptor.digest, why: obstacleOf(error).detail })
    }
  }
  for (const digest of graph.nodes.keys()) {
    if (digest === artifact.digest) continue
    const who = shared.get(digest)
    const tag = tagged.get(digest)
    try {
      if (who === undefined) {
        if ((await target.resolve(digest)) !== undefined) removed.push(digest)
        await takeTagged(one, digest, tag === undefined ? [] : [tag])
      } else kept.push({ digest, why: `${who} needs it` })
    } catch (error) {
      kept.push({ digest, why: obstacleOf(error).detail })
    }
  }
  return { removed: removed.filter((digest) => kept.every((one) => one.digest !== digest)), kept }
}

/**
 * Nothing goes before the copy was read back. The artifact goes first, so that nothing that is still there points at
 * something absent but what refers to it.
 */
export async function remove(one: MeasureCase, tags: readonly string[]): Promise<Removed> {
  const { artifact, target, place, options, before } = one
  const nothing: Removed = { tags: [], at: before?.at ?? null, removed: [], kept: [], obstacle: undefined }
  try {
    const removal = await plan(one)
    if (removal === undefined || options.dryRun === true) return nothing
    const there = (await target.resolve(artifact.digest)) !== undefined
    if (there) await one.begin()
    if (there) await besideState(keepCopy(one, removal.graph))
    const at = `${place.quarantinePath(artifact.path)}@${artifact.digest}`
    tell(options, { type: 'phase', phase: 'removing' })
    const changed = await takeTagged(one, artifact.digest, tags)
    const { removed, kept } = await takeRest(one, removal)
    return { tags: changed, at, removed: there ? [artifact.digest, ...removed] : removed, kept, obstacle: undefined }
  } catch (error) {
    return { ...nothing, obstacle: obstacleOf(error) }
  }
}
