/** Numbers of revocation lists (CRLNumber): up to 20 octets, so never JavaScript numbers; in hex, as lists have them. */

/** -1, 0 or 1 as `a` is below, equal to or above `b`; both in hex of one case without leading zeros, as lists have them. */
export function compareNumbers(a: string, b: string): -1 | 0 | 1 {
  if (a === b) return 0
  return a.length === b.length ? (a < b ? -1 : 1) : a.length < b.length ? -1 : 1
}

/** In decimal, as people and other tools read it. */
export function decimalOf(hex: string): string {
  return BigInt(`0x${hex}`).toString()
}
