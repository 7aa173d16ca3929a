/**
 * The part of a backup behind its journal: the files of `lists/`, one behind the other, sorted by digest, and a line
 * that says which and how long. A file that was lost before is left out: its list is not held, there or here.
 */
import type { FileHandle } from 'node:fs/promises'
import { isJsonObject, sortedJson, type Json } from '../codec/index.ts'
import { isDigest, type Digest } from '../oci/index.ts'
import { LIST_CAP, listDigest, placeLists, readList } from './list-files.ts'

/** A file in a backup. */
export interface PackedList {
  digest: Digest
  size: number
  /** Byte offset in the backup. */
  at: number
}

/** Bytes of the line for each file, and for what is around them: more is refused before it is read. */
const LISTING_ITEM = 120

/** The line behind the files. */
function listingOf(packed: readonly PackedList[]): Buffer {
  return Buffer.from(`${sortedJson({ lists: packed.map(({ digest, size }) => ({ digest, size })) })}\n`)
}

/** The bytes of this part, of which nothing is held but one file; it begins at `at` in the backup. */
export async function* listParts(
  dir: string,
  digests: Iterable<Digest>,
  at: number,
): AsyncGenerator<Buffer, { listing: number }, undefined> {
  const packed: PackedList[] = []
  let end = at
  for (const digest of [...digests].sort()) {
    const bytes = await readList(dir, digest)
    if (typeof bytes === 'string') continue
    packed.push({ digest, size: bytes.length, at: end })
    end += bytes.length
    yield bytes
  }
  yield listingOf(packed)
  return { listing: end }
}

/**
 * What the line says, once it fits the place it stands in and only files that `named` holds are there, each once.
 * Throws SyntaxError.
 */
export async function readListing(
  handle: FileHandle,
  { from, listing, end }: { from: number; listing: number; end: number },
  named: ReadonlySet<Digest>,
): Promise<PackedList[]> {
  if (end - listing > LISTING_ITEM * (named.size + 1)) throw new SyntaxError('the listing is too long')
  const line = await bytesAt(handle, listing, end - listing)
  const value = JSON.parse(line.toString('utf8')) as Json
  const items = isJsonObject(value) && Array.isArray(value['lists']) ? value['lists'] : []
  const packed: PackedList[] = []
  let at = from
  for (const item of items) {
    const { digest, size } = isJsonObject(item) ? item : {}
    if (!isDigest(digest) || typeof size !== 'number' || size < 0 || size > LIST_CAP)
      throw new SyntaxError('the listing holds something else')
    if (!named.has(digest) || digest <= (packed.at(-1)?.digest ?? ''))
      throw new SyntaxError(`${digest} is named by no row, or stands in the wrong place`)
    packed.push({ digest, size, at })
    at += size
  }
  if (at !== listing || !line.equals(listingOf(packed)))
    throw new SyntaxError('the listing is not the one of these files')
  return packed
}

/** Proves that each file has its digest. Throws SyntaxError. */
export async function proveLists(handle: FileHandle, packed: readonly PackedList[]): Promise<void> {
  for (const { digest, size, at } of packed)
    if (listDigest(await bytesAt(handle, at, size)) !== digest)
      throw new SyntaxError(`the bytes of ${digest} are others`)
}

/** Puts the files in their places, durable. */
export async function unpackLists(handle: FileHandle, packed: readonly PackedList[], dir: string): Promise<void> {
  for (const { size, at } of packed) await placeLists(dir, [await bytesAt(handle, at, size)])
}

async function bytesAt(handle: FileHandle, at: number, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(size)
  for (let done = 0; done < size;) {
    const { bytesRead } = await handle.read(bytes, done, size - done, at + done)
    if (bytesRead === 0) throw new SyntaxError('it ends early')
    done += bytesRead
  }
  return bytes
}
