/** Hands the payload to the pusher: from a file in any order and many at once, from a pipe as it comes. */
import PQueue from 'p-queue'
import { type ByteInput, type FileInput, type PlacedBlob } from '../../bundle/index.ts'
import { hashingOf, type Seals } from '../passage/payload.ts'
import { fileBody, type BlobBody, type OrderedArtifact } from '../../content/index.ts'
import { SallyportError } from '../../errors/index.ts'
import { verifying, type Descriptor, type Digest } from '../../oci/index.ts'
import type { Passage } from '../passage/passage.ts'
import type { Pusher } from './push.ts'
import { checkInterrupted, type RunOptions } from '../run/run.ts'

// A blob up to this size is taken off the pipe whole, so that it can be pushed while the next one is read.
const HELD_BLOB = 4 * 1024 * 1024
// So many bytes taken off the pipe wait for the target at most.
const HELD_BYTES = 64 * 1024 * 1024

export interface DeliverOptions extends RunOptions {
  concurrency: number
}

export interface DeliverFileOptions extends DeliverOptions {
  /** Of the blobs as they were proven where they lie. */
  seals: Seals
}

// Duty of the caller: the bytes were proven as they came into memory, where nobody else can change them.
function memoryBody(bytes: Buffer): BlobBody {
  return {
    proving: true,
    async *open(from) {
      yield bytes.subarray(from)
    },
  }
}

/** Blobs that the law holds: pushed from memory. */
function lawBodies({ law }: Passage): (digest: Digest) => BlobBody | undefined {
  return (digest) => {
    const bytes = law.get(digest)
    return bytes === undefined ? undefined : memoryBody(bytes)
  }
}

async function all(tasks: Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(tasks)
  const failed = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failed !== undefined) throw failed.reason
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
  const places = new Map(passage.payload.map((blob) => [blob.descriptor.digest, blob]))
  const inLaw = lawBodies(passage)
  const queue = new PQueue({ concurrency: options.concurrency })
  let failed = false
  const push = async (artifact: OrderedArtifact): Promise<void> => {
    if (failed) return
    try {
      await all(
        artifact.blobs.map((blob) => {
          const place = places.get(blob.digest)
          const body = inLaw(blob.digest) ?? (place === undefined ? undefined : bodyAt(input, place, options.seals))
          if (body === undefined) throw new SallyportError('CENSUS_MISMATCH', { side: 'bundle', subject: blob.digest })
          return pusher.blob(artifact.repository, blob, body)
        }),
      )
      await pusher.finish(artifact)
    } catch (error) {
      failed = true
      throw error
    }
  }
  await all(passage.census.content.artifacts.map((artifact) => queue.add(() => push(artifact))))
}

/** Which artifacts wait for which payload. */
class Waiting {
  private readonly missing: Map<OrderedArtifact, number>
  private readonly wanting = new Map<Digest, OrderedArtifact[]>()

  constructor(artifacts: readonly OrderedArtifact[], inPayload: (digest: Digest) => boolean) {
    this.missing = new Map(
      artifacts.map((artifact) => [artifact, artifact.blobs.filter(({ digest }) => inPayload(digest)).length]),
    )
    for (const artifact of artifacts) {
      for (const { digest } of artifact.blobs) {
        const wanting = this.wanting.get(digest)
        if (wanting === undefined) this.wanting.set(digest, [artifact])
        else wanting.push(artifact)
      }
    }
  }

  of(digest: Digest): OrderedArtifact[] {
    return this.wanting.get(digest) ?? []
  }

  complete(): OrderedArtifact[] {
    return [...this.missing].filter(([, count]) => count === 0).map(([artifact]) => artifact)
  }

  /** Notes that the payload is pushed; the artifacts that now have all of theirs. */
  arrived(digest: Digest): OrderedArtifact[] {
    return this.of(digest).filter((artifact) => {
      const left = (this.missing.get(artifact) ?? 0) - 1
      this.missing.set(artifact, left)
      return left === 0
    })
  }
}

/** A body that passes once: a push that has to begin again can't have it, and says so. */
function passingBody(stream: AsyncGenerator<Uint8Array>, digest: Digest): BlobBody {
  let opened = false
  return {
    proving: true,
    open(from) {
      if (opened || from > 0)
        throw new SallyportError('PUSH_REFUSED', {
          side: 'target',
          subject: digest,
          detail: 'its bytes have passed and the target wants them again',
          remedy: 'run the import again, from a file if it happens again',
        })
      opened = true
      return stream
    },
  }
}

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
  const waiting = new Waiting(artifacts, (digest) => inLaw(digest) === undefined)
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
      await all(
        artifact.blobs.map((blob) => {
          const body = inLaw(blob.digest)
          return body === undefined ? Promise.resolve() : pusher.blob(artifact.repository, blob, body)
        }),
      )
      await pusher.finish(artifact)
    }
  }
  const push = async (descriptor: Descriptor, body: BlobBody): Promise<void> => {
    const repositories = [...new Set(waiting.of(descriptor.digest).map(({ repository }) => repository))]
    for (const repository of repositories) await pusher.blob(repository, descriptor, body)
    await finish(waiting.arrived(descriptor.digest))
  }
  const readAll = async (): Promise<void> => {
    for (const { descriptor } of payload) {
      checkInterrupted(options)
      while (
        first.failure === undefined &&
        (held + descriptor.size > HELD_BYTES || running.size >= 2 * options.concurrency) &&
        running.size > 0
      )
        await Promise.race(running)
      if (first.failure !== undefined) break
      const member = await reader.payload(descriptor.digest, descriptor.size)
      const stream = verifying(
        reader.members.body(member),
        descriptor,
        'bundle',
        `${member.name} at offset ${member.bodyAt}`,
        hashing?.hasherFor(descriptor),
      )
      if (descriptor.size <= HELD_BLOB) {
        const chunks: Buffer[] = []
        for await (const chunk of stream) chunks.push(Buffer.from(chunk))
        start(push(descriptor, memoryBody(Buffer.concat(chunks))), descriptor.size)
        continue
      }
      // A target that has the blob already leaves the stream unread: the bytes still have to pass, and be proven.
      await push(descriptor, passingBody(copied(stream), descriptor.digest))
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
}

// The reader uses its buffer again, while a socket may still be reading from what it was given. Ending early leaves the stream open.
async function* copied(stream: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (let step = await stream.next(); step.done !== true; step = await stream.next()) yield Buffer.from(step.value)
}
