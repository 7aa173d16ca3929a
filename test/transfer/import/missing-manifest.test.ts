/** What registries say of a manifest that a repository of theirs doesn't have, so that an import brings it. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { buildDemoLayout } from '../../../fixtures/layouts/build.ts'
import { apiRegistry } from '../sign/api-registry.ts'
import { planFor, Stage } from '../stage.ts'

const SAYINGS = {
  'Harbor of a digest': (path: string, name: string) => ({
    code: 'NOT_FOUND',
    message: `artifact ${path}${name.includes(':') ? '@' : ':'}${name} not found`,
  }),
  'Harbor of a repository that nothing was pushed to': (path: string) => ({
    code: 'NOT_FOUND',
    message: `repository ${path} not found`,
  }),
  'Artifact Registry': (path: string, name: string) => ({
    code: 'MANIFEST_UNKNOWN',
    message: `Failed to fetch "${name}" from the repository ${path}`,
  }),
  'a registry that makes repositories at the first push': (path: string) => ({
    code: 'NAME_UNKNOWN',
    message: `repository name ${path} not known to registry`,
  }),
}

describe('transfer/import/missing-manifest', () => {
  let stage: Stage
  let bundle: string

  before(async () => {
    stage = await Stage.make()
    const demo = join(stage.dir, 'demo')
    await buildDemoLayout(demo)
    bundle = stage.path('bundle.tar')
    await stage.export({ output: bundle, plan: planFor(`oci:${demo}`) })
  })

  after(() => stage?.close())

  for (const [who, says] of Object.entries(SAYINGS))
    it(`brings a manifest to a repository that is there, in the words of ${who}`, async () => {
      // Its tags are listed, so that the repository is asked for each manifest.
      const fake = await apiRegistry((path, kind, name) =>
        kind === 'blobs' ? { code: 'BLOB_UNKNOWN' } : says(path, name),
      )
      try {
        const state = await stage.site()
        const to = `${fake.host}/myproject/repository`
        const { counts } = await stage.import(bundle, to, { state })
        assert.ok(counts.manifestsPushed > 0)
        assert.equal(counts.manifestsPresent, 0)
        const again = await stage.import(bundle, to, { state })
        assert.equal(again.counts.manifestsPushed, 0)
      } finally {
        await fake.close()
      }
    })
})
