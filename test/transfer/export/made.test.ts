import assert from 'node:assert/strict'
import { buildDemoLayout, buildZooLayout } from '../../../fixtures/layouts/build.ts'
import { planFor, Stage } from '../stage.ts'

describe('transfer/export/made', () => {
  let stage: Stage

  before(async () => {
    stage = await Stage.make()
  })
  after(() => stage?.close())

  it('names the manifests that it carries without knowing what they name', async () => {
    const [zoo, demo] = [stage.path('zoo'), stage.path('demo')]
    const { unknown } = await buildZooLayout(zoo)
    await buildDemoLayout(demo)
    const report = await stage.export({ output: stage.path('june.tar'), plan: planFor(`oci:${zoo}`) })
    assert.deepEqual(
      report.opaque.map(({ digest, mediaType }) => [digest, mediaType]),
      [[unknown.digest, 'application/vnd.example.unknown.manifest.v9+json']],
    )
    const plain = await stage.export({ output: stage.path('july.tar'), plan: planFor(`oci:${demo}`) })
    assert.deepEqual(plain.opaque, [])
  })
})
