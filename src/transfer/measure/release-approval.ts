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

/** True when these bytes are what a part is signed as; a number that has no such form stands in no part of ours. */
function isOver(signed: JsonObject, wanted: Buffer): boolean {
  try {
    return signingBytes(signed).equals(wanted)
  } catch (cause) {
    if (cause instanceof TypeError) return false
    throw cause
  }
}

/** The approver that a file is by. Throws APPROVAL_INVALID unless it is over exactly this release. */
function approverIn(bytes: Uint8Array, request: ReleaseRequest, { roles }: Root, file: string): string {
  const invalid = (detail: string): SallyportError =>
    new SallyportError('APPROVAL_INVALID', { side: 'state', subject: file, detail })
  if (bytes.length > FILE_CAP) throw invalid('too long')
  const document = documentIn(bytes, () => invalid('not an approval'))
  const { signed, signatures } = isJsonObject(document) ? document : {}
  const [entry] = Array.isArray(signatures) ? signatures : []
  if (!isJsonObject(signed) || !isJsonObject(entry)) throw invalid('not an approval')
  const wanted = signingBytes(signedPart(request))
  if (!isOver(signed, wanted)) throw invalid('of another release, or for another reason')
  const { keyid, sig } = entry
  if (typeof keyid !== 'string' || typeof sig !== 'string') throw invalid('not an approval')
  if (roles.targets.keys.get(keyid)?.verify(wanted, sig) !== true) throw invalid('not by a key of an approver')
  return keyid
}

/**
 * The keyids of those who approved, each once. Throws APPROVAL_INVALID, APPROVAL_MISSING, and what {@link approversOf} throws.
 * @param files - by path
 */
export function demandApprovals(state: State, request: ReleaseRequest, files: readonly string[], now: Date): string[] {
  const root = approversOf(state, now)
  const needed = Math.max(LEAST_APPROVERS, root.roles.targets.threshold)
  const by = new Set(files.map((file) => approverIn(readSmall(file), request, root, file)))
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
