/** Brings every blob to its place in the bundle, many at once, the largest first; goes on where a stopped run was. */
import PQueue from 'p-queue'
import type { FileWriter, PlacedBlob, PlacedBlobs } from '../../bundle/index.ts'
import type { Source } from '../../content/index.ts'
import { isFault, SallyportError } from '../../errors/index.ts'
import type { Digest } from '../../oci/index.ts'
import { checkInterrupted, interruption, tell, type RunOptions } from '../run/run.ts'
import type { Progress } from './stopped-export.ts'

// So much of one blob is lost at most when the run is killed.
const CLAIM_BYTES = 32 * 1024 * 1024
// So much is written between two flushes that run beside the fetching.
const FLUSH_BYTES = 128 * 1024 * 1024

export interface FetchOptions extends RunOptions {
  concurrency: number
}

/** Kept when every blob is in its place and proven. The first failure stops the rest, and is thrown after they have come to rest. */
export async function fetchBlobs(
  writer: FileWriter,
  blobs: PlacedBlobs,
  sourceOf: (digest: Digest) => Source,
  progress: Progress,
  options: FetchOptions,
): Promise<void> {
  const stop = new AbortController()
  const outer = interruption(options.signal)
  const signal = outer === undefined ? stop.signal : AbortSignal.any([outer, stop.signal])
  const queue = new PQueue({ concurrency: options.concurrency })
  const failures: unknown[] = []
  let unflushed = 0
  const bring = async (blob: PlacedBlob, have: number): Promise<void> => {
    const { digest } = blob.descriptor
    let done = have
    let claimed = have
    if (have > 0) tell(options, { type: 'bytes', count: have, kept: true })
    const onBytes = (count: number): void => {
      done += count
      unflushed += count
      if (unflushed >= FLUSH_BYTES) {
        unflushed = 0
        writer.flushAhead()
      }
      tell(options, { type: 'bytes', count })
      if (done - claimed < CLAIM_BYTES) return
      claimed = done
      progress.claim(digest, done)
    }
    try {
      await sourceOf(digest).blobInto(blob.descriptor, writer.slot(blob, have), onBytes, signal)
    } catch (error) {
      tell(options, { type: 'bytes', count: have - done })
      if (have > 0) tell(options, { type: 'bytes', count: -have, kept: true })
      throw error
    }
  }
  const fetch = async (blob: PlacedBlob): Promise<void> => {
    if (signal.aborted) return
    const { digest, size } = blob.descriptor
    const have = Math.min(progress.claimed(digest), size)
    if (have === size && size > 0 && writer.holds(blob)) {
      tell(options, { type: 'bytes', count: size, kept: true })
      tell(options, { type: 'blob' })
      return
    }
    try {
      await bring(blob, have < size ? have : 0)
    } catch (error) {
      // What a stopped run claimed was not what it left: bring the blob anew before anyone is blamed.
      if (have === 0 || !isFault(error, 'DIGEST_MISMATCH')) throw error
      await bring(blob, 0)
    }
    progress.claim(digest, size)
    tell(options, { type: 'blob' })
  }
  const guarded = async (blob: PlacedBlob): Promise<void> => {
    try {
      await fetch(blob)
    } catch (error) {
      failures.push(error)
      stop.abort()
    }
  }
  const largestFirst = Uint32Array.from({ length: blobs.length }, (_, i) => i)
  largestFirst.sort((a, b) => blobs.sizeAt(b) - blobs.sizeAt(a) || a - b)
  for (const i of largestFirst) {
    // A million tasks that wait would take more memory than all else.
    await queue.onSizeLessThan(options.concurrency)
    if (signal.aborted) break
    void queue.add(() => guarded(blobs.at(i)))
  }
  await queue.onIdle()
  checkInterrupted(options)
  if (failures.length > 0) throw failures.find((failure) => failure instanceof SallyportError) ?? failures[0]
}
