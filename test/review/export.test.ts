import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout } from '../../fixtures/layouts/build.ts'
import { SallyportError, type Code } from '../../src/errors/index.ts'
import { planFor, Stage } from '../transfer/stage.ts'

interface Bound {
  mediaType: string
  digest: string
  size: number
}

const code = (wanted: Code) => (error: { code?: string }) => error.code === wanted

describe('review: export', () => {
  let stage: Stage
  let demo: string
  before(async () => {
    stage = await Stage.make()
    demo = stage.path('demo')
    await buildDemoLayout(demo)
  })
  after(() => stage.close())

  function stop(output: string): Promise<unknown> {
    const onEvent = ({ type }: { type: string }): void => {
      if (type === 'total') throw new SallyportError('INTERRUPTED', { side: 'state' })
    }
    return assert.rejects(stage.export({ plan: planFor(`oci:${demo}`), output, onEvent }), code('INTERRUPTED'))
  }

  /** Another manifest of the same layout: the first platform of an index. */
  function childOf(digest: string): Bound {
    const bytes = readFileSync(join(demo, 'blobs', digest.replace(':', '/')), 'utf8')
    const { manifests } = JSON.parse(bytes) as { manifests: Bound[] }
    const [first] = manifests
    assert.ok(first)
    const { mediaType, digest: other, size } = first
    return { mediaType, digest: other, size }
  }

  function record(output: string): Record<string, unknown> {
    return JSON.parse(readFileSync(`${output}.part.json`, 'utf8')) as Record<string, unknown>
  }

  it('goes on with the record that its own log vouches for', async () => {
    const output = stage.path('june.tar')
    await stop(output)
    const { id, sequence } = record(output)
    const done = await stage.export({ plan: planFor(`oci:${demo}`), output })
    assert.deepEqual([done.id, done.sequence], [id, sequence])
  })

  for (const change of ['number', 'bindings'] as const) {
    it(`takes neither number nor bindings from a record whose ${change} another hand changed`, async () => {
      const output = stage.path('june.tar')
      await stop(output)
      const planted = record(output)
      const resolved = planted['resolved'] as Record<string, Bound>
      const [name] = Object.keys(resolved)
      assert.ok(name)
      const honest = resolved[name]?.digest
      if (change === 'number') planted['sequence'] = 2 ** 52
      if (change === 'bindings') resolved[name] = childOf(honest ?? '')
      writeFileSync(`${output}.part.json`, JSON.stringify(planted))
      const done = await stage.export({ plan: planFor(`oci:${demo}`), output })
      assert.ok(done.sequence < 100, String(done.sequence))
      assert.ok(done.repositories.some(({ tags }) => Object.values(tags).some((digest) => digest === honest)))
    })
  }

  it('takes no stranger at the output for the bundle of a stopped run', async () => {
    const output = stage.path('june.tar')
    await stop(output)
    writeFileSync(output, 'not a bundle')
    await assert.rejects(stage.export({ plan: planFor(`oci:${demo}`), output }), code('OUTPUT_EXISTS'))
    assert.ok(existsSync(`${output}.part.json`))
  })
})
