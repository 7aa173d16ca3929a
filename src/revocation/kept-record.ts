/** One kept entry in 53 octets of one spelling, so that a million of them need no object and no second list of rules. */
import { isCrlReason, isForGood } from '../codec/index.ts'
import type { ListEntry } from './list-entry.ts'

/** An entry that later lists dropped, though what it says is for good. */
export interface KeptEntry extends Omit<ListEntry, 'unknownCritical'> {
  /** Number of the newest list that named it, hex. */
  number: string
}

/**
 * serial 20 · number 20 · invalidity 6 · revoked 6 · reason 1, all big-endian. Of two records of one serial number the
 * higher number counts, else the lesser octets: no invalidity, which excuses nothing, is 0.
 */
export const RECORD = 53
export const SERIAL = 20
const NUMBER_END = 40
const INVALIDITY = 40
const REVOKED = 46
const REASON = 52
const NO_REASON = 0xff

/** Times are seconds since the year 0, and one more: four-digit years are all that a list can say. */
const YEAR_0 = -62_167_219_200
const YEAR_9999_END = 253_402_300_799

function octets(hex: string): Buffer {
  return Buffer.from(hex.padStart(2 * SERIAL, '0'), 'hex')
}

/** The serial number as it stands in a record. */
export function serialOctets(serial: string): Buffer {
  return octets(serial)
}

function hexAt(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('hex', start, end).replace(/^0+(?=.)/, '')
}

function encodeTime(time: Date | undefined): number {
  return time === undefined ? 0 : time.getTime() / 1000 - YEAR_0 + 1
}

function decodeTime(value: number): Date {
  return new Date((value - 1 + YEAR_0) * 1000)
}

export function encodeRecord({ serial, number, revoked, reason, invalidity }: KeptEntry): Buffer {
  const record = Buffer.alloc(RECORD)
  octets(serial).copy(record, 0)
  octets(number).copy(record, SERIAL)
  record.writeUIntBE(encodeTime(invalidity), INVALIDITY, 6)
  record.writeUIntBE(encodeTime(revoked), REVOKED, 6)
  record[REASON] = reason ?? NO_REASON
  return record
}

/** The entry at an offset of sound records. */
export function decodeRecord(bytes: Buffer, at: number): KeptEntry {
  const invalidity = bytes.readUIntBE(at + INVALIDITY, 6)
  const reason = bytes[at + REASON]
  return {
    serial: hexAt(bytes, at, at + SERIAL),
    number: hexAt(bytes, at + SERIAL, at + NUMBER_END),
    revoked: decodeTime(bytes.readUIntBE(at + REVOKED, 6)),
    reason: reason === NO_REASON ? undefined : reason,
    ...(invalidity > 0 && { invalidity: decodeTime(invalidity) }),
  }
}

/** True when the octets at an offset are what {@link encodeRecord} may write. */
export function isRecord(bytes: Buffer, at: number): boolean {
  const last = YEAR_9999_END - YEAR_0 + 1
  const reason = bytes[at + REASON] ?? 0
  const revoked = bytes.readUIntBE(at + REVOKED, 6)
  const known = reason === NO_REASON || (isCrlReason(reason) && isForGood(reason))
  return known && revoked > 0 && revoked <= last && bytes.readUIntBE(at + INVALIDITY, 6) <= last
}

/** Negative when the record at `a` counts rather than that at `b`, both of one serial number. */
export function compareRecords(one: Buffer, a: number, other: Buffer, b: number): number {
  return (
    other.compare(one, a + SERIAL, a + NUMBER_END, b + SERIAL, b + NUMBER_END) ||
    one.compare(other, b + NUMBER_END, b + RECORD, a + NUMBER_END, a + RECORD)
  )
}
