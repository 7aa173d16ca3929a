/** The fast way to a blob: a bare GET at the registry's own origin. Whatever is unusual goes the other way. */
import type { Descriptor } from '../oci/index.ts'
import { blobSubject } from './blob.ts'
import { rawGet, type RawEnd } from './raw-get.ts'
import { callTo, type Repository } from './repository.ts'
import { pause, waitFor } from './retry.ts'

const RUN = 256 * 1024

/** Small runs (TLS brings 16 KiB at once) joined, large ones passed on as they are. */
class Runs {
  readonly #take: (bytes: Buffer) => void
  readonly #buffer: Buffer
  #filled = 0
  passed = 0

  /** @param size - of all that is to come */
  constructor(take: (bytes: Buffer) => void, size: number) {
    this.#take = take
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(RUN, size))
  }

  add(bytes: Buffer): void {
    const room = this.#buffer.length
    if (this.#filled + bytes.length > room) this.flush()
    if (bytes.length >= room / 2 && this.#filled === 0) return this.#pass(bytes)
    this.#filled += bytes.copy(this.#buffer, this.#filled)
  }

  flush(): void {
    const filled = this.#filled
    this.#filled = 0
    if (filled > 0) this.#pass(this.#buffer.subarray(0, filled))
  }

  #pass(bytes: Buffer): void {
    this.#take(bytes)
    this.passed += bytes.length
  }
}

/** What the way of this registry is from now on: heads that will not change are not asked for twice. */
function isLasting(end: RawEnd): boolean {
  return end.kind === 'refused' && (end.head === undefined || end.head.status < 400)
}

/**
 * Gives `take` the blob's bytes from `from` on, not proven, and says to which offset it came; `from` itself, or less
 * than the size, when the registry, the connection or the answer was not as plain as this reader needs it. It never
 * names a fault of theirs: the caller goes on with `readBlob`, which does. `take` must be done with the bytes when it
 * returns. Throws what `take` throws, and the signal's reason.
 */
export async function readRaw(
  repository: Repository,
  descriptor: Descriptor,
  from: number,
  take: (bytes: Buffer) => void,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { registry } = repository
  const { size } = descriptor
  if (from >= size || registry.indirect) return from
  const call = callTo(repository, 'GET', `blobs/${descriptor.digest}`, 'blob', blobSubject(repository, descriptor))
  const runs = new Runs(take, size - from)
  let permit = await registry.permit(call, signal).catch(() => undefined)
  for (let renewals = 0; permit !== undefined;) {
    signal?.throwIfAborted()
    const { origin, sockets, authorization } = permit
    const url = new URL(call.to, origin.url)
    const raw = sockets.take()
    const end = await rawGet(raw, {
      target: `${url.pathname}${url.search}`,
      headers: {
        Host: url.host,
        Connection: 'keep-alive',
        'User-Agent': registry.settings.userAgent,
        'Accept-Encoding': 'identity',
        ...(from === 0 ? {} : { Range: `bytes=${from}-` }),
        ...(authorization === undefined ? {} : { Authorization: authorization }),
      },
      from,
      size,
      timing: registry.settings.timing,
      signal,
      take: (bytes) => runs.add(bytes),
    })
    if (end.kind === 'whole' && end.stays) sockets.park(raw)
    runs.flush()
    registry.indirect ||= isLasting(end)
    // The registry had closed the socket while it waited: that says nothing about a new one.
    const stale = end.kind === 'lost' && end.silent && !raw.fresh
    if (stale) continue
    const challenge = end.kind === 'refused' && end.head?.status === 401 ? end.head.headers : undefined
    if (challenge === undefined || renewals++ > 0) {
      const passing = end.kind === 'refused' && end.head !== undefined ? registry.passing(end.head, call) : undefined
      if (passing !== undefined) await pause(waitFor(registry.settings, 0, passing.waitMs), signal)
      break
    }
    const refused = { used: authorization, challenge: [...(challenge.get('www-authenticate') ?? [])] }
    permit = await registry.permit(call, signal, refused).catch(() => undefined)
  }
  signal?.throwIfAborted()
  return from + runs.passed
}
