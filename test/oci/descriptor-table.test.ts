/** Packed digests and descriptors say what a Map of them would say. */
import assert from 'node:assert/strict'
import { DescriptorTable, digestOf, DigestNumbers, DigestSet, DigestTable } from '../../src/oci/index.ts'
import type { Algorithm, Descriptor, Digest } from '../../src/oci/index.ts'
import { seededBelow } from '../seed.ts'

const TYPES = ['application/octet-stream', 'application/vnd.oci.image.layer.v1.tar+gzip', 'application/vnd.example']

function drawn(below: (bound: number) => number, kinds: number): Descriptor {
  const n = below(kinds)
  const algorithm: Algorithm = n % 3 === 0 ? 'sha512' : 'sha256'
  return {
    mediaType: TYPES[n % TYPES.length] ?? '',
    digest: digestOf(Buffer.from(`${n}`), algorithm),
    size: 2 ** 40 + n,
  }
}

/** Digests that differ in their last byte alone, as a maker of content could choose them. */
function alike(count: number): Digest[] {
  return Array.from({ length: count }, (_, i): Digest => `sha256:${i.toString(16).padStart(64, '0')}`)
}

describe('oci/descriptor-table', () => {
  it('holds what a Map holds, in the order of the sums', () => {
    const below = seededBelow('oci/descriptor-table')
    const table = new DescriptorTable()
    const model = new Map<Digest, Descriptor>()
    for (let i = 0; i < 5000; i++) {
      const descriptor = drawn(below, 2000)
      assert.equal(table.add(descriptor), !model.has(descriptor.digest))
      if (!model.has(descriptor.digest)) model.set(descriptor.digest, descriptor)
    }
    const all = [...model.values()]
    const ordered = [
      ...all.filter(({ digest }) => digest.startsWith('sha256:')),
      ...all.filter(({ digest }) => digest.startsWith('sha512:')),
    ]
    assert.deepEqual([...table], ordered)
    assert.equal(table.length, ordered.length)
    assert.equal(
      table.bytes,
      ordered.reduce((sum, { size }) => sum + size, 0),
    )
    for (const [i, descriptor] of ordered.entries()) {
      assert.deepEqual(table.at(i), descriptor)
      assert.equal(table.indexOf(descriptor.digest), i)
      assert.deepEqual([table.sizeOf(descriptor.digest), table.sizeAt(i)], [descriptor.size, descriptor.size])
    }
    const absent = digestOf(Buffer.from('absent'))
    assert.deepEqual([table.has(absent), table.indexOf(absent), table.sizeOf(absent)], [false, -1, undefined])
  })

  it('keeps the first of two descriptors of one digest', () => {
    const digest = digestOf(Buffer.from('one'))
    const table = DescriptorTable.of([
      { mediaType: 'a/b', digest, size: 1 },
      { mediaType: 'c/d', digest, size: 2 },
    ])
    assert.deepEqual([...table], [{ mediaType: 'a/b', digest, size: 1 }])
  })

  it('packs a list as the sums hold it', () => {
    const digests = alike(300)
    const table = DigestTable.of('sha256', [...digests, ...digests.slice(0, 10)])
    assert.equal(table.length, 300)
    assert.equal(table.packed.toString('hex'), digests.map((digest) => digest.slice(7)).join(''))
    for (const [i, digest] of digests.entries()) assert.deepEqual([table.at(i), table.indexOf(digest)], [digest, i])
  })

  it('knows sets and numbers of either algorithm', () => {
    const below = seededBelow('oci/digest-set')
    const set = new DigestSet()
    const numbers = new DigestNumbers()
    const model = new Map<Digest, number>()
    for (let i = 0; i < 3000; i++) {
      const { digest } = drawn(below, 900)
      assert.equal(set.has(digest), model.has(digest))
      assert.equal(set.add(digest), !model.has(digest))
      assert.equal(numbers.get(digest), model.get(digest))
      numbers.set(digest, i)
      model.set(digest, i)
    }
    assert.equal(set.size, model.size)
    for (const [digest, number] of model) assert.equal(numbers.get(digest), number)
  })
})
