import assert from 'node:assert/strict'
import { digestOf, DescriptorTable, OCI_MANIFEST, type Digest } from '../../../src/oci/index.ts'
import { Holders } from '../../../src/transfer/import/holders.ts'
import { mulberry32 } from '../../seed.ts'

const SEED = 0x401d
const SHELVES = 5

const blobs = Array.from({ length: 40 }, (_, i) => ({
  mediaType: OCI_MANIFEST,
  digest: digestOf(Buffer.from(`blob ${i}`)),
  size: i,
}))
const law = blobs.slice(30).map((descriptor) => ({ descriptor }))

function holders(): Holders {
  const payload = DescriptorTable.of(blobs.slice(0, 30))
  return new Holders({ artifacts: [], generated: [], law, payload, passengers: [] })
}

describe('transfer/import/holders', () => {
  it(`knows what a map of sets knows, of payload and law (seed ${SEED})`, () => {
    const dice = mulberry32(SEED)
    const packed = holders()
    const first = new Map<Digest, number>()
    const held = Array.from({ length: SHELVES }, () => new Set<Digest>())
    for (let round = 0; round < 2000; round++) {
      const shelf = Math.floor(dice() * SHELVES)
      const digest = blobs[Math.floor(dice() * blobs.length)]?.digest ?? assert.fail()
      if (!first.has(digest)) first.set(digest, shelf)
      assert.equal(packed.first(shelf, digest), first.get(digest))
      if (dice() < 0.3) {
        held[shelf]?.add(digest)
        packed.hold(shelf, digest)
      }
      for (const [i, digests] of held.entries()) assert.equal(packed.holds(i, digest), digests.has(digest))
    }
  })

  it('holds nothing that was only asked for', () => {
    const packed = holders()
    const { digest } = blobs[0] ?? assert.fail()
    assert.equal(packed.first(0, digest), 0)
    assert.equal(packed.holds(0, digest), false)
    assert.equal(packed.first(3, digest), 0)
    packed.hold(3, digest)
    assert.equal(packed.holds(0, digest), false)
    assert.equal(packed.holds(3, digest), true)
  })
})
