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

  it('names tags in their order, whichever was resolved first', async () => {
    const demo = stage.path('demo')
    await buildDemoLayout(demo)
    const plan = planFor(`oci:${demo}`)
    const [artifact] = plan.artifacts
    assert.ok(artifact)
    const output = stage.path('both.tar')
    const report = await stage.export({
      output,
      plan: { ...plan, artifacts: ['latest', '1.0'].map((tag) => ({ ...artifact, tags: [tag] })) },
    })
    assert.deepEqual(Object.keys(report.repositories[0]?.tags ?? {}), ['1.0', 'latest'])
  })
})
