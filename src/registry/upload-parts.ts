/** Blobs whose bytes come but once, from a pipe: sent in parts, each of them held until the registry has it. */
import { provenBody, type BlobBody } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import type { Descriptor } from '../oci/index.ts'
import { headBlob } from './blob-held.ts'
import { Transient } from './errors.ts'
import type { Repository } from './repository.ts'
import type { Call } from './request.ts'
import { repeating } from './retry.ts'
import { STORED, UploadSession } from './upload-session.ts'

/** Above the least that storages behind registries take (5 MiB); two are held, one that is sent and one that comes. */
const PART = 8 * 1024 * 1024
/** The last byte a registry has, as its `Range` says; some write `bytes=` before it. */
const RANGE = /^(?:bytes=)?0-(\d{1,15})$/

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

  /** Sends the part, and again as much of it as is not there after what may pass by itself. */
  async send(part: Part): Promise<void> {
    const { registry, signal } = this.#repository
    await repeating(registry.settings, signal, async (number) => {
      // The answer to the last attempt may have been lost, not its bytes.
      if (number > 0 && part.last && (await headBlob(this.#repository, this.#descriptor))) return
      const have = number > 0 && part.at > 0 ? await this.#have(part) : 0
      // With nothing behind it a session that ended badly is not worth the questions.
      if (number > 0 && part.at === 0) await this.cancel()
      const at = (this.#at ??= await this.#session.begin())
      const bytes = part.bytes.subarray(have)
      if (part.last) await this.#complete(at, bytes)
      else if (bytes.length > 0) await this.#append(at, part.at + have, bytes)
    })
    this.#onBytes(part.bytes.length)
  }

  async cancel(): Promise<void> {
    await this.#session.cancel(this.#at)
    this.#at = undefined
  }

  /** How much of the part the registry has. */
  async #have({ at, bytes }: Part): Promise<number> {
    const { registry } = this.#repository
    if (this.#at === undefined) throw this.#lost()
    const call = this.#session.call('GET', this.#at)
    const answer = await registry.exchange(call)
    if (answer.status === 404) {
      await answer.discard()
      throw this.#lost()
    }
    await registry.demand(answer, call, [200, 202, 204])
    await answer.discard()
    if (answer.header('location') !== undefined) this.#at = await this.#session.next(answer)
    const end = RANGE.exec(String(answer.header('range')))?.[1]
    const have = end === undefined ? -1 : Number(end) + 1 - at
    if (have < 0 || have > bytes.length) throw this.#lost()
    return have
  }

  #lost(): SallyportError {
    return new SallyportError('PUSH_REFUSED', {
      side: this.#repository.side,
      subject: this.#session.subject,
      detail: 'the registry has lost what it was sent before, which came from a pipe and can not be had again',
      remedy: 'run the import again, from a file if it happens again',
    })
  }

  async #append(session: URL, from: number, bytes: Buffer): Promise<void> {
    const to = from + bytes.length
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(bytes.length),
      'content-range': `${from}-${to - 1}`,
    }
    const call: Call = { ...this.#session.call('PATCH', session), headers, body: bytes }
    const answer = await this.#answer(call, [201, 202, 204])
    this.#at = await this.#session.next(answer)
    const end = RANGE.exec(String(answer.header('range')))?.[1]
    if (end !== undefined && Number(end) + 1 !== to) throw this.#apart(`it has ${Number(end) + 1} of ${to} bytes`)
  }

  async #complete(session: URL, bytes: Buffer): Promise<void> {
    const answer = await this.#answer({ ...this.#session.last(session, bytes.length), body: bytes }, STORED)
    this.#session.compare(answer.header('docker-content-digest'))
  }

  async #answer(call: Call, wanted: readonly number[]): ReturnType<Repository['registry']['exchange']> {
    const { registry } = this.#repository
    const answer = await registry.exchange(call)
    if (answer.status === 416) {
      await answer.discard()
      throw this.#apart('it waits for other bytes')
    }
    await registry.demand(answer, call, wanted)
    await answer.discard()
    return answer
  }

  /** What a look at what the registry has may heal: bytes of an attempt that ended badly may have come after the last one. */
  #apart(detail: string): Transient {
    return new Transient(
      new SallyportError('REGISTRY_PROTOCOL', { side: this.#repository.side, subject: this.#session.subject, detail }),
    )
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
        if (part.at > 0 || part.last || repository.signal?.aborted === true) throw error
        await upload.cancel()
        return { proving: true, open: () => whole(part, coming, next) }
      }
    }
  } catch (error) {
    await upload.cancel()
    throw error
  }
}

async function* whole(
  first: Part,
  second: Promise<IteratorResult<Part, undefined>>,
  next: () => Promise<IteratorResult<Part, undefined>>,
): AsyncGenerator<Uint8Array> {
  yield Buffer.from(first.bytes)
  for (let step = await second; step.value !== undefined; step = await next()) yield Buffer.from(step.value.bytes)
}
