/** Discs arrive in any order (B1): each order ends with the verdicts that its sequence numbers say, and in one state. */
import assert from 'node:assert/strict'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import { isFault } from '../../../src/errors/index.ts'
import { stateCheck, status } from '../../../src/transfer/index.ts'
import { CHANNEL, hoursLater, planFor, Stage, tree } from '../stage.ts'
import { orders } from '../../orders.ts'

const SEQUENCES = [1, 2, 3, 4] as const
const NEWEST = SEQUENCES.length

interface Entry {
  digest: string
  mediaType: string
  size: number
  annotations?: Record<string, string>
}

function indexOf(layout: string): { manifests: Entry[] } {
  return JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8')) as { manifests: Entry[] }
}

/** Without the entries that have no name: of what a tag once meant, nothing is taken away. */
function tagsOf(layout: string): Record<string, string> {
  const named = indexOf(layout).manifests.flatMap(({ annotations, digest }) => {
    const name = annotations?.['org.opencontainers.image.ref.name']
    return name === undefined ? [] : [[name, digest]]
  })
  return Object.fromEntries(named.sort()) as Record<string, string>
}

describe('transfer/hostile/orders', function () {
  this.timeout(180_000)
  let stage: Stage
  const bundles = new Map<number, { file: string; id: string; bound: Record<string, string> }>()
  const now = hoursLater(9)

  before(async () => {
    stage = await Stage.make()
    const demo = stage.path('demo')
    const { index, amd64, arm64, repository } = await buildDemoLayout(demo)
    // `latest` points elsewhere in each bundle, and back again in the last: what an older one says must never win.
    for (const [i, to] of [index, amd64, arm64, index].entries()) {
      const layout = stage.path('layout')
      cpSync(demo, layout, { recursive: true })
      const document = indexOf(layout)
      for (const entry of document.manifests) {
        if (entry.annotations?.['org.opencontainers.image.ref.name']?.endsWith('latest') !== true) continue
        Object.assign(entry, { digest: to.digest, mediaType: to.mediaType, size: to.size })
      }
      writeFileSync(join(layout, 'index.json'), JSON.stringify(document))
      const file = stage.path('bundle.tar')
      const report = await stage.export({ output: file, plan: planFor(`oci:${layout}`), now: hoursLater(i) })
      const bound = report.repositories.find(({ name }) => name === repository)?.tags ?? {}
      bundles.set(report.sequence, { file, id: report.id, bound })
    }
    assert.deepEqual([...bundles.keys()], SEQUENCES)
    assert.equal(new Set([...bundles.values()].map(({ bound }) => bound['latest'])).size, 3)
  })
  after(() => stage?.close())

  const bundle = (sequence: number) => bundles.get(sequence) ?? { file: '', id: '', bound: {} }
  const ends: { tags: Record<string, string>; tree: Record<string, string> }[] = []

  for (const order of orders(SEQUENCES)) {
    it(`accepts of ${order.join(' ')} what is newer than all before, and ends with the newest`, async () => {
      const state = await stage.site()
      const out = stage.path('out')
      let newest = 0
      for (const sequence of order) {
        const { file } = bundle(sequence)
        const run = { state, now }
        if (sequence > newest) {
          assert.equal((await stage.verify(file, run)).repeat, false)
          const { repeat, tags } = await stage.import(file, `oci:${out}`, run)
          assert.equal(repeat, false)
          assert.ok(tags.length > 0)
          newest = sequence
          assert.equal((await stage.import(file, `oci:${out}`, run)).repeat, true)
          continue
        }
        const before = [readFileSync(join(state, 'journal.jsonl'), 'utf8'), tree(out)]
        await assert.rejects(stage.verify(file, run), (error) => isFault(error, 'ROLLBACK'))
        await assert.rejects(stage.import(file, `oci:${out}`, run), (error) => isFault(error, 'ROLLBACK'))
        assert.deepEqual([readFileSync(join(state, 'journal.jsonl'), 'utf8'), tree(out)], before)
      }
      const { channels, bundles: booked, openTags, floor } = await status({ state, now })
      assert.equal(channels.length, 1)
      assert.deepEqual([channels[0]?.channel, channels[0]?.lastSequence], [CHANNEL, NEWEST])
      assert.deepEqual(openTags, [])
      assert.equal(
        floor,
        hoursLater(NEWEST - 1)
          .toISOString()
          .replace('.000', ''),
      )
      const accepted = order.filter((sequence, i) => order.slice(0, i).every((before) => before < sequence))
      assert.deepEqual(
        booked.map(({ sequence, id, phase }) => [sequence, id, phase]),
        accepted.map((sequence) => [sequence, bundle(sequence).id, 'done']),
      )
      assert.deepEqual((await stateCheck({ state, now })).differences, [])
      const { 'index.json': _, ...held } = tree(out)
      ends.push({ tags: tagsOf(out), tree: held })
    })
  }

  it('leaves the same tags and the same content behind after every order', () => {
    assert.equal(ends.length, 24)
    for (const end of ends) assert.deepEqual(end, ends[0])
    const latest = Object.entries(ends[0]?.tags ?? {}).find(([name]) => name.endsWith('latest'))
    assert.equal(latest?.[1], bundle(NEWEST).bound['latest'])
  })
})
