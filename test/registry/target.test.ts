import assert from 'node:assert/strict'
import { isFault, SallyportError, type Code } from '../../src/errors/index.ts'
import { digestOf, fallbackTag, OCI_INDEX, OCI_MANIFEST, parseManifest, type Descriptor } from '../../src/oci/index.ts'
import type { RegistryTarget } from '../../src/registry/index.ts'
import { bodyOf, digests, index, manifest, randomBlob } from '../contract/content.ts'
import { clientOf, errors, Opened, scripted, type Answering, type Reply, type Scripted } from './scripted.ts'

const blob = randomBlob(5_000)
const image = manifest(blob)
const parent = index(image)
const HEAD_BLOB = `HEAD /v2/a/b/blobs/${blob.descriptor.digest}`
const BEGIN = 'POST /v2/a/b/blobs/uploads/'
const session: Answering = { status: 202, headers: { location: '/v2/a/b/up?state=a%2Bb~c' } }
const there: Answering = { headers: { 'content-length': String(blob.bytes.length) } }

describe('registry/target', () => {
  const opened = new Opened()
  let fake: Scripted

  afterEach(() => opened.close())
  const targetOf = async (script: Record<string, Reply | Reply[]>): Promise<RegistryTarget> => {
    fake = await opened.add(scripted(script))
    return (await opened.add(clientOf('target', { retries: 2 }))).targetPlace(fake.host).repository('a/b')
  }
  const rejects = (act: Promise<unknown>, code: Code): Promise<void> =>
    assert.rejects(act, (error) => {
      assert.ok(error instanceof SallyportError, String(error))
      assert.deepEqual([error.code, error.side], [code, 'target'])
      return true
    })

  it('takes no path that leads out of the API', async () => {
    const client = await opened.add(clientOf('target'))
    const place = client.targetPlace('registry.site:5000')
    assert.equal(place.repository('a/b').repository, 'registry.site:5000/a/b')
    for (const path of ['../x', 'a//b', 'A', 'a?b', ''])
      assert.throws(
        () => place.repository(path),
        (error) => isFault(error, 'REFERENCE_INVALID'),
      )
  })

  describe('blobs', () => {
    it('pushes in one POST and one PUT and keeps the query that the registry made', async () => {
      const target = await targetOf({ [BEGIN]: session, 'PUT /v2/a/b/up': { status: 201 } })
      assert.equal(await target.pushBlob(blob.descriptor, bodyOf(blob.bytes)), 'pushed')
      const [, put] = fake.asked
      assert.equal(put?.url, `/v2/a/b/up?state=a%2Bb~c&digest=${encodeURIComponent(blob.descriptor.digest)}`)
      assert.equal(put?.headers['content-length'], String(blob.bytes.length))
      assert.deepEqual(put?.body, blob.bytes)
    })

    it('asks again after a push, but not after the registry has said yes', async () => {
      const target = await targetOf({ [BEGIN]: session, 'PUT /v2/a/b/up': { status: 201 }, [HEAD_BLOB]: there })
      await target.pushBlob(blob.descriptor, bodyOf(blob.bytes))
      for (const _ of [1, 2]) assert.equal(await target.hasBlob(blob.descriptor), true)
      assert.deepEqual(fake.seen().slice(2), [HEAD_BLOB])
    })

    it('mounts, and believes a mount only when the blob is there', async () => {
      const mounting = await targetOf({ [BEGIN]: { status: 201 }, [HEAD_BLOB]: there })
      assert.equal(await mounting.pushBlob(blob.descriptor, bodyOf(blob.bytes), 'other/repo'), 'mounted')
      assert.match(fake.asked[0]?.url ?? '', /\?mount=sha256%3A[0-9a-f]{64}&from=other%2Frepo$/)
      const lying = await targetOf({ [BEGIN]: [{ status: 201 }, session], 'PUT /v2/a/b/up': { status: 201 } })
      assert.equal(await lying.pushBlob(blob.descriptor, bodyOf(blob.bytes), 'other/repo'), 'pushed')
    })

    it('heals a refused mount with the session it was given, or a new one', async () => {
      const given = await targetOf({ [BEGIN]: session, 'PUT /v2/a/b/up': { status: 201 } })
      assert.equal(await given.pushBlob(blob.descriptor, bodyOf(blob.bytes), 'other/repo'), 'pushed')
      assert.deepEqual(fake.seen(), [BEGIN, 'PUT /v2/a/b/up'])
      const named = errors('DENIED', 'access is denied', [{ Type: 'repository', Name: 'team/quota-svc' }])
      for (const [status, body = ''] of [[400], [403], [403, named], [404], [405]] as const) {
        const anew = await targetOf({ [BEGIN]: [{ status, body }, session], 'PUT /v2/a/b/up': { status: 201 } })
        assert.equal(await anew.pushBlob(blob.descriptor, bodyOf(blob.bytes), 'other/repo'), 'pushed')
      }
    })

    it('begins again after a reset, 500 or 429, unless the blob has arrived', async () => {
      const reset: Answering = { raw: (response) => void response.destroy() }
      for (const fault of [reset, { status: 500 }, { status: 429 }]) {
        const target = await targetOf({ [BEGIN]: session, 'PUT /v2/a/b/up': [fault, { status: 201 }] })
        await target.pushBlob(blob.descriptor, bodyOf(blob.bytes))
        const arrived = await targetOf({ [BEGIN]: session, 'PUT /v2/a/b/up': fault, [HEAD_BLOB]: there })
        await arrived.pushBlob(blob.descriptor, bodyOf(blob.bytes))
        assert.equal(fake.seen().filter((line) => line.startsWith('PUT')).length, 1)
      }
    })

    it('never sends the last bytes of a body that is wrong', async () => {
      const large = randomBlob(3_000_000)
      const wrong = Buffer.from(large.bytes)
      wrong[2_999_999] = (wrong[2_999_999] ?? 0) ^ 1
      for (const [body, code] of [
        [wrong, 'DIGEST_MISMATCH'],
        [large.bytes.subarray(1), 'SIZE_MISMATCH'],
        [Buffer.concat([large.bytes, Buffer.alloc(1)]), 'SIZE_MISMATCH'],
      ] as const) {
        const target = await targetOf({ [BEGIN]: session, 'PUT /v2/a/b/up': { status: 201 } })
        const push = target.pushBlob(large.descriptor, {
          async *open() {
            for (let at = 0; at < body.length; at += 65_536) yield body.subarray(at, at + 65_536)
            yield Buffer.alloc(0)
          },
        })
        await assert.rejects(push, (error) => isFault(error, code) && error.side === 'bundle')
        const put = fake.asked.find(({ method }) => method === 'PUT')
        assert.ok((put?.body.length ?? 0) < large.bytes.length)
        assert.ok(fake.seen().includes('DELETE /v2/a/b/up'))
      }
    })

    it('asks the registry nothing for a small body that is wrong', async () => {
      const target = await targetOf({})
      const push = target.pushBlob(blob.descriptor, bodyOf(blob.bytes.subarray(1)))
      await assert.rejects(push, (error) => isFault(error, 'SIZE_MISMATCH') && error.side === 'bundle')
      assert.deepEqual(fake.asked, [])
    })

    it('names what stands in the way of a push', async () => {
      const harborQuota =
        'adding 5.0 KiB of storage resource, which when updated to current usage of 10.0 MiB will exceed the configured upper limit of 10.0 MiB.'
      const cases: [Answering, Code][] = [
        [
          { status: 404, body: errors('NAME_UNKNOWN', 'The repository with name a/b does not exist') },
          'REPOSITORY_MISSING',
        ],
        [{ status: 404, body: errors('NOT_FOUND', 'project a not found') }, 'REPOSITORY_MISSING'],
        [{ status: 403, body: errors('DENIED', harborQuota) }, 'QUOTA_EXCEEDED'],
        [{ status: 412, body: errors('PRECONDITION', harborQuota) }, 'QUOTA_EXCEEDED'],
        [{ status: 403, body: errors('DENIED', 'Quota has been exceeded on namespace') }, 'QUOTA_EXCEEDED'],
        [{ status: 507 }, 'QUOTA_EXCEEDED'],
        [{ status: 403, body: errors('DENIED', 'requested access to the resource is denied') }, 'REGISTRY_DENIED'],
        [{ status: 413, body: '<html>too large</html>' }, 'PUSH_REFUSED'],
        [{ status: 405, body: errors('UNSUPPORTED', 'read-only') }, 'PUSH_REFUSED'],
        [{ status: 429, body: errors('TOOMANYREQUESTS') }, 'REGISTRY_LIMITED'],
        [{ status: 500 }, 'REGISTRY_FAULT'],
      ]
      for (const [reply, code] of cases) {
        await rejects((await targetOf({ [BEGIN]: reply })).pushBlob(blob.descriptor, bodyOf(blob.bytes)), code)
        const late = await targetOf({ [BEGIN]: session, 'PUT /v2/a/b/up': reply })
        await rejects(late.pushBlob(blob.descriptor, bodyOf(blob.bytes)), code)
      }
    })

    it('notices a registry that stored something else, or nothing', async () => {
      const headers = { 'docker-content-digest': image.descriptor.digest }
      const other = await targetOf({ [BEGIN]: session, 'PUT /v2/a/b/up': { status: 201, headers } })
      await rejects(other.pushBlob(blob.descriptor, bodyOf(blob.bytes)), 'READ_BACK_MISMATCH')
      const GET_BLOB = `GET /v2/a/b/blobs/${blob.descriptor.digest}`
      const wrong = Buffer.from(blob.bytes).reverse()
      for (const reply of [{ status: 404 }, { body: wrong }, { body: wrong.subarray(1) }])
        await rejects((await targetOf({ [GET_BLOB]: reply })).proveBlob(blob.descriptor), 'READ_BACK_MISMATCH')
      const short = await targetOf({ [HEAD_BLOB]: { headers: { 'content-length': '7' } } })
      assert.equal(await short.hasBlob(blob.descriptor), false)
    })
  })

  describe('manifests and tags', () => {
    const PUT = `PUT /v2/a/b/manifests/${image.descriptor.digest}`
    const PUT_INDEX = `PUT /v2/a/b/manifests/${parent.descriptor.digest}`

    it('puts a manifest by digest and then by tag', async () => {
      const { digest } = image.descriptor
      const tagged = { 'content-type': OCI_MANIFEST, 'docker-content-digest': digest, ...there.headers }
      const target = await targetOf({
        'PUT /v2/a/b/manifests/*': { status: 201 },
        'HEAD /v2/a/b/manifests/1.0': { headers: tagged },
      })
      await target.pushManifest(image.descriptor, image.bytes)
      await target.tag('1.0', image.descriptor, image.bytes)
      assert.deepEqual(fake.seen(), [PUT, 'PUT /v2/a/b/manifests/1.0', 'HEAD /v2/a/b/manifests/1.0'])
      for (const { headers, body } of fake.asked.slice(0, 2)) {
        assert.equal(headers['content-type'], OCI_MANIFEST)
        assert.deepEqual(body, image.bytes)
      }
    })

    it('names an index that is refused for its absent children', async () => {
      const child = image.descriptor.digest
      for (const reply of [
        { status: 400, body: errors('MANIFEST_BLOB_UNKNOWN', 'blob unknown to registry', child) },
        { status: 404, body: errors('MANIFEST_UNKNOWN', 'manifest unknown') },
        { status: 400, body: errors('MANIFEST_INVALID', 'manifest invalid', { message: `child ${child} is absent` }) },
      ])
        await rejects(
          (await targetOf({ [PUT_INDEX]: reply })).pushManifest(parent.descriptor, parent.bytes),
          'SPARSE_REFUSED',
        )
      const unsaid = { status: 400, body: errors('MANIFEST_INVALID', 'schema') }
      await rejects(
        (await targetOf({ [PUT_INDEX]: unsaid })).pushManifest(parent.descriptor, parent.bytes),
        'PUSH_REFUSED',
      )
      const missing = { status: 400, body: errors('MANIFEST_BLOB_UNKNOWN', 'blob unknown', child) }
      await rejects((await targetOf({ [PUT]: missing })).pushManifest(image.descriptor, image.bytes), 'PUSH_REFUSED')
    })

    it('names a tag that may not move, in the words of each registry', async () => {
      for (const reply of [
        {
          status: 412,
          body: errors('PRECONDITION', "Failed to process request due to 'a/b:1.0' configured as immutable."),
        },
        {
          status: 400,
          body: errors(
            'TAG_INVALID',
            "The image tag '1.0' already exists in the 'a/b' repository and cannot be overwritten because the tag is immutable.",
          ),
        },
        { status: 409, body: errors('TAG_IMMUTABLE', 'tag is immutable') },
        { status: 403, body: errors('DENIED', 'tag 1.0 is immutable') },
      ])
        await rejects(
          (await targetOf({ 'PUT /v2/a/b/manifests/1.0': reply })).tag('1.0', image.descriptor, image.bytes),
          'TAG_IMMUTABLE',
        )
    })

    it('names a denied deletion, in the words of each registry', async () => {
      for (const reply of [
        { status: 405, body: errors('UNSUPPORTED', 'The operation is unsupported.') },
        { status: 403, body: errors('DENIED', 'requested access to the resource is denied') },
        { status: 412, body: errors('PRECONDITION', 'configured as immutable, cannot be deleted') },
        { status: 400, body: errors('UNSUPPORTED') },
      ]) {
        const target = await targetOf({ 'DELETE /v2/a/b/manifests/*': reply })
        await rejects(target.deleteManifest(image.descriptor.digest), 'DELETE_DENIED')
      }
      await rejects((await targetOf({})).deleteManifest(image.descriptor.digest), 'MANIFEST_MISSING')
    })

    it('notices a registry that says 201 and has nothing, or something else', async () => {
      const GET = `GET /v2/a/b/manifests/${image.descriptor.digest}`
      const other = manifest(randomBlob(5_000))
      const typed = (body: Buffer): Answering => ({ headers: { 'content-type': OCI_MANIFEST }, body })
      for (const reply of [{ status: 404 }, typed(other.bytes), typed(Buffer.from('{}'))]) {
        const target = await targetOf({ [PUT]: { status: 201 }, [GET]: reply })
        await target.pushManifest(image.descriptor, image.bytes)
        await rejects(target.manifest(image.descriptor), 'READ_BACK_MISMATCH')
      }
      await rejects((await targetOf({})).manifest(image.descriptor), 'MANIFEST_MISSING')
      const headers = { 'docker-content-digest': other.descriptor.digest }
      const named = await targetOf({ [PUT]: { status: 201, headers } })
      await rejects(named.pushManifest(image.descriptor, image.bytes), 'READ_BACK_MISMATCH')
    })

    it('resolves by one HEAD, and by GET where that does not tell enough', async () => {
      const headers = {
        'content-type': OCI_MANIFEST,
        'docker-content-digest': image.descriptor.digest,
        'content-length': String(image.bytes.length),
      }
      const full = await targetOf({ 'HEAD /v2/a/b/manifests/1.0': { headers } })
      assert.equal((await full.resolve('1.0'))?.digest, image.descriptor.digest)
      const poor = await targetOf({
        'HEAD /v2/a/b/manifests/1.0': {},
        'GET /v2/a/b/manifests/1.0': { headers: { 'content-type': OCI_MANIFEST }, body: image.bytes },
      })
      assert.equal((await poor.resolve('1.0'))?.digest, image.descriptor.digest)
    })
  })

  describe('referrers', () => {
    const API = `GET /v2/a/b/referrers/${image.descriptor.digest}`
    const TAG = `/v2/a/b/manifests/${fallbackTag(image.descriptor.digest)}`
    const made = Array.from({ length: 12 }, (_, i) =>
      manifest(randomBlob(10 + i), { subject: image.descriptor, artifactType: `application/vnd.example.n${i}` }),
    )
    const all = made.map(({ descriptor }) => descriptor)
    const listing = (...of: typeof made): Answering => ({
      headers: { 'content-type': OCI_INDEX },
      body: index(...of).bytes,
    })

    /** A registry with a fallback tag that is written whole, like a real one. */
    const withTag = async (
      start?: Buffer,
      onPut?: (times: number) => void,
    ): Promise<{ target: RegistryTarget; now: () => Buffer; put: (by: Buffer) => void }> => {
      let held = start
      const target = await targetOf({
        [`GET ${TAG}`]: () =>
          held === undefined
            ? { status: 404, body: errors('MANIFEST_UNKNOWN') }
            : { headers: { 'content-type': OCI_INDEX }, body: held },
        [`PUT ${TAG}`]: async ({ body }, times) => {
          await new Promise((resolve) => setTimeout(resolve, 5))
          held = body
          onPut?.(times)
          return { status: 201 }
        },
      })
      return { target, now: () => held ?? assert.fail('no fallback tag'), put: (by) => (held = by) }
    }

    it('leaves the list to a registry that makes it itself', async () => {
      const target = await targetOf({ [API]: [listing(), listing(...made)] })
      assert.equal(await target.listReferrers(image.descriptor, all), 'api')
      assert.ok(!fake.seen().some((line) => line.startsWith('PUT')))
    })

    it('notices an API that goes on without a referrer', async () => {
      const target = await targetOf({ [API]: listing() })
      await rejects(target.listReferrers(image.descriptor, all), 'READ_BACK_MISMATCH')
    })

    it('makes a fallback tag, and writes nothing when all is there', async () => {
      const { target, now } = await withTag()
      assert.equal(await target.listReferrers(image.descriptor, all), 'fallback')
      const found = parseManifest(now(), OCI_INDEX, 'target', 'test').manifests
      assert.deepEqual(digests(found), digests(all))
      assert.equal(found[0]?.artifactType, all[0]?.artifactType)
      const asked = fake.asked.length
      await target.listReferrers(image.descriptor, all)
      assert.deepEqual(fake.seen().slice(asked), [`GET ${TAG}`])
    })

    it('keeps every entry and member that stood there', async () => {
      const stranger = { mediaType: OCI_MANIFEST, digest: digestOf(Buffer.from('x')), size: 1, 'x-own': { a: 1 } }
      const start = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [stranger], annotations: { note: 'keep' } }
      const { target, now } = await withTag(Buffer.from(JSON.stringify(start)))
      await target.listReferrers(image.descriptor, all.slice(0, 1))
      const after = JSON.parse(now().toString()) as typeof start
      assert.deepEqual(after.manifests[0], stranger)
      assert.deepEqual(after.annotations, start.annotations)
      assert.equal(after.manifests.length, 2)
    })

    it('loses no entry when two clients write at the same time', async () => {
      const { target, now } = await withTag()
      const other = (await opened.add(clientOf('target', { seed: 99 }))).targetPlace(fake.host).repository('a/b')
      // As an import does: what the last look shows missing is listed once more.
      const write = async (by: RegistryTarget, own: Descriptor[]): Promise<void> => {
        for (const descriptor of own) await by.listReferrers(image.descriptor, [descriptor])
      }
      await Promise.all([write(target, all.slice(0, 6)), write(other, all.slice(6))])
      await Promise.all([
        target.listReferrers(image.descriptor, all.slice(0, 6)),
        other.listReferrers(image.descriptor, all.slice(6)),
      ])
      const found = parseManifest(now(), OCI_INDEX, 'target', 'test').manifests
      assert.deepEqual(digests(found).sort(), digests(all).sort())
    })

    it('merges again when another writer undid it, and says so when that goes on', async () => {
      const foreign = index(made[11] ?? assert.fail()).bytes
      let undo = 3
      const script = (times: () => boolean): Record<string, Reply> => {
        let held: Buffer = foreign
        return {
          [`GET ${TAG}`]: () => ({ headers: { 'content-type': OCI_INDEX }, body: held }),
          [`PUT ${TAG}`]: ({ body }) => {
            held = times() ? foreign : body
            return { status: 201 }
          },
        }
      }
      const healed = await targetOf(script(() => undo-- > 0))
      await healed.listReferrers(image.descriptor, all.slice(0, 2))
      assert.equal(fake.seen().filter((line) => line.startsWith('PUT')).length, 4)
      const never = await targetOf(script(() => true))
      await rejects(never.listReferrers(image.descriptor, all.slice(0, 2)), 'READ_BACK_MISMATCH')
    })

    it('puts back, when it settles, what a writer who had read before wrote over after the last look', async () => {
      const foreign = index(made[11] ?? assert.fail()).bytes
      const { target, now, put } = await withTag()
      await target.listReferrers(image.descriptor, all.slice(0, 2))
      put(foreign)
      await target.settleReferrers(1)
      const found = parseManifest(now(), OCI_INDEX, 'target', 'test').manifests
      const both = [
        ...digests(parseManifest(foreign, OCI_INDEX, 'target', 'test').manifests),
        ...digests(all.slice(0, 2)),
      ]
      assert.deepEqual(digests(found).sort(), both.sort())
      // Settled is settled: nothing is put back that somebody takes away on purpose later.
      put(foreign)
      const asked = fake.asked.length
      await target.settleReferrers(3)
      assert.equal(fake.asked.length, asked)
    })

    it('ends settling when it is told to', async () => {
      const { target } = await withTag()
      await target.listReferrers(image.descriptor, all.slice(0, 2))
      await assert.rejects(target.settleReferrers(3, AbortSignal.abort(new Error('told'))), /told/)
    })

    it('refuses to write over a fallback tag that is no index', async () => {
      const target = await targetOf({
        [`GET ${TAG}`]: { headers: { 'content-type': OCI_MANIFEST }, body: image.bytes },
      })
      await rejects(target.listReferrers(image.descriptor, all), 'MANIFEST_MALFORMED')
      assert.ok(!fake.seen().some((line) => line.startsWith('PUT')))
    })
  })
})
