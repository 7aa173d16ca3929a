/** One entry of a revocation list (RFC 5280 §5.1.2.6, §5.3), read in place: a list may have a million. */
import { DerError, DerScan, isCrlReason, isDerValue, isForGood, readTime } from '../codec/index.ts'

/** What a list says of one certificate. */
export interface ListEntry {
  /** Lower-case hex without leading zeros, as of a certificate. */
  serial: string
  revoked: Date
  /** CRLReason; undefined when the list gives none. */
  reason: number | undefined
  /** When the key is thought to have been lost: before {@link revoked}, as a rule. */
  invalidity?: Date
  /** It has a critical extension that is not known here, so what it means is not known either. */
  unknownCritical?: true
}

/**
 * True for an entry that revokes for good by words that are known. Stops a later list from making a doubt of what was
 * certain: what can't be understood takes the place of nothing.
 */
export function isForever({
  reason,
  unknownCritical,
}: {
  reason: number | undefined
  unknownCritical?: boolean
}): boolean {
  return isForGood(reason) && unknownCritical !== true
}

const SEQUENCE = 0x30
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18
/** Octets of a serial number. */
export const MAX_SERIAL = 20
/** Nobody gives an entry more than three; comparing each with each must stay cheap. */
const MAX_EXTENSIONS = 16

/** The last octet of 2.5.29.x. */
const REASON_CODE = 21
const INVALIDITY_DATE = 24
const CERTIFICATE_ISSUER = 29

/** Extensions that hold a reason and nothing else, up to the reason: what nearly every entry has. */
const REASON_ALONE = Buffer.from('300c300a0603551d1504030a01', 'hex')

