/** Large blobs out of a file, which a bare PUT sends first: whatever a registry does, the outcome is as without it. */
import assert from 'node:assert/strict'
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileBody, type BlobBody } from '../../src/content/index.ts'
import { isFault, SallyportError, type Code } from '../../src/errors/index.ts'
import { Sealer } from '../../src/oci/index.ts'
import type { RegistryOptions, RegistryPlace } from '../../src/registry/index.ts'
import { randomBlob } from '../contract/content.ts'
import { clientOf, errors, Opened, QUICK, scripted, type Answering, type Asked } from './scripted.ts'
import type { Reply, Scripted, Tls } from './scripted.ts'
import { selfSigned } from './self-signed.ts'

const { descriptor, bytes } = randomBlob(3_000_000)
const { size, digest } = descriptor
const HEAD = `HEAD /v2/a/b/blobs/${digest}`
const BEGIN = 'POST /v2/a/b/blobs/uploads/'
const PUT = 'PUT /v2/a/b/up'
const PASSWORD = 'canary-must-not-see-this'
const BASIC = `Basic ${Buffer.from(`jane:${PASSWORD}`).toString('base64')}`
const CHALLENGE = { 'www-authenticate': 'Basic realm="r"' }
/** The answer comes before the body is read. */
const EARLY = { 'x-early': '1' }

const session: Answering = { status: 202, headers: { location: '/v2/a/b/up?state=a%2Bb~c' } }
const stored: Answering = { status: 201 }
const reset: Answering = { raw: (response) => void response.destroy() }
const midBody: Answering = { headers: EARLY, raw: ({ req }) => void setTimeout(30).then(() => req.socket.destroy()) }
const wire = (text: string): Answering => ({ raw: ({ socket }) => void socket?.write(text) })
const guarded = ({ headers }: Asked): Answering =>
  headers.authorization === BASIC ? stored : { status: 401, headers: CHALLENGE }

/** What the registry answers to a PUT, and the code of the refusal, or undefined where the blob is stored all the same. */
const CASES: [name: string, replies: Reply | Reply[], code?: Code][] = [
  ['an early 401, and then asks who we are', [{ status: 401, headers: { ...EARLY, ...CHALLENGE } }, guarded]],
  ['a late 401, and then asks who we are', guarded],
  ['401 without a challenge', { status: 401, headers: EARLY }, 'REGISTRY_DENIED'],
  ['an early 403', { status: 403, headers: EARLY }, 'REGISTRY_DENIED'],
  ['an early 413', { status: 413, headers: EARLY }, 'PUSH_REFUSED'],
  ['a late 400', { status: 400, body: errors('DIGEST_INVALID') }, 'PUSH_REFUSED'],
  ['507', { status: 507 }, 'QUOTA_EXCEEDED'],
  ['500 once', [{ status: 500 }, stored]],
  ['500 without an end', { status: 500 }, 'REGISTRY_FAULT'],
  ['an early 503 once', [{ status: 503, headers: EARLY }, stored]],
  ['429 once', [{ status: 429, headers: { 'retry-after': '0' } }, stored]],
  ['429 without an end', { status: 429, headers: { 'retry-after': '0' } }, 'REGISTRY_LIMITED'],
  ['a reset at the end once', [reset, stored]],
  ['a reset amid the body once', [midBody, stored]],
  ['a reset without an end', reset, 'REGISTRY_UNREACHABLE'],
  ['an early 201', [{ status: 201, headers: EARLY }, stored]],
  ['a redirect', [{ status: 307, headers: { location: '/v2/a/b/up?there' } }, stored]],
  ['a redirect in a circle', { status: 307, headers: { location: '/v2/a/b/up' } }, 'REDIRECT_REFUSED'],
  ['an answer of 204', { status: 204 }],
  ['an answer with a body', { status: 201, body: 'thank you' }],
  ['a chunked answer', { status: 201, headers: { 'transfer-encoding': 'chunked' }, raw: (r) => void r.end('thanks') }],
  ['no HTTP at all', wire('SSH-2.0-OpenSSH_9.2\r\n\r\n'), 'REGISTRY_PROTOCOL'],
  ['no answer once', [{ headers: EARLY, raw: () => undefined }, stored]],
  [
    'another digest',
    { status: 201, headers: { 'docker-content-digest': randomBlob(9).descriptor.digest } },
    'READ_BACK_MISMATCH',
  ],
]

