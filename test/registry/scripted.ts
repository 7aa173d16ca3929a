/** A scripted registry: answers by a table, writes down what it was asked, and never does more than it is told. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { RegistryClient, type RegistryOptions } from '../../src/registry/index.ts'

export interface Asked {
  method: string
  url: string
  headers: IncomingMessage['headers']
  /** Names and values in turn, as they were sent. */
  rawHeaders: string[]
  /** The client's port: equal for the requests of one connection. */
  port: number | undefined
  body: Buffer
}

export interface Answering {
  status?: number
  headers?: Record<string, string>
  body?: Uint8Array | string
  /** Takes the socket over after the head, for bodies that lie about themselves. */
  raw?: (response: ServerResponse) => void
}

export type Reply = Answering | ((asked: Asked, times: number) => Answering | Promise<Answering>)

/** `METHOD /path` or `METHOD /path*` to one reply, or to replies one after the other (the last one stays). */
export type Script = Record<string, Reply | Reply[]>

export interface Scripted {
  /** `127.0.0.1:PORT`. */
  host: string
  origin: string
  asked: Asked[]
  script: Script
  /** The requests as `METHOD /path`, queries cut off. */
  seen(): string[]
  close(): Promise<void>
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of request) chunks.push(chunk as Buffer)
  } catch {
    // The client went away; what came is what counts.
  }
  return Buffer.concat(chunks)
}

function find(script: Script, key: string): [string, Reply | Reply[]] | undefined {
  const exact = script[key]
  if (exact !== undefined) return [key, exact]
  return Object.entries(script)
    .filter(([pattern]) => pattern.endsWith('*') && key.startsWith(pattern.slice(0, -1)))
    .sort(([a], [b]) => b.length - a.length)[0]
}

export interface Tls {
  cert: string
  key: string
}

export async function scripted(script: Script = {}, tls?: Tls): Promise<Scripted> {
  const asked: Asked[] = []
  const counts = new Map<string, number>()
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.method ?? ''
    const url = request.url ?? ''
    const { headers: asks, rawHeaders, socket } = request
    const entry: Asked = { method, url, headers: asks, rawHeaders, port: socket.remotePort, body: Buffer.alloc(0) }
    asked.push(entry)
    const found = find(fake.script, `${method} ${url.split('?')[0] ?? ''}`)
    const times = counts.get(found?.[0] ?? '') ?? 0
    counts.set(found?.[0] ?? '', times + 1)
    const listed = found?.[1] ?? { status: 404 }
    const reply = Array.isArray(listed) ? listed[Math.min(times, listed.length - 1)] : listed
    // An early answer is given before the body is read, as registries do with a 401.
    const early = typeof reply === 'object' && reply.headers?.['x-early'] !== undefined
    if (!early) entry.body = await readAll(request)
    const {
      status = 200,
      headers = {},
      body,
      raw,
    } = typeof reply === 'function' ? await reply(entry, times) : (reply ?? {})
    if (raw !== undefined) {
      response.writeHead(status, headers)
      raw(response)
      return
    }
    // Of a large body all may be in the sockets by then, and what came is told of.
    if (early)
      readAll(request).then(
        (came) => (entry.body = came),
        () => undefined,
      )
    const bytes = typeof body === 'string' ? Buffer.from(body) : (body ?? Buffer.alloc(0))
    const length =
      method === 'HEAD' || headers['content-length'] !== undefined ? {} : { 'content-length': bytes.length }
    response.writeHead(status, { ...length, ...headers })
    response.end(method === 'HEAD' ? undefined : bytes)
  }
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    response.on('error', () => undefined)
    handle(request, response).catch(() => response.destroy())
  }
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  // A TLS greeting at a plain server: the client asks whether TLS is spoken here.
  server.on('clientError', (_error, socket) => socket.destroyed || socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const fake: Scripted = {
    host,
    origin: `http${tls === undefined ? '' : 's'}://${host}`,
    asked,
    script,
    seen: () => asked.map(({ method, url }) => `${method} ${url.split('?')[0] ?? ''}`),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return fake
}

/** Short waits, so that many repeats take little time. */
export const QUICK: RegistryOptions['timing'] = { backoffMs: 2, waitCapMs: 30, headersMs: 2_000, idleMs: 2_000 }

/** A client of one scripted registry, without a TLS probe. */
export function clientOf(side: RegistryOptions['side'], more: Partial<RegistryOptions> = {}): RegistryClient {
  return new RegistryClient({ side, plainHttp: true, timing: QUICK, seed: 7, ...more })
}

export function errors(code: string, message = '', detail?: unknown): string {
  return JSON.stringify({ errors: [{ code, message, ...(detail === undefined ? {} : { detail }) }] })
}

/** Collects what a test opens and closes it in reverse. */
export class Opened {
  readonly #closers: (() => Promise<unknown>)[] = []
  async add<T extends { close(): Promise<unknown> }>(thing: T | Promise<T>): Promise<T> {
    const opened = await thing
    this.#closers.unshift(() => opened.close())
    return opened
  }
  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close()
  }
}
