/** Which signatures of certificates are over a broken hash. */
import { derOid, readOid, RSASSA_PSS, SHA2, type DerNode } from '../codec/index.ts'

const WEAK = new Set([
  '1.2.840.113549.1.1.2', // md2WithRSAEncryption
  '1.2.840.113549.1.1.3', // md4WithRSAEncryption
  '1.2.840.113549.1.1.4', // md5WithRSAEncryption
  '1.2.840.113549.1.1.5', // sha1WithRSAEncryption
  '1.3.14.3.2.29', // sha1WithRSASignature
  '1.3.14.3.2.27', // dsaWithSHA1
  '1.2.840.10040.4.3', // dsa-with-sha1
  '1.2.840.10045.4.1', // ecdsa-with-SHA1
])

const STRONG = Object.values(SHA2).map((oid) => derOid(oid))

/** True for MD2, MD4, MD5 and SHA-1; for RSASSA-PSS unless it names SHA-256, 384 or 512: its default is SHA-1. */
export function isWeakSignature(algorithm: DerNode): boolean {
  const [type, parameters] = algorithm.children
  if (type === undefined) return true
  const oid = readOid(type)
  if (oid !== RSASSA_PSS) return WEAK.has(oid)
  const hash = parameters?.children.find(({ tag }) => tag === 0xa0)?.children[0]?.children[0]
  return hash === undefined || !STRONG.some((known) => known.equals(hash.raw))
}
