import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { networkCode } from '../../src/registry/errors.ts'
import type { Sending } from '../../src/registry/bare-network.ts'
import { Network } from '../../src/registry/network.ts'
import { settle, type Timing } from '../../src/registry/options.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** One request as it came: over which connection, counted from 0, and what it said, up to the end of its head. */
interface Heard {
  connection: number
  text: string
}

type Answering = (socket: Socket, heard: Heard, count: number) => unknown

describe('registry/bare-network', () => {
  let server: Server
  let heard: Heard[]
  let network: Network

  async function serve(answer: Answering, timing: Partial<Timing> = {}): Promise<URL> {
    heard = []
    let connections = 0
    server = createServer((socket) => {
      const connection = connections++
      let text = ''
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        text += chunk.toString('latin1')
        const length = Number(/^content-length: (\d+)$/im.exec(text)?.[1] ?? 0)
        const end = text.indexOf('\r\n\r\n')
        if (end < 0 || text.length < end + 4 + length) return
        const request = { connection, text }
        text = ''
        heard.push(request)
        void answer(socket, request, heard.length - 1)
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const options = { side: 'source', plainHttp: true, timing } as const
    network = new Network(options, settle(options))
    return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v2/x?a=b`)
  }

  afterEach(async () => {
    await network.close()
    server.close()
  })

  async function ask(url: URL, method: Sending['method'] = 'GET', further: Partial<Sending> = {}) {
    const sending = { method, headers: {}, signal: new AbortController().signal, headersMs: 5_000, ...further }
    const { statusCode, headers, body } = await network.send(url, sending, 'own')
    const chunks: Buffer[] = []
    for await (const chunk of body) chunks.push(chunk)
    return { statusCode, headers, text: Buffer.concat(chunks).toString('latin1') }
  }
  const failing = (code: string) => (error: unknown) => networkCode(error) === code

  it('asks as HTTP/1.1 wants it, and again over the same connection', async () => {
    const url = await serve((socket) => socket.write(OK))
    const body = Buffer.from('body')
    assert.equal((await ask(url, 'PUT', { body, headers: { 'x-y': 'z', 'content-length': '9' } })).text, 'ok')
    assert.equal((await ask(url, 'POST')).text, 'ok')
    assert.equal((await ask(url)).text, 'ok')
    const host = `host: ${url.host}\r\nconnection: keep-alive`
    assert.deepEqual(heard, [
      {
        connection: 0,
        text: `PUT /v2/x?a=b HTTP/1.1\r\n${host}\r\nx-y: z\r\ncontent-length: 4\r\n\r\nbody`,
      },
      { connection: 0, text: `POST /v2/x?a=b HTTP/1.1\r\n${host}\r\ncontent-length: 0\r\n\r\n` },
      { connection: 0, text: `GET /v2/x?a=b HTTP/1.1\r\n${host}\r\n\r\n` },
    ])
  })

  it('reads an answer that comes byte by byte', async () => {
    const answer = 'HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\nA: b\r\na: c\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
    const url = await serve(async (socket) => {
      for (const byte of answer) {
        socket.write(byte)
        await sleep(1)
      }
    })
    const { statusCode, headers, text } = await ask(url)
    assert.deepEqual([statusCode, headers['a'], text], [404, ['b', 'c'], 'abc'])
  })

  it('gives what had come of a body that was cut short, and then the fault', async () => {
    const url = await serve((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'))
    const sending = { method: 'GET', headers: {}, signal: new AbortController().signal, headersMs: 5_000 } as const
    const { body } = await network.send(url, sending, 'own')
    let text = ''
    await assert.rejects(async () => {
      for await (const chunk of body) text += chunk.toString()
    }, failing('UND_ERR_SOCKET'))
    assert.equal(text, 'half')
  })

  it('repeats a GET at once when the connection had been closed while it waited, and no PUT', async () => {
    const url = await serve((socket, { connection }, count) => {
      if (connection === 0 && count > 0) socket.destroy()
      else socket.write(OK)
    })
    await ask(url)
    assert.equal((await ask(url)).text, 'ok')
    assert.deepEqual(
      heard.map(({ connection }) => connection),
      [0, 0, 1],
    )
    await network.close()
    const other = await serve((socket, _, count) => (count > 0 ? socket.destroy() : socket.write(OK)))
    await ask(other)
    await assert.rejects(ask(other, 'PUT', { body: Buffer.from('x') }), failing('UND_ERR_SOCKET'))
    assert.equal(heard.length, 2)
  })

  it('asks again by undici what has no plain head, and from then on', async () => {
    const url = await serve((socket) => socket.write('HTTP/1.1 200 \u0001OK\r\nContent-Length: 2\r\n\r\nok'))
    assert.equal((await ask(url)).text, 'ok')
    assert.equal((await ask(url)).text, 'ok')
    assert.equal(heard.length, 3)
  })

  it('asks once for what it can read in spite of its form', async () => {
    const end = 'Connection: close\r\n\r\n'
    for (const answer of [
      'HTTP/1.0 201 Created\r\nContent-Length: 2\r\n\r\nok',
      'HTTP/1.0 201 Created\r\n\r\nok',
      `HTTP/1.1 201 Created\r\n${end}ok`,
      `HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n${end}ok`,
      'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\nTrailer: x\r\n\r\n',
    ])
      for (const method of ['GET', 'PUT', 'DELETE'] as const) {
        const url = await serve((socket) => socket.end(answer))
        const { statusCode, text } = await ask(url, method)
        assert.deepEqual([statusCode, text, heard.length], [201, 'ok', 1], `${method} ${answer}`)
        await network.close()
        server.close()
      }
  })

  it('repeats nothing but questions when an answer can not be read', async () => {
    for (const answer of [
      'SSH-2.0-OpenSSH_9.2\r\n',
      'HTTP/1.1 101 Switching\r\n\r\n',
      'HTTP/1.1 100 Wait\r\n\r\n'.repeat(9),
    ])
      for (const method of ['PUT', 'DELETE', 'POST'] as const) {
        const url = await serve((socket) => socket.write(answer))
        await assert.rejects(ask(url, method), failing('HPE_UNREADABLE'))
        assert.equal(heard.length, 1)
        await network.close()
        server.close()
      }
  })

  it('takes a new connection for each PUT where kept ones were dropped', async () => {
    const url = await serve((socket, _, count) => (count === 1 ? socket.destroy() : socket.write(OK)))
    const put = () => ask(url, 'PUT', { body: Buffer.from('x') })
    await put()
    await assert.rejects(put())
    for (let times = 0; times < 5; times++) await put()
    const connections = heard.map(({ connection }) => connection).slice(-5)
    assert.equal(new Set(connections).size, 5)
  })

  it('sends nothing behind its close over sockets that were handed out, or are asked for then', async () => {
    const url = await serve((socket) => socket.write(OK))
    const sockets = network.sockets(url.origin)
    await network.close()
    for (const { socket, error } of [sockets.take(), network.sockets('http://127.0.0.1:9').take()]) {
      assert.equal(socket.destroyed, true)
      assert.equal(networkCode(error), 'UND_ERR_CLOSED')
    }
  })

  it('ends the connection on which more came than the answer', async () => {
    const url = await serve((socket) => socket.write(`${OK}${OK}`))
    await ask(url)
    await ask(url)
    assert.deepEqual(
      heard.map(({ connection }) => connection),
      [0, 1],
    )
  })

  it('ends the connection whose request was answered before it had left', async () => {
    await serve((socket) => socket.write(OK))
    let connections = 0
    const early = createServer((socket) => {
      connections++
      socket.on('error', () => undefined)
      socket.pause().write('HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n')
    }).listen(0, '127.0.0.1')
    await once(early, 'listening')
    try {
      const at = new URL(`http://127.0.0.1:${(early.address() as AddressInfo).port}/`)
      assert.equal((await ask(at, 'PUT', { body: Buffer.alloc(64 * 1024 * 1024) })).statusCode, 413)
      assert.equal((await ask(at, 'PUT', { body: Buffer.alloc(1) })).statusCode, 413)
      assert.equal(connections, 2)
    } finally {
      await network.close()
      early.close()
    }
  })

  it('fails when no head comes in time, and when a body stops', async () => {
    const silent = await serve(() => undefined)
    await assert.rejects(ask(silent, 'GET', { headersMs: 60 }), failing('UND_ERR_HEADERS_TIMEOUT'))
    await network.close()
    server.close()
    const half = await serve((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'), {
      idleMs: 60,
    })
    await assert.rejects(ask(half), failing('UND_ERR_BODY_TIMEOUT'))
  })

  it('names why nobody could be reached', async () => {
    const url = await serve(() => undefined)
    server.close()
    await once(server, 'close')
    await assert.rejects(ask(url), failing('ECONNREFUSED'))
  })

  it('fails with the reason of its signal', async () => {
    const controller = new AbortController()
    const url = await serve(() => controller.abort(new RangeError('enough')))
    await assert.rejects(ask(url, 'GET', { signal: controller.signal }), RangeError)
    await assert.rejects(ask(url, 'GET', { signal: AbortSignal.abort(new RangeError('enough')) }), RangeError)
  })

  it('ends what is under way when it is closed', async () => {
    const url = await serve(() => void network.close())
    await assert.rejects(ask(url), failing('UND_ERR_CLOSED'))
  })

  it('sends no value that would end its line', async () => {
    const url = await serve((socket) => socket.write(OK))
    await assert.rejects(ask(url, 'GET', { headers: { 'x-y': 'a\r\nb: c' } }))
    assert.equal(heard.length, 0)
  })
})
