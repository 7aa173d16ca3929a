/** `restore`: puts a tag back to what it named before, where that is still whole and trusted now. */
import type { Target } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import type { Descriptor, Digest } from '../../oci/index.ts'
import type { RegistryOptions } from '../../registry/index.ts'
import { State } from '../../state/index.ts'
import type { PluginPlace } from '../verdict/plugin-place.ts'
import { judgeLying, recordJudgement } from '../verdict/judge-lying.ts'
import { openPlace } from '../place/place.ts'
import { openPolicy } from '../trust/policy-folder.ts'
import type { MakeJudge } from './quarantine-release.ts'
import { judgingTime, type ClockOptions } from '../run/clock.ts'
import { demandReason } from '../run/reason.ts'
import { checkInterrupted, nowOf, tell, type RunOptions } from '../run/run.ts'
import { changeTags, type TagChangeReport } from '../measure/tag-change.ts'
import { StandingManifests } from '../measure/standing-manifests.ts'
import { settleIntents } from '../place/tag-moves.ts'
import { heldBlobs, ifSound, readNode, type TargetNode } from '../measure/target-graph.ts'
import { parseTargetReference, type TargetReference } from '../place/target-reference.ts'
import type { VerdictReport } from '../verdict/report.ts'

export interface RestoreOptions extends RunOptions, Pick<ClockOptions, 'built'> {
  state: string
  /** A tag at a target. */
  ref: string
  to: Digest
  reason: string
  /** Also to what this site never saw the tag name. */
  unseen?: boolean | undefined
  /** The policy folder to judge it by. */
  policy: string
  plugins?: PluginPlace | undefined
  registry: Omit<RegistryOptions, 'side'>
  dryRun?: boolean | undefined
}

export interface RestoreReport {
  target: string
  path: string
  tag: string
  old: Digest | null
  new: Digest
  reason: string
  /** `refused`: it is not trusted now, or the target does not let the tag move. */
  outcome: TagChangeReport['outcome']
  /** Further tags of the repository that name what this one named: restoring one is not restoring all. */
  others: string[]
  /** False where the target does not let its tags be listed, so that some may name it unseen. */
  tagsListed: boolean
  verdict: VerdictReport
  dryRun: boolean
}

type Tagged = TargetReference & { tag: string }

function taggedIn(ref: string): Tagged {
  const { target, path, tag, digest } = parseTargetReference(ref)
  if (tag !== undefined && digest === undefined) return { target, path, tag }
  throw new SallyportError('USAGE', { side: 'target', subject: ref.slice(0, 300), detail: 'it names no tag' })
}

/** Stops a tag from being put on what it never was by a digest that somebody was told. Throws TAG_UNSEEN. */
async function demandFormer(
  state: State,
  { target, path, tag }: Tagged,
  { to, unseen }: RestoreOptions,
): Promise<void> {
  if (unseen === true) return
  const moves = await state.tagHistory(target, path, tag)
  if (moves.some((move) => move.new === to || move.old === to)) return
  throw new SallyportError('TAG_UNSEEN', { side: 'state', subject: `${target}/${path}:${tag}`, detail: to })
}

/** Stops a way around the release, with its reason and its approvals. Throws ARTIFACT_QUARANTINED. */
function demandFree(state: State, { target, path }: Tagged, to: Digest): void {
  const held = state.quarantinedAt({ target, path, digest: to })
  if (held === undefined) return
  const detail = `${held.measure} since ${held.time}`
  throw new SallyportError('ARTIFACT_QUARANTINED', { side: 'state', subject: `${path}@${to}`, detail })
}

/**
 * The manifest, once it and all below it came back by GET, and the target said that it has every blob.
 * Throws MANIFEST_MISSING, BLOB_MISSING, READ_BACK_MISMATCH.
 */
async function demandWhole(target: Target, digest: Digest, options: RunOptions): Promise<TargetNode> {
  const found = await target.resolve(digest)
  if (found === undefined)
    throw new SallyportError('MANIFEST_MISSING', { side: 'target', subject: `${target.repository}@${digest}` })
  const root = await readNode(target, found)
  const met = new Map<Digest, Descriptor>()
  const open = [root]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    checkInterrupted(options)
    for (const blob of heldBlobs(node.manifest))
      if (!(await target.hasBlob(blob)))
        throw new SallyportError('BLOB_MISSING', { side: 'target', subject: `${target.repository}@${blob.digest}` })
    for (const child of node.manifest.manifests) {
      if (met.has(child.digest)) continue
      met.set(child.digest, child)
      // A platform may have been left out by choice.
      const below = await ifSound(readNode(target, child))
      if (below !== undefined) open.push(below)
    }
  }
  return root
}

async function othersAt(
  standing: StandingManifests,
  tag: string,
  digest: Digest | null,
): Promise<Pick<RestoreReport, 'others' | 'tagsListed'>> {
  if (digest === null) return { others: [], tagsListed: true }
  const others = (await standing.tagsOf(digest, [])).filter((other) => other !== tag)
  return { others, tagsListed: (await standing.tags()).listed }
}

/**
 * Moves the tag back, between its two journal lines. The next bundle that names the tag moves it on as ever.
 * Throws TAG_UNSEEN, ARTIFACT_QUARANTINED, MANIFEST_MISSING, BLOB_MISSING, CLOCK_BEHIND, CLOCK_AHEAD, USAGE; what is not
 * trusted is reported.
 */
export async function restoreTag(options: RestoreOptions, makeJudge?: MakeJudge): Promise<RestoreReport> {
  const now = nowOf(options)
  const { reason, to } = options
  demandReason(reason)
  const named = taggedIn(options.ref)
  const material = openPolicy(options.policy)
  const dryRun = options.dryRun === true
  const state = await State.open(options.state, { now, write: !dryRun })
  try {
    const at = judgingTime(state, options)
    await demandFormer(state, named, options)
    demandFree(state, named, to)
    const place = openPlace(named.target, options.registry, options.signal)
    try {
      if (!dryRun) await settleIntents(state, place)
      const target = place.at(named.path)
      tell(options, { type: 'phase', phase: 'judging' })
      const node = await demandWhole(target, to, options)
      const judge = makeJudge?.(state, place, material) ?? judgeLying(state, place, material, { ...options, now: at })
      const judgement = await judge({ target: place.name, path: named.path, digest: to }, target)
      const verdict = judgement.report
      const old = (await target.resolve(named.tag))?.digest ?? null
      const left = await othersAt(new StandingManifests(state, place, named.path), named.tag, old === to ? null : old)
      const name = { target: place.name, path: named.path, tag: named.tag }
      const common = { ...name, old, new: to, reason, ...left, verdict, dryRun }
      if (verdict.verdict !== 'trusted') return { ...common, outcome: 'refused' }
      if (dryRun) return { ...common, outcome: old === to ? 'kept' : 'moved' }
      await recordJudgement(state, judgement)
      const cause = { by: 'restore' as const, reason }
      const terms = { ...options, from: (before: Digest | null) => before === old, cause }
      const [change] = await changeTags(state, place, named.path, [{ tag: named.tag, to: node }], terms)
      if (change?.outcome === 'refused')
        throw new SallyportError(change.code ?? 'PUSH_REFUSED', {
          side: 'target',
          subject: `${target.repository}:${named.tag}`,
        })
      return { ...common, outcome: change?.outcome ?? 'kept' }
    } finally {
      await place.close()
    }
  } finally {
    await state.close()
  }
}
