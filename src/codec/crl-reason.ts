/** CRLReason (RFC 5280 §5.3.1): why a list or an OCSP answer revokes a certificate, as both spell it. */

/** The reasons there are, by name; there is no 7. */
export const CRL_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const

export type CrlReason = keyof typeof CRL_REASONS

export const CERTIFICATE_HOLD = CRL_REASONS.certificateHold
/** The end of a hold: stands in delta lists alone. */
export const REMOVE_FROM_CRL = CRL_REASONS.removeFromCRL

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(CRL_REASONS).map(([name, reason]) => [reason, name]))

/** True for the number of a reason. */
export function isCrlReason(number: number): boolean {
  return NAMES.has(number)
}

/** The name of a reason; of none given, `unspecified`, which is what its absence means. */
export function crlReasonName(reason: number | undefined): string {
  return NAMES.get(reason ?? CRL_REASONS.unspecified) ?? String(reason)
}

/** True for what never comes to an end. A reason that is none given is for good too. */
export function isForGood(reason: number | undefined): boolean {
  return reason !== CERTIFICATE_HOLD && reason !== REMOVE_FROM_CRL
}
