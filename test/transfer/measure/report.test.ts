/** One artifact, however large or odd, must not keep what is done about the others from being done. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { JsonObject } from '../../../src/codec/index.ts'
import type { Target } from '../../../src/content/index.ts'
import { SallyportError, type Code } from '../../../src/errors/index.ts'
import type { Quarantine } from '../../../src/state/index.ts'
import { applyMeasure, type MeasureOptions } from '../../../src/transfer/measure/measure.ts'
import type { Measure, MeasureReport } from '../../../src/transfer/measure/report.ts'
import type { Piece } from '../../contract/content.ts'
import { fault } from '../../fault.ts'
import { VENDOR } from '../policies.ts'
import { RevocableSite } from '../revocable.ts'
import { NOW } from '../stage.ts'

const TAGS = 40_000

/** Has a stranger name the artifact of a tag by so many more, each of 120 characters. */
function nameOften(layout: string, tag: string): void {
  const file = join(layout, 'index.json')
  const index = JSON.parse(readFileSync(file, 'utf8')) as { manifests: JsonObject[] }
  const entry = JSON.stringify(index.manifests.find((one) => JSON.stringify(one).includes(tag)) ?? assert.fail())
  for (let at = 0; at < TAGS; at += 1)
    index.manifests.push(JSON.parse(entry.replaceAll(tag, `t${String(at).padStart(119, '0')}`)) as JsonObject)
  writeFileSync(file, JSON.stringify(index))
}

describe('transfer/measure/report', () => {
  let site: RevocableSite
  beforeEach(async () => (site = await RevocableSite.make()))
  afterEach(() => site?.close())

  it(`tells of an artifact with ${TAGS} tags, and of the others`, async () => {
    const [large, small] = [await site.admit([1]), await site.admit([1])]
    await site.ward.tag(large, 'flooded-tag')
    await site.ward.tag(small, '2.0')
    await site.ward.pause()
    nameOften(join(site.ward.dir, 'layout'), 'flooded-tag')
    await site.ward.resume()
    await site.take(site.vendor.list(2, { 1: 1 }))
    const report = await site.rejudge()
    assert.deepEqual(
      report?.artifacts.map(({ measure }) => measure?.outcome),
      ['done', 'done'],
    )
    const tags = [large, small].map(({ descriptor }) => site.state.quarantinedAt(site.ward.placeOf(descriptor))?.tags)
    assert.deepEqual([tags[0]?.length, tags[1]], [TAGS + 1, ['2.0']])
    assert.equal(await site.rejudge(), null)
  })

  const WHY = { code: 'CERTIFICATE_REVOKED', detail: 'serial 07 of CN=x' } as const
  const ours = (code: Code): Promise<never> => Promise.reject(new SallyportError(code, { side: 'state' }))
  const take = (made: Piece, measure: Measure, options: MeasureOptions = {}): Promise<MeasureReport> => {
    const { state, place } = site.ward
    return applyMeasure(state, place, site.ward.placeOf(made.descriptor), measure, WHY, { now: NOW, ...options })
  }
  const tagged = async (tag: string): Promise<Piece> => {
    const made = await site.ward.image()
    await site.ward.tag(made, tag)
    return made
  }

  it('moves the tags of an artifact whose copy fills the disk of the quarantine', async () => {
    const large = await tagged('1.0')
    const { place } = site.ward
    const kept = place.quarantineAt.bind(place)
    const fullAt = (path: string): Target => Object.assign(kept(path), { pushBlob: () => ours('DISK_FULL') })
    Object.assign(place, { quarantineAt: fullAt })
    const { outcome, code, reachable, tags, tombstone } = await take(large, 'remove')
    assert.deepEqual([outcome, code, reachable], ['failed', 'DISK_FULL', true])
    assert.deepEqual(
      tags.map(({ tag, outcome: moved }) => [tag, moved]),
      [['1.0', 'moved']],
    )
    assert.equal(await site.ward.named('1.0'), tombstone?.digest)
  })

  it('tells of a layout that can not be written, and that the artifact can still be pulled', async () => {
    const bad = await site.ward.image()
    const { place } = site.ward
    const at = place.at.bind(place)
    const closed = (path: string): Target => Object.assign(at(path), { deleteManifest: () => ours('OUTPUT_FAILED') })
    Object.assign(place, { at: closed })
    const { outcome, code, reachable } = await take(bad, 'remove')
    assert.deepEqual([outcome, code, reachable], ['failed', 'OUTPUT_FAILED', true])
  })

  it('takes the tags away when a plugin does not sign the tombstone', async () => {
    const bad = await tagged('1.0')
    const seal = { signer: VENDOR, format: 'cose', timestamp: () => ours('PLUGIN_FAILED') } as const
    const { outcome, tombstone } = await take(bad, 'retag', { seal })
    assert.deepEqual([outcome, tombstone, await site.ward.named('1.0')], ['done', null, undefined])
  })

  it('goes on past what is too much for the state, and past no other fault of it', async () => {
    const [large, small] = [await site.admit([1]), await site.admit([1])]
    await site.ward.tag(large, '1.0')
    await site.ward.tag(small, '2.0')
    await site.take(site.vendor.list(2, { 1: 1 }))
    const { state } = site
    const record = state.recordQuarantine.bind(state)
    let code: Code = 'DISK_FULL'
    Object.assign(state, {
      recordQuarantine: (row: Quarantine) => (row.tags.includes('1.0') ? ours(code) : record(row)),
    })
    await assert.rejects(site.rejudge(), fault('DISK_FULL'))
    code = 'LIMIT_EXCEEDED'
    const report = await site.rejudge()
    assert.deepEqual(
      [large, small].map(
        ({ descriptor }) => report?.artifacts.find(({ digest }) => digest === descriptor.digest)?.measure?.outcome,
      ),
      ['failed', 'done'],
    )
  })
})
