/**
 * What an authority has revoked and which lists it has issued: the record that lists are made of. One number counts both
 * whole and delta lists (RFC 5280 §5.2.3) and is booked before a list is signed, so that none ever stands on two.
 */
import * as z from 'zod'
import { isTimeText, parseJson, shapeFault, sortedJson, timeText } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { REVOCATION_REASONS, type RevocationReason, type RevokedEntry } from './revocation-list.ts'

const FORMAT = 'sallyport-revocations/1'
/** More is not read. */
export const REGISTER_CAP = 256 * 1024 * 1024

const time = z.string().refine(isTimeText, 'no time')
const number = z.int().min(0)
const revocation = z.strictObject({
  serial: z.string().regex(/^(?:0|[1-9a-f][0-9a-f]{0,39})$/),
  subject: z.string().max(4096),
  notAfter: time,
  revoked: time,
  reason: z.enum(REVOCATION_REASONS),
  invalidity: time.nullable(),
  /** When a hold ended. */
  released: time.nullable(),
  /** The last number that was given when this came to be as it is. */
  after: number,
  /** Of earlier versions, which ceased to name what had expired. Counts for nothing: the next list names it again. */
  beyond: number.nullable(),
})
const issued = z.strictObject({ number: number.min(1), thisUpdate: time, nextUpdate: time })
const schema = z.strictObject({
  format: z.literal(FORMAT),
  /** SHA-256 of the authority's certificate. */
  certificate: z.string().regex(/^[0-9a-f]{64}$/),
  /** The last that was given, to a list or to a run that was stopped before it made one. */
  number,
  /** Where delta lists lie; base lists name it. */
  deltaUrl: z.string().max(2048).nullable(),
  base: issued.extend({ deltaUrl: z.string().max(2048).nullable() }).nullable(),
  delta: issued.nullable(),
  /** One for each serial number, in their order. */
  revocations: z.array(revocation),
})

export type Revocation = z.output<typeof revocation>
export type IssuedList = z.output<typeof issued>
export type RevocationRegister = z.output<typeof schema>

/** What is to be revoked. */
export interface RevokedCertificate {
  serial: string
  subject: string
  notAfter: Date
}

function malformed(subject: string, detail: string): SallyportError {
  return new SallyportError('CA_MALFORMED', { side: 'source', subject, detail })
}

/** The register of an authority that has revoked nothing. @param certificate - its SHA-256 in hex */
export function newRegister(certificate: string): RevocationRegister {
  return { format: FORMAT, certificate, number: 0, deltaUrl: null, base: null, delta: null, revocations: [] }
}

/** The register as a file, in its one spelling. */
export function writeRegister(register: RevocationRegister): string {
  return `${sortedJson(register)}\n`
}

/**
 * The register in a file. Throws CA_MALFORMED, JSON_MALFORMED.
 * @param certificate - SHA-256 of the authority's certificate: another's register is refused
 */
export function readRegister(bytes: Uint8Array, certificate: string, subject: string): RevocationRegister {
  const parsed = schema.safeParse(parseJson(bytes, 'source', subject))
  if (!parsed.success) throw malformed(subject, shapeFault(parsed.error))
  const register = parsed.data
  if (register.certificate !== certificate) throw malformed(subject, 'it is of another authority')
  const { number: last, base, delta, revocations } = register
  const beyond = [base?.number, delta?.number, ...revocations.map(({ after }) => after)].some((n = 0) => n > last)
  if (beyond) throw malformed(subject, 'it names a list with a higher number than it has given')
  if (revocations.some(({ serial }, i) => i > 0 && serial <= (revocations[i - 1]?.serial ?? '')))
    throw malformed(subject, 'its serial numbers are not in their order, or one is there twice')
  if (!Buffer.from(writeRegister(register)).equals(bytes)) throw malformed(subject, 'not in its one spelling')
  return register
}

function put(register: RevocationRegister, changed: Omit<Revocation, 'after' | 'beyond'>): RevocationRegister {
  const others = register.revocations.filter(({ serial }) => serial !== changed.serial)
  const all = [...others, { ...changed, after: register.number, beyond: null }]
  return { ...register, revocations: all.sort((a, b) => (a.serial < b.serial ? -1 : 1)) }
}