for (const secure of [false, true]) {
  describe(`registry/upload-raw over ${secure ? 'TLS' : 'plain HTTP'}`, () => {
    const opened = new Opened()
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-put-'))
    const path = join(dir, 'bundle')
    let tls: Tls | undefined
    let fake: Scripted
    let fd = -1

    before(() => {
      if (secure) tls = selfSigned()
    })
    beforeEach(() => {
      const edge = Buffer.alloc(100, 0x55)
      writeFileSync(path, Buffer.concat([edge, bytes, edge]))
      fd = openSync(path, 'r+')
    })
    afterEach(async () => {
      await opened.close()
      closeSync(fd)
    })
    after(() => rmSync(dir, { recursive: true }))

    const start = async (
      puts: Reply | Reply[],
      more: Partial<RegistryOptions> = {},
      signal?: AbortSignal,
    ): Promise<RegistryPlace> => {
      fake = await opened.add(scripted({ [HEAD]: { status: 404 }, [BEGIN]: session, [PUT]: puts }, tls))
      const credentials = { entries: [{ key: fake.host, username: 'jane', password: PASSWORD }], helpers: {} }
      const timing = { ...QUICK, headersMs: 60 }
      const plain = secure ? { plainHttp: [], caPem: tls?.cert } : {}
      const options = { credentials, retries: 2, concurrency: 2, timing, ...plain, ...more }
      return (await opened.add(clientOf('target', options))).targetPlace(fake.host, signal)
    }
    const body = (): BlobBody => fileBody({ fd, offset: 100 }, size)
    const push = (place: RegistryPlace): Promise<'pushed' | 'mounted'> =>
      place.repository('a/b').pushBlob(descriptor, body())
    const puts = (): Asked[] => fake.asked.filter(({ method }) => method === 'PUT')
    const isBare = ({ rawHeaders }: Asked): boolean => rawHeaders[0] === 'Host'
    const complete = (): boolean => puts().some((put) => put.body.length >= size)

    it('sends the blob once, barely, and keeps the connection', async () => {
      const place = await start(stored, { concurrency: 1 })
      for (let i = 0; i < 3; i++) assert.equal(await push(place), 'pushed')
      assert.deepEqual(
        fake.seen().filter((line) => !line.startsWith('POST')),
        [PUT, PUT, PUT],
      )
      assert.equal(new Set(puts().map(({ port }) => port)).size, 1)
      const [put] = puts()
      assert.ok(put?.body.equals(bytes))
      assert.equal(put?.url, `/v2/a/b/up?state=a%2Bb~c&digest=${encodeURIComponent(digest)}`)
      assert.deepEqual(
        put?.rawHeaders.filter((_, i) => i % 2 === 0),
        ['Host', 'Connection', 'User-Agent', 'Accept-Encoding', 'content-type', 'content-length'],
      )
    })

    it('tells how far a blob of many MiB has come, and takes back what has to be sent again', async () => {
      const large = randomBlob(21 * 1024 * 1024)
      writeFileSync(path, large.bytes)
      const place = await start([{ status: 503 }, stored])
      fake.script[`HEAD /v2/a/b/blobs/${large.descriptor.digest}`] = { status: 404 }
      const told: number[] = []
      const source = fileBody({ fd, offset: 0 }, large.bytes.length)
      await place.repository('a/b').pushBlob(large.descriptor, source, undefined, (count) => told.push(count))
      const far = told.reduce((sum, count) => sum + count, 0)
      assert.ok(far > 16 * 1024 * 1024 && far <= large.bytes.length, `${far} of ${large.bytes.length}`)
      assert.ok(told.filter((count) => count > 0).length >= 8, told.join())
      assert.equal(told.filter((count) => count < 0).length, 1)
    })

    for (const [name, replies] of [
      ['takes the body and keeps still', { raw: () => undefined }],
      ['asks for a minute', { status: 503, headers: { 'retry-after': '60' } }],
    ] as [string, Answering][])
      it(`ends at once when it is stopped while the registry ${name}`, async function () {
        // Without the stop it would wait for a minute.
        this.timeout(20_000)
        const stop = new AbortController()
        const timing = { ...QUICK, headersMs: 60_000, waitCapMs: 60_000 }
        const place = await start(replies, { timing }, stop.signal)
        const pushing = push(place)
        const reason = new Error('stopped')
        while (puts().length === 0) await setTimeout(5)
        await setTimeout(50)
        stop.abort(reason)
        await assert.rejects(pushing, reason)
        assert.equal(puts().length, 1)
      })

    for (const [name, replies, code] of CASES) {
      it(`${code === undefined ? 'stores the blob in spite of' : 'refuses'} ${name}`, async () => {
        const place = await start(replies)
        if (code === undefined) {
          assert.equal(await push(place), 'pushed')
          // An answer to a body that was all on its way is taken for one to the whole, which is still being read then.
          for (let i = 0; i < 100 && puts().at(-1)?.body.length !== size; i++) await setTimeout(5)
          assert.ok(puts().at(-1)?.body.equals(bytes))
        } else {
          await assert.rejects(push(place), (error) => {
            assert.ok(error instanceof SallyportError)
            assert.deepEqual([error.code, error.side], [code, 'target'])
            return true
          })
        }
        assert.equal(puts().findIndex(isBare), 0)
        assert.equal(puts().filter(isBare).length, 1)
      })
    }

    it('sends nothing again when the answer was lost but the blob is there', async () => {
      const place = await start(reset)
      fake.script[HEAD] = { headers: { 'content-length': String(size) } }
      assert.equal(await push(place), 'pushed')
      assert.equal(puts().length, 1)
    })

    it('sends barely no more where uploads are redirected', async () => {
      const place = await start({ status: 307, headers: { location: '/elsewhere' } }, { concurrency: 1 })
      fake.script['PUT /elsewhere'] = stored
      for (let i = 0; i < 2; i++) assert.equal(await push(place), 'pushed')
      assert.equal(puts().filter(isBare).length, 1)
    })

    it('sends no credentials to the origin of a Location elsewhere', async () => {
      const place = await start(stored)
      const other = await opened.add(scripted({ 'PUT /up': stored }, tls))
      fake.script[BEGIN] = ({ headers }) =>
        headers.authorization === BASIC
          ? { status: 202, headers: { location: `${other.origin}/up` } }
          : { status: 401, headers: CHALLENGE }
      assert.equal(await push(place), 'pushed')
      assert.equal(puts().length, 0)
      assert.deepEqual(
        other.asked.map((asked) => [asked.method, asked.headers.authorization, asked.body.equals(bytes)]),
        [['PUT', undefined, true]],
      )
    })

    it('never completes a blob that changes under it, and takes its session back (T10)', async () => {
      const place = await start(stored)
      fake.script['DELETE /v2/a/b/up'] = { status: 204 }
      for (const at of [0, size - 1]) {
        writeSync(fd, Buffer.from([(bytes[at] ?? 0) ^ 1]), 0, 1, 100 + at)
        await assert.rejects(push(place), (error) => isFault(error, 'DIGEST_MISMATCH') && error.side === 'bundle')
        writeSync(fd, Buffer.from([bytes[at] ?? 0]), 0, 1, 100 + at)
      }
      assert.equal(complete(), false)
      assert.equal(puts().length, 2)
      assert.equal(fake.seen().filter((line) => line === 'DELETE /v2/a/b/up').length, 2)
    })

    it('never completes a sealed blob that changes under it (T10)', async () => {
      const place = await start(stored)
      fake.script['DELETE /v2/a/b/up'] = { status: 204 }
      const sealer = new Sealer()
      sealer.update(bytes)
      const sealed = fileBody({ fd, offset: 100, seal: sealer.seal() }, size)
      assert.equal(await place.repository('a/b').pushBlob(descriptor, sealed), 'pushed')
      assert.ok(puts()[0]?.body.equals(bytes))
      fake.asked.length = 0
      for (const at of [0, size - 1]) {
        writeSync(fd, Buffer.from([(bytes[at] ?? 0) ^ 1]), 0, 1, 100 + at)
        const pushing = place.repository('a/b').pushBlob(descriptor, sealed)
        await assert.rejects(pushing, (error) => isFault(error, 'DIGEST_MISMATCH') && error.side === 'bundle')
        writeSync(fd, Buffer.from([bytes[at] ?? 0]), 0, 1, 100 + at)
      }
      assert.equal(complete(), false)
      assert.equal(puts().length, 2)
    })

    it('never completes a blob whose file becomes shorter', async () => {
      const place = await start(stored)
      ftruncateSync(fd, 2_000_000)
      await assert.rejects(push(place), (error) => isFault(error, 'TAR_TRUNCATED') && error.side === 'bundle')
      assert.equal(complete(), false)
    })

    it('never says a password that a registry says back', async () => {
      const place = await start(({ headers }) =>
        headers.authorization === undefined
          ? { status: 401, headers: CHALLENGE }
          : { status: 400, body: errors('DIGEST_INVALID', `${headers.authorization} ${PASSWORD}`) },
      )
      await assert.rejects(push(place), (error) => {
        assert.ok(isFault(error, 'PUSH_REFUSED'))
        const text = JSON.stringify([error.message, error.subject, error.remedy, error.stack])
        assert.ok(!text.includes(PASSWORD) && !text.includes(BASIC.slice('Basic '.length)), text)
        return true
      })
    })

    it('ends a push under way when the client is closed', async () => {
      const place = await start({ headers: EARLY, raw: () => undefined }, { timing: { ...QUICK, headersMs: 5_000 } })
      const pushing = assert.rejects(push(place), (error) => isFault(error, 'INTERRUPTED'))
      while (puts().length === 0) await setTimeout(5)
      await place.close()
      await pushing
    })
  })
}
