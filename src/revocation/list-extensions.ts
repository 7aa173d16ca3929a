/** The extensions of a whole revocation list (RFC 5280 §5.2): its number, its base, its scope and where its delta lies. */
import {
  DerError,
  DerFields,
  parseDer,
  readDerExtensions,
  readNamedBits,
  readNaturalHex,
  type DerNode,
} from '../codec/index.ts'

/** What a list covers of its issuer's certificates, by its issuingDistributionPoint. */
export interface IssuingPoint {
  /** The value of the extension in DER: base and delta have the same scope when it is equal. */
  der: Buffer
  /** Every URI of the distribution point's full name; undefined when the point is not named. */
  urls?: readonly string[]
  only?: 'user' | 'authority' | 'attribute'
  /** Certificates revoked for other reasons stand in another list. */
  someReasons: boolean
  /** It may also be about the certificates of others. */
  indirect: boolean
}

export interface ListExtensions {
  /** CRLNumber in lower-case hex without leading zeros. */
  number: string
  /** Number of the base that a delta was made for; undefined for a complete list. */
  deltaBase?: string
  /** Key identifier of the issuer in hex. */
  authorityKeyId?: string
  /** Every URI, of whatever scheme, where the delta of this list lies. */
  freshest: readonly string[]
  /** A place of the delta is named otherwise than by a URI. */
  freshestElsewhere: boolean
  issuingPoint?: IssuingPoint
  /** Critical extensions that are not known here: such a list says nothing that can be relied on (RFC 5280 §5.2). */
  unknownCritical: readonly string[]
}

const AUTHORITY_KEY = '2.5.29.35'
const NUMBER = '2.5.29.20'
const DELTA = '2.5.29.27'
const ISSUING_POINT = '2.5.29.28'
const FRESHEST = '2.5.29.46'
const KNOWN = new Set([AUTHORITY_KEY, NUMBER, DELTA, ISSUING_POINT, FRESHEST])

/** 20 octets (RFC 5280 §5.2.3). */
const MAX_NUMBER_DIGITS = 40

/**
 * Reads an Extensions element. Throws DerError: also for a list without a number, which nothing could be held against
 * when an older one is replayed, for an extension that stands there twice, and for a delta that is not marked critical,
 * which others take for a complete list.
 */
export function readListExtensions(node: DerNode): ListExtensions {
  const all = readDerExtensions(node)
  const read = <T>(oid: string, as: (value: DerNode) => T): T | undefined => {
    const found = all.get(oid)
    return found && as(parseDer(found.value))
  }
  const number = read(NUMBER, listNumber)
  if (number === undefined) throw new DerError('it has no number')
  const deltaBase = read(DELTA, listNumber)
  if (all.get(DELTA)?.critical === false) throw new DerError('its delta indicator is not critical')
  const authorityKeyId = read(AUTHORITY_KEY, keyIdOf)
  const issuingPoint = read(ISSUING_POINT, issuingPointOf)
  const places = read(FRESHEST, freshestOf) ?? []
  if (deltaBase !== undefined && all.has(FRESHEST)) throw new DerError('a delta names a delta of its own')
  return {
    number,
    ...(deltaBase !== undefined && { deltaBase }),
    ...(authorityKeyId !== undefined && { authorityKeyId }),
    freshest: places.flat(),
    freshestElsewhere: places.some((urls) => urls.length === 0),
    ...(issuingPoint && { issuingPoint }),
    unknownCritical: [...all].filter(([oid, { critical }]) => critical && !KNOWN.has(oid)).map(([oid]) => oid),
  }
}

function sequence(node: DerNode, what: string): DerFields {
  if (node.tag !== 0x30 || node.children.length === 0) throw new DerError(`${what} is empty or no sequence`)
  return new DerFields(node, what)
}

/** DER leaves a flag out that is false. */
function isTrue(contents: Buffer): true {
  if (contents.length !== 1 || contents[0] !== 0xff) throw new DerError('a flag is not in its one form')
  return true
}

function listNumber(node: DerNode): string {
  const number = readNaturalHex(node)
  if (number.length > MAX_NUMBER_DIGITS) throw new DerError('its number has more than 20 octets')
  return number
}

function keyIdOf(node: DerNode): string | undefined {
  if (node.tag !== 0x30) throw new DerError('the key identifier of the issuer is no sequence')
  const fields = new DerFields(node, 'the key identifier of the issuer')
  const keyId = fields.maybe(0x80)
  fields.maybe(0xa1)
  fields.maybe(0x82)
  fields.end()
  return keyId?.contents.toString('hex')
}

/** The URIs of each distribution point. */
function freshestOf(node: DerNode): string[][] {
  sequence(node, 'the list of delta places')
  return node.children.map((point) => {
    const fields = sequence(point, 'a delta place')
    const name = fields.maybe(0xa0)
    fields.maybe(0x81)
    fields.maybe(0xa2)
    fields.end()
    return name === undefined ? [] : urlsOf(name)
  })
}

function issuingPointOf(node: DerNode): IssuingPoint {
  const fields = sequence(node, 'the issuing distribution point')
  const name = fields.maybe(0xa0)
  const flag = (tag: number): boolean => {
    const found = fields.maybe(tag)
    return found !== undefined && isTrue(found.contents)
  }
  const [user, authority] = [flag(0x81), flag(0x82)]
  const reasons = fields.maybe(0x83)
  // The tag is implicit: what a reader of BIT STRINGs would check has to be checked here.
  if (reasons !== undefined) readNamedBits(parseDer(Buffer.concat([Buffer.of(0x03), reasons.raw.subarray(1)])))
  const [indirect, attribute] = [flag(0x84), flag(0x85)]
  fields.end()
  if ([user, authority, attribute].filter(Boolean).length > 1) throw new DerError('its scope excludes itself')
  const only = user ? 'user' : authority ? 'authority' : attribute ? 'attribute' : undefined
  return {
    der: node.raw,
    ...(name && { urls: urlsOf(name) }),
    ...(only && { only }),
    someReasons: reasons !== undefined,
    indirect,
  }
}

/** The URIs of a DistributionPointName: none for a name of another kind, and for one relative to the issuer's. */
function urlsOf(node: DerNode): string[] {
  const [choice, ...more] = node.children
  if (choice === undefined || more.length > 0 || choice.children.length === 0)
    throw new DerError('a distribution point has no name')
  if (choice.tag === 0xa1) return []
  if (choice.tag !== 0xa0) throw new DerError('a distribution point has no name')
  return choice.children.flatMap((name) => {
    if (name.tag < 0x80) throw new DerError('a general name has no kind')
    if (name.tag !== 0x86) return []
    const url = name.contents.toString('latin1')
    if (!/^[!-~]+$/.test(url)) throw new DerError('a URI has characters that no URI has')
    return [url]
  })
}
