/** Blobs from a registry: read from any offset, gone on with by range after a broken body. */
import { SallyportError, type Code } from '../errors/index.ts'
import type { Descriptor } from '../oci/index.ts'
import type { Answer } from './answer.ts'
import { networkFault, plainText, Transient } from './errors.ts'
import { callTo, type Repository } from './repository.ts'
import { pause, waitFor } from './retry.ts'

/** A connection that brings this much was worth making: the count of failures starts anew. */
const PROGRESS = 1024 * 1024
/** More than this is read as it comes: gathered first, it would have to come within the time of a document. */
const GATHERED = 256 * 1024
const RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/

export function blobSubject(repository: Repository, descriptor: Descriptor): string {
  return `${repository.name}@${descriptor.digest}`
}

/** The answer for the bytes from `at` on, and how many leading bytes of it are known already. */
async function open(
  repository: Repository,
  descriptor: Descriptor,
  at: number,
  signal: AbortSignal | undefined,
): Promise<{ answer: Answer; skip: number }> {
  const { registry, side } = repository
  const { size } = descriptor
  const subject = blobSubject(repository, descriptor)
  const call = {
    ...callTo(repository, 'GET', `blobs/${descriptor.digest}`, 'blob', subject),
    headers: at === 0 ? {} : { range: `bytes=${at}-` },
    streams: size - at > GATHERED,
    signal,
  }
  const answer = await registry.exchange(call)
  try {
    await registry.demand(answer, call, at === 0 ? [200] : [200, 206])
    const bad = (code: Code, detail: string): SallyportError =>
      new SallyportError(code, { side, subject, detail: plainText(detail) })
    const length = answer.length()
    if (answer.status === 200) {
      // The range was not heeded: the bytes we have are sent again.
      if (length !== undefined && length !== size) throw bad('SIZE_MISMATCH', `${length} bytes, ${size} promised`)
      return { answer, skip: at }
    }
    const range = RANGE.exec(String(answer.header('content-range') ?? ''))
    const right =
      range !== null &&
      Number(range[1]) === at &&
      Number(range[2]) === size - 1 &&
      (range[3] === '*' || Number(range[3]) === size)
    // Stops bytes of another place being written to this one.
    if (!right) throw bad('REGISTRY_PROTOCOL', `Content-Range ${String(answer.header('content-range'))}`)
    if (length !== undefined && length !== size - at) throw bad('SIZE_MISMATCH', `${length} bytes of ${size - at}`)
    return { answer, skip: 0 }
  } catch (error) {
    answer.abandon()
    throw error
  }
}

/**
 * The blob's bytes from `from` on, not proven. Never more than the descriptor's size: one byte too many throws
 * SIZE_MISMATCH. Throws BLOB_MISSING, REGISTRY_PROTOCOL (wrong Content-Range), and the signal's reason.
 */
export async function* readBlob(
  repository: Repository,
  descriptor: Descriptor,
  from = 0,
  signal = repository.signal,
): AsyncGenerator<Buffer> {
  const { side } = repository
  const { settings } = repository.registry
  const { size } = descriptor
  const subject = blobSubject(repository, descriptor)
  if (from > 0 && from >= size) return
  let at = from
  let mark = from
  for (let failures = 0; ;) {
    let answer: Answer | undefined
    try {
      const opened = await open(repository, descriptor, at, signal)
      answer = opened.answer
      let { skip } = opened
      for await (const chunk of answer.stream()) {
        const fresh = skip === 0 ? chunk : chunk.subarray(Math.min(skip, chunk.length))
        skip -= chunk.length - fresh.length
        if (at + fresh.length > size)
          throw new SallyportError('SIZE_MISMATCH', { side, subject, detail: `more than ${size} bytes` })
        at += fresh.length
        if (fresh.length > 0) yield fresh
      }
      if (at === size) return
      throw new Transient(new SallyportError('SIZE_MISMATCH', { side, subject, detail: `${at} of ${size} bytes` }))
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      const fault = networkFault(error, side, subject)
      if (!(fault instanceof Transient)) throw fault
      if (at - mark >= PROGRESS) failures = 0
      mark = at
      if (failures >= settings.retries) throw fault.fault
      await pause(waitFor(settings, failures, fault.waitMs), signal)
      failures++
    } finally {
      answer?.abandon()
    }
  }
}
