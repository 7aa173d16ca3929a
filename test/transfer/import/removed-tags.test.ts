import assert from 'node:assert/strict'
import { setTimeout as later } from 'node:timers/promises'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import type { ImportReport } from '../../../src/transfer/index.ts'
import { removedThere } from '../../../src/transfer/import/removed-tags.ts'
import type { Passage } from '../../../src/transfer/passage/passage.ts'
import { retag } from '../retag.ts'
import { planFor, Stage, tree } from '../stage.ts'

describe('transfer/import/removed-tags', () => {
  let stage: Stage
  let layout: string

  before(async () => {
    stage = await Stage.make()
    layout = stage.path('layout')
    await buildDemoLayout(layout)
  })

  after(() => stage?.close())

  async function bundle(...tags: string[]): Promise<string> {
    retag(layout, tags)
    const output = stage.path('out.tar')
    await stage.export({ output, plan: planFor(`oci:${layout}`) })
    return output
  }

  const told = ({ removed }: ImportReport): string[] => removed.map(({ tag }) => tag).sort()

  it('tells what the site had of the source and still has, in a dry run too, and takes nothing away', async () => {
    const [first, second] = [await bundle('1.0', '1.1', 'latest'), await bundle('1.1', 'latest')]
    const state = await stage.site()
    const dir = stage.path('to')
    const to = `oci:${dir}`
    assert.deepEqual(told(await stage.import(first, to, { state })), [])
    const before = tree(dir)
    assert.deepEqual(told(await stage.import(second, to, { state, dryRun: true })), ['1.0'])
    const report = await stage.import(second, to, { state })
    assert.deepEqual(told(report), ['1.0'])
    assert.equal(report.removed[0]?.digest, report.tags[0]?.new)
    assert.deepEqual(tree(dir), before)
    // As the operator does who has judged that nothing needs it.
    retag(dir, ['demo/app:1.1', 'demo/app:latest'])
    assert.deepEqual(told(await stage.import(second, to, { state })), [])
  })

  it('tells nothing of a tag that came from elsewhere, or never did', async () => {
    await bundle('2.0', 'latest')
    const second = await bundle('latest')
    const state = await stage.site()
    const dir = stage.path('other')
    await buildDemoLayout(dir)
    assert.deepEqual(told(await stage.import(second, `oci:${dir}`, { state })), [])
  })

  it('asks nothing while it still looks into the state, so that no failure stands alone', async () => {
    const lost = new Error('the target is gone')
    const done: string[] = []
    const repositories = ['a', 'b'].map((repository) => ({ graph: { repository }, removed: ['1.0'] }))
    const tagNames = async (): Promise<string[]> => {
      await later(20)
      done.push('looked')
      return ['1.0']
    }
    const resolve = async (): Promise<never> => {
      done.push('asked')
      throw lost
    }
    const place = { name: 't', path: (to: string) => to, at: () => ({ resolve }) }
    const destination = { state: { tagNames }, place, landing: new Map() }
    const run = removedThere(
      { census: { repositories } } as unknown as Passage,
      destination as unknown as Parameters<typeof removedThere>[1],
      { concurrency: 1 },
    )
    await assert.rejects(run, lost)
    assert.deepEqual(done.slice(0, 3), ['looked', 'looked', 'asked'])
  })
})
