/** Makes revocation lists (RFC 5280 §5): version 2, whole or delta. No clock, no file, no opinion on who may issue one. */
import { CRL_REASONS, der, derBits, derInteger, derNaturalHex, derSequence, type CrlReason } from '../codec/index.ts'
import { derGeneralizedTime, derTime, type Issuer } from './certificate.ts'
import { distributionPoint, extension, keyIdentifier } from './extensions.ts'

/** Why a certificate is revoked; `certificateHold` alone can be taken back. */
export type RevocationReason = Exclude<CrlReason, 'removeFromCRL' | 'aACompromise'>

export const REVOCATION_REASONS = Object.keys(CRL_REASONS).filter(
  (name): name is RevocationReason => name !== 'removeFromCRL' && name !== 'aACompromise',
)

export interface RevokedEntry {
  /** Lower-case hex without leading zeros. */
  serial: string
  revoked: Date
  /** `removeFromCRL` in a delta list alone: the hold is over. */
  reason: RevocationReason | 'removeFromCRL'
  /** Since when the key is held to be bad. */
  invalidity?: Date | undefined
}

export interface RevocationListTerms {
  issuer: Issuer
  number: number
  thisUpdate: Date
  nextUpdate: Date
  /** One for each serial number. */
  entries: readonly RevokedEntry[]
  /** Makes a delta list: the number of the base list that it tells the changes to. */
  deltaBase?: number | undefined
  /** In a base list: where its delta lists lie. */
  freshestUrl?: string | undefined
}

function entryOf({ serial, revoked, reason, invalidity }: RevokedEntry, delta: boolean): Buffer {
  if (reason === 'removeFromCRL' && !delta) throw new RangeError('removeFromCRL stands in delta lists alone')
  const extensions: Buffer[] = []
  // RFC 5280 §5.3.1: left out rather than written as unspecified.
  if (reason !== 'unspecified')
    extensions.push(extension('2.5.29.21', false, der(0x0a, Uint8Array.of(CRL_REASONS[reason]))))
  if (invalidity !== undefined) extensions.push(extension('2.5.29.24', false, derGeneralizedTime(invalidity)))
  const list = extensions.length === 0 ? [] : [derSequence(...extensions)]
  return derSequence(derNaturalHex(serial), derTime(revoked), ...list)
}

/** The list in DER. Equal terms give equal bytes wherever the key signs deterministically. */
export function buildRevocationList(terms: RevocationListTerms): Buffer {
  const { issuer, number, thisUpdate, nextUpdate, entries, deltaBase, freshestUrl } = terms
  const delta = deltaBase !== undefined
  if (nextUpdate <= thisUpdate) throw new RangeError('a list is due after it was made')
  if (delta && deltaBase >= number) throw new RangeError('a delta list has a higher number than its base')
  if (delta && freshestUrl !== undefined) throw new RangeError('a delta list names no further delta')
  const { key, name } = issuer
  const extensions = [
    extension('2.5.29.35', false, derSequence(der(0x80, keyIdentifier(key.publicKey)))),
    extension('2.5.29.20', false, derInteger(number)),
    ...(delta ? [extension('2.5.29.27', true, derInteger(deltaBase))] : []),
    ...(freshestUrl === undefined ? [] : [extension('2.5.29.46', false, distributionPoint(freshestUrl))]),
  ]
  const toBeSigned = derSequence(
    derInteger(1),
    key.identifier,
    name,
    derTime(thisUpdate),
    derTime(nextUpdate),
    // RFC 5280 §5.1.2.6: absent when nothing is revoked. One buffer, as a million arguments are too many.
    ...(entries.length === 0 ? [] : [derSequence(Buffer.concat(entries.map((entry) => entryOf(entry, delta))))]),
    der(0xa0, derSequence(...extensions)),
  )
  return derSequence(toBeSigned, key.identifier, derBits(key.sign(toBeSigned)))
}
