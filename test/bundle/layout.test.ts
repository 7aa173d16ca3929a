import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { layOut, memoryInput, promise } from '../../src/bundle/index.ts'
import { layOutPayload } from '../../src/bundle/layout.ts'
import { MemberReader } from '../../src/bundle/member-reader.ts'
import { blobName } from '../../src/bundle/names.ts'
import { DescriptorTable, digestOf } from '../../src/oci/index.ts'
import { BUNDLES, judging, prove, readExpectations } from './corpus.ts'

const { accept } = readExpectations()

describe('bundle/layout', () => {
  for (const [file, expect] of Object.entries(accept))
    it(`knows beforehand where every member of ${file} stands`, async () => {
      const tar = readFileSync(join(BUNDLES, file))
      const { head, files, census } = await prove(memoryInput([tar]), judging(expect))
      const { content, repositories } = census
      const made = promise(files.transfer, repositories, content)
      const layout = layOut({ ...head, roots: [...head.roots.values()] }, made.files, content)
      type Planned = readonly [headerAt: number, bodyAt: number | undefined, size: number]
      const planned = new Map<string, Planned>([
        ...layout.ready.map(({ at, name, body }) => [name, [at, undefined, body.length]] as const),
        ...Array.from(
          layout.blobs,
          ({ descriptor: { digest, size }, headerAt, offset }) => [blobName(digest), [headerAt, offset, size]] as const,
        ),
      ])
      const reader = new MemberReader(memoryInput([tar]))
      let count = 0
      let headEnd = 0
      for (let member = await reader.next(); member !== undefined; member = await reader.next()) {
        const [headerAt, bodyAt, size] = planned.get(member.name) ?? assert.fail(member.name)
        assert.deepEqual(
          [member.headerAt, member.bodyAt, member.size],
          [headerAt, bodyAt ?? member.bodyAt, size],
          member.name,
        )
        await reader.whole(member)
        if (!member.name.startsWith('blobs/')) headEnd = reader.at
        count++
      }
      assert.equal(headEnd, layout.headEnd)
      assert.equal(count, planned.size)
      assert.equal(layout.size, tar.length)
    })

  it('leaves room for the PAX record of a sha512 blob, and for members beyond 8 GiB', () => {
    const size = 9 * 1024 ** 3 + 1
    const payload = (['sha256', 'sha256', 'sha512'] as const).map((algorithm, i) => ({
      mediaType: 'application/octet-stream',
      digest: digestOf(Buffer.of(i), algorithm),
      size,
    }))
    const blobs = layOutPayload(DescriptorTable.of(payload), 512)
    const span = 9 * 1024 ** 3 + 512
    assert.deepEqual(
      Array.from(blobs, ({ headerAt, offset }) => [headerAt, offset]),
      [
        [512, 1024],
        [1024 + span, 1536 + span],
        [1536 + 2 * span, 1536 + 2 * span + 1536],
      ],
    )
    assert.equal(blobs.end, 3072 + 3 * span)
  })
})
