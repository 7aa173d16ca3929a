/** What a head says of itself. Nothing here is verified: for showing to a person, and for finding the pinned channel. */
import { hash } from 'node:crypto'
import type { Digest } from '../oci/index.ts'
import type { Envelope } from './envelope.ts'
import { fingerprint, readRoot, type Root } from './root-reader.ts'
import { headMark, targetsOf, type TargetInfo } from './parts.ts'
import type { HeadFiles } from './head.ts'
import { countSignatures, type BadSignature } from './role.ts'
import { readSlot, type SlotRole } from './slot.ts'

export interface UnverifiedPart {
  channel: string
  sequence: number
  expires: string
  /** The keyids that stand beside a signature; whether it verifies is not known. */
  keyids: string[]
}

/** Claims, not facts: anyone can write these. */
export interface UnverifiedHead {
  verified: false
  channel: string
  sequence: number
  id: Digest
  /** The earliest of the three. */
  expires: string
  rootVersions: number[]
  /** Fingerprints by root version, to compare with one that came by another way. */
  fingerprints: Record<number, Digest>
  parts: Record<SlotRole, UnverifiedPart>
  targets: Map<string, TargetInfo>
}

function read(bytes: Uint8Array, role: SlotRole): Envelope {
  return readSlot(bytes, role, { side: 'bundle', subject: `${role}.json` })
}

function partOf(envelope: Envelope): UnverifiedPart {
  const keyids = envelope.signatures.map(({ keyid }) => keyid)
  return { ...headMark(envelope), expires: envelope.expires, keyids }
}

/**
 * What the parts of a head claim, each read by itself; a `verify` says whether it is so.
 * Throws METADATA_MALFORMED, METADATA_MIXED, LIMIT_EXCEEDED.
 */
export function inspectHead(files: HeadFiles): UnverifiedHead {
  const targets = read(files.targets, 'targets')
  const parts = {
    timestamp: partOf(read(files.timestamp, 'timestamp')),
    snapshot: partOf(read(files.snapshot, 'snapshot')),
    targets: partOf(targets),
  }
  const versions = [...files.roots.keys()].toSorted((a, b) => a - b)
  return {
    verified: false,
    channel: parts.timestamp.channel,
    sequence: parts.timestamp.sequence,
    id: `sha256:${hash('sha256', targets.signedBytes, 'hex')}`,
    expires:
      Object.values(parts)
        .map(({ expires }) => expires)
        .toSorted()[0] ?? '',
    rootVersions: versions,
    fingerprints: Object.fromEntries([...files.roots].map(([version, bytes]) => [version, fingerprint(bytes)])),
    parts,
    targets: targetsOf(targets),
  }
}

export interface Approvals {
  /** Keyids of the role whose signature verifies under this root. */
  signed: string[]
  threshold: number
  /** Keyids of the role that have not signed. */
  open: string[]
  bad: BadSignature[]
}

/**
 * Who has approved a targets slot so far, by the keys of a root that the caller trusts or not.
 * Says nothing on expiry, sequence or the other parts. Throws METADATA_MALFORMED, LIMIT_EXCEEDED, and as {@link readRoot}.
 */
export function approvals(targetsSlot: Uint8Array, rootBytes: Uint8Array): Approvals {
  const root: Root = readRoot(rootBytes, { side: 'bundle', subject: 'root.json' })
  const role = root.roles.targets
  const { valid, bad } = countSignatures(read(targetsSlot, 'targets'), role)
  const open = [...role.keys.keys()].filter((keyid) => !valid.includes(keyid))
  return { signed: valid, threshold: role.threshold, open, bad }
}
