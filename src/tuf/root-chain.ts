/** From the pinned root to the newest one (TUF 5.3). */
import { CAPS, type Purpose } from './channel.ts'
import { refusal, type Place } from './fault.ts'
import { countSignatures, checkThreshold, type BadSignature, type RoleKeys } from './role.ts'
import { readRoot, readRootEnvelope, rootOf, type Root } from './root-reader.ts'

/** What a site holds of a channel. */
export interface TrustedRoot {
  rootBytes: Uint8Array
  version: number
}

export interface RootsInput {
  /** The name under which the site pinned the channel. */
  channel: string
  purpose: Purpose
  trusted: TrustedRoot
  /** The bundle's `N.root.json` by N, from 1. */
  roots: ReadonlyMap<number, Uint8Array>
}

export interface RootsVerdict {
  /** The newest root, at least the trusted one. Its expiry is not looked at. */
  root: Root
  /** The file bytes of the roots that follow the trusted one, in order. */
  added: { version: number; bytes: Uint8Array }[]
  /**
   * Set when a new root replaced the timestamp or snapshot keys: the counters begin again (TUF 5.3.11), the cure for a
   * counter that a thief has driven to its end. The caller keeps this together with `added`.
   */
  reset?: { rootVersion: number }
  badSignatures: BadSignature[]
}

/**
 * The newest root that the pinned one leads to. Needs no time, so that the caller can keep new roots even when the head
 * that came with them is refused (TUF persists each root as it verifies).
 *
 * Per step N to N+1: length cap (5.3.3, endless data); threshold of N's keys and of N+1's own (5.3.4, arbitrary
 * software); version exactly N+1 (5.3.5, rollback); same channel and purpose. Intermediate expiry is not looked at (5.3.6).
 * A bundle that ends at an older root than the site's is judged by the site's.
 * Throws ROOT_UNKNOWN, SIGNATURE_INVALID, METADATA_MALFORMED, ALGORITHM_REFUSED, CHANNEL_MISMATCH, PURPOSE_MISMATCH,
 * LIMIT_EXCEEDED.
 */
export function judgeRoots(input: RootsInput): RootsVerdict {
  const pinned: Place = { side: 'state', subject: `${input.channel}: ${input.trusted.version}.root.json` }
  let root = readRoot(input.trusted.rootBytes, pinned)
  if (root.version !== input.trusted.version) throw refusal('ROOT_UNKNOWN', pinned, `it is version ${root.version}`)
  checkIdentity(root, input, pinned)
  const last = lastVersion(input)
  const verdict: RootsVerdict = { root, added: [], badSignatures: [] }
  const before = [root]
  for (let version = root.version + 1; version <= last; version++) {
    const place = placeOf(input, version)
    const bytes = input.roots.get(version) ?? new Uint8Array()
    const next = follow(root, bytes, place, verdict.badSignatures)
    checkIdentity(next, input, place)
    if (replacesHost(next, root)) verdict.reset = { rootVersion: version }
    // Keys that come back bring their heads back.
    if (before.some((old) => old.version < (verdict.reset?.rootVersion ?? 0) && !replacesHost(next, old)))
      delete verdict.reset
    before.push(next)
    verdict.added.push({ version, bytes })
    verdict.root = root = next
  }
  return verdict
}

function placeOf({ channel }: RootsInput, version: number): Place {
  return { side: 'bundle', subject: `metadata/${channel}/${version}.root.json` }
}

/** The bundle's last root version, its roots being complete and the pinned one among them. */
function lastVersion(input: RootsInput): number {
  const { roots, trusted } = input
  const last = Math.max(0, ...roots.keys())
  for (let version = 1; version <= last; version++)
    if (!roots.has(version)) throw refusal('ROOT_UNKNOWN', placeOf(input, version), 'it is missing')
  if (last === 0) throw refusal('ROOT_UNKNOWN', placeOf(input, 1), 'the bundle holds no root')
  if (last - trusted.version > CAPS.rotations)
    throw refusal('LIMIT_EXCEEDED', placeOf(input, last), `more than ${CAPS.rotations} rotations`)
  const own = roots.get(trusted.version)
  // Stops another channel of the same name, and a second root of one version.
  if (own !== undefined && !Buffer.from(own).equals(trusted.rootBytes))
    throw refusal('ROOT_UNKNOWN', placeOf(input, trusted.version), 'not the bytes that are pinned')
  return last
}

function follow(root: Root, bytes: Uint8Array, place: Place, bad: BadSignature[]): Root {
  const envelope = readRootEnvelope(bytes, place)
  // N's keys are asked first: nothing of a root that they did not sign is worth a reason.
  checkThreshold(envelope, root.roles.root, ` of the root keys of version ${root.version}`)
  const next = rootOf(envelope, bytes)
  checkThreshold(envelope, next.roles.root, ' of its own root keys')
  if (next.version !== root.version + 1) throw refusal('ROOT_UNKNOWN', place, `it is version ${next.version}`)
  const either = new Map([...root.roles.root.keys, ...next.roles.root.keys])
  bad.push(...countSignatures(envelope, { keys: either, threshold: 1 }).bad)
  return next
}

function checkIdentity(root: Root, { channel, purpose }: RootsInput, place: Place): void {
  // Stops one channel's metadata from being taken for another's: TUF metadata does not name its repository.
  if (root.channel !== channel) throw refusal('CHANNEL_MISMATCH', place, `it speaks for ${root.channel}`)
  if (root.purpose !== purpose) throw refusal('PURPOSE_MISMATCH', place, `it is for ${root.purpose}, not ${purpose}`)
}

/** True when no head that the keys of the old root made can pass under the next one: only then may counters begin again. */
export function replacesHost({ roles: next }: Root, { roles: old }: Root): boolean {
  return replaces(next.timestamp, old.timestamp) || replaces(next.snapshot, old.snapshot)
}

/**
 * True when nothing that the old keys signed can still meet the new threshold. Only then may counters begin again:
 * if one old key could still sign alone, every old head it has signed could be replayed after the reset.
 */
function replaces(next: RoleKeys, old: RoleKeys): boolean {
  const points = new Set([...old.keys.values()].map(({ point }) => point))
  const kept = [...next.keys.values()].filter(({ point }) => points.has(point)).length
  return kept < next.threshold
}
