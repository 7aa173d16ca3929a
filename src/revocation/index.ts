/** Floor 5: revocation lists, OCSP answers and denials: what is revoked, and what may replace what. No file, no socket, no clock. */
export type { ListEntry } from './list-entry.ts'
export type { IssuingPoint } from './list-extensions.ts'
export { demandIssuedList, scopeFault } from './list-issuer.ts'
export { compareNumbers } from './list-number.ts'
export { LIST_CAP, parseList, type RevocationList } from './list.ts'
