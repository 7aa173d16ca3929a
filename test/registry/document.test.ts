/** One document by HTTP: how far it may lead, how large it may be, where it is sent on. */
import assert from 'node:assert/strict'
import { getDocument } from '../../src/registry/index.ts'
import { scripted, type Script, type Scripted } from './scripted.ts'

const CAP = 1000
const unreachable = { code: 'REGISTRY_UNREACHABLE', side: 'source' }

describe('registry/document', () => {
  const open: Scripted[] = []
  afterEach(async () => {
    for (const server of open.splice(0)) await server.close()
  })

  async function serve(script: Script): Promise<Scripted> {
    const server = await scripted(script)
    open.push(server)
    return server
  }

  it('asks by POST when it is given a question, and follows no redirect then', async () => {
    const server = await serve({
      'POST /ask': ({ body }) => ({ body: Buffer.concat([Buffer.from('answer to '), body]) }),
      'POST /sent-on': { status: 307, headers: { location: '/ask' } },
    })
    const question = { type: 'application/x-question', answer: 'application/x-answer', body: Buffer.from('this') }
    const from = (path: string): Parameters<typeof getDocument>[0] => ({
      url: `${server.origin}${path}`,
      side: 'source',
      question,
      redirects: 3,
    })
    assert.equal((await getDocument(from('/ask'), CAP)).toString(), 'answer to this')
    const { headers } = server.asked[0] ?? assert.fail()
    assert.deepEqual([headers['content-type'], headers.accept], ['application/x-question', 'application/x-answer'])
    await assert.rejects(getDocument(from('/sent-on'), CAP), unreachable)
    assert.equal(server.asked.length, 2)
  })

  it('follows as many redirects as it is told, to http and https alone', async () => {
    const server = await serve({
      'GET /1': { status: 302, headers: { location: '2' } },
      'GET /2': { status: 308, headers: { location: '/3' } },
      'GET /3': { body: 'here' },
      'GET /file': { status: 302, headers: { location: 'file:///etc/passwd' } },
      'GET /user': { status: 302, headers: { location: 'http://a:b@127.0.0.1/' } },
      'GET /nowhere': { status: 302 },
    })
    const get = (path: string, redirects?: number): Promise<Buffer> =>
      getDocument({ url: `${server.origin}${path}`, side: 'source', redirects }, CAP)
    assert.equal((await get('/1', 2)).toString(), 'here')
    await assert.rejects(get('/1', 1), unreachable)
    await assert.rejects(get('/2'), unreachable)
    for (const path of ['/file', '/user', '/nowhere']) await assert.rejects(get(path, 9), unreachable, path)
  })

  it('reads no more than the cap', async () => {
    const server = await serve({
      'GET /long': { body: Buffer.alloc(CAP + 1) },
      'GET /fits': { body: Buffer.alloc(CAP) },
    })
    const get = (path: string): Promise<Buffer> => getDocument({ url: `${server.origin}${path}`, side: 'source' }, CAP)
    assert.equal((await get('/fits')).length, CAP)
    await assert.rejects(get('/long'), { code: 'LIMIT_EXCEEDED' })
  })

  it('gives up on a server that drips, when its time is over', async () => {
    const server = await serve({
      'GET /drip': {
        raw: (response) => {
          const timer = setInterval(() => response.write('x'), 20)
          response.on('close', () => clearInterval(timer))
        },
      },
    })
    await assert.rejects(
      getDocument({ url: `${server.origin}/drip`, side: 'source', timeoutMs: 200 }, CAP),
      unreachable,
    )
  })

  it('dials no address of this machine or a private network unless it may (SSRF)', async () => {
    const server = await serve({
      'GET /*': { body: 'secret' },
      'GET /on': { status: 302, headers: { location: '/x' } },
    })
    const { port } = new URL(server.origin)
    const hosts = ['127.0.0.1', 'localhost', '[::1]', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]', '0.0.0.0']
    for (const host of hosts) {
      const address = { url: `http://${host}:${port}/x`, side: 'source', redirects: 1 } as const
      await assert.rejects(getDocument({ ...address, reach: 2 }, CAP), unreachable, host)
      await assert.rejects(getDocument({ ...address, reach: 1 }, CAP), unreachable, host)
    }
    assert.deepEqual(server.asked, [])
    for (const host of ['10.1.2.3', '192.168.0.1', '169.254.169.254', '[fd00::1]'])
      await assert.rejects(getDocument({ url: `http://${host}/`, side: 'source', reach: 2 }, CAP), unreachable, host)
    assert.equal(
      (await getDocument({ url: `http://localhost:${port}/x`, side: 'source', reach: 0 }, CAP)).toString(),
      'secret',
    )
  })
})
