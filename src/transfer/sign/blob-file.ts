/** Plain files that are signed and judged, and the signature files beside them: read with bounded memory. */
import { createHash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { readFault, SallyportError } from '../../errors/index.ts'
import { COSE, ENVELOPE_CAP, JWS, type EnvelopeType, type TargetDigest } from '../../signature/index.ts'
import { checkInterrupted, tell, type RunOptions } from '../run/run.ts'

const CHUNK = 1024 * 1024
// NONBLOCK: a fifo must not hold the run.
const READ = constants.O_RDONLY | constants.O_NONBLOCK

type Hash = 'sha256' | 'sha384' | 'sha512'

export interface BlobFacts {
  digest: TargetDigest
  /** By the other hashes that were asked for, in their order. */
  aliases: TargetDigest[]
  size: number
}

function irregular(subject: string): SallyportError {
  return new SallyportError('FILE_UNREADABLE', { side: 'source', subject, detail: 'it is no regular file' })
}

/** Read once, a chunk at a time, by however many hashes. Throws FILE_UNREADABLE, also when the file changes meanwhile; MEDIUM_UNREADABLE, INTERRUPTED. */
export async function hashBlob(
  file: string,
  hash: Hash,
  options: RunOptions,
  others: readonly Hash[] = [],
): Promise<BlobFacts> {
  let handle: FileHandle | undefined
  try {
    handle = await open(file, READ)
    const before = await handle.stat()
    if (!before.isFile()) throw irregular(file)
    tell(options, { type: 'total', bytes: before.size, blobs: 1 })
    const hasher = createHash(hash)
    const further = others.map((name) => ({ name, made: createHash(name) }))
    const buffer = Buffer.allocUnsafeSlow(CHUNK)
    let size = 0
    for (;;) {
      checkInterrupted(options)
      const { bytesRead } = await handle.read(buffer, 0, CHUNK, size)
      if (bytesRead === 0) break
      const bytes = buffer.subarray(0, bytesRead)
      hasher.update(bytes)
      for (const { made } of further) made.update(bytes)
      size += bytesRead
      tell(options, { type: 'bytes', count: bytesRead })
    }
    const after = await handle.stat()
    // Stops a signature or verdict on a mixture that was never the content of the file.
    if (size !== before.size || after.size !== before.size || after.mtimeMs !== before.mtimeMs)
      throw new SallyportError('FILE_UNREADABLE', {
        side: 'source',
        subject: file,
        detail: 'it changed while it was read',
      })
    tell(options, { type: 'blob' })
    const aliases = further.map(({ name, made }): TargetDigest => `${name}:${made.digest('hex')}`)
    return { digest: `${hash}:${hasher.digest('hex')}`, aliases, size }
  } catch (cause) {
    throw readFault(cause, 'source', file)
  } finally {
    await handle?.close()
  }
}

/** The bytes of a signature file. Throws LIMIT_EXCEEDED before it reads one over 32 MiB; FILE_UNREADABLE, MEDIUM_UNREADABLE. */
export function readSignatureFile(file: string): Buffer {
  let fd: number | undefined
  try {
    fd = openSync(file, READ)
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw irregular(file)
    if (stat.size > ENVELOPE_CAP)
      throw new SallyportError('LIMIT_EXCEEDED', {
        side: 'source',
        subject: file,
        detail: 'a signature envelope over 32 MiB',
      })
    const bytes = Buffer.alloc(stat.size)
    let have = 0
    for (let count = -1; have < bytes.length && count !== 0; have += count)
      count = readSync(fd, bytes, have, bytes.length - have, have)
    return bytes.subarray(0, have)
  } catch (cause) {
    throw readFault(cause, 'source', file)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** As notation names them, then as the specification does (Blob signing workflow, step 2). */
const ENDINGS = { '.jws.sig': JWS, '.cose.sig': COSE, '.sig.jws': JWS, '.sig.cose': COSE } as const

/** The kind of envelope that the name of a signature file stands for; undefined for other names. */
export function envelopeTypeOf(file: string): EnvelopeType | undefined {
  for (const [ending, type] of Object.entries(ENDINGS)) if (file.endsWith(ending)) return type
  return undefined
}
