/** What a measure must do at every target that deletes. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { SallyportError } from '../../../src/errors/index.ts'
import { fallbackTag, OCI_INDEX, parseManifest, signatureTag, type Digest } from '../../../src/oci/index.ts'
import { applyMeasure, Measures } from '../../../src/transfer/measure/measure.ts'
import type { Measure, MeasureReport } from '../../../src/transfer/measure/report.ts'
import type { RunEvent } from '../../../src/transfer/run/run.ts'
import { quarantineTag } from '../../../src/transfer/measure/quarantine-copy.ts'
import { tombstoneOf } from '../../../src/transfer/measure/tombstone.ts'
import { piece, randomBlob, type Piece } from '../../contract/content.ts'
import { checkAt, policyFolder, policyText, statement, VENDOR } from '../policies.ts'
import { NOW } from '../stage.ts'
import { PATH, type Ward } from '../ward.ts'

const refusedStamp = (): SallyportError => new SallyportError('TSA_FAILED', { side: 'target' })
export const WHY = { code: 'CERTIFICATE_REVOKED', detail: 'serial 07 of CN=x' } as const

/** What must be so at every target that deletes. */
export function deletingTargets(name: string, make: () => Promise<Ward>): void {
  describe(name, () => {
    let ward: Ward
    beforeEach(async () => (ward = await make()))
    afterEach(() => ward?.close())

    const take = (made: Piece, measure: Measure): Promise<MeasureReport> =>
      applyMeasure(ward.state, ward.place, ward.placeOf(made.descriptor), measure, WHY, { now: NOW })
    const there = async (digest: Digest): Promise<boolean> => (await ward.target.resolve(digest)) !== undefined

    it('reports alone, and says that it can still be pulled', async () => {
      const bad = await ward.image()
      await ward.tag(bad, '1.0', 'latest')
      const report = await take(bad, 'report')
      assert.deepEqual(
        [report.outcome, report.reachable, report.tags.map(({ tag }) => tag)],
        ['done', true, ['1.0', 'latest']],
      )
      assert.equal(await ward.named('1.0'), bad.descriptor.digest)
      assert.equal(ward.state.quarantined()[0]?.measure, 'report')
      await take(bad, 'report')
      assert.equal((await ward.rows('quarantine')).length, 1)
    })

    it('has each tag that names it name a tombstone, also one that the state does not know', async () => {
      const [bad, good] = [await ward.image(), await ward.image()]
      await ward.tag(bad, '1.0')
      await ward.tag(good, '2.0')
      await ward.target.tag('by-others', bad.descriptor, bad.bytes)
      const report = await take(bad, 'retag')
      assert.deepEqual(
        report.tags.map(({ tag, outcome }) => [tag, outcome]),
        [
          ['1.0', 'moved'],
          ['by-others', 'moved'],
        ],
      )
      assert.deepEqual([report.outcome, report.reachable, report.tombstone?.signature], ['done', true, null])
      assert.equal(await ward.named('2.0'), good.descriptor.digest)
      const stone = (await ward.target.resolve('1.0')) ?? assert.fail()
      const bytes = await ward.target.manifest(stone)
      const manifest = parseManifest(bytes, stone.mediaType, 'target', 'tombstone')
      assert.equal(tombstoneOf(manifest), bad.descriptor.digest)
      assert.equal(manifest.annotations['io.sallyport.tombstone.code'], WHY.code)
      const [intent] = (await ward.rows('tag-intent')).filter((row) => row['cause'] !== undefined)
      assert.deepEqual(intent?.['cause'], { by: 'measure', reason: WHY.code })
      const rows = (await ward.rows('quarantine')).length
      await ward.reopen()
      assert.deepEqual((await take(bad, 'retag')).tags, [])
      assert.equal((await ward.rows('quarantine')).length, rows)
      assert.deepEqual(ward.state.quarantined()[0]?.tags, ['1.0', 'by-others'])
    })

    it('is told as such by check, also where a policy looks at no signature', async () => {
      const bad = await ward.image()
      await ward.tag(bad, '1.0')
      await take(bad, 'retag')
      const skip = statement({
        signatureVerification: { level: 'skip' },
        trustStores: undefined,
        trustedIdentities: undefined,
      })
      const policy = policyFolder(join(ward.dir, 'skipping'), {
        'trustpolicy.json': policyText({ ...skip, registryScopes: ['local/x'] }),
      })
      const ref = ward.to.startsWith('oci:') ? `${ward.to}:1.0` : `${ward.target.repository}:1.0`
      const { verdict, code, why } = await checkAt(ref, policy, { scope: 'local/x', registry: { plainHttp: true } })
      assert.deepEqual([verdict, code], ['rejected', 'ARTIFACT_QUARANTINED'])
      assert.ok(why.includes(bad.descriptor.digest) && why.includes(WHY.code) && why.includes(WHY.detail))
    })

    it('signs the tombstone before a tag names it, where there is a signer', async () => {
      const bad = await ward.image()
      await ward.tag(bad, '1.0')
      const seal = { signer: VENDOR, format: 'cose' } as const
      const artifact = ward.placeOf(bad.descriptor)
      const { tombstone } = await applyMeasure(ward.state, ward.place, artifact, 'retag', WHY, { now: NOW, seal })
      assert.ok(tombstone?.signature)
      const listed = await ward.target.referrers(tombstone.digest)
      assert.deepEqual(
        listed.map(({ digest }) => digest),
        [tombstone.signature],
      )
    })

    it('says so when a key does not sign, though the tags are gone all the same', async () => {
      const bad = await ward.image()
      await ward.tag(bad, '1.0')
      const notes: string[] = []
      const onEvent = (event: RunEvent): unknown => event.type === 'note' && notes.push(event.text)
      const seal = { signer: VENDOR, format: 'cose', timestamp: () => Promise.reject(refusedStamp()) } as const
      const terms = { now: NOW, seal, onEvent }
      const report = await applyMeasure(ward.state, ward.place, ward.placeOf(bad.descriptor), 'retag', WHY, terms)
      assert.deepEqual([report.tombstone, notes.length], [null, 1])
      assert.notEqual(await ward.named('1.0'), bad.descriptor.digest)
    })

    it('takes it away with its children and signatures, and keeps a whole copy', async () => {
      const layers = [randomBlob(3000), randomBlob(50)]
      const [child, good] = [await ward.image(layers), await ward.image(layers, { annotations: { good: 'yes' } })]
      const bad = await ward.index(child)
      const [signature, below] = [await ward.sign(bad), await ward.sign(child)]
      const cosign = await ward.image([randomBlob(10)])
      await ward.target.tag(signatureTag(bad.descriptor.digest, 'sig'), cosign.descriptor, cosign.bytes)
      await ward.tag(bad, '1.0', 'latest')
      await ward.tag(good, '2.0')
      await ward.judge(good, 'trusted')
      const report = await take(bad, 'remove')
      assert.deepEqual([report.outcome, report.reachable, report.kept], ['done', false, []])
      const gone = [bad, child, cosign].map(({ descriptor }) => descriptor.digest).concat(signature, below)
      assert.deepEqual(report.removed.toSorted(), gone.toSorted())
      for (const digest of gone) assert.equal(await there(digest), false, digest)
      for (const tag of [
        '1.0',
        'latest',
        fallbackTag(bad.descriptor.digest),
        signatureTag(bad.descriptor.digest, 'sig'),
      ])
        assert.equal(await ward.named(tag), undefined, tag)
      assert.equal(await ward.named('2.0'), good.descriptor.digest)
      for (const layer of layers) await ward.target.proveBlob(layer.descriptor)
      assert.equal(report.at, `${ward.place.quarantinePath(PATH)}@${bad.descriptor.digest}`)
      const kept = ward.quarantine
      for (const digest of gone) assert.ok(await kept.resolve(digest), digest)
      for (const layer of layers) await kept.proveBlob(layer.descriptor)
      assert.deepEqual(
        (await kept.referrers(bad.descriptor.digest)).map(({ digest }) => digest),
        [signature],
      )
      assert.equal((await kept.resolve(quarantineTag(bad.descriptor.digest)))?.digest, bad.descriptor.digest)
      const history = await ward.state.tagHistory(ward.place.name, PATH, 'latest')
      assert.deepEqual([history.at(-1)?.old, history.at(-1)?.new], [bad.descriptor.digest, null])
      const rows = (await ward.rows('quarantine')).length
      await ward.reopen()
      const again = await take(bad, 'remove')
      assert.deepEqual([again.outcome, again.reachable, again.removed, again.at], ['done', false, [], report.at])
      assert.equal((await ward.rows('quarantine')).length, rows)
    })

    it('leaves what another tag, a trusted artifact or an index of others shares', async () => {
      const [own, tagged, trusted, listed] = await Promise.all([1, 2, 3, 4].map(() => ward.image()))
      assert.ok(own && tagged && trusted && listed)
      const bad = await ward.index(own, tagged, trusted, listed)
      const other = await ward.index(listed)
      await ward.tag(bad, '1.0')
      await ward.tag(tagged, 'child')
      await ward.target.tag('other', other.descriptor, other.bytes)
      await ward.judge(trusted, 'trusted')
      const report = await take(bad, 'remove')
      assert.equal(report.outcome, 'done')
      const digests = (...made: Piece[]): Digest[] => made.map(({ descriptor }) => descriptor.digest).toSorted()
      assert.deepEqual(report.removed.toSorted(), digests(bad, own))
      assert.deepEqual(report.kept.map(({ digest }) => digest).toSorted(), digests(tagged, trusted, listed))
      for (const made of [tagged, trusted, listed]) assert.ok(await there(made.descriptor.digest))
    })

    it('moves the tags of what an index of others needs, and says that it stays', async () => {
      const bad = await ward.image()
      const index = await ward.index(bad)
      await ward.tag(bad, '1.0')
      await ward.tag(index, 'all')
      const report = await take(bad, 'remove')
      assert.deepEqual([report.outcome, report.code, report.reachable], ['impossible', 'MANIFEST_SHARED', true])
      assert.equal(await ward.named('1.0'), report.tombstone?.digest)
      assert.equal(await ward.named('all'), index.descriptor.digest)
      // A verdict of another time or place says nothing; what this run rejected where it lies needs nothing.
      await ward.judge(index, 'rejected')
      assert.equal((await take(bad, 'remove')).code, 'MANIFEST_SHARED')
      const measures = new Measures(ward.state, ward.place, { now: NOW })
      measures.condemn(ward.placeOf(index.descriptor))
      const remove = (made: Piece): Promise<MeasureReport> =>
        measures.apply(ward.placeOf(made.descriptor), 'remove', WHY)
      // A layout lets nothing go that an index of it leads to.
      if (ward.to.startsWith('oci:')) {
        assert.equal((await remove(bad)).code, 'DELETE_DENIED')
        assert.equal((await remove(index)).outcome, 'done')
      }
      assert.equal((await remove(bad)).outcome, 'done')
      assert.equal(await there(bad.descriptor.digest), false)
      const held = ward.state.quarantined().find(({ digest }) => digest === bad.descriptor.digest)
      assert.deepEqual(held?.tags, ['1.0'])
    })

    it('is not led to take away the signature of another image, by children or by lists', async () => {
      const good = await ward.image()
      await ward.tag(good, '2.0')
      const signature = (await ward.target.resolve(await ward.sign(good))) ?? assert.fail()
      const bytes = await ward.target.manifest(signature)
      const bad = await ward.index({ descriptor: signature, bytes })
      await ward.tag(bad, '1.0')
      await ward.target.listReferrers(bad.descriptor, [signature]).catch(() => undefined)
      const report = await take(bad, 'remove')
      assert.deepEqual([report.outcome, report.removed], ['done', [bad.descriptor.digest]])
      assert.deepEqual(
        (await ward.target.referrers(good.descriptor.digest)).map(({ digest }) => digest),
        [signature.digest],
      )
      assert.ok(await there(signature.digest))
    })

    it('is not kept from it by a list that names it for another subject', async () => {
      const [bad, good] = [await ward.image(), await ward.image()]
      await ward.tag(bad, '1.0')
      await ward.tag(good, '2.0')
      const text = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [bad.descriptor] }
      const shield = await ward.push(piece(OCI_INDEX, JSON.stringify(text)))
      await ward.target.tag(fallbackTag(good.descriptor.digest), shield.descriptor, shield.bytes)
      const report = await take(bad, 'remove')
      // A layout has one store, where a list leads to what it names: there its own rule says no.
      if (ward.to.startsWith('oci:')) assert.equal(report.code, 'DELETE_DENIED')
      else assert.deepEqual([report.outcome, report.reachable], ['done', false])
    })

    it('serves many artifacts of a repository by one look', async () => {
      const made = [await ward.image(), await ward.image(), await ward.image()]
      for (const [i, one] of made.entries()) await ward.tag(one, `v${i}`)
      const measures = new Measures(ward.state, ward.place, { now: NOW })
      for (const measure of ['retag', 'remove'] as const) {
        for (const [i, one] of made.entries()) {
          const report = await measures.apply(ward.placeOf(one.descriptor), measure, WHY)
          assert.equal(report.outcome, 'done')
          assert.deepEqual(
            report.tags.map(({ tag }) => tag),
            measure === 'retag' ? [`v${i}`] : [],
          )
        }
      }
      for (const one of made) assert.equal(await there(one.descriptor.digest), false)
    })

    it('leaves a tag that has come to name something else since it looked', async () => {
      const [bad, good] = [await ward.image(), await ward.image()]
      await ward.tag(bad, '1.0', 'latest')
      const measures = new Measures(ward.state, ward.place, { now: NOW })
      await measures.apply(ward.placeOf(bad.descriptor), 'report', WHY)
      await ward.target.tag('latest', good.descriptor, good.bytes)
      const report = await measures.apply(ward.placeOf(bad.descriptor), 'retag', WHY)
      assert.deepEqual(
        report.tags.map(({ tag, outcome }) => [tag, outcome]),
        [
          ['1.0', 'moved'],
          ['latest', 'elsewhere'],
        ],
      )
      assert.equal(await ward.named('latest'), good.descriptor.digest)
    })

    it('writes nothing in a dry run, and nothing about what is not there', async () => {
      const bad = await ward.image()
      await ward.tag(bad, '1.0')
      const { n } = ward.state.head
      for (const measure of ['report', 'retag', 'remove'] as const) {
        const artifact = ward.placeOf(bad.descriptor)
        const report = await applyMeasure(ward.state, ward.place, artifact, measure, WHY, { now: NOW, dryRun: true })
        assert.deepEqual([report.outcome, report.dryRun, report.tags[0]?.tag], ['done', true, '1.0'])
      }
      const absent = await take(piece(OCI_INDEX, 'absent'), 'remove')
      assert.deepEqual([absent.outcome, absent.reachable], ['done', false])
      assert.equal(ward.state.head.n, n)
      assert.equal(await ward.named('1.0'), bad.descriptor.digest)
    })
  })
}
