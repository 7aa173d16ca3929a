/**
 * The member headers of the tar profile (FORMAT "Members"): ustar regular files with fixed owner, mode and time.
 * Encoding is the law: a header is accepted only when encoding what was read gives the same bytes again.
 */
import { SallyportError } from '../errors/index.ts'
import { isMemberName } from './names.ts'

export const BLOCK = 512
/** From this size on the size field holds a base-256 number, since eleven octal digits end here. */
export const OCTAL_END = 8 * 1024 ** 3

const FILE = 0x30
const PAX = 0x78
const NAME_END = 100
// ustar has no room for `blobs/sha512/` and 128 hex digits; one PAX record, `path`, carries those names alone.
const LONG_NAME = /^blobs\/sha512\/[0-9a-f]{128}$/
const STAND_IN = 'PaxHeader'

export interface Member {
  name: string
  size: number
}

function octal(block: Buffer, value: number, at: number, digits: number): void {
  block.write(`${value.toString(8).padStart(digits, '0')} `, at, 'latin1')
}

function checksum(block: Buffer): number {
  let sum = 8 * 32
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += block[i] ?? 0
  return sum
}

function ustar(name: string, size: number, type: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  block.write(name, 0, NAME_END, 'latin1')
  octal(block, 0o644, 100, 6)
  octal(block, 0, 108, 6)
  octal(block, 0, 116, 6)
  if (size < OCTAL_END) octal(block, size, 124, 11)
  else {
    block[124] = 0x80
    block.writeBigUInt64BE(BigInt(size), 128)
  }
  octal(block, 0, 136, 11)
  block[156] = type
  block.write('ustar\u000000', 257, 'latin1')
  octal(block, 0, 329, 6)
  octal(block, 0, 337, 6)
  octal(block, checksum(block), 148, 6)
  return block
}

function paxRecord(name: string): Buffer {
  // "<length> path=<name>\n", the length counting itself: always three digits here.
  const record = ` path=${name}\n`
  return Buffer.from(`${record.length + 3}${record}`, 'latin1')
}

/** The header bytes before a member's body: one block, or three for a sha512 blob. */
export function encodeHeader({ name, size }: Member): Buffer {
  if (!LONG_NAME.test(name)) return ustar(name, size, FILE)
  const record = paxRecord(name)
  const padded = Buffer.alloc(BLOCK)
  record.copy(padded)
  return Buffer.concat([ustar(STAND_IN, record.length, PAX), padded, ustar(STAND_IN, size, FILE)])
}

export function headerLength(name: string): number {
  return LONG_NAME.test(name) ? 3 * BLOCK : BLOCK
}

/** The size rounded up to whole blocks. */
export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK
}

function sizeField(block: Buffer): number | undefined {
  if (block[124] !== 0x80) {
    const text = block.toString('latin1', 124, 136)
    return /^[0-7]{11} $/.test(text) ? Number.parseInt(text, 8) : undefined
  }
  if (block.readUInt32BE(124) !== 0x80000000) return undefined
  const size = block.readBigUInt64BE(128)
  // A base-256 number below 8 GiB would be a second spelling of an octal one.
  return size <= BigInt(Number.MAX_SAFE_INTEGER) && size >= BigInt(OCTAL_END) ? Number(size) : undefined
}

export function isZeroBlock(block: Buffer): boolean {
  return block.every((byte) => byte === 0)
}

/** How many more blocks a header needs after its first: two for a PAX record, none else. */
export function blocksAfter(first: Buffer): 0 | 2 {
  return first[156] === PAX ? 2 : 0
}

/**
 * The member a header announces. `offset` is named in the error.
 * Throws TAR_HEADER (checksum, or any byte outside the profile), TAR_TYPE (links, devices, PAX or GNU members: what
 * other readers act on), TAR_NAME (traversal and every name the format does not know), TAR_SIZE.
 */
export function decodeHeader(bytes: Buffer, offset: number): Member {
  const fault = (code: 'TAR_HEADER' | 'TAR_TYPE' | 'TAR_NAME' | 'TAR_SIZE', detail?: string): SallyportError =>
    new SallyportError(code, { side: 'bundle', subject: `offset ${offset}`, detail })
  const last = bytes.subarray(bytes.length - BLOCK)
  for (const block of bytes.length > BLOCK ? [bytes.subarray(0, BLOCK), last] : [last]) {
    if (block.toString('latin1', 148, 156) !== `${checksum(block).toString(8).padStart(6, '0')} \0`)
      throw fault('TAR_HEADER', 'checksum')
  }
  if (last[156] !== FILE) throw fault('TAR_TYPE', `type ${JSON.stringify(String.fromCharCode(last[156] ?? 0))}`)
  let name = last.toString('latin1', 0, NAME_END).replace(/\0+$/, '')
  if (bytes.length > BLOCK) {
    name = / path=(.*)\n/.exec(bytes.toString('latin1', BLOCK, 2 * BLOCK))?.[1] ?? ''
    // Stops a PAX record that shows other readers another name or size than ours.
    if (!LONG_NAME.test(name)) throw fault('TAR_TYPE', 'PAX record')
  }
  if (!isMemberName(name)) throw fault('TAR_NAME', JSON.stringify(name.slice(0, 120)))
  const size = sizeField(last)
  if (size === undefined) throw fault('TAR_SIZE', name)
  if (!encodeHeader({ name, size }).equals(bytes))
    throw fault('TAR_HEADER', `${name} is not written as the profile says`)
  return { name, size }
}
