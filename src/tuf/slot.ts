/**
 * Slots: the fixed lengths of timestamp, snapshot and targets in a bundle. A slot is
 * `{"signed":…,"signatures":[…]}` in canonical form, then spaces, then one line feed: a further person's signature
 * rewrites only what follows the signed part, and no offset in the bundle moves.
 */
import { canonicalJson } from '../codec/index.ts'
import { CAPS, type Role } from './channel.ts'
import { readEnvelope, type Envelope, type SignatureEntry } from './envelope.ts'
import { malformed, refusal, type Place } from './fault.ts'

export type SlotRole = Exclude<Role, 'root'>

const BLOCK = 512
/** Room for one person's signatures: enough for a later ML-DSA-87 one beside the classical (9,340 bytes). */
const ROOM = 10_240

/** The length of the targets slot, in bytes: a function of what is signed and of the number of keys in the role. */
export function targetsSlot(signedLength: number, keys: number): number {
  return BLOCK * Math.ceil((signedLength + keys * ROOM) / BLOCK)
}

/** The slot bytes. Throws LIMIT_EXCEEDED when the text does not fit `length`. */
export function writeSlot(
  signedBytes: Uint8Array,
  signatures: readonly SignatureEntry[],
  length: number,
  place: Place,
): Buffer {
  const list = signatures.map(({ keyid, sig }) => ({ keyid, sig }))
  const tail = `,"signatures":${canonicalJson(list)}}`
  const text = Buffer.concat([Buffer.from('{"signed":'), signedBytes, Buffer.from(tail)])
  if (text.length >= length) throw refusal('LIMIT_EXCEEDED', place, `the metadata does not fit its ${length} bytes`)
  const slot = Buffer.alloc(length, ' ')
  text.copy(slot)
  slot[length - 1] = 0x0a
  return slot
}

/**
 * The document in a slot. Its bytes are exactly those that {@link writeSlot} gives for its value, so that no two readers
 * can take it for different things and nothing unsigned stands beside the signatures.
 * Throws METADATA_MALFORMED, LIMIT_EXCEEDED.
 */
export function readSlot(slot: Uint8Array, role: SlotRole, place: Place): Envelope {
  // Stops endless data (TUF 5.4.1, 5.5.1, 5.6.1).
  if (slot.length > CAPS[role]) throw refusal('LIMIT_EXCEEDED', place, `more than ${CAPS[role]} bytes`)
  const envelope = readEnvelope(slot, role, place)
  if (role === 'targets' ? !isTargetsSlot(slot.length, envelope) : slot.length !== CAPS[role])
    throw malformed(place, `${slot.length} bytes are not the length of a slot`)
  if (!exact(envelope, slot)) throw malformed(place, 'not in the canonical form, or not padded with spaces and one LF')
  return envelope
}

/** Some number of keys gives this length; which one, the root that the head was made under knows. */
function isTargetsSlot(length: number, { signedBytes }: Envelope): boolean {
  const keys = Math.floor((length - signedBytes.length) / ROOM)
  return keys >= 1 && targetsSlot(signedBytes.length, keys) === length
}

function exact({ signedBytes, signatures, place }: Envelope, slot: Uint8Array): boolean {
  try {
    return writeSlot(signedBytes, signatures, slot.length, place).equals(slot)
  } catch {
    return false
  }
}
