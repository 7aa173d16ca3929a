import assert from 'node:assert/strict'
import { isFault } from '../../src/errors/index.ts'
import { reachOf, type Reach } from '../../src/registry/address.ts'
import { networkCode } from '../../src/registry/errors.ts'
import { Network, REACH_REFUSED } from '../../src/registry/network.ts'
import { settle } from '../../src/registry/options.ts'
import type { Origin } from '../../src/registry/origin.ts'
import { nextHop } from '../../src/registry/redirect.ts'
import { admitRealm } from '../../src/registry/token.ts'
import { Opened, scripted } from './scripted.ts'

function originOf(url: string, reach: Reach = 2): Origin {
  const { host, hostname, origin, protocol } = new URL(url)
  const loopback = hostname.startsWith('127.') || hostname === 'localhost'
  return { host, hostname, url: origin, plain: protocol === 'http:', loopback, reach }
}

const admitted = (realm: string, registry: Origin, withCredentials = true, allowed: string[] = []): boolean => {
  try {
    admitRealm(realm, registry, withCredentials, allowed, 'source')
    return true
  } catch (error) {
    assert.ok(isFault(error, 'REALM_REFUSED'), String(error))
    return false
  }
}

describe('registry/realm', () => {
  it('gives credentials to the same host and to neighbours under one parent', () => {
    for (const [registry, realm] of [
      ['https://registry-1.docker.io', 'https://auth.docker.io/token'],
      ['https://registry.gitlab.com', 'https://gitlab.com/jwt/auth'],
      ['https://quay.io', 'https://quay.io/v2/auth'],
      ['https://registry.example.co.uk', 'https://auth.example.co.uk/'],
      ['https://reg.example.com:5000', 'https://reg.example.com:5001/auth'],
    ] as const)
      assert.ok(admitted(realm, originOf(registry)), realm)
  })

  it('refuses credentials to strangers', () => {
    for (const [registry, realm] of [
      ['https://registry-1.docker.io', 'https://docker.io.evil.example/token'],
      ['https://registry-1.docker.io', 'https://a.b.docker.io/token'],
      ['https://registry.example.com', 'https://evil.com/'],
      ['https://example.com', 'https://evil.com/'],
      ['https://example.co.uk', 'https://evil.co.uk/'],
      ['https://mine.azurecr.io', 'https://yours.azurecr.io/'],
      ['https://mine.herokuapp.com', 'https://yours.herokuapp.com/'],
      ['https://registry', 'https://auth/'],
      ['https://8.8.8.8', 'https://8.8.4.4/'],
      ['https://registry.example.com', 'http://registry.example.com/'],
      ['https://registry.example.com', 'https://x@registry.example.com/'],
      ['http://registry.example.com', 'https://auth.example.com/'],
      ['http://registry.example.com', 'http://registry.example.com:81/'],
      ['https://registry.example.com', 'ftp://registry.example.com/'],
      ['https://registry.example.com', '/token'],
    ] as const)
      assert.ok(!admitted(realm, originOf(registry)), `${registry} ${realm}`)
  })

  it('gives credentials to a service that is allowed by name, over https', () => {
    const registry = originOf('https://registry.example.com')
    assert.ok(admitted('https://sso.other.example/t', registry, true, ['sso.other.example']))
    assert.ok(admitted('https://sso.other.example:8443/t', registry, true, ['sso.other.example:8443']))
    assert.ok(!admitted('https://sso.other.example:8443/t', registry, true, ['sso.other.example:443']))
    assert.ok(!admitted('http://sso.other.example/t', registry, true, ['sso.other.example']))
    const local = originOf('http://127.0.0.1:5000', 0)
    assert.ok(!admitted('http://127.0.0.1:5001/t', local))
    assert.ok(admitted('http://127.0.0.1:5001/t', local, true, ['127.0.0.1:5001']))
    assert.ok(admitted('http://127.0.0.1:5001/t', local, false))
  })

  it('asks any public https service when there are no credentials, but none in a narrower network', () => {
    const registry = originOf('https://registry.example.com')
    assert.ok(admitted('https://sso.other.example/t', registry, false))
    for (const host of [
      '127.0.0.1',
      '10.1.2.3',
      '169.254.169.254',
      '[::1]',
      '[::ffff:10.0.0.1]',
      '2130706433',
      '[fd00::1]',
    ])
      assert.ok(!admitted(`https://${host}/t`, registry, false), host)
  })

  it('knows how far addresses reach', () => {
    for (const [address, reach] of [
      ['127.0.0.1', 0],
      ['0.0.0.0', 0],
      ['169.254.169.254', 0],
      ['::1', 0],
      ['::', 0],
      ['fe80::1', 0],
      ['255.255.255.255', 0],
      ['::ffff:127.0.0.1', 0],
      ['10.0.0.1', 1],
      ['172.31.255.255', 1],
      ['192.168.1.1', 1],
      ['100.64.0.1', 1],
      ['fd12::1', 1],
      ['64:ff9b::a00:1', 1],
      ['64:ff9b:1::a00:1', 1],
      ['::127.0.0.1', 1],
      ['::ffff:0:127.0.0.1', 1],
      ['2001::1', 1],
      ['2001:4860:4860::8888', 2],
      ['fec0::1', 1],
      ['::ffff:192.168.0.1', 1],
      ['8.8.8.8', 2],
      ['172.32.0.1', 2],
      ['2606:4700::1', 2],
    ] as const)
      assert.equal(reachOf(address), reach, address)
  })

  it('refuses hops into a narrower network by literal address', () => {
    const from = new URL('https://registry.example.com/v2/')
    const hop = (to: string, reach: Reach) => nextHop(from, to, { ...originOf(from.href), reach }, 'source', 'x')
    for (const to of ['https://10.0.0.1/', 'https://127.1/', 'https://0x7f000001/', 'https://[::ffff:7f00:1]/'])
      assert.throws(
        () => hop(to, 2),
        (error) => isFault(error, 'REDIRECT_REFUSED'),
        to,
      )
    assert.equal(hop('https://10.0.0.1/', 1).host, '10.0.0.1')
    assert.throws(
      () => hop('https://169.254.169.254/', 1),
      (error) => isFault(error, 'REDIRECT_REFUSED'),
    )
  })

  describe('by name', () => {
    const opened = new Opened()
    afterEach(() => opened.close())

    it('refuses to dial a name that leads into a narrower network', async () => {
      const fake = await opened.add(scripted({ 'GET /': { body: 'inner' } }))
      const network = await opened.add(new Network({ side: 'source' }, settle({ side: 'source' })))
      const url = new URL(`http://localhost:${fake.host.split(':')[1]}/`)
      const sending = { method: 'GET' as const, headers: {}, signal: new AbortController().signal, headersMs: 1_000 }
      for (const floor of [1, 2] as const)
        await assert.rejects(network.send(url, sending, floor), (error) => networkCode(error) === REACH_REFUSED)
      assert.equal(fake.asked.length, 0)
      const answer = await network.send(url, sending, 0)
      const chunks: Buffer[] = []
      for await (const chunk of answer.body) chunks.push(chunk)
      assert.equal(Buffer.concat(chunks).toString(), 'inner')
    })
  })
})