/** Reads entries one after the other. What {@link read} found stands in the fields until the next call. */
export class EntryScan {
  readonly #bytes: Buffer
  readonly #scan: DerScan
  /** The octets of the serial number without leading zeros; none for zero. */
  serialStart = 0
  serialEnd = 0
  reason: number | undefined
  /** It has a certificateIssuer: it may be about another authority's certificate. */
  indirect = false
  unknownCritical = false
  #time = 0
  #timeTag = 0
  /** 0 for none. */
  #invalidity = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.#scan = new DerScan(bytes)
  }

  /**
   * The entry at `at`, which must end at `limit` or before. Returns where the next one starts.
   * Throws DerError for what is not strict DER or not an entry, a negative serial number or one of more than 20 octets,
   * and an extension that stands there twice.
   */
  read(at: number, limit: number): number {
    const scan = this.#scan
    scan.take(SEQUENCE, at, limit, 'an entry')
    const { end } = scan
    scan.take(0x02, scan.start, end, 'a serial number')
    this.#readSerial(scan.start, scan.end)
    scan.read(scan.end, end)
    if (!isTimeAt(this.#bytes, scan.tag, scan.start, scan.end)) throw new DerError('a revocation date is none')
    this.#time = scan.start
    this.#timeTag = scan.tag
    this.reason = undefined
    this.indirect = false
    this.unknownCritical = false
    this.#invalidity = 0
    if (scan.end !== end) this.#readExtensions(scan.end, end)
    return end
  }

  #readSerial(start: number, end: number): void {
    const first = this.#bytes[start] ?? 0x80
    const second = this.#bytes[start + 1] ?? 0x80
    if (end === start || first >= 0x80 || (first === 0 && end - start > 1 && second < 0x80))
      throw new DerError('a serial number is negative or not in its one form')
    this.serialStart = first === 0 ? start + 1 : start
    this.serialEnd = end
    if (end - this.serialStart > MAX_SERIAL) throw new DerError('a serial number has more than 20 octets')
  }

  #readExtensions(at: number, end: number): void {
    const bytes = this.#bytes
    if (end - at === REASON_ALONE.length + 1) {
      let same = 0
      while (same < REASON_ALONE.length && bytes[at + same] === REASON_ALONE[same]) same += 1
      if (same === REASON_ALONE.length) {
        this.reason = reasonOf(bytes[end - 1] ?? 0)
        return
      }
    }
    const scan = this.#scan
    scan.take(SEQUENCE, at, end, 'the list of extensions of an entry')
    if (scan.end !== end || scan.start === end) throw new DerError('the extensions of an entry are not one list')
    const seen: Buffer[] = []
    for (let next = scan.start; next < end;) {
      const name = this.#readExtension(next, end)
      if (seen.some((other) => other.equals(name))) throw new DerError('an extension stands twice in an entry')
      if (seen.push(name) > MAX_EXTENSIONS) throw new DerError('an entry has too many extensions')
      next = this.#scan.end
    }
  }

  /** Returns the object identifier, and leaves the scan at the extension's end. */
  #readExtension(at: number, limit: number): Buffer {
    const bytes = this.#bytes
    const scan = this.#scan
    scan.take(SEQUENCE, at, limit, 'an extension of an entry')
    const { end } = scan
    scan.take(0x06, scan.start, end, 'the name of an extension')
    const name = bytes.subarray(scan.start, scan.end)
    if (!isDerValue(0x06, name)) throw new DerError('the name of an extension is not in its one form')
    scan.read(scan.end, end)
    const critical = scan.tag === 0x01
    if (critical) {
      // False is the default, which DER leaves out.
      if (scan.end - scan.start !== 1 || bytes[scan.start] !== 0xff) throw new DerError('a flag is not in its one form')
      scan.read(scan.end, end)
    }
    if (scan.tag !== 0x04 || scan.end !== end) throw new DerError('an extension of an entry has no value, or more')
    const known = name.length === 3 && name[0] === 0x55 && name[1] === 0x1d ? name[2] : undefined
    if (known === REASON_CODE) this.#readReason(scan.start, end)
    else if (known === INVALIDITY_DATE) this.#readInvalidity(scan.start, end)
    else if (known === CERTIFICATE_ISSUER) this.indirect = true
    else if (critical) this.unknownCritical = true
    scan.end = end
    return name
  }

  #readReason(at: number, end: number): void {
    const scan = this.#scan
    scan.take(0x0a, at, end, 'a reason')
    if (scan.end !== end || end - scan.start !== 1) throw new DerError('a reason is not one small number')
    this.reason = reasonOf(this.#bytes[scan.start] ?? 0)
  }

  #readInvalidity(at: number, end: number): void {
    const scan = this.#scan
    scan.take(GENERALIZED_TIME, at, end, 'an invalidity date')
    if (scan.end !== end || !isTimeAt(this.#bytes, GENERALIZED_TIME, scan.start, end))
      throw new DerError('an invalidity date is none')
    this.#invalidity = scan.start
  }

  /** The entry last read, as an object. */
  entry(): ListEntry {
    const { reason, unknownCritical } = this
    const invalidity = this.#invalidity
    return {
      serial: this.#bytes.toString('hex', this.serialStart, this.serialEnd).replace(/^0/, '') || '0',
      revoked: this.#timeAt(this.#timeTag, this.#time),
      reason,
      ...(invalidity > 0 && { invalidity: this.#timeAt(GENERALIZED_TIME, invalidity) }),
      ...(unknownCritical && { unknownCritical }),
    }
  }

  #timeAt(tag: number, start: number): Date {
    const contents = this.#bytes.subarray(start, start + (tag === UTC_TIME ? 13 : 15))
    return readTime({ tag, contents, raw: contents, children: [] })
  }
}

/** RFC 5280 §5.3.1: from unspecified (0) to aACompromise (10); there is no 7. */
function reasonOf(octet: number): number {
  if (!isCrlReason(octet)) throw new DerError('a reason is none of those there are')
  return octet
}

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** True for what `readTime` takes, without making anything: so that reading an entry later can't fail. */
function isTimeAt(bytes: Uint8Array, tag: number, start: number, end: number): boolean {
  const digits = end - start - 1
  if (!(tag === UTC_TIME && digits === 12) && !(tag === GENERALIZED_TIME && digits === 14)) return false
  for (let at = start; at < end - 1; at += 1) if (((bytes[at] ?? 0) ^ 0x30) > 9) return false
  const two = (back: number): number => ((bytes[end - back] ?? 0) & 15) * 10 + ((bytes[end - back + 1] ?? 0) & 15)
  const short = two(13)
  const year = tag === UTC_TIME ? (short < 50 ? 2000 : 1900) + short : two(15) * 100 + short
  const [month, day] = [two(11), two(9)]
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return (
    bytes[end - 1] === 0x5a &&
    day > 0 &&
    day <= (DAYS[month - 1] ?? 0) &&
    (month !== 2 || day < 29 || leap) &&
    two(7) < 24 &&
    two(5) < 60 &&
    two(3) < 60
  )
}
