/** Values out of DER elements. The elements come from the strict reader; each function throws DerError for what is no value of its type. */
import { DerError, type DerNode } from './der-tree.ts'

function need(node: DerNode, tag: number, what: string): Buffer {
  if (node.tag !== tag) throw new DerError(`${what} has another type`)
  return node.contents
}

/** Far more octets than any identifier has that is in use: the time to read an arc grows with the square of its length. */
const MAX_OID = 128

/** An OBJECT IDENTIFIER in its dotted form. Throws DerError also for one of more than 128 octets. */
export function readOid(node: DerNode): string {
  const contents = need(node, 0x06, 'an object identifier')
  if (contents.length > MAX_OID) throw new DerError('an object identifier is too long')
  const arcs: bigint[] = []
  let arc = 0n
  for (const octet of contents) {
    arc = arc * 128n + BigInt(octet & 0x7f)
    if (octet >= 0x80) continue
    if (arcs.length > 0) arcs.push(arc)
    else arcs.push(arc < 80n ? arc / 40n : 2n, arc < 80n ? arc % 40n : arc - 80n)
    arc = 0n
  }
  return arcs.join('.')
}

/** A BOOLEAN. */
export function readBoolean(node: DerNode): boolean {
  return need(node, 0x01, 'a boolean')[0] === 0xff
}

/** A BOOLEAN whose default is false: DER leaves that out. */
export function readTrue(node: DerNode): true {
  if (!readBoolean(node)) throw new DerError('a false that is the default is written out')
  return true
}

/** An INTEGER that is not negative, in lower-case hex without leading zeros; `0` for zero. */
export function readNaturalHex(node: DerNode): string {
  const contents = need(node, 0x02, 'an integer')
  if ((contents[0] ?? 0x80) >= 0x80) throw new DerError('an integer is negative')
  return contents.toString('hex').replace(/^0+(?=.)/, '')
}

/** An INTEGER from 0 to 2^31 - 1. */
export function readSmallNatural(node: DerNode): number {
  const value = Number.parseInt(readNaturalHex(node), 16)
  if (value > 0x7f_ff_ff_ff) throw new DerError('an integer is too large')
  return value
}

/** The positions of the set bits of a BIT STRING that is a list of named bits (X.690 §11.2.2: no zero bits at its end). */
export function readNamedBits(node: DerNode): number[] {
  const contents = need(node, 0x03, 'a list of bits')
  const unused = contents[0] ?? 0
  const last = contents.at(-1) ?? 0
  if (contents.length > 1 && ((last >> unused) & 1) === 0) throw new DerError('a list of bits ends in zeros')
  return [...contents.subarray(1)].flatMap((octet, index) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => (octet & (0x80 >> bit)) !== 0).map((bit) => index * 8 + bit),
  )
}

const TIME = { 0x17: /^\d{12}Z$/, 0x18: /^\d{14}Z$/ } as const

/**
 * A Time of RFC 5280 §4.1.2.5: to the second, in UTC; the years of a UTCTime are 1950 to 2049. A GeneralizedTime before
 * 2050, which that profile forbids, is taken: it has one reading, and the root of a public timestamp service has one.
 */
export function readTime(node: DerNode): Date {
  const { tag } = node
  const text = node.contents.toString('latin1')
  if ((tag !== 0x17 && tag !== 0x18) || !TIME[tag].test(text)) throw new DerError('a time is not in its one form')
  const digits = tag === 0x18 ? text : `${text < '5' ? '20' : '19'}${text}`
  const iso = digits.replace(/^(....)(..)(..)(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6.000Z')
  const time = new Date(iso)
  // Date takes 24:00:00 and the 30th of February, and gives another day.
  if (Number.isNaN(time.getTime()) || time.toISOString() !== iso) throw new DerError('a time does not exist')
  return time
}
