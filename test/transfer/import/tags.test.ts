import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import { planFor, Stage } from '../stage.ts'

const REF_NAME = 'org.opencontainers.image.ref.name'
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
    const file = join(layout, 'index.json')
    const index = JSON.parse(readFileSync(file, 'utf8')) as { manifests: { annotations?: Record<string, string> }[] }
    const [first] = index.manifests
    const manifests = TAGS.map((tag) => ({ ...first, annotations: { [REF_NAME]: tag } }))
    writeFileSync(file, JSON.stringify({ ...index, manifests }))
    const state = await stage.site()
    const output = stage.path('tagged.tar')
    await stage.export({ output, plan: planFor(`oci:${layout}`) })
    assert.equal((await stage.verify(output, { state })).verdict, 'trusted')
    const to = `oci:${stage.path('to')}`
    assert.equal((await stage.import(output, to, { state, dryRun: true })).verdict, 'trusted')
  })
})
