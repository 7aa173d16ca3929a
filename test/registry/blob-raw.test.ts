/** Large blobs, which a bare GET fetches first: whatever a registry does, the outcome is as without it. */
import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isFault, type Code } from '../../src/errors/index.ts'
import type { RegistryClient, RegistryOptions } from '../../src/registry/index.ts'
import { randomBlob } from '../contract/content.ts'
import { clientOf, Opened, QUICK, scripted, type Answering, type Asked, type Reply, type Scripted } from './scripted.ts'
import type { Tls } from './scripted.ts'
import { selfSigned } from './self-signed.ts'

const { descriptor, bytes } = randomBlob(3_000_000)
const { size } = descriptor
const BLOB = `/v2/a/b/blobs/${descriptor.digest}`
const BASIC = `Basic ${Buffer.from('jane:canary-must-not-see-this').toString('base64')}`
const HALF = 1_600_000

const fromOf = ({ headers }: Asked): number => Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0)

const good = (asked: Asked): Answering => {
  const from = fromOf(asked)
  if (from === 0) return { body: bytes }
  return { status: 206, headers: { 'content-range': `bytes ${from}-${size - 1}/${size}` }, body: bytes.subarray(from) }
}
/** Bytes in place of the answer that the server would write. */
const wire = (...parts: (string | Buffer)[]): Answering => ({
  raw: ({ socket }: ServerResponse) => {
    for (const part of parts) socket?.write(part)
  },
})
/** A head that promises all of the body, and the first half of it. */
const cut: Answering = {
  headers: { 'content-length': String(size) },
  raw: (response) => response.write(bytes.subarray(0, HALF), () => setTimeout(() => response.destroy(), 50)) as never,
}
const reset: Answering = { raw: (response) => void response.destroy() }
const wrong = Buffer.from(bytes)
wrong[HALF] = (wrong[HALF] ?? 0) ^ 1
const chunked: Answering = {
  headers: { 'transfer-encoding': 'chunked' },
  raw: (response) => void response.end(bytes),
}
const endless = (head: string, part: string): Answering => ({
  raw: ({ socket }) => {
    const text = part.repeat(Math.ceil(20_000 / part.length))
    const more = (): void => void (socket?.destroyed === false && socket.write(text, () => setImmediate(more)))
    socket?.write(head)
    more()
  },
})
const OK = `HTTP/1.1 200 OK\r\n`
const LENGTH = `Content-Length: ${size}\r\n`
const part = (range: string): Answering => ({
  status: 206,
  headers: { 'content-range': range },
  body: bytes.subarray(HALF),
})

