import assert from 'node:assert/strict'
import { isFault, type Code } from '../../src/errors/index.ts'
import { RegistryClient, type RegistryOptions } from '../../src/registry/index.ts'
import { clientOf, Opened, QUICK, scripted, type Reply, type Tls } from './scripted.ts'
import { selfSigned } from './self-signed.ts'

const SCRIPT: Record<string, Reply> = {
  'GET /v2/a/b/tags/list': { headers: { 'content-type': 'application/json' }, body: '{"tags":["1.0"]}' },
}

describe('registry/origin', () => {
  const opened = new Opened()
  let tls: Tls

  before(() => {
    tls = selfSigned()
  })
  afterEach(() => opened.close())

  const tags = async (host: string, options: Partial<RegistryOptions>): Promise<string[]> => {
    const client = await opened.add(new RegistryClient({ side: 'source', timing: QUICK, retries: 0, ...options }))
    return client.source(host, 'a/b').tags()
  }
  const refuses = (act: Promise<unknown>, code: Code): Promise<void> =>
    assert.rejects(act, (error) => isFault(error, code))

  it('finds out that a loopback host speaks no TLS', async () => {
    const fake = await opened.add(scripted(SCRIPT))
    assert.deepEqual(await tags(fake.host, {}), ['1.0'])
    assert.deepEqual(await tags(`localhost:${fake.host.split(':')[1]}`, {}), ['1.0'])
  })

  it('speaks TLS to a loopback host that does, under an authority that was named', async () => {
    const fake = await opened.add(scripted(SCRIPT, tls))
    assert.deepEqual(await tags(fake.host, { caPem: tls.cert }), ['1.0'])
  })

  it('never falls back to plain HTTP from a certificate that it does not trust', async () => {
    const fake = await opened.add(scripted(SCRIPT, tls))
    await refuses(tags(fake.host, {}), 'REGISTRY_TLS')
    const other = await opened.add(scripted(SCRIPT, selfSigned('DNS:elsewhere.example')))
    await refuses(tags(other.host, { caPem: tls.cert }), 'REGISTRY_TLS')
    assert.deepEqual([fake.asked, other.asked], [[], []])
  })

  it('speaks plain HTTP at once where it was asked to', async () => {
    const fake = await opened.add(scripted(SCRIPT))
    for (const plainHttp of [true, [fake.host], ['127.0.0.1']])
      assert.deepEqual(await tags(fake.host, { plainHttp }), ['1.0'])
    const secure = await opened.add(scripted(SCRIPT, tls))
    await refuses(tags(secure.host, { plainHttp: true }), 'REGISTRY_UNREACHABLE')
  })

  it('refuses a host that no URL can name, and says so before anything is dialled', async () => {
    for (const host of ['a.example:65536', '1.2.3.4.5', 'a.256', '[1::2::3]', 'a.example/x', ''])
      await refuses(tags(host, {}), 'REFERENCE_INVALID')
  })

  it('refuses certificate files that are none', () => {
    for (const options of [
      { caPem: 'nonsense' },
      { caPem: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' },
      { certPem: tls.cert },
      { certPem: tls.cert, keyPem: 'nonsense' },
    ])
      assert.throws(
        () => clientOf('source', options),
        (error) => isFault(error, 'CA_FILE_MALFORMED'),
        JSON.stringify(options).slice(0, 60),
      )
  })

  it('refuses hosts and paths outside the grammar', async () => {
    const client = await opened.add(clientOf('source'))
    for (const host of ['a b', 'user@host', 'host/path', 'host:999999', '', 'http://x'])
      assert.throws(
        () => client.source(host, 'a/b'),
        (error) => isFault(error, 'REFERENCE_INVALID'),
        host,
      )
  })
})
