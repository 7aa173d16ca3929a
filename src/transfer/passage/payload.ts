/** Proves the payload behind a judged head: a file on every core, a pipe as it passes. */
import {
  checkPayload,
  isFileInput,
  isPipeInput,
  WORTH_THREADS,
  type BundleReader,
  type ByteInput,
  type HashThread,
  type PlacedBlobs,
} from '../../bundle/index.ts'
import { verifying, type Descriptor, type Digest, type Seal } from '../../oci/index.ts'
import type { Passage } from './passage.ts'
import { checkInterrupted, tell, type RunOptions } from '../run/run.ts'

/** Starts the threads that will prove a large file: they take as long to start as its head takes to be judged. */
export function expectPayload(input: ByteInput): void {
  if (isFileInput(input) && input.size >= WORTH_THREADS) input.provers.start()
}

/** The thread that hashes a pipe's large blobs, started; undefined where that is not worth it. */
export function hashingOf(input: ByteInput, payload: PlacedBlobs): HashThread | undefined {
  if (!isPipeInput(input) || payload.bytes < WORTH_THREADS) return undefined
  input.hashing.start()
  return input.hashing
}

/** The next blob of a pipe's payload, which must be this one; its bytes are proven as they pass. Throws as `BundleReader.payload`. */
export async function passingBlob(
  reader: BundleReader,
  descriptor: Descriptor,
  hashing: HashThread | undefined,
): Promise<AsyncGenerator<Uint8Array>> {
  const member = await reader.payload(descriptor.digest, descriptor.size)
  const subject = `${member.name} at offset ${member.bodyAt}`
  return verifying(reader.members.body(member), descriptor, 'bundle', subject, hashing?.hasherFor(descriptor))
}

export interface ProvingOptions extends RunOptions {
  /** The payload will be read again. */
  sealing?: boolean
}

/** What a proven file's large blobs are known by when they are read again; empty for a pipe, which passes once. */
export type Seals = ReadonlyMap<Digest, Seal>

// A bundle of more large blobs than these is longer under way than the second hash of the rest; each seal is held in memory.
const MOST_SEALS = 65_536

/** Kept when every byte of the payload and the end mark are proven; nothing of it is handed on. */
export async function provePayload(input: ByteInput, passage: Passage, options: ProvingOptions): Promise<Seals> {
  const { payload, reader } = passage
  tell(options, { type: 'phase', phase: 'verifying' })
  tell(options, { type: 'total', bytes: payload.bytes, blobs: payload.length })
  const onBytes = (count: number): void => tell(options, { type: 'bytes', count })
  const seals = new Map<Digest, Seal>()
  if (isFileInput(input)) {
    const onSeal = (digest: Digest, seal: Seal): void => {
      if (seals.size < MOST_SEALS) seals.set(digest, seal)
    }
    const { signal, sealing } = options
    await checkPayload(input, payload, { onBytes, onSeal: sealing === true ? onSeal : undefined, signal })
    return seals
  }
  const hashing = hashingOf(input, payload)
  for (const { descriptor } of payload) {
    const stream = await passingBlob(reader, descriptor, hashing)
    for (let step = await stream.next(); step.done !== true; step = await stream.next()) onBytes(step.value.length)
    tell(options, { type: 'blob' })
    checkInterrupted(options)
  }
  await reader.end()
  return seals
}
