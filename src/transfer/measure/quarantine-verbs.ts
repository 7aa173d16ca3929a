/** `quarantine list` and `quarantine approve`: what is held, and a person's word that one of it may go. */
import { demandNew, placeNewFile } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { isDigest, type Digest } from '../../oci/index.ts'
import { State, type Quarantined } from '../../state/index.ts'
import { openKey } from '../../tuf/index.ts'
import type { AskPassphrase } from '../channel/folder.ts'
import type { Measure, Outcome } from './report.ts'
import { approvalFile, approversOf, demandApprover } from './release-approval.ts'
import { demandReason } from '../run/reason.ts'
import { nowOf } from '../run/run.ts'
import { readSmall } from '../run/small-file.ts'
import type { StateRunOptions } from '../site/state-verbs.ts'
import { parseTargetReference } from '../place/target-reference.ts'

export interface QuarantineListReport {
  held: {
    target: string
    path: string
    digest: Digest
    measure: Measure
    outcome: Outcome
    detail: string
    tags: string[]
    at: string | null
    since: string
    /** Whoever knows its digest can still pull it from its place, unless somebody else took it away. */
    reachable: boolean
  }[]
}

/** What measures stand against, oldest first. Nobody is asked. */
export async function quarantineList(options: StateRunOptions): Promise<QuarantineListReport> {
  const state = await State.open(options.state, { now: nowOf(options), write: false })
  const held = state.quarantined().map(({ target, path, digest, measure, outcome, detail, tags, at = null, time }) => ({
    target,
    path,
    digest,
    measure,
    outcome,
    detail,
    tags: [...tags],
    at,
    since: time,
    reachable: measure !== 'remove' || outcome !== 'done',
  }))
  return { held }
}

/** The one artifact that a reference or digest names. Throws QUARANTINE_UNKNOWN, and USAGE when it names several. */
export function heldBy(state: State, ref: string): Quarantined {
  const wanted = isDigest(ref) ? { digest: ref } : parseTargetReference(ref)
  const found = state.quarantined().filter((held) => {
    if (wanted.digest !== undefined && wanted.digest !== held.digest) return false
    if (!('target' in wanted)) return true
    const named = wanted.tag === undefined || wanted.digest !== undefined || held.tags.includes(wanted.tag)
    return held.target === wanted.target && held.path === wanted.path && named
  })
  const [first, ...others] = found
  if (first === undefined) throw new SallyportError('QUARANTINE_UNKNOWN', { side: 'state', subject: ref.slice(0, 300) })
  if (others.length === 0) return first
  const detail = `it names ${found.length}; name one by repository and digest`
  throw new SallyportError('USAGE', { side: 'state', subject: ref.slice(0, 300), detail })
}

/** The target at which the one artifact is held that a reference or digest names. Throws as {@link heldBy}. */
export async function heldTarget(options: StateRunOptions & { ref: string }): Promise<string> {
  const state = await State.open(options.state, { now: nowOf(options), write: false })
  return heldBy(state, options.ref).target
}

export interface ApproveReleaseOptions extends StateRunOptions {
  ref: string
  reason: string
  /** The person's key file. */
  key: string
  passphrase: AskPassphrase
  /** The file to write. */
  output: string
}

export interface ApproveReleaseReport {
  target: string
  path: string
  digest: Digest
  reason: string
  keyid: string
  output: string
  dryRun: boolean
}

/**
 * Signs one release for one reason. Throws QUARANTINE_UNKNOWN, CHANNEL_NOT_PINNED, KEY_REFUSED, OUTPUT_EXISTS, and what
 * opening the key throws.
 */
export async function quarantineApprove(options: ApproveReleaseOptions): Promise<ApproveReleaseReport> {
  const { ref, reason, key: file, output } = options
  const now = nowOf(options)
  demandReason(reason)
  const state = await State.open(options.state, { now, write: false })
  const held = heldBy(state, ref)
  const root = approversOf(state, now)
  demandNew(output)
  const key = await openKey(readSmall(file).toString('latin1'), await options.passphrase(file), file)
  demandApprover(root, key, file)
  const bytes = approvalFile({ site: state.site, held, reason }, key)
  if (options.dryRun !== true) placeNewFile(output, bytes)
  const { target, path, digest } = held
  return { target, path, digest, reason, keyid: key.keyid, output, dryRun: options.dryRun === true }
}
