/** Reading the files of a layout: whole and capped, as a stream, or straight into a slot. */
import { read, readSync } from 'node:fs'
import { promisify } from 'node:util'
import { readFault, SallyportError, writeFault, type Side } from '../errors/index.ts'
import { hasherFor, MANIFEST_CAP, verified, type Descriptor } from '../oci/index.ts'
import { writeAllAside } from './durable-file.ts'
import { blobName, type LayoutFile, type LayoutReader } from './layout-file.ts'
import type { FileSlot } from './source.ts'

/** One read or write; small enough for memory, large enough that the call's own cost does not count. */
const RUN = 1024 * 1024

const readInto = promisify(read)

function unreadable(reader: LayoutReader, name: string, cause: unknown): SallyportError {
  return readFault(cause, reader.side, `${reader.place} ${name}`)
}

function wholeOf(reader: LayoutReader, name: string, file: LayoutFile): Buffer {
  const buffer = Buffer.allocUnsafe(file.size)
  try {
    for (let at = 0; at < file.size;) {
      const count = readSync(file.fd, buffer, at, file.size - at, file.start + at)
      if (count === 0) return buffer.subarray(0, at)
      at += count
    }
  } catch (cause) {
    throw unreadable(reader, name, cause)
  }
  return buffer
}

/** The file's bytes, or undefined when there is none. Throws LIMIT_EXCEEDED over `cap` before it reads. */
export function readWhole(reader: LayoutReader, name: string, cap: number): Buffer | undefined {
  const file = reader.open(name)
  if (file === undefined) return undefined
  try {
    if (file.size <= cap) return wholeOf(reader, name, file)
    const detail = `${file.size} bytes, at most ${cap}`
    throw new SallyportError('LIMIT_EXCEEDED', { side: reader.side, subject: `${reader.place} ${name}`, detail })
  } finally {
    file.close()
  }
}

/** The manifest's bytes, proven. Throws MANIFEST_MISSING, MANIFEST_TOO_LARGE, SIZE_MISMATCH or DIGEST_MISMATCH. */
export function readManifest(reader: LayoutReader, descriptor: Descriptor, subject: string): Buffer {
  const { side } = reader
  if (descriptor.size > MANIFEST_CAP) throw new SallyportError('MANIFEST_TOO_LARGE', { side, subject })
  const file = reader.open(blobName(descriptor.digest))
  if (file === undefined) throw new SallyportError('MANIFEST_MISSING', { side, subject })
  try {
    checkSize(file, descriptor, side, subject)
    return verified(wholeOf(reader, subject, file), descriptor, side, subject)
  } finally {
    file.close()
  }
}

/** Throws SIZE_MISMATCH when the file is not as long as the descriptor says. */
export function checkSize(file: LayoutFile, descriptor: Descriptor, side: Side, subject: string): void {
  if (file.size === descriptor.size) return
  const detail = `${file.size} bytes, ${descriptor.size} promised`
  throw new SallyportError('SIZE_MISMATCH', { side, subject, detail })
}

/** The file's bytes from `from` on, each chunk its own memory. The caller closes the file. */
export async function* streamFile(file: LayoutFile, from: number): AsyncGenerator<Uint8Array> {
  for (let at = from; at < file.size;) {
    const buffer = Buffer.allocUnsafe(Math.min(RUN, file.size - at))
    const { bytesRead } = await readInto(file.fd, buffer, 0, buffer.length, file.start + at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** The blob's bytes from `from` on, unproven. Throws BLOB_MISSING or SIZE_MISMATCH before the first byte. */
export async function* streamBlob(
  reader: LayoutReader,
  descriptor: Descriptor,
  from: number,
  subject: string,
): AsyncGenerator<Uint8Array> {
  const file = openBlob(reader, descriptor, subject)
  try {
    yield* streamFile(file, from)
  } catch (cause) {
    throw unreadable(reader, descriptor.digest, cause)
  } finally {
    file.close()
  }
}

function openBlob(reader: LayoutReader, descriptor: Descriptor, subject: string): LayoutFile {
  const file = reader.open(blobName(descriptor.digest))
  if (file === undefined) throw new SallyportError('BLOB_MISSING', { side: reader.side, subject })
  try {
    checkSize(file, descriptor, reader.side, subject)
  } catch (error) {
    file.close()
    throw error
  }
  return file
}

/** Writes all the bytes at `position`. Throws DISK_FULL or OUTPUT_FAILED. */
export async function writeAt(fd: number, bytes: Uint8Array, position: number, subject: string): Promise<void> {
  try {
    await writeAllAside(fd, bytes, position)
  } catch (cause) {
    throw writeFault(cause, 'OUTPUT_FAILED', subject)
  }
}

/** Copies the blob to its slot and proves it on the way; wrong leading bytes are written over once. */
export async function copyBlob(
  reader: LayoutReader,
  descriptor: Descriptor,
  slot: FileSlot,
  onBytes: (count: number) => void,
  signal: AbortSignal | undefined,
  subject: string,
): Promise<void> {
  const file = openBlob(reader, descriptor, subject)
  const { digest, size } = descriptor
  const buffer = Buffer.allocUnsafe(Math.min(RUN, size))
  const attempt = async (have: number, tell: (count: number) => void): Promise<boolean> => {
    const hasher = hasherFor(digest)
    const there = { fd: slot.fd, start: slot.offset, size: have, close: () => undefined }
    for await (const chunk of streamFile(there, 0)) hasher.update(chunk)
    for (let at = have; at < size;) {
      signal?.throwIfAborted()
      const { bytesRead } = await readInto(file.fd, buffer, 0, Math.min(buffer.length, size - at), file.start + at)
      if (bytesRead === 0) checkSize({ ...file, size: at }, descriptor, reader.side, subject)
      const run = buffer.subarray(0, bytesRead)
      // The write is under way in another thread while this one hashes.
      const written = writeAt(slot.fd, run, slot.offset + at, subject)
      hasher.update(run)
      await written
      at += bytesRead
      tell(bytesRead)
    }
    return digest.endsWith(`:${hasher.digest('hex')}`)
  }
  try {
    const have = Math.min(slot.have, size)
    if (await attempt(have, onBytes)) return
    if (have > 0 && (await attempt(0, () => undefined))) return
    throw new SallyportError('DIGEST_MISMATCH', { side: reader.side, subject })
  } catch (cause) {
    if (signal?.aborted === true) throw cause
    throw unreadable(reader, digest, cause)
  } finally {
    file.close()
  }
}
