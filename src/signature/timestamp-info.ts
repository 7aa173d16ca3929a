/** TSTInfo (RFC 3161 2.4.2): what a timestamp authority says, before anything about who says it. */
import {
  DerFields,
  isDerValue,
  parseDer,
  readBoolean,
  readNaturalHex,
  readOid,
  readSmallNatural,
  type DerNode,
  type Sha2,
} from '../codec/index.ts'
import { hashOf, open, timestampFault } from './timestamp-fault.ts'

export interface TimestampInfo {
  /** The hash of what was stamped. */
  imprint: { hash: Sha2; digest: Buffer }
  /** Cut to a millisecond; the rest is in `accuracyMs`. */
  genTime: Date
  /** Half of the range in which the time lies, rounded up. */
  accuracyMs: number
  /** Lower-case hex without leading zeros. */
  nonce?: string
}

/** ETSI's baseline policy (BTSP): a second, where the authority names no accuracy (trust-store-trust-policy.md). */
const BASELINE_POLICY = '0.4.0.2023.1.1'
const BASELINE_MS = 1000
const MAX_SERIAL_HEX = 128
const SIZES: Readonly<Record<Sha2, number>> = { sha256: 32, sha384: 48, sha512: 64 }

const TIME = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{0,17}[1-9]))?Z$/

/** A GeneralizedTime in DER: UTC, seconds, a fraction without trailing zeros (X.690 11.7). */
function readGenTime(node: DerNode): { time: Date; cut: boolean } {
  const match = TIME.exec(node.contents.toString('latin1'))
  if (match === null) throw timestampFault('genTime is not a GeneralizedTime in DER')
  const [, year, month, day, hour, minute, second, fraction = ''] = match
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}Z`
  const time = new Date(iso)
  // Stops 31 February, hour 24 and second 60, which other readers carry over into another time.
  if (Number.isNaN(time.getTime()) || time.toISOString() !== iso) throw timestampFault('genTime is no time')
  return { time, cut: fraction.length > 3 }
}

function readAccuracy(node: DerNode): number {
  const accuracy = new DerFields(node, 'accuracy')
  const part = (tag: number): number => {
    const field = accuracy.maybe(tag)
    if (field === undefined) return 0
    // The tag of a part says nothing of its type, so that the reader of the whole has not looked at it.
    if (!isDerValue(0x02, field.contents)) throw timestampFault('accuracy is not DER')
    return readSmallNatural({ ...field, tag: 0x02 })
  }
  const [seconds, millis, micros] = [part(0x02), part(0x80), part(0x81)]
  if (millis > 999 || micros > 999) throw timestampFault('accuracy is out of range')
  accuracy.end()
  return seconds * 1000 + millis + Math.ceil(micros / 1000)
}

function checkExtensions(extensions: DerFields): void {
  while (extensions.more) {
    const extension = open(extensions, 0x30, 'an extension of TSTInfo')
    extension.take(0x06)
    // We know none, so a critical one changes the meaning in a way we don't see.
    if (extension.maybe(0x01) !== undefined) throw timestampFault('a critical extension of TSTInfo')
    extension.take(0x04)
    extension.end()
  }
}

/** What the DER of a TSTInfo says. Throws TIMESTAMP_INVALID, DerError. */
export function readTimestampInfo(der: Uint8Array): TimestampInfo {
  const root = parseDer(der)
  if (root.tag !== 0x30) throw timestampFault('TSTInfo is no sequence')
  const info = new DerFields(root, 'TSTInfo')
  if (readNaturalHex(info.take(0x02)) !== '1') throw timestampFault('TSTInfo is not of version 1')
  const policy = readOid(info.take(0x06))
  const imprint = open(info, 0x30, 'messageImprint')
  const hash = hashOf(imprint.take(0x30))
  const digest = imprint.take(0x04).contents
  imprint.end()
  if (digest.length !== SIZES[hash]) throw timestampFault('messageImprint is of another length than its hash')
  if (readNaturalHex(info.take(0x02)).length > MAX_SERIAL_HEX) throw timestampFault('serialNumber is too long')
  const { time, cut } = readGenTime(info.take(0x18))
  const accuracy = info.maybe(0x30)
  const stated = accuracy === undefined ? 0 : readAccuracy(accuracy)
  const ordering = info.maybe(0x01)
  if (ordering !== undefined && !readBoolean(ordering)) throw timestampFault('ordering stands there with its default')
  const nonce = info.maybe(0x02)
  // The name of the authority is not compared with the certificate: the signed certificate hash binds more than a name.
  info.maybe(0xa0)
  const extensions = info.maybe(0xa1)
  if (extensions !== undefined) checkExtensions(new DerFields(extensions, 'extensions of TSTInfo'))
  info.end()
  const meant = stated === 0 && policy === BASELINE_POLICY ? BASELINE_MS : stated
  return {
    imprint: { hash, digest },
    genTime: time,
    accuracyMs: meant + (cut ? 1 : 0),
    ...(nonce === undefined ? {} : { nonce: readNaturalHex(nonce) }),
  }
}
