/** What every source must do. Run over each implementation with the demo fixture inside. */
import assert from 'node:assert/strict'
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isFault } from '../../src/errors/index.ts'
import { digestOf, MANIFEST_CAP, parseManifest, signatureTag, type Digest } from '../../src/oci/index.ts'
import type { Source } from '../../src/content/index.ts'
import { buildDemoLayout, type DemoLayout } from '../../fixtures/layouts/build.ts'
import { collect, digests } from './content.ts'

/** A source over `demo`, whose layout lies in `dir`; called once. */
export type SourceFactory = (dir: string, demo: DemoLayout) => Promise<{ source: Source; close(): Promise<void> }>

const ABSENT: Digest = `sha256:${'0'.repeat(64)}`

export function sourceContract(name: string, factory: SourceFactory): void {
  describe(`contract/source: ${name}`, () => {
    const dir = mkdtempSync(join(tmpdir(), 'sallyport-source-'))
    let demo: DemoLayout
    let source: Source
    let close: () => Promise<void>

    before(async () => {
      demo = await buildDemoLayout(join(dir, 'demo'))
      ;({ source, close } = await factory(join(dir, 'demo'), demo))
    })

    after(async () => {
      await close()
      rmSync(dir, { recursive: true })
    })

    const layer = (): Buffer => readFileSync(join(dir, 'demo', 'blobs', demo.layer.digest.replace(':', '/')))

    it('lists every tag in order', async () => {
      const tags = (await source.tags()).filter((tag) => !/^sha256-[0-9a-f]{64}$/.test(tag))
      assert.deepEqual(tags, ['1.0', 'latest', signatureTag(demo.amd64.digest, 'sig')].sort())
    })

    it('resolves a tag to media type, digest and size', async () => {
      const found = await source.resolve('1.0')
      const { mediaType, digest, size } = demo.index
      assert.deepEqual([found?.mediaType, found?.digest, found?.size], [mediaType, digest, size])
    })

    it('resolves a child of an index and a referrer by digest', async () => {
      for (const { digest, size } of [demo.index, demo.arm64, demo.sbom, demo.sbomSignature]) {
        const found = await source.resolve(digest)
        assert.deepEqual([found?.digest, found?.size], [digest, size])
      }
    })

    it('resolves nothing for a tag or digest that is absent', async () => {
      assert.equal(await source.resolve('2.0'), undefined)
      assert.equal(await source.resolve(ABSENT), undefined)
    })

    it('gives manifests whose bytes have the asked-for digest', async () => {
      for (const descriptor of [demo.index, demo.amd64, demo.signature]) {
        assert.equal(digestOf(await source.manifest(descriptor)), descriptor.digest)
      }
    })

    it('refuses a manifest that is absent', async () => {
      const wanted = { ...demo.index, digest: ABSENT }
      await assert.rejects(source.manifest(wanted), (error) => isFault(error, 'MANIFEST_MISSING'))
    })

    it('refuses a manifest over the cap before it reads one', async () => {
      const huge = { ...demo.index, size: MANIFEST_CAP + 1 }
      await assert.rejects(source.manifest(huge), (error) => isFault(error, 'MANIFEST_TOO_LARGE'))
    })

    it('refuses a manifest whose size is not the promised one', async () => {
      const wrong = { ...demo.index, size: demo.index.size - 1 }
      await assert.rejects(source.manifest(wrong), (error) => isFault(error, 'SIZE_MISMATCH'))
    })

    it('lists referrers sorted by digest, and those of referrers', async () => {
      const wanted = [demo.sbom.digest, demo.signature.digest].sort()
      const found = await source.referrers(demo.index.digest)
      assert.deepEqual(digests(found), wanted)
      assert.deepEqual(digests(await source.referrers(demo.sbom.digest)), [demo.sbomSignature.digest])
      const signature = found.find(({ digest }) => digest === demo.signature.digest)
      assert.equal(signature?.artifactType, 'application/vnd.cncf.notary.signature')
    })

    it('lists no referrers where there are none', async () => {
      assert.deepEqual(await source.referrers(demo.arm64.digest), [])
      assert.deepEqual(await source.referrers(ABSENT), [])
    })

    it('streams a blob whole and from an offset', async () => {
      assert.deepEqual(await collect(source.blob(demo.layer)), layer())
      assert.deepEqual(await collect(source.blob(demo.layer, 100)), layer().subarray(100))
      assert.equal((await collect(source.blob(demo.layer, demo.layer.size))).length, 0)
    })

    it('refuses a blob that is absent', async () => {
      const wanted = { ...demo.layer, digest: ABSENT }
      await assert.rejects(collect(source.blob(wanted)), (error) => isFault(error, 'BLOB_MISSING'))
    })

    const into = async (before: Buffer, have: number, wanted = demo.layer): Promise<{ file: Buffer; told: number }> => {
      const path = join(dir, 'slot')
      writeFileSync(path, before)
      const fd = openSync(path, 'r+')
      let told = 0
      try {
        await source.blobInto(wanted, { fd, offset: 7, have }, (count) => (told += count))
      } finally {
        closeSync(fd)
      }
      return { file: readFileSync(path), told }
    }

    it('writes a blob to its slot and nothing beside it', async () => {
      const size = demo.layer.size
      const { file, told } = await into(Buffer.alloc(size + 20, 0xee), 0)
      assert.deepEqual(file, Buffer.concat([Buffer.alloc(7, 0xee), layer(), Buffer.alloc(13, 0xee)]))
      assert.equal(told, size)
    })

    it('goes on behind the bytes that are there and tells only of the rest', async () => {
      const start = Buffer.concat([Buffer.alloc(7), layer().subarray(0, 50)])
      const { file, told } = await into(start, 50)
      assert.deepEqual(file.subarray(7), layer())
      assert.equal(told, demo.layer.size - 50)
    })

    it('never trusts the bytes that are there', async () => {
      const start = Buffer.concat([Buffer.alloc(7), Buffer.alloc(50, 0x41)])
      const outcome = await into(start, 50).catch((error: unknown) => error)
      if (outcome instanceof Error) assert.ok(isFault(outcome, 'DIGEST_MISMATCH'))
      else assert.deepEqual((outcome as { file: Buffer }).file.subarray(7), layer())
    })

    it('refuses to fill a slot with other content than asked for', async () => {
      const wrong = { ...demo.layer, size: demo.layer.size + 1 }
      await assert.rejects(into(Buffer.alloc(0), 0, wrong), (error) => isFault(error, 'SIZE_MISMATCH'))
    })

    it('gives every blob that its manifests name', async () => {
      for (const descriptor of [demo.amd64, demo.arm64, demo.sbom, demo.signature]) {
        const { mediaType } = descriptor
        const { config, layers } = parseManifest(await source.manifest(descriptor), mediaType, 'source', 'test')
        for (const blob of config === undefined ? layers : [config, ...layers])
          assert.equal(digestOf(await collect(source.blob(blob))), blob.digest)
      }
    })
  })
}
