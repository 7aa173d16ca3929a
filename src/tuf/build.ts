/** Making the head of a bundle: timestamp, snapshot and targets in their slots. */
import { hash } from 'node:crypto'
import { canonicalBytes, type JsonObject } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import type { Digest } from '../oci/index.ts'
import { CAPS, MARK, SIGNED_SHA256 } from './channel.ts'
import { isExpiry } from './expiry.ts'
import { refusal, type Place } from './fault.ts'
import type { Signer } from './key.ts'
import { isTargetName, type TargetInfo } from './parts.ts'
import { readPublicKey } from './public-key.ts'
import type { RoleKeys } from './role.ts'
import { SPEC_VERSION } from './root.ts'
import { readRoot, type Root } from './root-reader.ts'
import { readSlot, targetsSlot, writeSlot, type SlotRole } from './slot.ts'

export interface HeadPlan {
  /** The channel's newest root. */
  root: Uint8Array
  /** One more than the last one at least; the TUF version of all three parts. */
  sequence: number
  /** `YYYY-MM-DDTHH:MM:SSZ`: the validity of the bundle, of all three parts. */
  expires: string
  /** The signed members by name. */
  targets: Readonly<Record<string, TargetInfo>>
  /**
   * Whose keys are at hand; each signs for its own role. Timestamp and snapshot must reach their thresholds, targets
   * need not: approvals may be added later by {@link addSignature}.
   */
  signers: readonly Signer[]
}

export interface SignedHead {
  /** The bundle id: `sha256:` and the SHA-256 of the canonical signed part of targets. */
  id: Digest
  timestamp: Buffer
  snapshot: Buffer
  targets: Buffer
}

function place(role: string): Place {
  return { side: 'state', subject: `${role}.json` }
}

/**
 * The head of a bundle. Equal plans with equal keys give equal bytes.
 * Throws USAGE for a sequence, expiry or target that cannot be, KEY_REFUSED for a signer without a role, KEY_MISSING when
 * timestamp or snapshot keys are lacking, LIMIT_EXCEEDED when a slot is too small, and what {@link readRoot} throws.
 */
export function buildHead(plan: HeadPlan): SignedHead {
  const root = readRoot(plan.root, place('root'))
  checkPlan(plan)
  for (const { keyid } of plan.signers)
    if (!(['targets', 'snapshot', 'timestamp'] as const).some((role) => root.roles[role].keys.has(keyid)))
      throw refusal('KEY_REFUSED', place('root'), `${keyid} has no role in it`)
  const common = {
    expires: plan.expires,
    spec_version: SPEC_VERSION,
    version: plan.sequence,
    [MARK]: { channel: root.channel, sequence: plan.sequence },
  }
  const files = Object.entries(plan.targets).map(([name, { length, sha256 }]) => [name, { hashes: { sha256 }, length }])
  const signedTargets = canonicalBytes({
    _type: 'targets',
    targets: Object.fromEntries(files) as JsonObject,
    ...common,
  })
  const signedSha256 = hash('sha256', signedTargets, 'hex')
  const length = targetsSlot(signedTargets.length, root.roles.targets.keys.size)
  if (length > CAPS.targets) throw refusal('LIMIT_EXCEEDED', place('targets'), `more than ${CAPS.targets} bytes`)
  const targets = sign(signedTargets, 'targets', root, plan.signers, length)
  const listed = { version: plan.sequence, [SIGNED_SHA256]: signedSha256 }
  const signedSnapshot = canonicalBytes({ _type: 'snapshot', meta: { 'targets.json': listed }, ...common })
  const snapshot = sign(signedSnapshot, 'snapshot', root, plan.signers, CAPS.snapshot)
  const hashes = { sha256: hash('sha256', snapshot, 'hex') }
  const slot = { hashes, length: snapshot.length, version: plan.sequence }
  const signedTimestamp = canonicalBytes({ _type: 'timestamp', meta: { 'snapshot.json': slot }, ...common })
  const timestamp = sign(signedTimestamp, 'timestamp', root, plan.signers, CAPS.timestamp)
  return { id: `sha256:${signedSha256}`, timestamp, snapshot, targets }
}

function checkPlan({ sequence, expires, targets }: HeadPlan): void {
  const bad = (detail: string): SallyportError => new SallyportError('USAGE', { ...place('head'), detail })
  if (!Number.isSafeInteger(sequence) || sequence < 1) throw bad('a sequence is an integer from 1 to 2^53-1')
  if (!isExpiry(expires)) throw bad('expires is not a time of the form YYYY-MM-DDTHH:MM:SSZ')
  for (const name of Object.keys(targets)) if (!isTargetName(name)) throw bad(`${name} cannot be a target`)
}

function sign(signed: Buffer, role: SlotRole, root: Root, signers: readonly Signer[], length: number): Buffer {
  const { keys, threshold } = root.roles[role]
  const own = signers.filter(({ keyid }) => keys.has(keyid)).toSorted((a, b) => (a.keyid < b.keyid ? -1 : 1))
  for (const signer of own) checkSigner(signer, root.roles[role], role)
  // Once each, should a signer be given twice.
  const signatures = new Map(own.map((signer) => [signer.keyid, signer.sign(signed)]))
  if (role !== 'targets' && signatures.size < threshold)
    throw new SallyportError('KEY_MISSING', {
      ...place(role),
      detail: `${signatures.size} of ${threshold} ${role} keys are at hand`,
    })
  return writeSlot(
    signed,
    [...signatures].map(([keyid, sig]) => ({ keyid, sig })),
    length,
    place(role),
  )
}

function checkSigner({ keyid, tufKey }: Signer, role: RoleKeys, name: SlotRole): void {
  // A keyid is only a name: the key behind it is what the root trusts.
  if (role.keys.get(keyid)?.point !== readPublicKey(tufKey, place('key')).point)
    throw refusal('KEY_REFUSED', place(name), `${keyid} is not a key of role ${name}`)
}

/**
 * The targets slot with one more person's signature, in the same length: only bytes behind the signed part and the
 * signatures before it change. The same bytes come back when this key has signed already.
 * What the slot says is not judged: show it to the person first.
 * Throws KEY_REFUSED for a key that is not in the role, METADATA_MALFORMED, LIMIT_EXCEEDED when the slot is full.
 */
export function addSignature(targetsSlotBytes: Uint8Array, root: Uint8Array, signer: Signer): Buffer {
  const where = { ...place('targets'), side: 'bundle' as const }
  const envelope = readSlot(targetsSlotBytes, 'targets', where)
  const role = readRoot(root, place('root')).roles.targets
  checkSigner(signer, role, 'targets')
  const present = envelope.signatures.find(({ keyid }) => keyid === signer.keyid)
  if (present !== undefined && role.keys.get(signer.keyid)?.verify(envelope.signedBytes, present.sig) === true)
    return Buffer.from(targetsSlotBytes)
  // A signature of this key that does not verify gives way: one keyid stands there once.
  const others = envelope.signatures.filter((entry) => entry !== present)
  const all = [...others, { keyid: signer.keyid, sig: signer.sign(envelope.signedBytes) }]
  return writeSlot(envelope.signedBytes, all, targetsSlotBytes.length, where)
}
