import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { Network } from '../../src/registry/network.ts'
import { settle } from '../../src/registry/options.ts'

describe('registry/network', () => {
  it('sends nothing behind its close, also what was asked for before', async () => {
    const asked: string[] = []
    const server = createServer(({ method = '' }, response) => {
      asked.push(method)
      response.end()
    })
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    try {
      const { port } = server.address() as AddressInfo
      const options = { side: 'target', plainHttp: true } as const
      const network = new Network(options, settle(options))
      const sending = { method: 'PUT', headers: {}, signal: new AbortController().signal, headersMs: 5000 } as const
      const sent = network.send(new URL(`http://127.0.0.1:${port}/v2/`), sending, 'own')
      await Promise.all([network.close(), assert.rejects(sent, { code: 'UND_ERR_CLOSED' })])
      assert.deepEqual(asked, [])
    } finally {
      server.close()
    }
  })
})
