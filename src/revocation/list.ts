/** Revocation lists (CRLs of RFC 5280 §5): read strictly, and left in the bytes they came in. */
import { hash } from 'node:crypto'
import { DerError, DerScan, isDerValue, parseDer, readTime, type DerNode } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'
import { PackedEntries, type EntryCursor } from './list-entries.ts'
import type { ListEntry } from './list-entry.ts'
import { readListExtensions, type ListExtensions } from './list-extensions.ts'

/** Frozen facts of one list. None of them is a reason to believe it: see `demandIssuedList` and `scopeFault`. */
export interface RevocationList extends ListExtensions {
  /** The bytes that were given, not a copy. */
  der: Buffer
  /** Hex, of {@link der}. */
  sha256: string
  /** The DER of the issuer's name. */
  rawIssuer: Buffer
  thisUpdate: Date
  nextUpdate: Date
  /** How many entries stand in it. */
  size: number
  /** It may be about certificates of other issuers: by its scope, or by an entry. */
  indirect: boolean
  /** What is signed, by what, and the signature. */
  signed: { bytes: Buffer; algorithm: DerNode; signature: Buffer }
  /**
   * What it says of a certificate by its serial number (as a certificate has it, else RangeError); undefined when it
   * does not list it. Of several entries the one that binds most: see PackedEntries.find.
   */
  find(serial: string): ListEntry | undefined
  /** Every entry as it stands there, one at a time. */
  entries(): Iterable<ListEntry>
  /** By serial number, without an object for each. */
  cursor(): EntryCursor
}

/** How large a list may be. */
export const LIST_CAP = 64 * 1024 * 1024
/** How large each of its other parts may be: a tree is made of them. */
const PART_CAP = 64 * 1024

const SEQUENCE = 0x30
const V2 = Buffer.from([2, 1, 1])

/**
 * The list that the bytes are. It keeps them: whoever gives them does not change them any more.
 * Throws LIST_MALFORMED, also for a list without number or nextUpdate, which can't be told from an old one, and for a
 * version before 2; LIMIT_EXCEEDED over {@link LIST_CAP}. Time O(n log n), memory 4 octets an entry beside the bytes.
 */
export function parseList(der: Uint8Array): RevocationList {
  if (der.length > LIST_CAP) throw tooLarge('a revocation list', LIST_CAP)
  try {
    return read(Buffer.from(der.buffer, der.byteOffset, der.length))
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause
    throw new SallyportError('LIST_MALFORMED', { side: 'bundle', detail: cause.message, cause })
  }
}

function tooLarge(what: string, cap: number): SallyportError {
  return new SallyportError('LIMIT_EXCEEDED', { side: 'bundle', detail: `${what} of more than ${cap} bytes` })
}

/** Takes elements in order, each up to a cap, out of a part of the bytes. */
class Parts {
  readonly #bytes: Buffer
  readonly #scan: DerScan
  readonly #end: number
  #at: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#scan = new DerScan(bytes)
    this.#at = start
    this.#end = end
  }

  /** The tag of the next element; undefined at the end. */
  get tag(): number | undefined {
    return this.#at < this.#end ? this.#bytes[this.#at] : undefined
  }

  /** Where the next element's contents start and end; it is not looked into. */
  span(tag: number, what: string): readonly [start: number, end: number] {
    if (this.#at === this.#end) throw new DerError(`${what} is missing`)
    this.#scan.take(tag, this.#at, this.#end, what)
    this.#at = this.#scan.end
    return [this.#scan.start, this.#scan.end]
  }

  node(tag: number, what: string): DerNode {
    const at = this.#at
    const [, end] = this.span(tag, what)
    if (end - at > PART_CAP) throw tooLarge(what, PART_CAP)
    return parseDer(this.#bytes.subarray(at, end))
  }

  end(): void {
    if (this.#at !== this.#end) throw new DerError('bytes follow where nothing may follow')
  }
}

function read(der: Buffer): RevocationList {
  const outside = new Parts(der, 0, der.length)
  const contents = outside.span(SEQUENCE, 'a list')
  outside.end()
  const whole = new Parts(der, ...contents)
  const [start, end] = whole.span(SEQUENCE, 'the signed part')
  const algorithm = whole.node(SEQUENCE, 'the signature algorithm')
  const { contents: bits } = whole.node(0x03, 'the signature')
  whole.end()
  if (!isDerValue(0x03, bits) || bits[0] !== 0) throw new DerError('the signature has unused bits')
  const body = new Parts(der, start, end)
  if (!body.node(0x02, 'the version').raw.equals(V2)) throw new DerError('it is not of version 2')
  // Stops an algorithm that is named outside of what is signed.
  if (!body.node(SEQUENCE, 'the algorithm of the signed part').raw.equals(algorithm.raw))
    throw new DerError('it names two signature algorithms')
  const issuer = body.node(SEQUENCE, 'the issuer')
  if (issuer.children.length === 0) throw new DerError('it names no issuer')
  const thisUpdate = takeTime(body, 'thisUpdate')
  const nextUpdate = takeTime(body, 'nextUpdate')
  if (nextUpdate < thisUpdate) throw new DerError('its next update comes before it')
  const span = body.tag === SEQUENCE ? body.span(SEQUENCE, 'the entries') : ([0, 0] as const)
  const [extensions, ...more] = body.node(0xa0, 'the list of extensions').children
  if (extensions === undefined || more.length > 0) throw new DerError('its extensions are not one list')
  body.end()
  const facts = readListExtensions(extensions)
  const entries = new PackedEntries(der, ...span)
  return Object.freeze<RevocationList>({
    der,
    sha256: hash('sha256', der, 'hex'),
    rawIssuer: issuer.raw,
    ...facts,
    thisUpdate,
    nextUpdate,
    size: entries.size,
    indirect: entries.indirect || facts.issuingPoint?.indirect === true,
    // From its tag and length on, which are signed along.
    signed: { bytes: der.subarray(contents[0], end), algorithm, signature: bits.subarray(1) },
    find: (serial: string) => entries.find(serial),
    entries: () => entries.entries(),
    cursor: () => entries.cursor(),
  })
}

function takeTime(body: Parts, what: string): Date {
  // Anything but the two kinds of time: the field is not there, or is none.
  return readTime(body.node(body.tag === 0x18 ? 0x18 : 0x17, what))
}
