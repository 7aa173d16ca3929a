/** SHA256SUMS and SHA512SUMS: the order and the digests of all members after the metadata (FORMAT "Sums"). */
import { SallyportError } from '../errors/index.ts'
import { DigestTable, type Algorithm } from '../oci/index.ts'
import { joined } from './member-body.ts'
import { INDEX_MEMBER, isMemberName, LAYOUT_MEMBER, TRANSFER_MEMBER } from './names.ts'

/** The cap on a list of sums in bytes: two million blobs. */
export const SUMS_CAP = 320 * 1024 * 1024

/** The members besides blobs that SHA256SUMS names, always first and in this order. */
export const FIXED_SUMS = [LAYOUT_MEMBER, TRANSFER_MEMBER, INDEX_MEMBER] as const

const PIECE_LINES = 4096

/** A line that names a member of a passenger; a member's name has at most 100 characters. */
const LONGEST_ABOARD = 64 + 2 + 100

export interface Sums {
  /** Hex SHA-256 of `oci-layout`, `transfer.json` and `index.json`. */
  fixed: [string, string, string]
  /** Hex SHA-256 of each member of the passengers, by its name, in member order. */
  aboard: ReadonlyMap<string, string>
  /** The blobs in member order. */
  blobs: DigestTable
}

function line(hex: string, name: string): string {
  return `${hex}  ${name}\n`
}

/**
 * The bytes of SHA256SUMS in pieces, each valid until the next is asked for; `sha256sum --strict -c` reads them. A million
 * lines are 145 MB, which a reader need not hold.
 */
export function* sumsPieces(
  fixed: Sums['fixed'],
  blobs: Packed,
  aboard: Sums['aboard'] = new Map(),
): Generator<Buffer> {
  const lines = FIXED_SUMS.map((name, i) => line(fixed[i] ?? '', name))
  for (const [name, hex] of aboard) lines.push(line(hex, name))
  yield Buffer.from(lines.join(''), 'latin1')
  yield* blobPieces(blobs)
}

/** Digests of one algorithm as raw bytes, in member order: those of several lists one behind the other. */
export interface Packed {
  readonly algorithm: Algorithm
  readonly lists: readonly Buffer[]
}

/** The bytes of SHA512SUMS in pieces, as {@link sumsPieces}; of SHA256SUMS those of its blobs. */
export function* blobPieces({ algorithm, lists }: Packed): Generator<Buffer> {
  const width = algorithm === 'sha256' ? 32 : 64
  const prefix = `blobs/${algorithm}/`
  const length = line('0'.repeat(2 * width), prefix + '0'.repeat(2 * width)).length
  const piece = Buffer.allocUnsafe(PIECE_LINES * length)
  let filled = 0
  for (const list of lists) {
    for (let i = 0; i < list.length; i += width) {
      const hex = list.toString('hex', i, i + width)
      filled += piece.write(line(hex, prefix + hex), filled, 'latin1')
      if (filled < piece.length) continue
      yield piece
      filled = 0
    }
  }
  if (filled > 0) yield piece.subarray(0, filled)
}

/** The bytes of SHA256SUMS whole. */
export function encodeSums(fixed: Sums['fixed'], blobs: DigestTable, aboard: Sums['aboard'] = new Map()): Buffer {
  return joined(sumsPieces(fixed, packedOf(blobs), aboard))
}

/** The bytes of SHA512SUMS whole. */
export function encodeSums512(blobs: DigestTable): Buffer {
  return joined(blobPieces(packedOf(blobs)))
}

function packedOf({ algorithm, packed }: DigestTable): Packed {
  return { algorithm, lists: [packed] }
}

function bad(file: string, at: number): SallyportError {
  return new SallyportError('SUMS_MALFORMED', { side: 'bundle', subject: `${file} line ${at}` })
}

// Each line is of one fixed form, so its place follows from its number and nothing needs to be searched.
function parseBlobs(bytes: Buffer, file: string, algorithm: Algorithm, firstLine: number): DigestTable {
  const hexLength = algorithm === 'sha256' ? 64 : 128
  const prefix = Buffer.from(`  blobs/${algorithm}/`, 'latin1')
  const length = 2 * hexLength + prefix.length + 1
  const count = bytes.length / length
  if (!Number.isInteger(count)) throw bad(file, firstLine + Math.floor(count))
  const table = new DigestTable(algorithm, count)
  for (let i = 0; i < count; i++) {
    const at = i * length
    const hex = bytes.toString('latin1', at, at + hexLength)
    const again = bytes.toString('latin1', at + hexLength + prefix.length, at + length - 1)
    const ok = /^[0-9a-f]+$/.test(hex) && hex === again && bytes[at + length - 1] === 10
    if (!ok || !bytes.subarray(at + hexLength, at + hexLength + prefix.length).equals(prefix))
      throw bad(file, firstLine + i)
    // Stops a second member of one name, of which one reader takes the first and another the last.
    if (table.add(`${algorithm}:${hex}`) < i) throw bad(file, firstLine + i)
  }
  return table
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
export function parseSums512(bytes: Buffer): DigestTable {
  const blobs = parseBlobs(bytes, 'SHA512SUMS', 'sha512', 1)
  if (blobs.length === 0) throw bad('SHA512SUMS', 1)
  return blobs
}
