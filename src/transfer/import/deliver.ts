/** Hands the payload to the pusher: from a file in any order and many at once, from a pipe as it comes. */
import type { ByteInput, FileInput, PlacedBlob } from '../../bundle/index.ts'
import { bytesBody, fileBody, passingBody, type BlobBody, type OrderedArtifact } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import type { Descriptor, Digest } from '../../oci/index.ts'
import type { Passage } from '../passage/passage.ts'
import { hashingOf, passingBlob, type Seals } from '../passage/payload.ts'
import type { Pusher } from './push.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'
import { Waiting } from './waiting.ts'

// A blob up to this size is taken off the pipe whole, so that it can be pushed while the next one is read.
const HELD_BLOB = 4 * 1024 * 1024
// So many bytes taken off the pipe wait for the target at most.
const HELD_BYTES = 64 * 1024 * 1024
// So many blobs of an artifact wait for their turn at most; the requests under way are fewer.
const BLOBS_WAITING = 64

export interface DeliverOptions extends RunOptions {
  concurrency: number
}

export interface DeliverFileOptions extends DeliverOptions {
  /** Of the blobs as they were proven where they lie. */
  seals: Seals
}

// Duty of the caller: the bytes were proven as they came into memory, where nobody else can change them.
function memoryBody(bytes: Buffer): BlobBody {
  return { ...bytesBody(bytes), proving: true }
}

/** Blobs that the law holds: pushed from memory. */
function lawBodies({ law }: Passage): (digest: Digest) => BlobBody | undefined {
  return (digest) => {
    const bytes = law.get(digest)
    return bytes === undefined ? undefined : memoryBody(bytes)
  }
}

/** Runs the task for each item, so many at a time, and ends when all that were begun have ended. Throws the first failure. */
async function each<T>(items: Iterable<T>, atOnce: number, task: (item: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = []
  const running = new Set<Promise<void>>()
  for (const item of items) {
    if (running.size >= atOnce) await Promise.race(running)
    if (failures.length > 0) break
    const ended: Promise<void> = task(item)
      .catch((failure: unknown) => void failures.push(failure))
      .finally(() => running.delete(ended))
    running.add(ended)
  }
  await Promise.all(running)
  if (failures.length > 0) throw failures[0]
}

// Its bytes are proven again as they are pushed (T10: the file may change under us); against the seal where there is one.
function bodyAt({ fd }: FileInput, { descriptor, offset }: PlacedBlob, seals: Seals): BlobBody {
  return fileBody({ fd, offset, seal: seals.get(descriptor.digest) }, descriptor.size)
}

/** Pushes every artifact, several at once; within one the order holds. Stops at the first failure. */
export async function deliverFile(
  passage: Passage,
  pusher: Pusher,
  input: FileInput,
  options: DeliverFileOptions,
): Promise<void> {
  const inLaw = lawBodies(passage)
  await each(passage.census.content.artifacts, options.concurrency, async (artifact) => {
    await each(artifact.blobs, BLOBS_WAITING, async (blob) => {
      const place = passage.payload.find(blob.digest)
      const body = inLaw(blob.digest) ?? (place === undefined ? undefined : bodyAt(input, place, options.seals))
      if (body === undefined) throw new SallyportError('CENSUS_MISMATCH', { side: 'bundle', subject: blob.digest })
      await pusher.blob(artifact.repository, blob, body)
    })
    await pusher.finish(artifact)
    await pusher.show(artifact)
  })
}

/** Pushes what comes, artifact by artifact, and shows it when all of it is proven. Stops at the first failure. */
export async function deliverPipe(
  passage: Passage,
  pusher: Pusher,
  input: ByteInput,
  options: DeliverOptions,
): Promise<void> {
  const { reader, payload, census } = passage
  const inLaw = lawBodies(passage)
  const hashing = hashingOf(input, payload)
  const { artifacts } = census.content
  const waiting = new Waiting(artifacts, payload)
  const running = new Set<Promise<void>>()
  const first: { failure?: unknown } = {}
  let held = 0
  const start = (task: Promise<void>, bytes: number): void => {
    held += bytes
    const tracked = task
      .catch((error: unknown) => void (first.failure ??= error))
      .finally(() => {
        running.delete(tracked)
        held -= bytes
      })
    running.add(tracked)
  }
  const finish = async (ready: OrderedArtifact[]): Promise<void> => {
    for (const artifact of ready) {
      await each(artifact.blobs, BLOBS_WAITING, async (blob) => {
        const body = inLaw(blob.digest)
        if (body !== undefined) await pusher.blob(artifact.repository, blob, body)
      })
      await pusher.finish(artifact)
    }
  }
  const push = async (number: number, descriptor: Descriptor, body: BlobBody): Promise<void> => {
    const [holder, ...others] = new Set(waiting.of(number).map(({ repository }) => repository))
    if (holder !== undefined) await pusher.blob(holder, descriptor, body)
    for (const repository of others) {
      // Where it can't be mounted and has passed, the target's own copy is what can be sent.
      const again = body.passes === true && holder !== undefined ? pusher.heldBody(holder, descriptor) : body
      await pusher.blob(repository, descriptor, again)
    }
    await finish(waiting.arrived(number))
  }
  const readAll = async (): Promise<void> => {
    for (let i = 0; i < payload.length; i++) {
      const { descriptor } = payload.at(i)
      checkInterrupted(options)
      while (
        first.failure === undefined &&
        (held + descriptor.size > HELD_BYTES || running.size >= 2 * options.concurrency) &&
        running.size > 0
      )
        await Promise.race(running)
      if (first.failure !== undefined) break
      const stream = await passingBlob(reader, descriptor, hashing)
      if (descriptor.size <= HELD_BLOB) {
        const chunks: Buffer[] = []
        for await (const chunk of stream) chunks.push(Buffer.from(chunk))
        start(push(i, descriptor, memoryBody(Buffer.concat(chunks))), descriptor.size)
        continue
      }
      // A target that has the blob already leaves the stream unread: the bytes still have to pass, and be proven.
      await push(
        i,
        descriptor,
        passingBody(descriptor.digest, () => keptOpen(stream)),
      )
      for await (const _ of stream);
    }
  }
  start(finish(waiting.complete()), 0)
  try {
    await readAll()
  } finally {
    // Whatever ended the reading, no push may run on while target and state are being closed.
    await Promise.allSettled(running)
  }
  if (first.failure !== undefined) throw first.failure
  await reader.end()
  // A damaged pipe leaves whole artifacts, and every tag where it was: those of signatures and lists too.
  await each(artifacts, options.concurrency, (artifact) => pusher.show(artifact))
}

// Whoever ends early leaves the stream open: the rest of the bytes still has to pass.
async function* keptOpen(stream: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (let step = await stream.next(); step.done !== true; step = await stream.next()) yield step.value
}
