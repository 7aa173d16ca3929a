/** Where lists lie at a target: under their own path, and never an older one over a newer one. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Digest } from '../../../src/oci/index.ts'
import { channelConfine, channelPin, importBundle, stateInit, type ImportReport } from '../../../src/transfer/index.ts'
import type { Mapping } from '../../../src/transfer/place/naming.ts'
import { openPlace } from '../../../src/transfer/place/place.ts'
import { RevocationWorld, SITE } from '../revocation-world.ts'
import { fault } from '../../fault.ts'

const PATH = 'sallyport/revocation/content-x'

describe('transfer/import/revocation-delivery', function () {
  this.timeout(120_000)
  let world: RevocationWorld
  let newer: string
  let older: string
  let tag: string
  let root: string

  before(async () => {
    world = await RevocationWorld.open()
    const keys = await world.channel()
    root = join(keys, 'root.json')
    const ref = await world.signed()
    const exported = async (number: number): Promise<[string, string]> => {
      world.publish({ 'GET /ca.crl': { body: world.list(world.issuing, { number }) } })
      const report = await world.export(keys, [ref])
      const piece = report.revocation?.pieces.find(({ url }) => url === world.listUrl) ?? assert.fail()
      return [report.output, piece.tag]
    }
    const [first, second] = [await exported(20), await exported(19)]
    ;[newer, tag] = first
    older = second[0]
  })

  after(() => world?.close())

  async function site(): Promise<{ state: string; to: string }> {
    const state = world.path('state')
    await stateInit({ state, site: SITE, reason: 'a test', now: world.now })
    const fingerprint = `sha256:${hash('sha256', readFileSync(root))}`
    await channelPin({ state, channel: 'content-x', root, fingerprint, purpose: 'content', now: world.now })
    return { state, to: `oci:${world.path('out')}` }
  }

  it('leaves the tag of a list where it is when an older one comes', async () => {
    const { state, to } = await site()
    const bring = (file: string, map: Mapping[] = []): Promise<ImportReport> =>
      importBundle({ input: { file }, state, to, map, registry: {}, concurrency: 4, now: world.now })
    const lying = async (): Promise<Digest | undefined> => (await openPlace(to, {}).at(PATH).resolve(tag))?.digest
    assert.equal((await bring(newer)).verdict, 'trusted')
    const before = await lying()
    assert.ok(before)
    const report = await bring(older)
    const outcomes = report.revocation?.lists.filter(({ url }) => url === world.listUrl).map(({ outcome }) => outcome)
    assert.deepEqual(outcomes, ['older'])
    assert.equal(await lying(), before)
    assert.ok(report.tags.every((moved) => moved.tag !== tag))
  })

  it('leaves lists their path where the channel is confined', async () => {
    const { state, to } = await site()
    const confine = { state, channel: 'content-x', now: world.now }
    const bring = (): Promise<ImportReport> =>
      importBundle({ input: { file: newer }, state, to, map: [], registry: {}, concurrency: 4, now: world.now })
    await channelConfine({ ...confine, into: ['nowhere'] })
    await assert.rejects(bring(), fault('DESTINATION_FORBIDDEN'))
    await channelConfine({ ...confine, into: ['app'] })
    assert.ok((await bring()).landed.some(({ at }) => at === PATH))
  })

  it("refuses a receiver's own mapping that lays lists over content", async () => {
    const { state, to } = await site()
    const map = [{ from: 'local/sallyport/revocation/content-x', to: 'vendor/app' }]
    const bring = importBundle({ input: { file: newer }, state, to, map, registry: {}, concurrency: 4, now: world.now })
    await assert.rejects(bring, fault('MAP_INVALID'))
  })
})
