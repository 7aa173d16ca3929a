/** The extensions of a certificate that somebody here judges by; all others are only counted (RFC 5280 §4.2). */
import {
  DerError,
  DerFields,
  parseDer,
  readDerExtensions,
  readNamedBits,
  readOid,
  readSmallNatural,
  readTrue,
  type DerExtension,
  type DerNode,
} from '../codec/index.ts'

const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

export type KeyUsage = (typeof KEY_USAGES)[number]

export interface CertificateExtensions {
  basicConstraints?: { critical: boolean; ca: boolean; pathLength?: number }
  keyUsage?: { critical: boolean; bits: ReadonlySet<KeyUsage> }
  extendedKeyUsage?: { critical: boolean; oids: readonly string[] }
  /** Critical ones that no chain rule looks at (the Notary Project demands to fail open), name constraints among them. */
  unknownCritical: readonly string[]
  /** Every URI of the CRL distribution points, of whatever scheme. */
  crlUrls: readonly string[]
  freshestCrlUrls: readonly string[]
  /** A point of these two that its URIs don't answer whole: it has none, is for some reasons only, or of another issuer. */
  crlElsewhere: boolean
  ocspUrls: readonly string[]
  /** Of a responder: nobody need ask whether it was revoked (RFC 6960 §4.2.2.2.1). */
  ocspNoCheck: boolean
}

const BASIC_CONSTRAINTS = '2.5.29.19'
const KEY_USAGE = '2.5.29.15'
const EXTENDED_KEY_USAGE = '2.5.29.37'
const CRL_DISTRIBUTION_POINTS = '2.5.29.31'
const FRESHEST_CRL = '2.5.29.46'
const AUTHORITY_INFORMATION_ACCESS = '1.3.6.1.5.5.7.1.1'
const OCSP = '1.3.6.1.5.5.7.48.1'
const OCSP_NO_CHECK = '1.3.6.1.5.5.7.48.1.5'

/**
 * Reads an Extensions element; undefined stands for a certificate without.
 * Throws DerError, also for an extension that stands there twice: stops one reader from heeding the first and another
 * the last. A value is only looked into for the six extensions read here.
 */
export function readExtensions(node: DerNode | undefined): CertificateExtensions {
  const all = node === undefined ? new Map<string, DerExtension>() : readDerExtensions(node)
  const read = <T extends object>(oid: string, as: (value: DerNode) => T): (T & { critical: boolean }) | undefined => {
    const found = all.get(oid)
    return found && { critical: found.critical, ...as(parseDer(found.value)) }
  }
  const basicConstraints = read(BASIC_CONSTRAINTS, constraintsOf)
  const keyUsage = read(KEY_USAGE, usageOf)
  const extendedKeyUsage = read(EXTENDED_KEY_USAGE, extendedUsageOf)
  const honoured = new Set([BASIC_CONSTRAINTS, KEY_USAGE, EXTENDED_KEY_USAGE])
  const [points, deltas] = [read(CRL_DISTRIBUTION_POINTS, pointsOf), read(FRESHEST_CRL, pointsOf)]
  return {
    ...(basicConstraints && { basicConstraints }),
    ...(keyUsage && { keyUsage }),
    ...(extendedKeyUsage && { extendedKeyUsage }),
    unknownCritical: [...all].filter(([oid, { critical }]) => critical && !honoured.has(oid)).map(([oid]) => oid),
    crlUrls: points?.urls ?? [],
    freshestCrlUrls: deltas?.urls ?? [],
    crlElsewhere: points?.elsewhere === true || deltas?.elsewhere === true,
    ocspUrls: read(AUTHORITY_INFORMATION_ACCESS, respondersOf)?.urls ?? [],
    ocspNoCheck: all.has(OCSP_NO_CHECK),
  }
}

function sequence(node: DerNode, what: string, least = 1): DerFields {
  if (node.tag !== 0x30 || node.children.length < least) throw new DerError(`${what} is empty or no sequence`)
  return new DerFields(node, what)
}

function constraintsOf(node: DerNode): { ca: boolean; pathLength?: number } {
  const fields = sequence(node, 'basicConstraints', 0)
  const flag = fields.maybe(0x01)
  const limit = fields.maybe(0x02)
  fields.end()
  const ca = flag !== undefined && readTrue(flag)
  if (limit !== undefined && !ca) throw new DerError('a path length stands in a certificate that is no CA')
  return { ca, ...(limit && { pathLength: readSmallNatural(limit) }) }
}

function usageOf(node: DerNode): { bits: ReadonlySet<KeyUsage> } {
  const names = readNamedBits(node).map((bit) => KEY_USAGES[bit])
  if (names.includes(undefined)) throw new DerError('keyUsage has a bit beyond the ninth')
  return { bits: new Set(names.filter((name) => name !== undefined)) }
}

function extendedUsageOf(node: DerNode): { oids: readonly string[] } {
  sequence(node, 'extendedKeyUsage')
  return { oids: node.children.map(readOid) }
}

function pointsOf(node: DerNode): { urls: readonly string[]; elsewhere: boolean } {
  sequence(node, 'a list of CRL distribution points')
  let elsewhere = false
  const urls = node.children.flatMap((point) => {
    const fields = sequence(point, 'a CRL distribution point')
    const name = fields.maybe(0xa0)
    const [reasons, issuer] = [fields.maybe(0x81), fields.maybe(0xa2)]
    fields.end()
    const [choice, ...more] = name?.children ?? []
    if (name !== undefined && (choice === undefined || more.length > 0 || (choice.tag !== 0xa0 && choice.tag !== 0xa1)))
      throw new DerError('a CRL distribution point has no name')
    const found = choice?.tag === 0xa0 ? choice.children.flatMap(uriOf) : []
    elsewhere ||= found.length === 0 || reasons !== undefined || issuer !== undefined
    return found
  })
  return { urls, elsewhere }
}

function respondersOf(node: DerNode): { urls: readonly string[] } {
  sequence(node, 'the authority information access')
  return {
    urls: node.children.flatMap((access) => {
      const [method, location, ...more] = access.children
      if (access.tag !== 0x30 || method === undefined || location === undefined || more.length > 0)
        throw new DerError('an access description is malformed')
      return readOid(method) === OCSP ? uriOf(location) : []
    }),
  }
}

/** The URI of a GeneralName, none when it is a name of another kind. */
function uriOf(name: DerNode): string[] {
  if (name.tag < 0x80) throw new DerError('a general name has no kind')
  if (name.tag !== 0x86) return []
  const uri = name.contents.toString('latin1')
  if (!/^[!-~]+$/.test(uri)) throw new DerError('a URI has characters that no URI has')
  return [uri]
}
