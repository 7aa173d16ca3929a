/** Object identifiers that several rooms read and write, so that each stands in one place alone. */

export type Sha2 = 'sha256' | 'sha384' | 'sha512'
type ByHash = Readonly<Record<Sha2, string>>

/** The hash itself (RFC 5754 §2). */
export const SHA2: ByHash = {
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
}
/** RSASSA-PKCS1-v1_5 over it (RFC 4055 §5). */
export const RSA_WITH_SHA2: ByHash = {
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
}
/** ECDSA over it (RFC 5758 §3.2). */
export const ECDSA_WITH_SHA2: ByHash = {
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
}
/** RSASSA-PSS and its mask, whose parameters name the hash (RFC 4055 §2.2, §3.1). */
export const RSASSA_PSS = '1.2.840.113549.1.1.10'
export const MGF1 = '1.2.840.113549.1.1.8'

/** Extended key usages (RFC 5280 §4.2.1.12). */
export const CODE_SIGNING = '1.3.6.1.5.5.7.3.3'
export const TIME_STAMPING = '1.3.6.1.5.5.7.3.8'
export const OCSP_SIGNING = '1.3.6.1.5.5.7.3.9'

/** The hash of each identifier of a table, to be looked up as it is read. */
export function hashesOf(table: ByHash): ReadonlyMap<string, Sha2> {
  return new Map(Object.entries(table).map(([hash, oid]) => [oid, hash as Sha2]))
}
