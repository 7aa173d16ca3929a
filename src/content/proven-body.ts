/** A blob's body as a target takes it. */
import type { Side } from '../errors/index.ts'
import { verifying, type Descriptor } from '../oci/index.ts'
import type { BlobBody } from './source.ts'

/**
 * The body's bytes from the first on, proven when the stream has ended: as {@link verifying}, but hashed once where
 * the body proves itself. Duty of the caller: it completes nothing before that end.
 */
export function provenBody(
  body: BlobBody,
  descriptor: Descriptor,
  side: Side,
  subject?: string,
): AsyncIterable<Uint8Array> {
  return body.proving === true ? body.open(0) : verifying(body.open(0), descriptor, side, subject)
}
