/** The HTTP call to a timestamp authority: a small real one that shells to `openssl ts`, and scripted bad ones. */
import assert from 'node:assert/strict'
import { postTimestampQuery } from '../../src/registry/index.ts'
import { freshTimestamp, openTimestamp, timestampRequest } from '../../src/signature/index.ts'
import { Authority, type Made } from '../signature/authority.ts'
import { scripted, type Reply, type Scripted, type Tls } from './scripted.ts'
import { selfSigned } from './self-signed.ts'

const DATA = Buffer.from('the primitive signature of an envelope')
const QUERY = timestampRequest(DATA, 'sha256').der
const failed = { code: 'TSA_FAILED', side: 'target' }
const REPLY = { 'content-type': 'application/timestamp-reply' }

describe('registry/timestamp-service', function () {
  this.timeout(30_000)
  let authority: Authority
  let signer: Made
  const open: Scripted[] = []
  before(() => {
    authority = new Authority()
    signer = authority.signer('ec', 'p256')
  })
  after(() => authority.remove())
  afterEach(async () => {
    for (const server of open.splice(0)) await server.close()
  })

  async function serve(reply: Reply, tls?: Tls): Promise<Scripted> {
    const server = await scripted({ 'POST /tsa': reply }, tls)
    open.push(server)
    return server
  }

  const real: Reply = ({ body }) => ({ status: 200, headers: REPLY, body: authority.reply(body, signer) })

  it('fetches a token over HTTP, with no credentials', async () => {
    const server = await serve(real)
    const send = (query: Buffer): Promise<Buffer> => postTimestampQuery({ url: `${server.origin}/tsa?key=1` }, query)
    openTimestamp(await freshTimestamp(DATA, 'sha384', send, 'target'), DATA)
    const [asked] = server.asked
    assert.equal(asked?.url, '/tsa?key=1')
    assert.equal(asked?.headers['content-type'], 'application/timestamp-query')
    assert.equal(asked?.headers.authorization, undefined)
    assert.equal(asked?.headers.cookie, undefined)
  })

  it('fetches a token over HTTPS from an authority that is named, and from no other', async () => {
    const tls = selfSigned()
    const server = await serve(real, tls)
    const url = `${server.origin}/tsa`
    assert.match(url, /^https:/)
    await postTimestampQuery({ url, caPem: tls.cert }, QUERY)
    await assert.rejects(postTimestampQuery({ url }, QUERY), failed)
    await assert.rejects(postTimestampQuery({ url, caPem: selfSigned().cert }, QUERY), failed)
    assert.equal(server.asked.length, 1)
  })

  it('follows no redirect', async () => {
    const other = await serve(real)
    for (const status of [301, 302, 303, 307, 308]) {
      const server = await serve({ status, headers: { location: `${other.origin}/tsa` } })
      await assert.rejects(postTimestampQuery({ url: `${server.origin}/tsa` }, QUERY), failed)
    }
    assert.equal(other.asked.length, 0)
  })

  it('refuses a refusal and another kind of answer', async () => {
    const replies: Reply[] = [
      { status: 404 },
      { status: 503, headers: REPLY },
      { status: 206, headers: REPLY, body: 'x' },
      { status: 200, headers: { 'content-type': 'text/html' }, body: '<p>log in</p>' },
      { status: 200, body: 'x' },
    ]
    for (const reply of replies) {
      const server = await serve(reply)
      await assert.rejects(postTimestampQuery({ url: `${server.origin}/tsa` }, QUERY), failed)
      assert.equal(server.asked.length, 1)
    }
  })

  it('stops an answer of more than a mebibyte, and one that never ends', async () => {
    const flood: Reply = {
      status: 200,
      headers: REPLY,
      raw: (response) => {
        const more = (): void => {
          if (!response.destroyed && response.write(Buffer.alloc(65_536))) setImmediate(more)
        }
        response.on('drain', more)
        more()
      },
    }
    for (const reply of [{ status: 200, headers: REPLY, body: Buffer.alloc(1024 * 1024 + 1) }, flood]) {
      const server = await serve(reply)
      await assert.rejects(postTimestampQuery({ url: `${server.origin}/tsa` }, QUERY), failed)
    }
  })

  it('gives up a service that does not answer in time, or not to its end', async () => {
    const silent: Reply[] = [
      () => new Promise(() => undefined),
      { status: 200, headers: REPLY, raw: (response) => void response.write('x') },
    ]
    for (const reply of silent) {
      const server = await serve(reply)
      const url = `${server.origin}/tsa`
      await assert.rejects(postTimestampQuery({ url, timeoutMs: 200 }, QUERY), failed)
    }
  })

  it('ends with the reason of the signal', async () => {
    const server = await serve(() => new Promise(() => undefined))
    const controller = new AbortController()
    const reason = new Error('stopped')
    setTimeout(() => controller.abort(reason), 50)
    const asked = postTimestampQuery({ url: `${server.origin}/tsa`, signal: controller.signal }, QUERY)
    await assert.rejects(asked, reason)
  })

  it('refuses an address that is none, of another scheme, or with a password', async () => {
    for (const url of [
      '',
      'tsa.example',
      'ftp://tsa.example/',
      'file:///etc/passwd',
      'http://user:secret@127.0.0.1/tsa',
    ]) {
      await assert.rejects(postTimestampQuery({ url }, QUERY), (error: Error & { code?: string; subject?: string }) => {
        assert.equal(error.code, 'TSA_FAILED')
        assert.ok(!`${error.message} ${error.subject}`.includes('secret'))
        return true
      })
    }
  })

  it('names the side it is told', async () => {
    const server = await serve({ status: 500 })
    const asked = postTimestampQuery({ url: `${server.origin}/tsa`, side: 'source' }, QUERY)
    await assert.rejects(asked, { code: 'TSA_FAILED', side: 'source' })
  })
})