/** What is said of a serial number, released holds among it. */
export function revocationOf(register: RevocationRegister, wanted: string): Revocation | undefined {
  return register.revocations.find(({ serial }) => serial === wanted)
}

/** Later than what a hold or its end bears: verifiers let the later of the two decide, and know whole seconds. */
function laterThan(other: string | null | undefined, now: Date): string {
  if (other === null || other === undefined || timeText(now) > other) return timeText(now)
  return timeText(new Date(new Date(other).getTime() + 1000))
}

/**
 * The register with the certificate revoked, or a hold on it made final: that keeps the date of the hold, since when nobody
 * could rely on it. Throws CA_REVOKED_ALREADY.
 */
export function revoke(
  register: RevocationRegister,
  { serial, subject, notAfter }: RevokedCertificate,
  { reason, invalidity, now }: { reason: RevocationReason; invalidity?: Date | undefined; now: Date },
): RevocationRegister {
  const before = revocationOf(register, serial)
  const standing = before?.released === null ? before : undefined
  if (standing !== undefined && (standing.reason !== 'certificateHold' || reason === 'certificateHold'))
    throw new SallyportError('CA_REVOKED_ALREADY', {
      side: 'source',
      subject,
      detail: `${standing.reason}, ${standing.revoked}`,
    })
  return put(register, {
    serial,
    subject,
    notAfter: timeText(notAfter),
    revoked: standing?.revoked ?? laterThan(before?.released, now),
    reason,
    invalidity: invalidity === undefined ? (standing?.invalidity ?? null) : timeText(invalidity),
    released: null,
  })
}

/** The register with the hold on the certificate ended. Throws CA_NOT_ON_HOLD, also for what is revoked for good. */
export function release(
  register: RevocationRegister,
  { serial, subject }: RevokedCertificate,
  now: Date,
): RevocationRegister {
  const { revocations } = register
  const held = revocations.find((entry) => entry.serial === serial && entry.released === null)
  if (held?.reason !== 'certificateHold')
    throw new SallyportError('CA_NOT_ON_HOLD', {
      side: 'source',
      subject,
      detail: held === undefined ? 'it is not revoked' : `it is revoked for good: ${held.reason}`,
    })
  return put(register, { ...held, released: laterThan(held.revoked, now) })
}

/** The register with the next number given. Must be on the disk before anything is signed under that number. */
export function withNextNumber(register: RevocationRegister): RevocationRegister {
  return { ...register, number: register.number + 1 }
}

function entryOf({ serial, revoked, reason, invalidity, released }: Revocation): RevokedEntry {
  if (released !== null) return { serial, revoked: new Date(released), reason: 'removeFromCRL' }
  return {
    serial,
    revoked: new Date(revoked),
    reason,
    invalidity: invalidity === null ? undefined : new Date(invalidity),
  }
}

/**
 * What a base list names: all that is revoked, also what has expired, which RFC 5280 §3.3 would allow to leave out.
 * Timestamped signatures outlive their certificate: stops a thief's from counting where only later lists were seen.
 */
export function baseEntries({ revocations }: RevocationRegister): RevokedEntry[] {
  return revocations.filter(({ released }) => released === null).map(entryOf)
}

/** What changed since a base list. That a run was stopped before it noted a newer one makes this more, never less. */
export function deltaEntries({ revocations }: RevocationRegister, base: number): RevokedEntry[] {
  return revocations.filter(({ after }) => after >= base).map(entryOf)
}

/** The register once the base list of the last number, of {@link baseEntries}, is on the disk. */
export function withBase(register: RevocationRegister, base: IssuedList): RevocationRegister {
  return { ...register, base: { ...base, deltaUrl: register.deltaUrl } }
}

/** The register once the delta list of the last number is on the disk. */
export function withDelta(register: RevocationRegister, delta: IssuedList): RevocationRegister {
  return { ...register, delta }
}

/** True for a change that no list tells of yet. */
export function isUnlisted({ base, delta }: RevocationRegister, { after }: Revocation): boolean {
  return after >= Math.max(base?.number ?? 0, delta?.number ?? 0)
}
