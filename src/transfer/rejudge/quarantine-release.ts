/** `quarantine release`: an artifact that is trusted again comes back to its place, and its tags to it. */
import { SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import type { RegistryOptions } from '../../registry/index.ts'
import { State, type Quarantined } from '../../state/index.ts'
import type { TrustMaterial } from '../../trust/index.ts'
import type { PluginPlace } from '../verdict/plugin-place.ts'
import { judgeLying, recordJudgement, type JudgeLying, type Judgement } from '../verdict/judge-lying.ts'
import { openPlace, type Place } from '../place/place.ts'
import { openPolicy } from '../trust/policy-folder.ts'
import { copyGraph } from '../measure/quarantine-copy.ts'
import { heldBy } from '../measure/quarantine-verbs.ts'
import { demandApprovals, needsApproval } from '../measure/release-approval.ts'
import { judgingTime, type ClockOptions } from '../run/clock.ts'
import { demandNames, demandReason } from '../run/reason.ts'
import { nowOf, tell, type RunOptions } from '../run/run.ts'
import { changeTags, type TagChange, type TagChangeReport, type TagChangeTerms } from '../measure/tag-change.ts'
import { settleIntents } from '../place/tag-moves.ts'
import { graphAt, ifSound, readNode } from '../measure/target-graph.ts'
import { tombstoneOf } from '../measure/tombstone.ts'
import type { VerdictReport } from '../verdict/report.ts'

export interface ReleaseOptions extends RunOptions, Pick<ClockOptions, 'built'> {
  state: string
  /** A reference at the target, or a digest. */
  ref: string
  reason: string
  /** Who lets it out. */
  by: readonly string[]
  /** Files of `quarantine approve`. */
  approvals: readonly string[]
  /** The policy folder to judge it by. */
  policy: string
  plugins?: PluginPlace | undefined
  registry: Omit<RegistryOptions, 'side'>
  dryRun?: boolean | undefined
}

export interface ReleaseReport {
  target: string
  path: string
  digest: Digest
  reason: string
  /** Names as they were given, and the keys that approved. */
  by: string[]
  /** A copy came back from the quarantine; false where there was none, or it was not let out. */
  copied: boolean
  tags: TagChangeReport[]
  /** Anything but trusted: it stays where it is. */
  verdict: VerdictReport
  dryRun: boolean
}

interface Releasing {
  state: State
  place: Place
  held: Quarantined
  judge: JudgeLying
  options: ReleaseOptions
}

/** The repository that holds its copy; undefined when there is none. */
async function copyOf({ place, held }: Releasing): Promise<string | undefined> {
  const { digest, at } = held
  const repository = at?.slice(0, at.lastIndexOf('@'))
  if (repository === undefined) return undefined
  return (await place.quarantineAt(repository).resolve(digest)) === undefined ? undefined : repository
}

/**
 * By what lies at its place, where it was signed anew perhaps; else by its copy, since a killed release may have brought
 * back no signature yet.
 */
async function judged({ place, held, judge }: Releasing, copy: string | undefined): Promise<Judgement> {
  const { target, path, digest } = held
  const own = place.at(path)
  const artifact = { target, path, digest }
  const there = copy === undefined || (await own.resolve(digest)) !== undefined
  const first = there ? await judge(artifact, own) : undefined
  if (first !== undefined && (copy === undefined || first.report.verdict === 'trusted')) return first
  return judge(artifact, place.quarantineAt(copy ?? path))
}

/** Only a tag that names nothing, or the tombstone of this artifact: what a bundle has brought since then stays. */
function backTo({ place, held, options }: Releasing): TagChangeTerms {
  const target = place.at(held.path)
  return {
    ...options,
    cause: { by: 'release', reason: options.reason },
    async from(old, tag) {
      if (old === null) return true
      const named = await target.resolve(tag)
      const node = named === undefined ? undefined : await ifSound(readNode(target, named))
      return node !== undefined && tombstoneOf(node.manifest) === held.digest
    },
  }
}

async function bringBack(releasing: Releasing, repository: string): Promise<void> {
  const { state, place, held, options } = releasing
  const { path, digest } = held
  const from = place.quarantineAt(repository)
  const root = await from.resolve(digest)
  if (root === undefined)
    throw new SallyportError('MANIFEST_MISSING', { side: 'target', subject: `${from.repository}@${digest}` })
  const graph = await graphAt(from, root, options)
  await copyGraph(graph, {
    ...options,
    from,
    mountFrom: repository,
    to: place.at(path),
    tag: async ({ tag }, node) =>
      void (await changeTags(state, place, path, [{ tag, to: node }], {
        ...backTo(releasing),
        from: (old) => old === null,
      })),
  })
}

async function tagsBack(releasing: Releasing): Promise<TagChangeReport[]> {
  const { state, place, held } = releasing
  const target = place.at(held.path)
  const root = await target.resolve(held.digest)
  if (root === undefined)
    throw new SallyportError('MANIFEST_MISSING', { side: 'target', subject: `${target.repository}@${held.digest}` })
  const node = await readNode(target, root)
  const changes: TagChange[] = held.tags.map((tag) => ({ tag, to: node }))
  return changeTags(state, place, held.path, changes, backTo(releasing))
}

async function released(releasing: Releasing, by: string[]): Promise<ReleaseReport> {
  const { state, held, options } = releasing
  const { target, path, digest } = held
  const dryRun = options.dryRun === true
  const copy = await copyOf(releasing)
  tell(options, { type: 'phase', phase: 'judging' })
  const judgement = await judged(releasing, copy)
  const verdict = judgement.report
  const common = { target, path, digest, reason: options.reason, by, verdict, dryRun }
  if (verdict.verdict !== 'trusted' || dryRun) return { ...common, copied: false, tags: [] }
  await recordJudgement(state, judgement)
  if (copy !== undefined) await bringBack(releasing, copy)
  const tags = await tagsBack(releasing)
  const refused = tags.find(({ outcome }) => outcome === 'refused')
  if (refused !== undefined)
    throw new SallyportError(refused.code ?? 'PUSH_REFUSED', { side: 'target', subject: `${path}:${refused.tag}` })
  await state.recordRelease({ target, path, digest, reason: options.reason, by })
  return { ...common, copied: copy !== undefined, tags }
}

/** The policy's judge unless the caller has one. */
export type MakeJudge = (state: State, place: Place, material: TrustMaterial) => JudgeLying

/**
 * Lets one artifact out, if it is trusted now and approved where that is needed. Killed anywhere, it is completed by the
 * same command: it counts as held until all of it is back.
 * Throws QUARANTINE_UNKNOWN, APPROVAL_MISSING, APPROVAL_INVALID, CHANNEL_NOT_PINNED, CLOCK_BEHIND, CLOCK_AHEAD, USAGE, and
 * what the target throws.
 */
export async function quarantineRelease(options: ReleaseOptions, makeJudge?: MakeJudge): Promise<ReleaseReport> {
  const now = nowOf(options)
  demandReason(options.reason)
  const names = demandNames(options.by)
  const material = openPolicy(options.policy)
  const state = await State.open(options.state, { now, write: options.dryRun !== true })
  try {
    const at = judgingTime(state, options)
    const held = heldBy(state, options.ref)
    const request = { site: state.site, held, reason: options.reason }
    const needed = needsApproval(state, material.revocation.releaseNeedsApproval) || options.approvals.length > 0
    const keys = needed ? demandApprovals(state, request, options.approvals, at) : []
    const place = openPlace(held.target, options.registry, options.signal)
    try {
      if (options.dryRun !== true) await settleIntents(state, place)
      const judge = makeJudge?.(state, place, material) ?? judgeLying(state, place, material, { ...options, now: at })
      const by = [...names, ...keys.map((keyid) => `key ${keyid}`)]
      return await released({ state, place, held, judge, options }, by)
    } finally {
      await place.close()
    }
  } finally {
    await state.close()
  }
}
