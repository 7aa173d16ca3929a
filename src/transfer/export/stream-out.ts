/** Writes a bundle to a pipe: the same bytes as a file, in order, each blob as it comes from its source. */
import { encodeBlobHeader, memberParts, padded, type BundleLayout, type PlacedBlob } from '../../bundle/index.ts'
import type { Source } from '../../content/index.ts'
import { verifying, type Digest } from '../../oci/index.ts'
import { checkInterrupted, tell, type RunOptions } from '../run/run.ts'

/** Somewhere to write in order; the promise is kept when there is room for more. */
export interface ByteOutput {
  write(bytes: Uint8Array): Promise<void>
}

// Blobs up to this size are fetched ahead while an earlier one is written.
const AHEAD_SIZE = 1024 * 1024
const AHEAD_COUNT = 16

class Ahead {
  private readonly pending = new Map<Digest, Promise<Buffer>>()
  private readonly sourceOf: (digest: Digest) => Source

  constructor(sourceOf: (digest: Digest) => Source) {
    this.sourceOf = sourceOf
  }

  start({ descriptor }: PlacedBlob): void {
    if (descriptor.size > AHEAD_SIZE || this.pending.has(descriptor.digest)) return
    const whole = async (): Promise<Buffer> => {
      const chunks: Uint8Array[] = []
      for await (const chunk of this.stream(descriptor.digest, { descriptor })) chunks.push(Buffer.from(chunk))
      return Buffer.concat(chunks)
    }
    const promise = whole()
    // Its failure is met when its turn comes.
    promise.catch(() => undefined)
    this.pending.set(descriptor.digest, promise)
  }

  private stream(digest: Digest, { descriptor }: Pick<PlacedBlob, 'descriptor'>): AsyncIterable<Uint8Array> {
    return verifying(this.sourceOf(digest).blob(descriptor), descriptor, 'source')
  }

  async *take(blob: PlacedBlob): AsyncGenerator<Uint8Array> {
    const { digest } = blob.descriptor
    const pending = this.pending.get(digest)
    this.pending.delete(digest)
    if (pending === undefined) yield* this.stream(digest, blob)
    else yield await pending
  }
}

/**
 * Kept when the whole bundle was written. When a source fails midway the output ends there, and a reader refuses it:
 * what went out can't be taken back.
 */
export async function streamBundle(
  output: ByteOutput,
  layout: BundleLayout,
  sourceOf: (digest: Digest) => Source,
  options: RunOptions,
): Promise<void> {
  const ahead = new Ahead(sourceOf)
  const write = async (bytes: Uint8Array): Promise<void> => {
    checkInterrupted(options)
    await output.write(bytes)
  }
  let ready = 0
  const readyBefore = async (at: number): Promise<void> => {
    for (let item = layout.ready[ready]; item !== undefined && item.at < at; item = layout.ready[++ready])
      // The output may hold on to what it was given while the next piece is made.
      for (const part of memberParts(item.name, item.body)) await write(Buffer.from(part))
  }
  const { blobs } = layout
  for (let i = 0, started = 0; i < blobs.length; i++) {
    const blob = blobs.at(i)
    await readyBefore(blob.headerAt)
    for (; started < Math.min(i + AHEAD_COUNT, blobs.length); started++) ahead.start(blobs.at(started))
    await write(encodeBlobHeader(blob.descriptor))
    for await (const chunk of ahead.take(blob)) {
      await write(chunk)
      tell(options, { type: 'bytes', count: chunk.length })
    }
    const rest = padded(blob.descriptor.size) - blob.descriptor.size
    if (rest > 0) await write(Buffer.alloc(rest))
    tell(options, { type: 'blob' })
  }
  await readyBefore(layout.size)
  await write(Buffer.alloc(1024))
}
