/** The only door for bytes: a stream that is checked against the descriptor that asked for it, while it passes. */
import { SallyportError, type Side } from '../errors/index.ts'
import type { Descriptor } from './descriptor.ts'
import { digestOf, hasherFor, algorithmOf } from './digest.ts'

/** A hash being taken; of `node:crypto`, or in another thread. */
export interface RunningHash {
  update(bytes: Uint8Array): unknown
  digest(encoding: 'hex'): string | Promise<string>
}

/**
 * The same chunks, checked: fails with SIZE_MISMATCH as soon as one byte too many arrives (an endless body is cut
 * off there) or when the stream ends early, and with DIGEST_MISMATCH at the end. What was yielded before is not
 * yet proven: the caller commits nothing until the stream has ended.
 */
export async function* verifying(
  stream: AsyncIterable<Uint8Array>,
  descriptor: Descriptor,
  side: Side,
  subject: string = descriptor.digest,
  hasher: RunningHash = hasherFor(descriptor.digest),
): AsyncGenerator<Uint8Array> {
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > descriptor.size)
      throw new SallyportError('SIZE_MISMATCH', { side, subject, detail: `more than ${descriptor.size} bytes` })
    hasher.update(chunk)
    yield chunk
  }
  if (size < descriptor.size) {
    throw new SallyportError('SIZE_MISMATCH', { side, subject, detail: `${size} of ${descriptor.size} bytes` })
  }
  const got = await hasher.digest('hex')
  if (!descriptor.digest.endsWith(`:${got}`))
    throw new SallyportError('DIGEST_MISMATCH', { side, subject, detail: `they have ${got}` })
}

/** Bytes held in memory, when they have the descriptor's size and digest; else SIZE_MISMATCH or DIGEST_MISMATCH. */
export function verified<T extends Uint8Array>(
  bytes: T,
  descriptor: Descriptor,
  side: Side,
  subject: string = descriptor.digest,
): T {
  if (bytes.length !== descriptor.size) {
    throw new SallyportError('SIZE_MISMATCH', {
      side,
      subject,
      detail: `${bytes.length} bytes, ${descriptor.size} promised`,
    })
  }
  const got = digestOf(bytes, algorithmOf(descriptor.digest))
  if (got !== descriptor.digest)
    throw new SallyportError('DIGEST_MISMATCH', { side, subject, detail: `they have ${got}` })
  return bytes
}
