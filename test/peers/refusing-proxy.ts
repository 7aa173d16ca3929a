/** Stands before a registry and asks it for an upload wherever the client asks for a mount. */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from './setup/registry.ts'

export interface RefusingProxy {
  host: string
  /** How many mounts were refused. */
  refused(): number
  stop(): Promise<void>
}

export async function refuseMounts(registry: Registry): Promise<RefusingProxy> {
  let refused = 0
  const server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? '/', registry.origin)
    if (url.searchParams.has('mount')) refused++
    url.searchParams.delete('mount')
    url.searchParams.delete('from')
    const { method, headers } = incoming
    // The Host header passes, so that the registry's Location headers lead back here.
    const passed = request(url, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    passed.on('error', () => outgoing.destroy())
    incoming.pipe(passed)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    refused: () => refused,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
