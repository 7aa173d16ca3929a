/** A blob straight to its place in a file, hashed on the way. */
import { readSync } from 'node:fs'
import type { Hash } from 'node:crypto'
import { writeAll, type FileSlot } from '../content/index.ts'
import { isFault, SallyportError, writeFault } from '../errors/index.ts'
import { hasherFor, type Descriptor } from '../oci/index.ts'
import { blobSubject, readBlob } from './blob.ts'
import { readRaw } from './blob-raw.ts'
import type { Repository } from './repository.ts'

const READ = 1024 * 1024
/** How many bytes are written before `onBytes` is told, so that telling costs nothing. */
const TELL = 8 * 1024 * 1024

function rehash(slot: FileSlot, size: number, hasher: Hash): number {
  const end = Math.min(slot.have, size)
  const buffer = Buffer.allocUnsafe(Math.min(READ, Math.max(end, 1)))
  let at = 0
  while (at < end) {
    const count = readSync(slot.fd, buffer, 0, Math.min(buffer.length, end - at), slot.offset + at)
    if (count === 0) break
    hasher.update(buffer.subarray(0, count))
    at += count
  }
  return at
}

/** What is done in our own file; a fault of it is none of the registry's. */
function inSlot<T>(task: () => T, subject: string): T {
  try {
    return task()
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', subject)
  }
}

async function pass(
  repository: Repository,
  descriptor: Descriptor,
  slot: FileSlot,
  onBytes: (count: number) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const subject = blobSubject(repository, descriptor)
  const hasher = hasherFor(descriptor.digest)
  let at = inSlot(() => rehash(slot, descriptor.size, hasher), subject)
  let untold = 0
  const take = (chunk: Buffer): void => {
    inSlot(() => writeAll(slot.fd, chunk, slot.offset + at), subject)
    hasher.update(chunk)
    at += chunk.length
    untold += chunk.length
    if (untold < TELL) return
    onBytes(untold)
    untold = 0
  }
  if (at < descriptor.size || descriptor.size === 0) {
    const reached = await readRaw(repository, descriptor, at, take, signal)
    if (reached < descriptor.size || descriptor.size === 0)
      for await (const chunk of readBlob(repository, descriptor, reached, signal)) take(chunk)
  }
  if (untold > 0) onBytes(untold)
  const got = hasher.digest('hex')
  if (!descriptor.digest.endsWith(`:${got}`))
    throw new SallyportError('DIGEST_MISMATCH', { side: repository.side, subject, detail: `they have ${got}` })
}

/**
 * Writes the blob to its slot; proven when the promise is kept. Leading bytes that are there are hashed again, and
 * when they turn out wrong the blob is fetched once more from its start (`onBytes` then counts it again).
 * Duty of the caller: the descriptor stays open until the promise is settled, also after an abort.
 */
export async function fetchInto(
  repository: Repository,
  descriptor: Descriptor,
  slot: FileSlot,
  onBytes: (count: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await pass(repository, descriptor, slot, onBytes, signal)
  } catch (error) {
    if (slot.have === 0 || !isFault(error, 'DIGEST_MISMATCH')) throw error
    await pass(repository, descriptor, { ...slot, have: 0 }, onBytes, signal)
  }
}
