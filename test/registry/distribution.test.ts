/** The contracts of sources and targets over the real distribution registry, in the shapes that sites run it in. */
import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileBody, type Target } from '../../src/content/index.ts'
import { RegistryClient, type Credentials, type RegistryOptions } from '../../src/registry/index.ts'
import { isFault } from '../../src/errors/index.ts'
import { bodyOf, index, manifest, pushImage, randomBlob } from '../contract/content.ts'
import { copyLayout } from '../contract/copy-layout.ts'
import { sourceContract } from '../contract/source.ts'
import { targetContract } from '../contract/target.ts'
import { needPeers, peersBin, startRegistry, type Registry } from '../peers/setup/registry.ts'

type Shape = NonNullable<Parameters<typeof startRegistry>[0]>

const SHAPES: Record<string, Shape> = {
  'anonymous over plain HTTP': {},
  'that deletes, over plain HTTP': { deletes: true },
  'htpasswd over TLS': { auth: 'htpasswd', tls: true },
  'short-lived tokens over TLS': { auth: 'token', tls: true, tokenLifetime: 2 },
}

function optionsFor(registry: Registry, side: RegistryOptions['side']): RegistryOptions {
  const { host, caFile, username, password } = registry
  const entries: Credentials['entries'] =
    username === undefined || password === undefined ? [] : [{ key: host, username, password }]
  return {
    side,
    credentials: { entries, helpers: {} },
    ...(caFile === undefined ? {} : { caPem: readFileSync(caFile, 'utf8') }),
  }
}

if (peersBin() !== undefined || process.env['CI']) {
  for (const [name, shape] of Object.entries(SHAPES)) {
    sourceContract(`distribution, ${name}`, async (dir, demo) => {
      const registry = await startRegistry(shape)
      const place = new RegistryClient(optionsFor(registry, 'target')).targetPlace(registry.host)
      const target = place.repository('demo/app')
      // A registry with fallback tags takes a list of referrers only when they are there.
      const later: (() => Promise<unknown>)[] = []
      const deferred = new Proxy(target, {
        get(object, key) {
          if (key === 'listReferrers')
            return async (...args: Parameters<Target['listReferrers']>) =>
              void later.push(() => object.listReferrers(...args))
          const value: unknown = Reflect.get(object, key, object)
          return typeof value === 'function' ? value.bind(object) : value
        },
      })
      await copyLayout(dir, demo.repository, deferred)
      for (const list of later) await list()
      await place.close()
      const client = new RegistryClient(optionsFor(registry, 'source'))
      return {
        source: client.source(registry.host, 'demo/app'),
        close: async () => {
          await client.close()
          await registry.stop()
        },
      }
    })

    targetContract(`distribution, ${name}`, async () => {
      const registry = await startRegistry(shape)
      const places = [new RegistryClient(optionsFor(registry, 'target')).targetPlace(registry.host)]
      return {
        place: places[0] ?? assert.fail(),
        reopen: async () => {
          const place = new RegistryClient(optionsFor(registry, 'target')).targetPlace(registry.host)
          places.push(place)
          return place
        },
        close: async () => {
          for (const place of places) await place.close()
          await registry.stop()
        },
      }
    })
  }
}

describe('registry/distribution', () => {
  let registry: Registry
  let client: RegistryClient

  before(async function () {
    needPeers(this)
    registry = await startRegistry({ deletes: false })
    client = new RegistryClient(optionsFor(registry, 'target'))
  })

  after(async () => {
    await client?.close()
    await registry?.stop()
  })

  it('names an index whose children are absent', async () => {
    const target = client.targetPlace(registry.host).repository('sparse/index')
    const layer = randomBlob(100)
    const [there, absent] = [manifest(layer), manifest(randomBlob(101))]
    await pushImage(target, layer, there)
    const parent = index(there, absent)
    await assert.rejects(target.pushManifest(parent.descriptor, parent.bytes), (error) =>
      isFault(error, 'SPARSE_REFUSED'),
    )
  })

  it('names a registry that does not delete', async () => {
    const target = client.targetPlace(registry.host).repository('no/delete')
    const layer = randomBlob(100)
    const image = manifest(layer)
    await pushImage(target, layer, image)
    await assert.rejects(target.deleteManifest(image.descriptor.digest), (error) => isFault(error, 'DELETE_DENIED'))
  })

  it('takes the upload session back when the body is wrong', async () => {
    const target = client.targetPlace(registry.host).repository('half/upload')
    const { descriptor, bytes } = randomBlob(5 * 1024 * 1024)
    const wrong = Buffer.from(bytes)
    wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1
    registry.clearRequests()
    await assert.rejects(target.pushBlob(descriptor, bodyOf(wrong, 65_536)), (error) =>
      isFault(error, 'DIGEST_MISMATCH'),
    )
    await registry.settled()
    const seen = registry.requests().map(({ method, status }) => `${method} ${status}`)
    assert.ok(seen.includes('DELETE 204'), seen.join(', '))
    assert.ok(!seen.includes('PUT 201'))
    assert.equal(await target.hasBlob(descriptor), false)
  })

  it('stores a large blob out of a file, and nothing of one that changes under the push', async () => {
    const target = client.targetPlace(registry.host).repository('large/file')
    const { descriptor, bytes } = randomBlob(5 * 1024 * 1024)
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-large-'))
    const fd = openSync(join(dir, 'bundle'), 'w+')
    try {
      const body = fileBody({ fd, offset: 512 }, descriptor.size)
      writeSync(fd, bytes, 0, bytes.length - 1, 512)
      writeSync(fd, Buffer.from([(bytes.at(-1) ?? 0) ^ 1]), 0, 1, 512 + bytes.length - 1)
      registry.clearRequests()
      await assert.rejects(
        target.pushBlob(descriptor, body),
        (error) => isFault(error, 'DIGEST_MISMATCH') && error.side === 'bundle',
      )
      await registry.settled()
      const seen = registry.requests().map(({ method, status }) => `${method} ${status}`)
      assert.ok(seen.includes('DELETE 204'), seen.join(', '))
      assert.ok(!seen.includes('PUT 201'))
      assert.equal(await target.hasBlob(descriptor), false)
      writeSync(fd, bytes, 0, bytes.length, 512)
      registry.clearRequests()
      assert.equal(await target.pushBlob(descriptor, body), 'pushed')
      await target.proveBlob(descriptor)
      await registry.settled()
      assert.deepEqual(
        registry.requests().map(({ method, status }) => `${method} ${status}`),
        ['POST 202', 'PUT 201', 'GET 200'],
      )
    } finally {
      closeSync(fd)
      rmSync(dir, { recursive: true })
    }
  })

  it('names a repository that does not exist', async () => {
    const source = new RegistryClient(optionsFor(registry, 'source'))
    try {
      await assert.rejects(source.source(registry.host, 'never/was').tags(), (error) =>
        isFault(error, 'REPOSITORY_MISSING'),
      )
    } finally {
      await source.close()
    }
  })
})
