/** The fast way for a large blob that lies in a file: a bare PUT at the registry's own origin. */
import { readSpan, type FileSpan } from '../content/index.ts'
import { SallyportError } from '../errors/index.ts'
import { hasherFor, isSealed, Sealer, type Descriptor, type Seal } from '../oci/index.ts'
import type { Turn } from './line.ts'
import { rawPut, type PutEnd } from './raw-put.ts'
import type { Repository } from './repository.ts'
import type { Call } from './request.ts'

/** A blob of no more than this is not worth a thread or a socket of its own. */
export const LARGE = 1024 * 1024

/** `unasked`: nothing was sent. `stale`: the connection had been closed while it waited, which says nothing of a new one. */
export type BareEnd = PutEnd | { kind: 'unasked' } | { kind: 'stale' }

interface Proof {
  update(bytes: Buffer): void
  /** What speaks against the bytes, when something does. */
  fault(): string | undefined
}

function byDigest({ digest }: Descriptor): Proof {
  const hasher = hasherFor(digest)
  return {
    update: (bytes) => void hasher.update(bytes),
    fault() {
      const got = hasher.digest('hex')
      return digest.endsWith(`:${got}`) ? undefined : `they have ${got}`
    },
  }
}

function bySeal(seal: Seal): Proof {
  const sealer = new Sealer(seal)
  return {
    update: (bytes) => sealer.update(bytes),
    fault: () => (isSealed(sealer, seal) ? undefined : 'the file changes while it is read'),
  }
}

/** Gives the blob's bytes in order, and the last of them only once the whole is proven. */
function provenBytes(span: FileSpan, descriptor: Descriptor): (buffer: Buffer) => void {
  const { digest, size } = descriptor
  const proof = span.seal === undefined ? byDigest(descriptor) : bySeal(span.seal)
  let at = 0
  return (buffer) => {
    readSpan(span, at, buffer)
    proof.update(buffer)
    at += buffer.length
    if (at < size) return
    const detail = proof.fault()
    if (detail !== undefined) throw new SallyportError('DIGEST_MISMATCH', { side: 'bundle', subject: digest, detail })
  }
}

/**
 * Sends the blob as the body of `call`, whose URL, headers and waits are taken; how that ended. Throws what is wrong
 * with the blob, side `bundle`, and nothing else; its last byte is not sent then.
 */
export async function putBare(
  { registry }: Repository,
  descriptor: Descriptor,
  span: FileSpan,
  call: Call,
  turn: Pick<Turn, 'sent'>,
): Promise<BareEnd> {
  if (descriptor.size <= LARGE || registry.indirect) return { kind: 'unasked' }
  const permit = await registry.permit(call, call.signal).catch(() => undefined)
  if (permit === undefined) return { kind: 'unasked' }
  const { origin, sockets, authorization } = permit
  const url = new URL(call.to, origin.url)
  // The registry's credentials and client certificate are for its own origin alone.
  if (url.origin !== origin.url) return { kind: 'unasked' }
  const { timing, userAgent } = registry.settings
  const raw = sockets.take()
  const end = await rawPut(raw, {
    target: `${url.pathname}${url.search}`,
    headers: {
      Host: url.host,
      Connection: 'keep-alive',
      'User-Agent': userAgent,
      'Accept-Encoding': 'identity',
      ...call.headers,
      ...(authorization === undefined ? {} : { Authorization: authorization }),
    },
    size: descriptor.size,
    timing: { connectMs: timing.connectMs, headersMs: call.headersMs ?? timing.headersMs },
    fill: provenBytes(span, descriptor),
    sent: (bytes) => turn.sent(bytes),
    signal: call.signal,
  })
  if (end.kind === 'lost') return end.silent && !raw.fresh ? { kind: 'stale' } : end
  if (end.kind === 'answered' && end.stays) sockets.park(raw)
  // A registry that redirects uploads does so with each.
  registry.indirect ||= end.head !== undefined && end.head.status >= 300 && end.head.status < 400
  return end
}
