/** The one error class of Sallyport, and the map from an error to an exit status. */
import { CODES, type Code } from './codes.ts'

/** Where the fault lies: the answer to "whose move is it?". */
export type Side = 'source' | 'bundle' | 'target' | 'state'

export interface Fault {
  side: Side
  /** What exactly: a reference, digest, member name with offset, file, or journal row. */
  subject?: string | undefined
  /** What is the matter with this subject, when the code's own sentence does not say it all. */
  detail?: string | undefined
  /** What to do about it; the code's own remedy by default. */
  remedy?: string | undefined
  cause?: unknown
}

/** Characters of what is told in one place: a document may have a name of millions. */
const TOLD = 4096

function told(text: string): string {
  return text.length <= TOLD ? text : `${text.slice(0, TOLD).toWellFormed()}…`
}

export class SallyportError extends Error {
  readonly code: Code
  readonly side: Side
  readonly subject: string | undefined
  readonly remedy: string

  constructor(code: Code, fault: Fault) {
    const [, sentence, remedy] = CODES[code]
    super(fault.detail === undefined ? sentence : told(`${sentence}: ${fault.detail}`), { cause: fault.cause })
    this.name = 'SallyportError'
    this.code = code
    this.side = fault.side
    this.subject = fault.subject === undefined ? undefined : told(fault.subject)
    this.remedy = fault.remedy ?? remedy
  }
}

const BY_SIDE = { source: 20, bundle: 10, target: 21, state: 22 } as const

/** The exit status for anything thrown; what is not a {@link SallyportError} is our bug: 1. */
export function exitOf(error: unknown): number {
  if (!(error instanceof SallyportError)) return 1
  const exit = CODES[error.code][0]
  return exit === 'side' ? BY_SIDE[error.side] : exit
}

/** True for a {@link SallyportError} with one of these codes. */
export function isFault(error: unknown, ...codes: Code[]): error is SallyportError {
  return error instanceof SallyportError && codes.includes(error.code)
}

/** What was asked for, or undefined when the answer is one of these refusals. */
export async function unlessFault<T>(asking: Promise<T>, ...codes: Code[]): Promise<T | undefined> {
  try {
    return await asking
  } catch (error) {
    if (isFault(error, ...codes)) return undefined
    throw error
  }
}

/** The message without the sentence of the code, for an error that is told again under the same code. */
export function detailOf({ code, message }: SallyportError): string {
  const [, sentence] = CODES[code]
  return message.startsWith(`${sentence}: `) ? message.slice(sentence.length + 2) : message
}

/** What a drive, its driver or a lost network share says, whatever the file's name and rights are. */
const MEDIUM = new Set(['EIO', 'ENXIO', 'ENODEV', 'EREMOTEIO', 'ESTALE', 'ETIMEDOUT', 'EBADMSG'])

/** A {@link SallyportError} for a failed read: MEDIUM_UNREADABLE when the medium is the reason, else FILE_UNREADABLE. */
export function readFault(cause: unknown, side: Side, subject: string): SallyportError {
  if (cause instanceof SallyportError) return cause
  const errno = (cause as NodeJS.ErrnoException | undefined)?.code
  const code = MEDIUM.has(errno ?? '') ? 'MEDIUM_UNREADABLE' : 'FILE_UNREADABLE'
  return new SallyportError(code, { side, subject, detail: errno, cause })
}

/** What the path that was named, or its rights, bring about; anything else is our bug. */
const PLACE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG'])
const READS = new Set(['open', 'stat', 'lstat', 'access', 'scandir', 'opendir', 'readlink', 'realpath'])

/** What was thrown; what the system said of a path that a person named, as FILE_UNREADABLE or OUTPUT_FAILED. */
export function placeFault(thrown: unknown): unknown {
  if (!(thrown instanceof Error)) return thrown
  const { code = '', syscall = '', path } = thrown as NodeJS.ErrnoException
  if (path === undefined || !PLACE.has(code)) return thrown
  return READS.has(syscall) ? readFault(thrown, 'state', path) : writeFault(thrown, 'OUTPUT_FAILED', path)
}

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** A {@link SallyportError} for a failed write: DISK_FULL when that is the reason, else `code`; `cause` when it is one already. */
export function writeFault(
  cause: unknown,
  code: 'OUTPUT_FAILED' | 'STATE_UNWRITABLE',
  subject: string,
): SallyportError {
  if (cause instanceof SallyportError) return cause
  const errno = (cause as NodeJS.ErrnoException).code ?? ''
  return new SallyportError(FULL.has(errno) ? 'DISK_FULL' : code, {
    side: 'state',
    subject,
    detail: errno || undefined,
    cause,
  })
}
