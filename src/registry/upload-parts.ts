/** Blobs whose bytes come but once, from a pipe: sent in parts, each of them held until the registry has it. */
import { passedFault, passingBody, provenBody, type BlobBody } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import type { Descriptor } from '../oci/index.ts'
import type { Answer } from './answer.ts'
import { blobSubject } from './blob.ts'
import { headBlob } from './blob-held.ts'
import { Transient } from './errors.ts'
import type { Repository } from './repository.ts'
import type { Call } from './request.ts'
import { repeating } from './retry.ts'
import { UploadSession } from './upload-session.ts'

/** Above the least that storages behind registries take (5 MiB); two are held, one that is sent and one that comes. */
const PART = 8 * 1024 * 1024
/** The last byte a registry has, as its `Range` says; some write `bytes=` before it. */
const RANGE = /^(?:bytes=)?0-(\d{1,15})$/
/** What a registry answers to a first part that takes none, or none so large. */
const NO_PARTS = [400, 404, 405, 411, 415, 416, 501]
/** What it answers when it knows nothing of a session any more. */
const GONE = [400, 404, 410]

/** Thrown inside when the registry takes no parts; it has nothing of the blob then. */
class Undivided extends Error {}

interface Part {
  /** Offset of its first byte in the blob. */
  at: number
  bytes: Buffer
  last: boolean
}

/** The parts in order; the last one only when the whole is proven, so that a blob that is wrong never becomes complete. */
async function* partsOf(body: BlobBody, descriptor: Descriptor): AsyncGenerator<Part, undefined> {
  const { size } = descriptor
  // Used in turn: a part has been sent before the one behind the next is read.
  const buffers = [Buffer.allocUnsafeSlow(Math.min(PART, size)), Buffer.allocUnsafeSlow(Math.min(PART, size))] as const
  let at = 0
  let filled = 0
  let turn: 0 | 1 = 0
  for await (const chunk of provenBody(body, descriptor, 'bundle')) {
    for (let taken = 0; taken < chunk.length;) {
      if (filled === PART) {
        yield { at, bytes: buffers[turn], last: false }
        at += filled
        filled = 0
        turn = turn === 0 ? 1 : 0
      }
      const piece = chunk.subarray(taken, taken + PART - filled)
      buffers[turn].set(piece, filled)
      filled += piece.length
      taken += piece.length
    }
  }
  yield { at, bytes: buffers[turn].subarray(0, filled), last: true }
  return undefined
}

class PartUpload {
  readonly #repository: Repository
  readonly #descriptor: Descriptor
  readonly #session: UploadSession
  readonly #onBytes: (count: number) => void
  #at: URL | undefined

  constructor(repository: Repository, descriptor: Descriptor, at: URL | undefined, onBytes: (count: number) => void) {
    this.#repository = repository
    this.#descriptor = descriptor
    this.#session = new UploadSession(repository, descriptor)
    this.#at = at
    this.#onBytes = onBytes
  }

