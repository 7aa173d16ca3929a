/** What of a removed artifact stays, since something else needs it. */
import assert from 'node:assert/strict'
import { fallbackTag, OCI_INDEX, signatureTag, type Digest } from '../../../src/oci/index.ts'
import { applyMeasure } from '../../../src/transfer/measure/measure.ts'
import type { MeasureReport } from '../../../src/transfer/measure/report.ts'
import { piece, randomBlob, type Piece } from '../../contract/content.ts'
import { suiteRegistry } from '../../peers/setup/suite-registry.ts'
import { NOW } from '../stage.ts'
import { Ward } from '../ward.ts'

const WHY = { code: 'CERTIFICATE_REVOKED', detail: 'serial 07 of CN=x' } as const

function sharingTargets(name: string, make: () => Promise<Ward>): void {
  describe(name, () => {
    let ward: Ward
    beforeEach(async () => (ward = await make()))
    afterEach(() => ward?.close())

    const remove = ({ descriptor }: Piece): Promise<MeasureReport> =>
      applyMeasure(ward.state, ward.place, ward.placeOf(descriptor), 'remove', WHY, { now: NOW })
    const there = async (digest: Digest): Promise<boolean> => (await ward.target.resolve(digest)) !== undefined
    const at = async (digest: Digest): Promise<Piece> => {
      const descriptor = (await ward.target.resolve(digest)) ?? assert.fail()
      return { descriptor, bytes: await ward.target.manifest(descriptor) }
    }

    it('keeps all that refers to a child that is shared, however far, and takes what refers to the others', async () => {
      const [good, own] = [await ward.image(), await ward.image()]
      const [signature, ownSignature] = [await ward.sign(good), await ward.sign(own)]
      const above = await ward.sign(await at(signature))
      const [cosign, cosignAbove] = [await ward.image([randomBlob(10)]), await ward.image([randomBlob(10)])]
      await ward.target.tag(signatureTag(good.descriptor.digest, 'sig'), cosign.descriptor, cosign.bytes)
      await ward.target.tag(signatureTag(cosign.descriptor.digest, 'att'), cosignAbove.descriptor, cosignAbove.bytes)
      await ward.tag(good, '2.0')
      await ward.judge(good, 'trusted')
      const bad = await ward.index(good, own)
      const badSignature = await ward.sign(bad)
      await ward.tag(bad, '1.0')
      await ward.judge(bad, 'rejected')
      const list = await ward.named(fallbackTag(good.descriptor.digest))
      const report = await remove(bad)
      assert.equal(report.outcome, 'done')
      const gone = [bad.descriptor.digest, own.descriptor.digest, ownSignature, badSignature]
      assert.deepEqual(report.removed.toSorted(), gone.toSorted())
      for (const digest of gone) assert.equal(await there(digest), false, digest)
      const stays = [good, cosign, cosignAbove].map(({ descriptor }) => descriptor.digest).concat(signature, above)
      assert.deepEqual(report.kept.map(({ digest }) => digest).toSorted(), stays.toSorted())
      for (const digest of stays) assert.ok(await there(digest), digest)
      assert.equal(await ward.named(fallbackTag(good.descriptor.digest)), list)
      assert.equal(await ward.named(signatureTag(good.descriptor.digest, 'sig')), cosign.descriptor.digest)
      for (const [subject, referrer] of [
        [good.descriptor.digest, signature],
        [signature, above],
      ] as const)
        assert.deepEqual(
          (await ward.target.referrers(subject)).map(({ digest }) => digest),
          [referrer],
        )
    })

    it('takes an artifact away with its signature, though it refers to a child that stays', async () => {
      const good = await ward.image()
      await ward.tag(good, '2.0')
      const text = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [good.descriptor], subject: good.descriptor }
      const bad = await ward.push(piece(OCI_INDEX, JSON.stringify(text)))
      const signature = await ward.sign(bad)
      await ward.tag(bad, '1.0')
      const report = await remove(bad)
      assert.equal(report.outcome, 'done')
      assert.deepEqual(report.removed.toSorted(), [bad.descriptor.digest, signature].toSorted())
      assert.ok(await there(good.descriptor.digest))
    })

    it('keeps what an artifact needs that is undecided, or was let in and is rejected at the door', async () => {
      const [first, second, third, own] = await Promise.all([1, 2, 3, 4].map(() => ward.image()))
      assert.ok(first && second && third && own)
      const [undecided, untagged, tagged] = [await ward.index(first), await ward.index(second), await ward.index(third)]
      await ward.judge(undecided, 'inconclusive')
      for (const verdict of ['trusted', 'rejected'] as const) await ward.judge(untagged, verdict)
      await ward.tag(tagged, 'all')
      await ward.judge(tagged, 'rejected')
      // It was never let in for its own sake.
      await ward.judge(own, 'rejected')
      const bad = await ward.index(first, second, third, own)
      await ward.tag(bad, '1.0')
      const report = await remove(bad)
      assert.deepEqual(report.removed.toSorted(), [bad, own].map(({ descriptor }) => descriptor.digest).toSorted())
      for (const { descriptor } of [first, second, third]) assert.ok(await there(descriptor.digest))
    })

    it('takes a child away with its index that could not go before for the sake of that', async () => {
      const child = await ward.image()
      const index = await ward.index(child)
      for (const verdict of ['trusted', 'rejected'] as const) await ward.judge(child, verdict)
      await ward.tag(index, '1.0')
      assert.equal((await remove(child)).code, 'MANIFEST_SHARED')
      // By then a bundle brings the child once more, which is refused.
      await ward.judge(child, 'rejected')
      const report = await remove(index)
      assert.deepEqual(report.removed.toSorted(), [index, child].map(({ descriptor }) => descriptor.digest).toSorted())
    })
  })
}

describe('transfer/measure/standing-manifests', () => {
  sharingTargets('in a layout', () => Ward.make())

  describe('at registries', () => {
    const registry = suiteRegistry({ deletes: true })
    let count = 0

    sharingTargets('that delete', () => Ward.make(`${registry().host}/site${++count}`))
  })
})