/** What the registry does, and the code of the refusal, or undefined where the blob is had all the same. */
const CASES: [name: string, replies: Reply | Reply[], code?: Code][] = [
  ['429 without an end', { status: 429, headers: { 'retry-after': '0' } }, 'REGISTRY_LIMITED'],
  ['429 once', [{ status: 429, headers: { 'retry-after': '0' } }, good]],
  ['500 without an end', { status: 500 }, 'REGISTRY_FAULT'],
  ['500 once', [{ status: 500 }, good]],
  ['401 without a challenge', { status: 401 }, 'REGISTRY_DENIED'],
  ['404', { status: 404 }, 'BLOB_MISSING'],
  ['a reset without an end', reset, 'REGISTRY_UNREACHABLE'],
  ['a reset once', [reset, good]],
  ['a body that breaks off without an end', cut, 'REGISTRY_UNREACHABLE'],
  ['a body that breaks off once', [cut, good]],
  ['500 after half a body', [cut, { status: 500 }, good]],
  ['a range that is ignored', [cut, { body: bytes }]],
  ['a range that is ignored twice', [cut, cut, cut, { body: bytes }]],
  ['a wrong Content-Range', [cut, part(`bytes 5-${size - 1}/${size}`)], 'REGISTRY_PROTOCOL'],
  ['no Content-Range', [cut, { status: 206, body: bytes.subarray(HALF) }], 'REGISTRY_PROTOCOL'],
  ['a part for the whole', part(`bytes ${HALF}-${size - 1}/${size}`), 'REGISTRY_PROTOCOL'],
  ['other bytes of the right size', { body: wrong }, 'DIGEST_MISMATCH'],
  ['a shorter blob', { body: bytes.subarray(1) }, 'SIZE_MISMATCH'],
  ['a longer blob', { body: Buffer.concat([bytes, bytes]) }, 'SIZE_MISMATCH'],
  ['bytes after the body', wire(`${OK}${LENGTH}\r\n`, Buffer.concat([bytes, bytes]))],
  ['an HTML page', { headers: { 'content-type': 'text/html' }, body: '<html>' }, 'SIZE_MISMATCH'],
  ['a chunked body', chunked],
  [
    'an endless chunked body',
    endless(`${OK}Transfer-Encoding: chunked\r\n\r\n`, `1000\r\n${'a'.repeat(4096)}\r\n`),
    'SIZE_MISMATCH',
  ],
  ['a chunked body with a length', wire(`${OK}${LENGTH}Transfer-Encoding: chunked\r\n\r\n`), 'REGISTRY_PROTOCOL'],
  ['two Content-Lengths', wire(`${OK}${LENGTH}${LENGTH}\r\n`, bytes), 'REGISTRY_PROTOCOL'],
  ['no HTTP at all', wire('SSH-2.0-OpenSSH_9.2\r\n\r\n'), 'REGISTRY_PROTOCOL'],
  ['an endless header', endless(OK, 'x: y\r\n'), 'REGISTRY_PROTOCOL'],
  ['an endless header line', endless(`${OK}x: `, 'y'), 'REGISTRY_PROTOCOL'],
  ['a head that stops once', [wire(`${OK}Content-Le`), good]],
  ['a body that stops once', [wire(`${OK}${LENGTH}\r\n`, bytes.subarray(0, HALF)), good]],
  ['a redirect in a circle', { status: 307, headers: { location: BLOB } }, 'REDIRECT_REFUSED'],
]

