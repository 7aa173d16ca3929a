/** The fault of OCSP answers. */
import { DerError } from '../codec/index.ts'
import { SallyportError } from '../errors/index.ts'

/** The error for an answer that proves nothing; `detail` names the rule. */
export function answerFault(detail: string, cause?: unknown): SallyportError {
  return new SallyportError('ANSWER_INVALID', { side: 'bundle', subject: 'OCSP answer', detail, cause })
}

/** What `read` returns; ANSWER_INVALID for what it finds not to be DER of the right shape. */
export function strictly<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof DerError) throw answerFault(cause.message, cause)
    throw cause
  }
}
