/** The protected header of a Notary signature in both formats: right unless told otherwise. */
import type { KeyKind } from '../setup/certificates.ts'
import { cbor, type CborValue, sorted } from './cbor.ts'

export type Format = 'jws' | 'cose'

const ALGORITHMS: Partial<Record<KeyKind, string>> = {
  rsa2048: 'PS256',
  rsa3072: 'PS384',
  rsa4096: 'PS512',
  p256: 'ES256',
  p384: 'ES384',
  p521: 'ES512',
}

const COSE_ALGORITHMS: Readonly<Record<string, number>> = {
  PS256: -37,
  PS384: -38,
  PS512: -39,
  ES256: -7,
  ES384: -35,
  ES512: -36,
  EdDSA: -8,
  RS256: -257,
  HS256: 5,
}

export const NAMES = {
  scheme: 'io.cncf.notary.signingScheme',
  signingTime: 'io.cncf.notary.signingTime',
  authenticSigningTime: 'io.cncf.notary.authenticSigningTime',
  expiry: 'io.cncf.notary.expiry',
  plugin: 'io.cncf.notary.verificationPlugin',
} as const

export const PAYLOAD_TYPE = 'application/vnd.cncf.notary.payload.v1+json'
const AUTHORITY = 'notary.x509.signingAuthority'

/** What a case changes; `null` leaves a header out. */
export interface HeaderChange {
  readonly alg?: string | null
  readonly cty?: string | null
  readonly crit?: readonly string[] | null
  readonly scheme?: string | null
  readonly signingTime?: Date | string | null
  readonly authenticSigningTime?: Date | null
  readonly expiry?: Date | null
  readonly extra?: Readonly<Record<string, string>>
  /** COSE: how times stand; right is tag 1 over a whole number. */
  readonly times?: 'tag 1' | 'no tag' | 'tag 0' | 'fraction'
  /** Written behind everything, so that it makes a second header of a name. JWS: JSON text; COSE: a pair. */
  readonly doubled?: 'scheme'
}

export function header(format: Format, kind: KeyKind, change: HeaderChange = {}): Buffer {
  const scheme = change.scheme === undefined ? 'notary.x509' : change.scheme
  const authority = scheme === AUTHORITY
  const now = new Date(Math.floor(Date.now() / 1000) * 1000)
  const signingTime = change.signingTime === undefined && !authority ? now : change.signingTime
  const authentic = change.authenticSigningTime === undefined && authority ? now : change.authenticSigningTime
  const values = new Map<string, string | Date>(Object.entries(change.extra ?? {}))
  if (scheme !== null) values.set(NAMES.scheme, scheme)
  if (signingTime) values.set(NAMES.signingTime, signingTime)
  if (authentic) values.set(NAMES.authenticSigningTime, authentic)
  if (change.expiry) values.set(NAMES.expiry, change.expiry)
  const needed = [NAMES.scheme, NAMES.authenticSigningTime, NAMES.expiry].filter((name) => values.has(name))
  const crit = change.crit === undefined ? needed : change.crit
  const alg = change.alg === undefined ? (ALGORITHMS[kind] ?? 'ES256') : change.alg
  const cty = change.cty === undefined ? PAYLOAD_TYPE : change.cty
  const parts = { alg, crit, cty, values }
  return format === 'jws' ? jws(parts, change) : cose(parts, change)
}

interface Parts {
  readonly alg: string | null
  readonly crit: readonly string[] | null
  readonly cty: string | null
  readonly values: ReadonlyMap<string, string | Date>
}

function jws({ alg, crit, cty, values }: Parts, { doubled }: HeaderChange): Buffer {
  const members: [string, unknown][] = []
  if (alg !== null) members.push(['alg', alg])
  if (crit !== null) members.push(['crit', crit])
  if (cty !== null) members.push(['cty', cty])
  for (const [name, value] of values) {
    members.push([name, value instanceof Date ? value.toISOString().replace('.000', '') : value])
  }
  if (doubled === 'scheme') members.push([NAMES.scheme, 'notary.x509'])
  // By hand: an object holds no name twice.
  return Buffer.from(
    `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`,
  )
}

function time(value: Date, form: HeaderChange['times']): CborValue {
  const seconds = Math.floor(value.getTime() / 1000)
  if (form === 'no tag') return seconds
  if (form === 'fraction') {
    // Major type 7, a float of 64 bits.
    const float = Buffer.alloc(9, 0xfb)
    float.writeDoubleBE(seconds + 0.5, 1)
    return { tag: 1, value: { raw: float } }
  }
  return form === 'tag 0' ? { tag: 0, value: value.toISOString() } : { tag: 1, value: seconds }
}

function cose({ alg, crit, cty, values }: Parts, { times, doubled }: HeaderChange): Buffer {
  const pairs: [CborValue, CborValue][] = []
  // -65000 is nobody's algorithm.
  if (alg !== null) pairs.push([1, COSE_ALGORITHMS[alg] ?? -65_000])
  // A critical label that stands for a registered header is a number.
  if (crit !== null) pairs.push([2, crit.map((name) => ({ alg: 1, cty: 3 })[name] ?? name)])
  if (cty !== null) pairs.push([3, cty])
  for (const [name, value] of values) pairs.push([name, value instanceof Date ? time(value, times) : value])
  if (doubled === 'scheme') pairs.push([NAMES.scheme, 'notary.x509'])
  return cbor(sorted(pairs))
}
