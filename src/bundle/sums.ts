/** SHA256SUMS and SHA512SUMS: the order and the digests of all members after the metadata (FORMAT "Sums"). */
import { SallyportError } from '../errors/index.ts'
import { hexOf, type Algorithm, type Digest } from '../oci/index.ts'
import { blobName, INDEX_MEMBER, isMemberName, LAYOUT_MEMBER, TRANSFER_MEMBER } from './names.ts'

/** The cap on a list of sums in bytes: two million blobs. */
export const SUMS_CAP = 320 * 1024 * 1024

/** The members besides blobs that SHA256SUMS names, always first and in this order. */
export const FIXED_SUMS = [LAYOUT_MEMBER, TRANSFER_MEMBER, INDEX_MEMBER] as const

/** A line that names a member of a passenger; a member's name has at most 100 characters. */
const LONGEST_ABOARD = 64 + 2 + 100

/** The blobs of one algorithm in member order, 32 or 64 bytes each and nothing more: 32 MB for a million blobs. */
export class BlobList {
  readonly algorithm: Algorithm
  private readonly width: number
  private readonly packed: Buffer

  constructor(algorithm: Algorithm, packed: Buffer) {
    this.algorithm = algorithm
    this.width = algorithm === 'sha256' ? 32 : 64
    this.packed = packed
  }

  static of(algorithm: Algorithm, digests: readonly Digest[]): BlobList {
    return new BlobList(algorithm, Buffer.concat(digests.map((digest) => Buffer.from(hexOf(digest), 'hex'))))
  }

  get length(): number {
    return this.packed.length / this.width
  }

  at(i: number): Digest {
    return `${this.algorithm}:${this.packed.toString('hex', i * this.width, (i + 1) * this.width)}`
  }
}

export interface Sums {
  /** Hex SHA-256 of `oci-layout`, `transfer.json` and `index.json`. */
  fixed: [string, string, string]
  /** Hex SHA-256 of each member of the passengers, by its name, in member order. */
  aboard: ReadonlyMap<string, string>
  blobs: BlobList
}

function line(hex: string, name: string): string {
  return `${hex}  ${name}\n`
}

/** The bytes of SHA256SUMS; `sha256sum --strict -c` reads them. */
export function encodeSums(fixed: Sums['fixed'], blobs: BlobList, aboard: Sums['aboard'] = new Map()): Buffer {
  const lines = FIXED_SUMS.map((name, i) => line(fixed[i] ?? '', name))
  for (const [name, hex] of aboard) lines.push(line(hex, name))
  return Buffer.from(lines.join('') + blobLines(blobs), 'latin1')
}

function blobLines(blobs: BlobList): string {
  let out = ''
  for (let i = 0; i < blobs.length; i++) out += line(hexOf(blobs.at(i)), blobName(blobs.at(i)))
  return out
}

/** The bytes of SHA512SUMS. */
export function encodeSums512(blobs: BlobList): Buffer {
  return Buffer.from(blobLines(blobs), 'latin1')
}

function bad(file: string, at: number): SallyportError {
  return new SallyportError('SUMS_MALFORMED', { side: 'bundle', subject: `${file} line ${at}` })
}

// Each line is of one fixed form, so its place follows from its number and nothing needs to be searched.
function parseBlobs(bytes: Buffer, file: string, algorithm: Algorithm, firstLine: number): BlobList {
  const hexLength = algorithm === 'sha256' ? 64 : 128
  const prefix = Buffer.from(`  blobs/${algorithm}/`, 'latin1')
  const length = 2 * hexLength + prefix.length + 1
  const count = bytes.length / length
  if (!Number.isInteger(count)) throw bad(file, firstLine + Math.floor(count))
  const packed = Buffer.alloc((count * hexLength) / 2)
  const seen = new Set<string>()
  for (let i = 0; i < count; i++) {
    const at = i * length
    const hex = bytes.toString('latin1', at, at + hexLength)
    const again = bytes.toString('latin1', at + hexLength + prefix.length, at + length - 1)
    const ok = /^[0-9a-f]+$/.test(hex) && hex === again && bytes[at + length - 1] === 10
    if (!ok || !bytes.subarray(at + hexLength, at + hexLength + prefix.length).equals(prefix))
      throw bad(file, firstLine + i)
    // Stops a second member of one name, of which one reader takes the first and another the last.
    if (seen.has(hex)) throw bad(file, firstLine + i)
    seen.add(hex)
    packed.write(hex, (i * hexLength) / 2, 'hex')
  }
  return new BlobList(algorithm, packed)
}

// Which of them must be there, and in which order, the census says.
function parseAboard(
  bytes: Buffer,
  at: number,
  channels: readonly string[],
): { aboard: Map<string, string>; at: number } {
  const aboard = new Map<string, string>()
  const isAboard = (name: string): boolean =>
    channels.some((channel) => name.startsWith(`metadata/${channel}/`) || name.startsWith(`passengers/${channel}/`))
  for (;;) {
    const end = bytes.indexOf(10, at)
    const text = bytes.toString('latin1', at, Math.min(end < 0 ? bytes.length : end, at + LONGEST_ABOARD))
    const [, hex = '', name = ''] = /^([0-9a-f]{64}) {2}([!-~]+)$/.exec(text) ?? []
    if (end < 0 || !isMemberName(name) || !isAboard(name)) return { aboard, at }
    if (aboard.has(name)) throw bad('SHA256SUMS', FIXED_SUMS.length + aboard.size + 1)
    aboard.set(name, hex)
    at = end + 1
  }
}

/**
 * The list in SHA256SUMS of a bundle with passengers of these channels.
 * Throws SUMS_MALFORMED for any other spelling, order, or a name twice.
 */
export function parseSums(bytes: Buffer, channels: readonly string[] = []): Sums {
  const fixed: string[] = []
  let at = 0
  for (const [i, name] of FIXED_SUMS.entries()) {
    const hex = bytes.toString('latin1', at, at + 64)
    if (!/^[0-9a-f]{64}$/.test(hex) || bytes.toString('latin1', at, at + 64 + 3 + name.length) !== line(hex, name))
      throw bad('SHA256SUMS', i + 1)
    fixed.push(hex)
    at += 64 + 3 + name.length
  }
  const { aboard, at: blobsAt } = parseAboard(bytes, at, channels)
  const firstLine = FIXED_SUMS.length + aboard.size + 1
  const blobs = parseBlobs(bytes.subarray(blobsAt), 'SHA256SUMS', 'sha256', firstLine)
  return { fixed: fixed as [string, string, string], aboard, blobs }
}

/** The list in SHA512SUMS. Throws SUMS_MALFORMED. */
export function parseSums512(bytes: Buffer): BlobList {
  const blobs = parseBlobs(bytes, 'SHA512SUMS', 'sha512', 1)
  if (blobs.length === 0) throw bad('SHA512SUMS', 1)
  return blobs
}
