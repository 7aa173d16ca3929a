/** Who may sign for a role, and how many of them did. */
import type { Role } from './channel.ts'
import type { Envelope } from './envelope.ts'
import { refusal } from './fault.ts'
import type { PublicKey } from './public-key.ts'

export interface RoleKeys {
  /** By keyid. Each is another key, so that a threshold counts people. */
  keys: ReadonlyMap<string, PublicKey>
  threshold: number
}

/** A signature that counts for nothing: it does not verify, or the role has no such key. */
export interface BadSignature {
  role: Role
  keyid: string
  reason: 'invalid' | 'unknown-key'
}

export interface Count {
  /** The keyids whose signature verifies, in the order of the document. */
  valid: string[]
  bad: BadSignature[]
}

/** The signatures of a document, judged by the keys of a role. */
export function countSignatures(envelope: Envelope, { keys }: RoleKeys): Count {
  const valid: string[] = []
  const bad: BadSignature[] = []
  for (const { keyid, sig } of envelope.signatures) {
    const key = keys.get(keyid)
    if (key?.verify(envelope.signedBytes, sig) === true) valid.push(keyid)
    else bad.push({ role: envelope.role, keyid, reason: key === undefined ? 'unknown-key' : 'invalid' })
  }
  return { valid, bad }
}

/**
 * Stops arbitrary software: content that its publisher never signed (TUF 5.3.4, 5.4.2, 5.5.3, 5.6.3).
 * A bad signature beside enough good ones is reported, not refused: else anyone could spoil a bundle by adding one.
 * Throws APPROVAL_MISSING when at least one person, but too few, signed `targets`; else SIGNATURE_INVALID.
 * @param hint - more on why keys may not fit
 */
export function checkThreshold(envelope: Envelope, role: RoleKeys, hint = ''): Count {
  const count = countSignatures(envelope, role)
  const missing = envelope.role === 'targets' && count.valid.length > 0
  if (count.valid.length < role.threshold) {
    const invalid = count.bad.filter(({ reason }) => reason === 'invalid').length
    const detail = `${count.valid.length} of ${role.threshold}${invalid > 0 ? `, ${invalid} more do not verify` : ''}${hint}`
    throw refusal(missing ? 'APPROVAL_MISSING' : 'SIGNATURE_INVALID', envelope.place, detail)
  }
  return count
}
