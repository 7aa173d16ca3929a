/** What every target must do. Run over each implementation; repositories are fresh for each test. */
import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isFault } from '../../src/errors/index.ts'
import { OCI_MANIFEST, verifying } from '../../src/oci/index.ts'
import { fileBody, type Target, type TargetPlace } from '../../src/content/index.ts'
import { bodyOf, digests, EMPTY_CONFIG, index, manifest, piece, pushImage, randomBlob } from './content.ts'

/** A place, and the same content opened anew (another client of the registry, the layout after a close). */
export interface TargetFixture {
  place: TargetPlace
  reopen(): Promise<TargetPlace>
  close(): Promise<void>
}

export function targetContract(name: string, factory: () => Promise<TargetFixture>): void {
  describe(`contract/target: ${name}`, () => {
    let fixture: TargetFixture
    let place: TargetPlace
    let target: Target
    let count = 0

    before(async () => {
      fixture = await factory()
      place = fixture.place
    })

    beforeEach(() => {
      target = place.repository(`contract/r${++count}`)
    })

    after(() => fixture.close())

    const image = async (more: Parameters<typeof manifest>[1] = {}) => {
      const layer = randomBlob(5000)
      const made = manifest(layer, more)
      await pushImage(target, layer, made)
      return made
    }

    it('has a blob once it is pushed and proves it', async () => {
      const { descriptor, bytes } = randomBlob(3_000_000)
      assert.equal(await target.hasBlob(descriptor), false)
      assert.equal(await target.pushBlob(descriptor, bodyOf(bytes, 65_536)), 'pushed')
      assert.equal(await target.hasBlob(descriptor), true)
      await target.proveBlob(descriptor)
    })

    it('takes an empty blob', async () => {
      const { descriptor, bytes } = piece('application/octet-stream', '')
      await target.pushBlob(descriptor, bodyOf(bytes))
      assert.equal(await target.hasBlob(descriptor), true)
    })

    it('takes the same blob twice', async () => {
      const { descriptor, bytes } = randomBlob(2000)
      await target.pushBlob(descriptor, bodyOf(bytes))
      await target.pushBlob(descriptor, bodyOf(bytes))
      await target.proveBlob(descriptor)
    })

    it('takes the same blob twice at once', async () => {
      const { descriptor, bytes } = randomBlob(200_000)
      await Promise.all([1, 2, 3].map(() => target.pushBlob(descriptor, bodyOf(bytes))))
      await target.proveBlob(descriptor)
    })

    it('is left without a blob whose bytes are not the promised ones', async () => {
      const { descriptor, bytes } = randomBlob(2000)
      const wrong = Buffer.from(bytes)
      wrong[1999] = (wrong[1999] ?? 0) ^ 1
      await assert.rejects(target.pushBlob(descriptor, bodyOf(wrong)), (error) => isFault(error, 'DIGEST_MISMATCH'))
      assert.equal(await target.hasBlob(descriptor), false)
    })

    it('is left without a blob that is too short or too long', async () => {
      const { descriptor, bytes } = randomBlob(2000)
      for (const body of [bytes.subarray(0, 1999), Buffer.concat([bytes, Buffer.alloc(1)])]) {
        await assert.rejects(target.pushBlob(descriptor, bodyOf(body)), (error) => isFault(error, 'SIZE_MISMATCH'))
        assert.equal(await target.hasBlob(descriptor), false)
      }
    })

    it('is left without a blob whose body breaks off, and passes the error on', async () => {
      const { descriptor, bytes } = randomBlob(2000)
      const broken = {
        async *open(): AsyncGenerator<Uint8Array> {
          yield bytes.subarray(0, 1000)
          throw new RangeError('the source fails')
        },
      }
      await assert.rejects(target.pushBlob(descriptor, broken), RangeError)
      assert.equal(await target.hasBlob(descriptor), false)
    })

    for (const size of [2000, 3_000_000]) {
      it(`is left without a blob of ${size} bytes whose body proves itself, and fails behind its last byte`, async () => {
        const { descriptor, bytes } = randomBlob(size)
        const wrong = Buffer.from(bytes)
        wrong[size - 1] = (wrong[size - 1] ?? 0) ^ 1
        const open = (): AsyncIterable<Uint8Array> => verifying(bodyOf(wrong).open(0), descriptor, 'bundle')
        const pushing = target.pushBlob(descriptor, { proving: true, open })
        await assert.rejects(pushing, (error) => isFault(error, 'DIGEST_MISMATCH') && error.side === 'bundle')
        assert.equal(await target.hasBlob(descriptor), false)
        assert.equal(await target.pushBlob(descriptor, { ...bodyOf(bytes), proving: true }), 'pushed')
        await target.proveBlob(descriptor)
      })
    }

    it('takes a large blob out of a file', async () => {
      const { descriptor, bytes } = randomBlob(3_000_000)
      const dir = mkdtempSync(join(tmpdir(), 'sallyport-span-'))
      const fd = openSync(join(dir, 'bundle'), 'w+')
      try {
        writeSync(fd, bytes, 0, bytes.length, 1000)
        assert.equal(await target.pushBlob(descriptor, fileBody({ fd, offset: 1000 }, bytes.length)), 'pushed')
        await target.proveBlob(descriptor)
      } finally {
        closeSync(fd)
        rmSync(dir, { recursive: true })
      }
    })

    it('mounts a blob from a repository that has it, without reading the body', async () => {
      const { descriptor, bytes } = randomBlob(2000)
      await target.pushBlob(descriptor, bodyOf(bytes))
      const other = place.repository(`contract/r${++count}`)
      const outcome = await other.pushBlob(descriptor, bodyOf(bytes), `contract/r${count - 1}`)
      assert.ok(['mounted', 'pushed'].includes(outcome))
      assert.equal(await other.hasBlob(descriptor), true)
    })

    it('pushes a blob whose mount is refused', async () => {
      const { descriptor, bytes } = randomBlob(2000)
      assert.equal(await target.pushBlob(descriptor, bodyOf(bytes), 'contract/without-it'), 'pushed')
      await target.proveBlob(descriptor)
    })

    it('denies a blob under another size', async () => {
      const { descriptor, bytes } = randomBlob(2000)
      await target.pushBlob(descriptor, bodyOf(bytes))
      assert.equal(await target.hasBlob({ ...descriptor, size: 2001 }), false)
    })

    it('gives a manifest back byte for byte and finds it by digest', async () => {
      const made = await image()
      assert.deepEqual(await target.manifest(made.descriptor), made.bytes)
      assert.equal((await target.resolve(made.descriptor.digest))?.size, made.bytes.length)
    })

    it('resolves nothing for a tag or digest that is absent', async () => {
      assert.equal(await target.resolve('absent'), undefined)
      assert.equal(await target.resolve(`sha256:${'0'.repeat(64)}`), undefined)
    })

    it('refuses a manifest that does not have its digest', async () => {
      const { descriptor, bytes } = manifest(EMPTY_CONFIG, { artifactType: 'application/vnd.example.a' })
      const wrong = Buffer.from(bytes.toString().replace('vnd.example.a', 'vnd.example.b'))
      await assert.rejects(target.pushManifest(descriptor, wrong), (error) => isFault(error, 'DIGEST_MISMATCH'))
    })

    it('refuses a manifest over the cap', async () => {
      const large = piece(OCI_MANIFEST, Buffer.alloc(4 * 1024 * 1024 + 1, 0x20))
      await assert.rejects(target.pushManifest(large.descriptor, large.bytes), (error) =>
        isFault(error, 'MANIFEST_TOO_LARGE'),
      )
    })

    it('moves a tag and keeps the manifest it left', async () => {
      const [first, second] = [await image(), await image()]
      await target.tag('moving', first.descriptor, first.bytes)
      assert.equal((await target.resolve('moving'))?.digest, first.descriptor.digest)
      await target.tag('moving', second.descriptor, second.bytes)
      await target.tag('moving', second.descriptor, second.bytes)
      assert.equal((await target.resolve('moving'))?.digest, second.descriptor.digest)
      assert.equal((await target.resolve(first.descriptor.digest))?.digest, first.descriptor.digest)
    })

    it('keeps the tags of repositories apart', async () => {
      const made = await image()
      await target.tag('v1', made.descriptor, made.bytes)
      assert.equal(await place.repository(`contract/r${++count}`).resolve('v1'), undefined)
    })

    it('takes many tags at once', async () => {
      const made = await image()
      const tags = Array.from({ length: 20 }, (_, i) => `at-once-${i}`)
      await Promise.all(tags.map((tag) => target.tag(tag, made.descriptor, made.bytes)))
      for (const tag of tags) assert.equal((await target.resolve(tag))?.digest, made.descriptor.digest)
    })

    it('unites referrers that are listed at once', async () => {
      const { descriptor: subject } = await image()
      const makers = ['application/vnd.example.one', 'application/vnd.example.two', 'application/vnd.example.three']
      const made = await Promise.all(makers.map((artifactType) => image({ artifactType, subject })))
      await Promise.all(made.map((referrer) => target.listReferrers(subject, [referrer.descriptor])))
      await target.listReferrers(subject, [made[0]?.descriptor ?? subject])
      const wanted = made.map((referrer) => referrer.descriptor.digest).sort()
      assert.deepEqual(digests(await target.referrers(subject.digest)), wanted)
    })

    it('lists no referrers where there are none', async () => {
      assert.deepEqual(await target.referrers((await image()).descriptor.digest), [])
    })

    it('lists its tags, and gives a blob back from any offset', async () => {
      assert.deepEqual(await target.tags().catch(() => []), [])
      const layer = randomBlob(5000)
      const made = manifest(layer)
      await pushImage(target, layer, made)
      for (const tag of ['b', 'a']) await target.tag(tag, made.descriptor, made.bytes)
      assert.deepEqual(await target.tags(), ['a', 'b'])
      for (const from of [0, 4000]) {
        const runs: Uint8Array[] = []
        for await (const run of target.blob(layer.descriptor, from)) runs.push(Uint8Array.from(run))
        assert.deepEqual(Buffer.concat(runs), layer.bytes.subarray(from))
      }
    })

    const missing = (error: unknown): boolean => isFault(error, 'MANIFEST_MISSING')
    /** Whether the place deletes, as it says itself; a place that refuses must refuse all of it by code. */
    const deletes = async (what: 'manifest' | 'tag'): Promise<boolean> => {
      const refusal = await target.probeDelete(what)
      assert.ok(refusal === undefined || refusal.code === 'DELETE_DENIED')
      return refusal === undefined
    }

    it('takes a tag away alone, or says that it can not', async () => {
      const made = await image()
      for (const tag of ['gone', 'stays']) await target.tag(tag, made.descriptor, made.bytes)
      if (!(await deletes('tag'))) {
        await assert.rejects(target.untag('gone'), (error) => isFault(error, 'DELETE_DENIED'))
        return
      }
      await target.untag('gone')
      assert.deepEqual(
        [await target.resolve('gone'), (await target.resolve('stays'))?.size],
        [undefined, made.bytes.length],
      )
      await target.untag('stays')
      assert.equal((await target.resolve(made.descriptor.digest))?.size, made.bytes.length)
      await assert.rejects(target.untag('stays'), missing)
    })

    it('takes a manifest away with its tags and nothing else, or says that it can not', async () => {
      const layer = randomBlob(5000)
      const [made, other] = [manifest(layer), manifest(layer, { artifactType: 'application/vnd.example.other' })]
      for (const one of [made, other]) await pushImage(target, layer, one)
      for (const tag of ['x', 'y']) await target.tag(tag, made.descriptor, made.bytes)
      await target.tag('other', other.descriptor, other.bytes)
      const { digest } = made.descriptor
      if (!(await deletes('manifest'))) {
        await assert.rejects(target.deleteManifest(digest), (error) => isFault(error, 'DELETE_DENIED'))
        assert.equal((await target.resolve('x'))?.digest, digest)
        return
      }
      await target.deleteManifest(digest)
      for (const name of ['x', 'y', digest]) assert.equal(await target.resolve(name), undefined)
      await assert.rejects(target.manifest(made.descriptor), missing)
      await assert.rejects(target.deleteManifest(digest), missing)
      assert.equal((await target.resolve('other'))?.digest, other.descriptor.digest)
      await target.proveBlob(layer.descriptor)
      await pushImage(target, layer, made)
      assert.deepEqual(await target.manifest(made.descriptor), made.bytes)
    })

    it('still has everything when it is opened anew', async () => {
      const [tagged, child, untagged] = [await image(), await image(), await image()]
      const parent = index(child)
      await target.pushManifest(parent.descriptor, parent.bytes)
      await target.tag('tagged', tagged.descriptor, tagged.bytes)
      await target.tag('parent', parent.descriptor, parent.bytes)
      const referrer = await image({ artifactType: 'application/vnd.example.note', subject: parent.descriptor })
      await target.listReferrers(parent.descriptor, [
        { ...referrer.descriptor, artifactType: 'application/vnd.example.note' },
      ])
      const path = `contract/r${count}`
      place = await fixture.reopen()
      target = place.repository(path)
      assert.equal((await target.resolve('tagged'))?.digest, tagged.descriptor.digest)
      for (const { descriptor } of [child, untagged, referrer])
        assert.equal((await target.resolve(descriptor.digest))?.digest, descriptor.digest)
      const [listed] = await target.referrers(parent.descriptor.digest)
      assert.equal(listed?.digest, referrer.descriptor.digest)
      assert.equal(listed?.artifactType, 'application/vnd.example.note')
    })
  })
}
