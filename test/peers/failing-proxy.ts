/** Stands before a registry, asks it for an upload wherever the client asks for a mount, and spoils uploads as it is told. */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from './setup/registry.ts'

/** `cut`: half of the body is passed on, then both connections end. `deaf`: all of it is, and the answer is lost. `busy`: 503. */
export type Spoiling = 'cut' | 'deaf' | 'busy'

export interface FailingProxy {
  host: string
  /** How many mounts were refused. */
  refused(): number
  spoilt(): Spoiling[]
  stop(): Promise<void>
}

/** @param plan - asked for each PATCH and each PUT of a blob, with how many came before it */
export async function failUploads(
  registry: Registry,
  plan: (method: string, before: number) => Spoiling | undefined = () => undefined,
): Promise<FailingProxy> {
  const spoilt: Spoiling[] = []
  let refused = 0
  let uploads = 0
  const server = createServer((incoming, outgoing) => {
    const { method = '', headers } = incoming
    const url = new URL(incoming.url ?? '/', registry.origin)
    if (url.searchParams.has('mount')) refused++
    url.searchParams.delete('mount')
    url.searchParams.delete('from')
    const isUpload = (method === 'PATCH' || method === 'PUT') && url.pathname.includes('/blobs/uploads/')
    const how = isUpload ? plan(method, uploads++) : undefined
    if (how !== undefined) spoilt.push(how)
    if (how === 'busy') {
      incoming.resume()
      incoming.on('end', () => outgoing.writeHead(503, { 'content-length': '0' }).end())
      return
    }
    // The Host header passes, so that the registry's Location headers lead back here.
    const passed = request(url, { method, headers }, (answer) => {
      if (how === 'deaf') return void outgoing.destroy()
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    passed.on('error', () => outgoing.destroy())
    if (how !== 'cut') return void incoming.pipe(passed)
    let left = Number(headers['content-length']) / 2
    incoming.on('data', (chunk: Buffer) => {
      if (left > 0) passed.write(chunk)
      left -= chunk.length
      if (left > 0) return
      passed.destroy()
      outgoing.destroy()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused: () => refused,
    spoilt: () => spoilt,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
