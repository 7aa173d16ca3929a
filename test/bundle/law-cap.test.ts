/** How large what is judged may be: a revocation list up to 64 MiB, all else up to 32, on both sides of a bundle. */
import assert from 'node:assert/strict'
import { pack } from '../../bundles/vectors/pack.ts'
import { solo } from '../../bundles/vectors/channels.ts'
import { AMD64, oneImage } from '../../bundles/vectors/goods.ts'
import { memoryInput } from '../../src/bundle/index.ts'
import { isFault } from '../../src/errors/index.ts'
import { DescriptorTable, type Descriptor } from '../../src/oci/index.ts'
import { judging, prove, readExpectations } from './corpus.ts'

const MiB = 1024 * 1024
const judge = judging(readExpectations().accept['accept/sequence-7.tar'] ?? assert.fail())

/** A bundle with a layer of this size, and how many of its blobs are law. */
function bundle(mediaType: string, size: number): { tar: Buffer; law: number } {
  let law = 0
  const goods = oneImage((shelf) =>
    shelf.tag('1.0', shelf.image('large', AMD64, [shelf.blob(mediaType, Buffer.alloc(size, 0x61))])),
  )
  const { tar } = pack(solo, 7, goods, { content: (content) => void (law = content.law.length) })
  return { tar, law }
}

describe('bundle/law caps', function () {
  this.timeout(60_000)

  it('holds a list of 64 MiB as law, and reads it back', async () => {
    const { tar, law } = bundle('application/pkix-crl', 64 * MiB)
    const passage = await prove(memoryInput([tar]), judge)
    assert.deepEqual([law, passage.law.size, passage.payload.length], [2, 2, 1])
  })

  it('carries what is larger as payload, where nothing is judged by it', async () => {
    for (const [mediaType, size] of [
      ['application/pkix-crl', 64 * MiB + 1],
      ['application/cose', 32 * MiB + 1],
      ['application/pkix-cert', 32 * MiB + 1],
    ] as const) {
      const { tar, law } = bundle(mediaType, size)
      const passage = await prove(memoryInput([tar]), judge)
      assert.deepEqual([law, passage.law.size, passage.payload.length], [1, 1, 2], mediaType)
    }
  })

  it('refuses a list in the law of a bundle that says so of a larger one', async () => {
    const goods = oneImage((shelf) =>
      shelf.tag('1.0', shelf.image('large', AMD64, [shelf.blob('application/pkix-crl', Buffer.alloc(64 * MiB + 1))])),
    )
    const { tar } = pack(solo, 7, goods, {
      content: (content) => {
        const isList = ({ mediaType }: Descriptor): boolean => mediaType === 'application/pkix-crl'
        const payload = [...content.payload]
        for (const descriptor of payload.filter(isList)) content.law.push({ descriptor })
        content.payload = DescriptorTable.of(payload.filter((descriptor) => !isList(descriptor)))
      },
    })
    await assert.rejects(prove(memoryInput([tar]), judge), (error) => isFault(error, 'LIMIT_EXCEEDED'))
  })
})
