/**
 * The approval of a release from quarantine. Who may approve are the people of the channel that the site pinned under the
 * name `quarantine`: its root is compared by hand like any other, its keys are made, sealed and replaced like any other, and
 * a signature over one release is good for nothing else.
 */
import { isJsonObject, parseJson, signingBytes, sortedJson, type Json, type JsonObject } from '../../codec/index.ts'
import { isFault, SallyportError } from '../../errors/index.ts'
import type { Quarantined, State } from '../../state/index.ts'
import { readRoot, type ChannelKey, type Root } from '../../tuf/index.ts'
import { timeText } from '../run/run.ts'
import { readSmall } from '../run/small-file.ts'
import { APPROVERS, LEAST_APPROVERS } from '../site/approvers.ts'

const FORMAT = 'sallyport-release/1'
const FILE_CAP = 64 * 1024

export interface ReleaseRequest {
  site: string
  held: Quarantined
  reason: string
}

/**
 * What is signed: the site, the artifact in its place, the reason, and the row of the journal by which it is held. One that
 * is held again needs new approvals.
 */
function signedPart({ site, held: { target, path, digest, n }, reason }: ReleaseRequest): JsonObject {
  return { _type: FORMAT, site, target, path, digest, held: n, reason }
}

/** The approval by one key, as a file. */
export function approvalFile(request: ReleaseRequest, key: ChannelKey): Buffer {
  const signed = signedPart(request)
  const sig = key.sign(signingBytes(signed))
  return Buffer.from(sortedJson({ signed, signatures: [{ keyid: key.keyid, sig }] }))
}

/** True when releases need approvals: by the policy, or since the site has pinned who gives them. */
export function needsApproval(state: State, policy: boolean): boolean {
  return policy || state.channel(APPROVERS) !== undefined
}

/** The root that names the approvers. Throws CHANNEL_NOT_PINNED, EXPIRED. */
export function approversOf(state: State, now: Date): Root {
  const channel = state.channel(APPROVERS)
  if (channel === undefined)
    throw new SallyportError('CHANNEL_NOT_PINNED', {
      side: 'state',
      subject: APPROVERS,
      detail: 'nobody can approve a release',
      remedy: `pin the channel of those who may: sallyport channel pin ${APPROVERS} ROOT --for trust`,
    })
  const root = readRoot(channel.root, { side: 'state', subject: APPROVERS })
  // Stops keys that were to be replaced long ago from approving for ever.
  if (root.expires <= timeText(now))
    throw new SallyportError('EXPIRED', { side: 'state', subject: `${APPROVERS} root`, detail: root.expires })
  return root
}

/** Throws KEY_REFUSED for a key that is no approver's. */
export function demandApprover({ roles }: Root, { keyid }: ChannelKey, file: string): void {
  if (!roles.targets.keys.has(keyid))
    throw new SallyportError('KEY_REFUSED', { side: 'source', subject: file, detail: `not of channel ${APPROVERS}` })
}

function documentIn(bytes: Uint8Array, otherwise: () => SallyportError): Json {
  try {
    return parseJson(bytes, 'state', 'approval')
  } catch (cause) {
    if (isFault(cause, 'JSON_MALFORMED')) throw otherwise()
    throw cause
  }
}

interface ApprovalFile {
  file: string
  signed: JsonObject
  keyid: string
  sig: string
}

function invalid(file: string, detail: string): SallyportError {
  return new SallyportError('APPROVAL_INVALID', { side: 'state', subject: file, detail })
}

/** What a file says, which nothing has proven yet. Throws APPROVAL_INVALID. */
function readApproval(file: string): ApprovalFile {
  const bytes = readSmall(file)
  if (bytes.length > FILE_CAP) throw invalid(file, 'too long')
  const document = documentIn(bytes, () => invalid(file, 'not an approval'))
  const { signed, signatures } = isJsonObject(document) ? document : {}
  const [entry] = Array.isArray(signatures) ? signatures : []
  if (!isJsonObject(signed) || !isJsonObject(entry)) throw invalid(file, 'not an approval')
  const { keyid, sig } = entry
  if (typeof keyid !== 'string' || typeof sig !== 'string') throw invalid(file, 'not an approval')
  return { file, signed, keyid, sig }
}

/** True when its bytes are what the release is signed as; a number that has no such form stands in no part of ours. */
function isOver({ signed }: ApprovalFile, request: ReleaseRequest): boolean {
  try {
    return signingBytes(signed).equals(signingBytes(signedPart(request)))
  } catch (cause) {
    if (cause instanceof TypeError) return false
    throw cause
  }
}

/** The approver that a file is by. Throws APPROVAL_INVALID unless it is over exactly this release. */
function approverIn(approval: ApprovalFile, request: ReleaseRequest, { roles }: Root): string {
  const { file, keyid, sig } = approval
  if (!isOver(approval, request)) throw invalid(file, 'of another release, or for another reason')
  if (roles.targets.keys.get(keyid)?.verify(signingBytes(signedPart(request)), sig) !== true)
    throw invalid(file, 'not by a key of an approver')
  return keyid
}

function neededOf({ roles }: Root): number {
  return Math.max(LEAST_APPROVERS, roles.targets.threshold)
}

/**
 * The keyids of those who approved, each once. Throws APPROVAL_INVALID, APPROVAL_MISSING, and what {@link approversOf} throws.
 * @param files - by path
 */
export function demandApprovals(state: State, request: ReleaseRequest, files: readonly string[], now: Date): string[] {
  const root = approversOf(state, now)
  const needed = neededOf(root)
  const by = new Set(files.map((file) => approverIn(readApproval(file), request, root)))
  if (by.size >= needed) return [...by].sort()
  throw new SallyportError('APPROVAL_MISSING', {
    side: 'state',
    subject: `${request.held.path}@${request.held.digest}`,
    detail: `${by.size} of ${needed}; whatever the channel demands, a release takes ${LEAST_APPROVERS} at least, whom --by does not name`,
    remedy:
      root.roles.targets.keys.size < needed
        ? `channel ${APPROVERS} has too few people: have it rotated to more, or pin one that has them`
        : 'have further people run sallyport quarantine approve, and name their files with --approval',
  })
}

export interface ApprovedRelease {
  reason: string
  /** Of those who approved, each once. */
  keys: string[]
  /** As many as a release takes. */
  enough: boolean
}

/** Who approved that something held is let out: undefined where no file is about it. Throws APPROVAL_INVALID. */
export type FindApproved = (held: Quarantined) => ApprovedRelease | undefined

/**
 * The approvals among files that may be of several releases; a file of one that is over by now counts for none.
 * Throws APPROVAL_INVALID, and what {@link approversOf} throws.
 * @param files - by path
 */
export function approvedReleases(state: State, files: readonly string[], now: Date): FindApproved {
  if (files.length === 0) return () => undefined
  const root = approversOf(state, now)
  const needed = neededOf(root)
  const approvals = files.map(readApproval)
  return (held) => {
    const byReason = new Map<string, Set<string>>()
    for (const approval of approvals) {
      const reason = String(approval.signed['reason'])
      const request = { site: state.site, held, reason }
      if (!isOver(approval, request)) continue
      const keys = byReason.get(reason) ?? new Set()
      byReason.set(reason, keys.add(approverIn(approval, request, root)))
    }
    // Two people who agree for two reasons have not agreed.
    const [most] = [...byReason].sort(([, a], [, b]) => b.size - a.size)
    return most && { reason: most[0], keys: [...most[1]].sort(), enough: most[1].size >= needed }
  }
}
