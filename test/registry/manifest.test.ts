import assert from 'node:assert/strict'
import { carriedBlobs } from '../../src/content/index.ts'
import { isFault, type Code } from '../../src/errors/index.ts'
import { DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, type Descriptor } from '../../src/oci/index.ts'
import { gather } from '../../src/transfer/place/gather.ts'
import { index, manifest, piece, randomBlob } from '../contract/content.ts'
import { clientOf, errors, Opened, scripted, type Answering, type Reply, type Scripted } from './scripted.ts'

const { descriptor, bytes } = manifest(randomBlob(100))
const BY_DIGEST = `GET /v2/a/b/manifests/${descriptor.digest}`
const good: Answering = { headers: { 'content-type': OCI_MANIFEST }, body: bytes }

describe('registry/manifest', () => {
  const opened = new Opened()
  let fake: Scripted

  afterEach(() => opened.close())

  const sourceOf = async (script: Record<string, Reply | Reply[]>) => {
    fake = await opened.add(scripted(script))
    return (await opened.add(clientOf('source', { retries: 2 }))).source(fake.host, 'a/b')
  }

  const refuses = async (reply: Reply | Reply[], code: Code, wanted: Descriptor = descriptor): Promise<void> => {
    const source = await sourceOf({ [BY_DIGEST]: reply })
    await assert.rejects(source.manifest(wanted), (error) => isFault(error, code) && error.side === 'source')
  }

  it('hashes by itself what stands behind a tag', async () => {
    const source = await sourceOf({ 'GET /v2/a/b/manifests/1.0': good })
    assert.deepEqual(await source.resolve('1.0'), {
      mediaType: OCI_MANIFEST,
      digest: descriptor.digest,
      size: bytes.length,
    })
  })

  it('says what a tag names without a pull, where the registry tells so much', async () => {
    const head = { headers: { ...good.headers, 'docker-content-digest': descriptor.digest, 'content-length': '7' } }
    const source = await sourceOf({ 'HEAD /v2/a/b/manifests/1.0': head, 'GET /v2/a/b/manifests/1.1': good })
    assert.equal(await source.pointsTo?.('1.0'), descriptor.digest)
    assert.deepEqual(fake.seen(), ['HEAD /v2/a/b/manifests/1.0'])
    fake.script['HEAD /v2/a/b/manifests/1.1'] = { headers: good.headers ?? {} }
    assert.equal(await source.pointsTo?.('1.1'), descriptor.digest)
    assert.equal(await source.pointsTo?.('1.2'), undefined)
  })

  it('accepts parameters in the Content-Type', async () => {
    const reply = { ...good, headers: { 'content-type': `${OCI_MANIFEST}; charset=utf-8` } }
    assert.deepEqual(await (await sourceOf({ [BY_DIGEST]: reply })).manifest(descriptor), bytes)
  })

  it('rejects other bytes than asked for, whatever the header says', async () => {
    const other = manifest(randomBlob(100))
    const headers = { 'content-type': OCI_MANIFEST, 'docker-content-digest': descriptor.digest }
    await refuses({ headers, body: other.bytes }, 'DIGEST_MISMATCH')
    const wrong = { 'content-type': OCI_MANIFEST, 'docker-content-digest': other.descriptor.digest }
    await refuses({ headers: wrong, body: bytes }, 'DIGEST_MISMATCH')
    const source = await sourceOf({ 'GET /v2/a/b/manifests/1.0': { headers: wrong, body: bytes } })
    await assert.rejects(source.resolve('1.0'), (error) => isFault(error, 'DIGEST_MISMATCH'))
  })

  it('rejects a size other than promised', async () => {
    await refuses(good, 'SIZE_MISMATCH', { ...descriptor, size: descriptor.size + 1 })
  })

  it('rejects bytes that come under another type than listed', async () => {
    for (const type of [OCI_INDEX, DOCKER_MANIFEST])
      await refuses({ headers: { 'content-type': type }, body: bytes }, 'MANIFEST_AMBIGUOUS')
    for (const type of ['text/html', 'nonsense', ''])
      await refuses({ headers: { 'content-type': type }, body: bytes }, 'REGISTRY_PROTOCOL')
    const odd = piece('application/vnd.example.unknown.v9+json', '{"whatever":["is","here"]}')
    const plain: Reply = { headers: { 'content-type': 'application/json' }, body: odd.bytes }
    const source = await sourceOf({ [`GET /v2/a/b/manifests/${odd.descriptor.digest}`]: plain })
    await assert.rejects(source.manifest(odd.descriptor), (error) => isFault(error, 'REGISTRY_PROTOCOL'))
  })

  it('tells by the body what comes under a type that says nothing, by tag and by digest', async () => {
    const { mediaType: _, ...untyped } = JSON.parse(bytes.toString()) as { mediaType: string }
    for (const type of ['application/json', 'text/plain; charset=utf-8', 'application/octet-stream'])
      for (const image of [piece(OCI_MANIFEST, bytes), piece(OCI_MANIFEST, JSON.stringify(untyped))]) {
        const served: Answering = { headers: { 'content-type': type }, body: image.bytes }
        const script = { 'GET /v2/a/b/manifests/1.0': served, 'GET /v2/a/b/manifests/sha256*': served }
        assert.deepEqual(await (await sourceOf(script)).resolve('1.0'), image.descriptor)
        assert.deepEqual(await (await sourceOf(script)).manifest(image.descriptor), image.bytes)
      }
  })

  it('carries the layers of what comes under a type that says nothing', async () => {
    const parent = index({ descriptor, bytes })
    const served = (body: Buffer): Answering => ({ headers: { 'content-type': 'application/json' }, body })
    const source = await sourceOf({
      'GET /v2/a/b/manifests/1.0': served(parent.bytes),
      [BY_DIGEST]: served(bytes),
      'GET /v2/a/b/tags/list': { headers: { 'content-type': 'application/json' }, body: '{"tags":["1.0"]}' },
    })
    const selection = { source, tags: ['1.0'], digests: [], complete: true, choice: { referrers: 'all' as const } }
    const [gathered] = await gather([selection], { map: [], concurrency: 2 })
    assert.deepEqual(gathered?.bindings.get('1.0'), parent.descriptor)
    assert.equal(carriedBlobs(gathered?.graph ?? assert.fail(), descriptor.digest).length, 2)
  })

  it('rejects what is no manifest under a type that says nothing, unless a digest names it', async () => {
    const tag = 'GET /v2/a/b/manifests/1.0'
    const page = '{"error":"maintenance"}'
    const headers = { 'content-type': 'application/json' }
    const source = await sourceOf({ [tag]: { headers, body: page } })
    await assert.rejects(source.resolve('1.0'), (error) => isFault(error, 'REGISTRY_PROTOCOL'))
    const { digest } = piece('application/json', page).descriptor
    const named = { ...headers, 'docker-content-digest': digest }
    const opaque = { mediaType: 'application/json', digest, size: page.length }
    assert.deepEqual(await (await sourceOf({ [tag]: { headers: named, body: page } })).resolve('1.0'), opaque)
  })

  it('rejects a target that gives a manifest back under a type that says nothing', async () => {
    fake = await opened.add(scripted({ [BY_DIGEST]: { headers: { 'content-type': 'application/json' }, body: bytes } }))
    const target = (await opened.add(clientOf('target', { retries: 1 }))).targetPlace(fake.host).repository('a/b')
    await assert.rejects(target.manifest(descriptor), (error) => isFault(error, 'REGISTRY_PROTOCOL'))
  })

  it('stops reading at the cap', async () => {
    let sent = 0
    const endless: Answering = {
      headers: { 'content-type': OCI_MANIFEST, 'transfer-encoding': 'chunked' },
      raw: (response) => {
        const more = (): void => {
          if (response.destroyed) return
          sent += 65_536
          response.write(Buffer.alloc(65_536, 0x20), () => setImmediate(more))
        }
        more()
      },
    }
    await refuses(endless, 'MANIFEST_TOO_LARGE')
    assert.ok(sent < 16 * 1024 * 1024)
  })

  it('repeats after a broken body, and names what does not pass', async () => {
    const broken: Answering = {
      headers: { 'content-type': OCI_MANIFEST, 'content-length': String(bytes.length) },
      raw: (response) => response.write(bytes.subarray(0, 10), () => setTimeout(() => response.destroy(), 10)),
    }
    assert.deepEqual(
      await (await sourceOf({ [BY_DIGEST]: [broken, { status: 503 }, good] })).manifest(descriptor),
      bytes,
    )
    await refuses(broken, 'REGISTRY_UNREACHABLE')
    await refuses({ status: 500 }, 'REGISTRY_FAULT')
    await refuses({ status: 429 }, 'REGISTRY_LIMITED')
    await refuses({ status: 403, body: errors('DENIED') }, 'REGISTRY_DENIED')
    await refuses({ status: 404, body: errors('MANIFEST_UNKNOWN') }, 'MANIFEST_MISSING')
    await refuses({ status: 404, body: errors('NAME_UNKNOWN') }, 'REPOSITORY_MISSING')
    await refuses({ status: 418, body: '<html>teapot</html>' }, 'REGISTRY_PROTOCOL')
  })

  it('cleans and cuts what a registry says before it is shown', async () => {
    const source = await sourceOf({
      [BY_DIGEST]: { status: 400, body: errors('X\u001b[2J', `\u202eevil${'y'.repeat(5_000)}\r\n`) },
    })
    const caught: unknown = await source.manifest(descriptor).catch((error: unknown) => error)
    assert.ok(isFault(caught, 'REGISTRY_PROTOCOL'))
    assert.ok(caught.message.length < 500)
    assert.ok(!/[\p{Cc}\p{Cf}]/u.test(caught.message))
  })

  it('names a server that is not there', async () => {
    fake = await scripted()
    const { host } = fake
    await fake.close()
    const client = await opened.add(clientOf('source', { retries: 1 }))
    await assert.rejects(client.source(host, 'a/b').tags(), (error) => isFault(error, 'REGISTRY_UNREACHABLE'))
  })
})
