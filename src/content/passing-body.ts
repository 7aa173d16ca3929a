/** A blob's body out of a pipe: its bytes pass once. */
import { SallyportError } from '../errors/index.ts'
import type { BlobBody } from './source.ts'

/** What is told when bytes of a blob that came by a pipe are wanted again: PUSH_REFUSED at the target. */
export function passedFault(subject: string, why: string): SallyportError {
  return new SallyportError('PUSH_REFUSED', {
    side: 'target',
    subject,
    detail: `${why}, and what came by a pipe can not be had again`,
    remedy: 'run the import again, from a file if it happens again',
  })
}

/**
 * A body that can be had once, and says so who wants it again, or a part of it. Duty of the caller: the stream is proven
 * as it passes.
 */
export function passingBody(subject: string, stream: () => AsyncIterable<Uint8Array>): BlobBody {
  let opened = false
  return {
    proving: true,
    passes: true,
    open(from) {
      if (opened || from > 0) throw passedFault(subject, 'the target wants bytes that have passed')
      opened = true
      return stream()
    },
  }
}
