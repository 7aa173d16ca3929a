import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  needPeers,
  orasFlags,
  peer,
  type Registry,
  type RegistryOptions,
  skopeoFlags,
  startRegistry,
  tryPeer,
} from './registry.ts'

const EMPTY_INDEX_CHILD = {
  schemaVersion: 2,
  mediaType: 'application/vnd.oci.image.index.v1+json',
  manifests: [
    {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: `sha256:${'0'.repeat(64)}`,
      size: 2,
      platform: { os: 'linux', architecture: 's390x' },
    },
  ],
}

describe('the registry harness', function () {
  let folder: string
  let registry: Registry | undefined

  before(function () {
    needPeers(this)
    folder = mkdtempSync(join(tmpdir(), 'sallyport-harness-'))
    writeFileSync(join(folder, 'cargo.txt'), 'cargo\n')
  })
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })
  afterEach(async () => {
    await registry?.stop()
    registry = undefined
  })

  async function start(options: RegistryOptions): Promise<Registry> {
    registry = await startRegistry(options)
    return registry
  }

  function push(to: Registry, name: string) {
    return tryPeer('oras', ['push', ...orasFlags(to), `${to.host}/${name}`, 'cargo.txt:text/plain'], {
      cwd: folder,
      env: to.env,
    })
  }

  async function roundTrip(to: Registry): Promise<void> {
    const pushed = await push(to, 'port/cargo:1')
    assert.equal(pushed.status, 0, pushed.stderr)
    const out = mkdtempSync(join(folder, 'pulled-'))
    await peer('oras', ['pull', ...orasFlags(to), '-o', out, `${to.host}/port/cargo:1`], { env: to.env })
    const digest = await peer('crane', ['digest', `${to.host}/port/cargo:1`], { env: to.env })
    assert.match(digest, /^sha256:[0-9a-f]{64}\n$/)
    const ref = `${to.host}/port/cargo:1`
    assert.equal(await peer('regctl', ['image', 'digest', ref], { env: to.env }), digest)
    const inspect = ['inspect', ...skopeoFlags(to), '--raw', `docker://${ref}`]
    const raw = await peer('skopeo', inspect, { env: to.env })
    assert.equal(`sha256:${createHash('sha256').update(raw).digest('hex')}\n`, digest)
  }

  for (const auth of ['none', 'htpasswd', 'token'] as const) {
    for (const tls of [false, true]) {
      it(`serves a push and a pull with ${auth} authentication over ${tls ? 'TLS' : 'plain HTTP'}`, async () => {
        const to = await start({ auth, tls })
        await roundTrip(to)
        await to.settled()
        const writes = to.requests().filter(({ method, status }) => method === 'PUT' && status === 201)
        assert.equal(writes.filter(({ path }) => path === '/v2/port/cargo/manifests/1').length, 1)
        assert.equal(to.tokens().length > 0, auth === 'token')
      })
    }
  }

  for (const auth of ['htpasswd', 'token'] as const) {
    it(`refuses a stranger with ${auth} authentication`, async () => {
      const to = await start({ auth })
      const { status, stderr } = await tryPeer('oras', ['repo', 'tags', '--plain-http', `${to.host}/port/cargo`], {
        env: { DOCKER_CONFIG: folder },
      })
      assert.notEqual(status, 0)
      assert.match(stderr, /basic credential not found|401|unauthorized/i)
    })
  }

  it('ends the life of a token when it was told to', async () => {
    const to = await start({ auth: 'token', tokenLifetime: 1 })
    const realm = new URL((await challenge(to)).realm)
    realm.searchParams.set('service', 'sallyport-test-registry')
    realm.searchParams.set('scope', 'repository:port/cargo:pull')
    const basic = Buffer.from(`${to.username}:${to.password}`).toString('base64')
    const grant: unknown = await (await fetch(realm, { headers: { authorization: `Basic ${basic}` } })).json()
    assert.ok(typeof grant === 'object' && grant !== null && 'token' in grant && 'expires_in' in grant)
    assert.equal(grant.expires_in, 1)
    const headers = { authorization: `Bearer ${String(grant.token)}` }
    const ask = async () => (await fetch(`${to.origin}/v2/port/cargo/tags/list`, { headers })).status
    assert.equal(await ask(), 404)
    await new Promise((resolve) => setTimeout(resolve, 2100))
    assert.equal(await ask(), 401)
  })

  it('lets an anonymous caller pull but not push when it was told to', async () => {
    const to = await start({ auth: 'token', anonymousPull: true })
    await roundTrip(to)
    const stranger = { env: { DOCKER_CONFIG: folder }, cwd: folder }
    assert.match(await peer('oras', ['repo', 'tags', '--plain-http', `${to.host}/port/cargo`], stranger), /^1$/m)
    const pushed = await tryPeer('oras', ['push', '--plain-http', `${to.host}/port/cargo:2`, 'cargo.txt'], stranger)
    assert.notEqual(pushed.status, 0)
  })

  it('refuses writes when read-only and still serves what its storage holds', async () => {
    const first = await start({})
    await roundTrip(first)
    const second = await startRegistry({ readonly: true, storage: first.storage })
    try {
      assert.notEqual((await push(second, 'port/cargo:2')).status, 0)
      assert.match(await peer('crane', ['ls', `${second.host}/port/cargo`]), /^1$/m)
    } finally {
      await second.stop()
    }
  })

  for (const platforms of ['all', 'none'] as const) {
    it(`${platforms === 'none' ? 'accepts' : 'refuses'} a sparse index with platforms: ${platforms}`, async () => {
      const to = await start({ platforms })
      const response = await fetch(`${to.origin}/v2/port/sparse/manifests/1`, {
        method: 'PUT',
        headers: { 'content-type': EMPTY_INDEX_CHILD.mediaType },
        body: JSON.stringify(EMPTY_INDEX_CHILD),
      })
      assert.equal(response.status, platforms === 'none' ? 201 : 400)
    })
  }

  for (const deletes of [false, true]) {
    it(`${deletes ? 'deletes' : 'refuses to delete'} a manifest with deletes: ${deletes}`, async () => {
      const to = await start({ deletes })
      await roundTrip(to)
      const { status } = await tryPeer('oras', ['manifest', 'delete', '-f', '--plain-http', `${to.host}/port/cargo:1`])
      assert.equal(status === 0, deletes)
    })
  }
})

async function challenge({ origin }: Registry): Promise<{ realm: string }> {
  const header = (await fetch(`${origin}/v2/`)).headers.get('www-authenticate') ?? ''
  return { realm: /realm="([^"]*)"/.exec(header)?.[1] ?? '' }
}
