import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Digest } from '../../../src/oci/index.ts'
import { applyMeasure } from '../../../src/transfer/measure/measure.ts'
import type { Measure, MeasureReport } from '../../../src/transfer/measure/report.ts'
import { openPlace } from '../../../src/transfer/place/place.ts'
import { randomBlob } from '../../contract/content.ts'
import { needPeers, peer, startRegistry, tryPeer, type Registry } from '../../peers/setup/registry.ts'
import { suiteRegistry } from '../../peers/setup/suite-registry.ts'
import { NOW } from '../stage.ts'
import { PATH, Ward } from '../ward.ts'
import { deletingTargets, WHY } from './deleting-targets.ts'

describe('transfer/measure/measure', () => {
  deletingTargets('in a layout', () => Ward.make())

  describe('at registries', () => {
    const registry = suiteRegistry({ deletes: true })
    let count = 0

    deletingTargets('that delete', () => Ward.make(`${registry().host}/site${++count}`))
  })

  describe('as others see it', () => {
    let registry: Registry
    let ward: Ward
    const scratch = mkdtempSync(join(tmpdir(), 'sallyport-measure-'))
    afterEach(async () => {
      await ward?.close()
      await registry?.stop()
    })
    after(() => rmSync(scratch, { recursive: true, force: true }))
    const start = async (context: Mocha.Context, shape: Parameters<typeof startRegistry>[0]): Promise<void> => {
      needPeers(context)
      registry = await startRegistry(shape)
      ward = await Ward.make(`${registry.host}/site`)
    }
    const crane = (...args: string[]): ReturnType<typeof tryPeer> => tryPeer('crane', args, { env: registry.env })

    it('can not be pulled by tag or digest, while the image that shares its layers can', async function () {
      await start(this, { deletes: true })
      const layers = [randomBlob(4000)]
      const [bad, good] = [await ward.image(layers), await ward.image(layers, { annotations: { good: 'yes' } })]
      await ward.sign(bad)
      await ward.tag(bad, '1.0')
      await ward.tag(good, '2.0')
      const name = `${registry.host}/${PATH}`
      assert.equal((await crane('manifest', `${name}@${bad.descriptor.digest}`)).status, 0)
      const report = await applyMeasure(ward.state, ward.place, ward.placeOf(bad.descriptor), 'remove', WHY, {
        now: NOW,
      })
      assert.equal(report.outcome, 'done')
      assert.deepEqual((await crane('ls', name)).stdout.trim().split('\n'), ['2.0'])
      for (const ref of [`${name}:1.0`, `${name}@${bad.descriptor.digest}`]) {
        assert.notEqual((await crane('manifest', ref)).status, 0)
        const args = ['pull', '--plain-http', '-o', `${ward.dir}/pulled`, ref]
        assert.notEqual((await tryPeer('oras', args, { env: registry.env })).status, 0)
      }
      await peer('oras', ['pull', '--plain-http', '-o', `${ward.dir}/pulled`, `${name}:2.0`], { env: registry.env })
      const copy = `${registry.host}/${report.at}`
      await peer('oras', ['copy', '-r', '--from-plain-http', '--to-oci-layout', copy, `${ward.dir}/copy:it`], {
        env: registry.env,
      })
    })

    it('is told as impossible where deletes are off, and its tags are moved', async function () {
      await start(this, {})
      const bad = await ward.image()
      await ward.tag(bad, '1.0')
      const take = (): Promise<MeasureReport> =>
        applyMeasure(ward.state, ward.place, ward.placeOf(bad.descriptor), 'remove', WHY, { now: NOW })
      const report = await take()
      assert.deepEqual(
        [report.outcome, report.code, report.reachable, report.removed, report.at],
        ['impossible', 'DELETE_DENIED', true, [], null],
      )
      const text = await peer('crane', ['manifest', `${registry.host}/${PATH}:1.0`], { env: registry.env })
      assert.equal(
        (JSON.parse(text) as { artifactType: string }).artifactType,
        'application/vnd.sallyport.tombstone.v1',
      )
      assert.equal((await crane('manifest', `${registry.host}/${PATH}@${bad.descriptor.digest}`)).status, 0)
      const rows = (await ward.rows('quarantine')).length
      await take()
      assert.equal((await ward.rows('quarantine')).length, rows)
    })

    it('is told as impossible where nothing may be written, and as failed where nobody answers', async function () {
      needPeers(this)
      const storage = scratch
      const first = await startRegistry({ deletes: true, storage })
      const ward1 = await Ward.make(`${first.host}/site`)
      const bad = await ward1.image()
      await ward1.tag(bad, '1.0')
      await ward1.close()
      await first.stop()
      const { port } = first
      registry = await startRegistry({ deletes: true, readonly: true, port, storage })
      ward = await Ward.make(`${registry.host}/site`)
      const take = (measure: Measure): Promise<MeasureReport> =>
        applyMeasure(ward.state, ward.place, ward.placeOf(bad.descriptor), measure, WHY, { now: NOW })
      for (const [measure, code] of [
        ['retag', 'PUSH_REFUSED'],
        ['remove', 'DELETE_DENIED'],
      ] as const) {
        const report = await take(measure)
        assert.deepEqual([report.outcome, report.code, report.reachable], ['impossible', code, true])
        assert.equal(report.tags[0]?.outcome, 'refused')
      }
      assert.equal(await ward.named('1.0'), bad.descriptor.digest)
      await registry.stop()
      await ward.place.close()
      ward.place = openPlace(ward.to, { plainHttp: true, retries: 0 })
      const report = await take('remove')
      assert.deepEqual([report.outcome, report.code], ['failed', 'REGISTRY_UNREACHABLE'])
    })
  })

  it('refuses another place than the artifact lies at, which would be a fault of ours', async () => {
    const ward = await Ward.make()
    try {
      const artifact = { ...ward.placeOf({ digest: quarantineDigest }), target: 'elsewhere' }
      await assert.rejects(applyMeasure(ward.state, ward.place, artifact, 'report', WHY), TypeError)
    } finally {
      await ward.close()
    }
  })
})

const quarantineDigest: Digest = `sha256:${'2'.repeat(64)}`