for (const secure of [false, true]) {
  describe(`registry/blob-raw over ${secure ? 'TLS' : 'plain HTTP'}`, () => {
    const opened = new Opened()
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-raw-'))
    let tls: Tls | undefined
    let fake: Scripted

    before(() => {
      if (secure) tls = selfSigned()
    })
    after(() => rmSync(dir, { recursive: true }))
    afterEach(() => opened.close())

    const start = async (replies: Reply | Reply[], more: Partial<RegistryOptions> = {}): Promise<RegistryClient> => {
      fake = await opened.add(scripted({ [`GET ${BLOB}`]: replies }, tls))
      const timing = { ...QUICK, idleMs: 400, headersMs: 600 }
      const jane = { key: fake.host, username: 'jane', password: 'canary-must-not-see-this' }
      const credentials = { entries: [jane], helpers: {} }
      const plain = secure ? { plainHttp: [], caPem: tls?.cert } : {}
      return opened.add(clientOf('source', { credentials, retries: 2, concurrency: 2, timing, ...plain, ...more }))
    }
    /** Between two neighbours, which must keep their bytes. */
    const into = async (client: RegistryClient, flags = 'r+', have = 0): Promise<Buffer> => {
      const path = join(dir, 'slot')
      const edge = Buffer.alloc(100, 0x55)
      writeFileSync(path, Buffer.concat([edge, bytes.subarray(0, have), Buffer.alloc(size - have), edge]))
      const fd = openSync(path, flags)
      try {
        await client.source(fake.host, 'a/b').blobInto(descriptor, { fd, offset: 100, have }, () => undefined)
      } finally {
        closeSync(fd)
        const file = readFileSync(path)
        assert.equal(file.length, size + 200)
        assert.ok(file.subarray(0, 100).equals(edge) && file.subarray(-100).equals(edge), 'the neighbours are kept')
      }
      return readFileSync(path).subarray(100, -100)
    }
    const isRaw = ({ rawHeaders }: Asked): boolean => rawHeaders[0] === 'Host'
    const shape = (): [boolean, number][] => fake.asked.map((asked) => [isRaw(asked), fromOf(asked)])

    it('asks once, barely, and keeps the connection', async () => {
      const client = await start(good, { concurrency: 1 })
      for (let i = 0; i < 3; i++) assert.ok((await into(client)).equals(bytes))
      assert.deepEqual(
        shape(),
        [0, 0, 0].map((from) => [true, from]),
      )
      assert.equal(new Set(fake.asked.map(({ port }) => port)).size, 1)
      assert.deepEqual(
        fake.asked[0]?.rawHeaders.filter((_, i) => i % 2 === 0),
        ['Host', 'Connection', 'User-Agent', 'Accept-Encoding'],
      )
    })

    it('asks barely for the rest of what is there', async () => {
      assert.ok((await into(await start(good), 'r+', 1000)).equals(bytes))
      assert.deepEqual(shape(), [[true, 1000]])
    })

    it('asks barely again when a kept connection is closed at its second request', async () => {
      const client = await start([good, reset, good], { concurrency: 1 })
      for (let i = 0; i < 2; i++) assert.ok((await into(client)).equals(bytes))
      assert.deepEqual(
        shape(),
        [0, 0, 0].map((from) => [true, from]),
      )
      const [first, second, third] = fake.asked.map(({ port }) => port)
      assert.ok(first === second && second !== third)
    })

    for (const [name, replies, code] of CASES) {
      it(`${code === undefined ? 'gets the blob in spite of' : 'refuses'} ${name}`, async () => {
        const client = await start(replies)
        if (code === undefined) assert.ok((await into(client)).equals(bytes))
        else await assert.rejects(into(client), (error) => isFault(error, code) && error.side === 'source')
        assert.equal(fake.asked.findIndex(isRaw), 0)
        assert.equal(fake.asked.filter(isRaw).length, 1)
      })
    }

    it('asks barely no more where blobs are redirected', async () => {
      const client = await start({ status: 307, headers: { location: '/elsewhere' } }, { concurrency: 1 })
      fake.script['GET /elsewhere'] = { body: bytes }
      for (let i = 0; i < 2; i++) assert.ok((await into(client)).equals(bytes))
      assert.deepEqual(fake.asked.map(isRaw), [true, false, false, false, false])
    })

    it('shows no canary a password', async () => {
      const client = await start(({ headers }) => {
        if (headers.authorization !== BASIC) return { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }
        return { status: 307, headers: { location: `${canary.origin}/blob` } }
      })
      const canary = await opened.add(scripted({ 'GET /blob': good }, tls))
      assert.ok((await into(client)).equals(bytes))
      assert.deepEqual(
        fake.asked.map((asked) => [isRaw(asked), asked.headers.authorization]),
        [
          [true, undefined],
          [true, BASIC],
          [false, BASIC],
        ],
      )
      assert.ok(canary.asked.length > 0)
      for (const asked of canary.asked) assert.equal(asked.headers.authorization, undefined)
    })

    it('takes a token and goes on barely; a token that dies in mid-blob is renewed', async () => {
      let token = 0
      const client = await start((asked, times) => {
        if (times === 1) return cut
        if (asked.headers.authorization === `Bearer token-${times < 2 ? 1 : 2}`) return good(asked)
        return { status: 401, headers: { 'www-authenticate': `Bearer realm="${fake.origin}/token",service="x"` } }
      })
      fake.script['GET /token'] = () => ({ body: JSON.stringify({ token: `token-${++token}` }) })
      assert.ok((await into(client)).equals(bytes))
      assert.equal(token, 2)
      const blobs = fake.asked.filter(({ url }) => url === BLOB)
      assert.deepEqual(
        blobs.map((asked) => [isRaw(asked), fromOf(asked), asked.headers.authorization]),
        [
          [true, 0, undefined],
          [true, 0, 'Bearer token-1'],
          [false, HALF, 'Bearer token-1'],
          [false, HALF, 'Bearer token-2'],
        ],
      )
    })

    it('names a file that can not be written, and asks no more', async () => {
      const client = await start(good)
      await assert.rejects(into(client, 'r'), (error) => isFault(error, 'OUTPUT_FAILED'))
      assert.equal(fake.asked.length, 1)
    })

    if (secure)
      it('sends nothing to a registry whose certificate is not proven', async () => {
        for (const caPem of [undefined, selfSigned().cert, selfSigned('DNS:elsewhere.example').cert]) {
          const client = await start(good, { caPem })
          await assert.rejects(into(client), (error) => isFault(error, 'REGISTRY_TLS'))
          assert.deepEqual(fake.asked, [])
        }
      })
  })
}
