import assert from 'node:assert/strict'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import { retag } from '../retag.ts'
import { planFor, Stage } from '../stage.ts'

const TAGS = Array.from({ length: 33_000 }, (_, at) => `${'t'.repeat(122)}${String(at).padStart(6, '0')}`)

describe('transfer/import: tags', () => {
  let stage: Stage

  before(async () => {
    stage = await Stage.make()
  })

  after(() => stage?.close())

  it('journals all tags of an artifact, however many verify lets pass', async () => {
    const layout = stage.path('layout')
    await buildDemoLayout(layout)
    retag(layout, TAGS)
    const state = await stage.site()
    const output = stage.path('tagged.tar')
    await stage.export({ output, plan: planFor(`oci:${layout}`) })
    assert.equal((await stage.verify(output, { state })).verdict, 'trusted')
    const to = `oci:${stage.path('to')}`
    assert.equal((await stage.import(output, to, { state, dryRun: true })).verdict, 'trusted')
  })
})
