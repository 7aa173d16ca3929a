import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { isFault } from '../../src/errors/index.ts'
import { clientOf, Opened } from './scripted.ts'

const BODY = '{"name":"a/b","tags":["1.0"]}'
const N = BODY.length

/** Heads that two readers end in two places: what follows the body of one would be an answer for the other. */
const UNCLEAR: readonly (readonly [what: string, lines: readonly string[]])[] = [
  ['two equal lengths', [`Content-Length: ${N}`, `Content-Length: ${N}`]],
  ['two lengths', [`Content-Length: ${N}`, `Content-Length: ${N - 1}`]],
  ['two lengths in other letters', [`Content-Length: ${N}`, `content-length: ${N + 5}`]],
  ['a list of two lengths', [`Content-Length: ${N}, ${N}`]],
  ['a length and chunks', [`Content-Length: ${N}`, 'Transfer-Encoding: chunked']],
  ['chunks and a length', ['Transfer-Encoding: chunked', `Content-Length: ${N}`]],
  ['a negative length', [`Content-Length: -${N}`]],
  ['a length with a sign', [`Content-Length: +${N}`]],
  ['a length in hex', [`Content-Length: 0x${N.toString(16)}`]],
  ['a length with letters behind it', [`Content-Length: ${N}x`]],
  ['a length beyond whole numbers', [`Content-Length: ${'9'.repeat(20)}`]],
]

describe('registry/answer', () => {
  const opened = new Opened()
  afterEach(() => opened.close())

  /** A registry that says these bytes to every request, and how often it was asked. */
  async function saying(head: readonly string[], body = BODY): Promise<{ host: string; asked: () => number }> {
    let asked = 0
    const server: Server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.on('data', () => {
        asked++
        socket.end(['HTTP/1.1 200 OK', 'Content-Type: application/json', ...head, '', body].join('\r\n'))
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    await opened.add({ close: () => new Promise((resolve) => server.close(resolve)) })
    return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked }
  }

  const tags = async (host: string): Promise<string[]> =>
    (await opened.add(clientOf('source', { retries: 2 }))).source(host, 'a/b').tags()

  it('takes a body of one length, in chunks, or up to the end of the connection', async () => {
    const chunks = `${N.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`
    for (const [head, body] of [
      [[`Content-Length: ${N}`], BODY],
      [['Transfer-Encoding: chunked'], chunks],
      [['Connection: close'], BODY],
    ] as const)
      assert.deepEqual(await tags((await saying(head, body)).host), ['1.0'])
  })

  for (const [what, lines] of UNCLEAR)
    it(`refuses ${what}`, async () => {
      const { host } = await saying(lines)
      await assert.rejects(tags(host), (error) => isFault(error, 'REGISTRY_PROTOCOL') && error.side === 'source')
    })

  it('heals a head that was cut off once', async () => {
    let asked = 0
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      const whole = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${N}\r\n\r\n${BODY}`
      socket.on('data', () => socket.end(asked++ === 0 ? whole.slice(0, whole.indexOf(BODY) - 2) : whole))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    await opened.add({ close: () => new Promise((resolve) => server.close(resolve)) })
    assert.deepEqual(await tags(`127.0.0.1:${(server.address() as AddressInfo).port}`), ['1.0'])
    assert.equal(asked, 2)
  })

  it('repeats the request where a body is shorter than its one length', async () => {
    const { host, asked } = await saying([`Content-Length: ${N + 1}`])
    await assert.rejects(tags(host), (error) => isFault(error, 'REGISTRY_UNREACHABLE'))
    assert.equal(asked(), 3)
  })
})