  /**
   * Sends the part, and again as much of it as is not there after what may pass by itself. Throws {@link Undivided} for a
   * first part, and nothing else of what only says that.
   */
  async send(part: Part): Promise<void> {
    const { registry, signal } = this.#repository
    await repeating(registry.settings, signal, async (number) => {
      // The answer to the last attempt may have been lost, not its bytes.
      if (number > 0 && part.last && (await headBlob(this.#repository, this.#descriptor))) return
      // Of a blob that is all here nothing is worth the questions.
      if (number > 0 && part.last && part.at === 0) await this.cancel()
      const have = number > 0 && this.#at !== undefined ? await this.#have(this.#at, part) : 0
      const begun = this.#at
      const at = (this.#at ??= await this.#session.begin())
      const bytes = part.bytes.subarray(have)
      if (part.last) await this.#complete(at, bytes)
      else if (bytes.length > 0) await this.#append(at, part.at + have, bytes, number > 0 && begun !== undefined)
    })
    this.#onBytes(part.bytes.length)
  }

  async cancel(): Promise<void> {
    await this.#session.cancel(this.#at)
    this.#at = undefined
  }

  /** How much of the part the registry has. A session that is gone is forgotten where nothing stands before the part. */
  async #have(session: URL, { at, bytes, last }: Part): Promise<number> {
    const { registry } = this.#repository
    const call = this.#session.call('GET', session)
    const answer = await registry.exchange(call)
    const gone = GONE.includes(answer.status)
    if (!gone) await registry.demand(answer, call, [200, 202, 204])
    await answer.discard()
    if (gone) {
      if (at > 0) throw this.#lost(last)
      this.#at = undefined
      return 0
    }
    if (answer.header('location') !== undefined) this.#at = await this.#session.next(answer)
    const end = Number(RANGE.exec(String(answer.header('range')))?.[1] ?? 0)
    // `0-0` says one byte or none. Less than the parts before is not meant: they were taken, and the whole has a digest.
    const have = end === 0 ? 0 : Math.max(0, end + 1 - at)
    if (have > bytes.length) throw this.#lost(false)
    return have
  }

  /** @param passing - the registry may still be at work on the end of it */
  #lost(passing: boolean): SallyportError | Transient {
    const fault = passedFault(this.#session.subject, 'the registry has lost what it was sent before')
    return passing ? new Transient(fault) : fault
  }

  async #append(session: URL, from: number, bytes: Buffer, again: boolean): Promise<void> {
    const { registry } = this.#repository
    const call = this.#session.append(session, from, bytes)
    const answer = await registry.exchange(call)
    if (from === 0 && NO_PARTS.includes(answer.status)) {
      await answer.discard()
      if (!again) throw new Undivided()
      // It has more of an attempt that ended badly than it says; a session of its own has nothing.
      await this.cancel()
      throw this.#apart()
    }
    await this.#demand(answer, call, [201, 202, 204])
    await answer.discard()
    // What its Range says is not looked at: some tell of the last part alone, or of the first.
    if (answer.header('location') !== undefined) this.#at = await this.#session.next(answer)
  }

  #complete(session: URL, bytes: Buffer): Promise<void> {
    const call = { ...this.#session.last(session, bytes.length), body: bytes }
    return this.#session.complete(call, (...asked) => this.#demand(...asked))
  }

  async #demand(answer: Answer, call: Call, wanted: readonly number[]): Promise<void> {
    if (answer.status !== 416) return this.#repository.registry.demand(answer, call, wanted)
    await answer.discard()
    throw this.#apart()
  }

  /** What a look at what it has may heal: bytes of an attempt that ended badly may have come after the last look. */
  #apart(): Transient {
    const fault = { side: this.#repository.side, subject: this.#session.subject, detail: 'it waits for other bytes' }
    return new Transient(new SallyportError('REGISTRY_PROTOCOL', fault))
  }
}

/**
 * Undefined when the blob is stored. Where the registry takes no parts it has nothing of the blob, and this is a body of
 * all of it, which can be had once like the one before. Throws what is wrong with the blob (side `bundle`), and what
 * stands in the way of the push; the session is taken back then.
 * @param at - a session that nothing was sent to
 */
export async function sendInParts(
  repository: Repository,
  descriptor: Descriptor,
  body: BlobBody,
  at: URL | undefined,
  onBytes: (count: number) => void,
): Promise<BlobBody | undefined> {
  const subject = blobSubject(repository, descriptor)
  if (repository.registry.undivided) {
    await new UploadSession(repository, descriptor).cancel(at)
    return passingBody(subject, () => copied(provenBody(body, descriptor, 'bundle')))
  }
  const upload = new PartUpload(repository, descriptor, at, onBytes)
  const parts = partsOf(body, descriptor)
  const next = (): Promise<IteratorResult<Part, undefined>> => {
    const coming = parts.next()
    // It is looked at later, or never when the part before can't be sent.
    coming.catch(() => undefined)
    return coming
  }
  try {
    for (let coming = next(); ;) {
      const { value: part } = await coming
      if (part === undefined) return undefined
      coming = next()
      try {
        await upload.send(part)
      } catch (error) {
        if (!(error instanceof Undivided)) throw error
        repository.registry.undivided = true
        await upload.cancel()
        return passingBody(subject, () => copied(rest(part, coming, next)))
      }
    }
  } catch (error) {
    await upload.cancel()
    throw error
  }
}

async function* rest(
  first: Part,
  second: Promise<IteratorResult<Part, undefined>>,
  next: () => Promise<IteratorResult<Part, undefined>>,
): AsyncGenerator<Uint8Array> {
  yield first.bytes
  for (let step = await second; step.value !== undefined; step = await next()) yield step.value.bytes
}

// What they come in is used again while a socket still reads.
async function* copied(runs: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const run of runs) yield Buffer.from(run)
}
