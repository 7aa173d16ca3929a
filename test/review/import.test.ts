import assert from 'node:assert/strict'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildDemoLayout } from '../../fixtures/layouts/build.ts'
import type { Code } from '../../src/errors/index.ts'
import { hoursLater, members, NOW, planFor, Stage } from '../transfer/stage.ts'

const code = (wanted: Code) => (error: { code?: string }) => error.code === wanted

describe('review: import', () => {
  let stage: Stage
  let demo: string
  before(async () => {
    stage = await Stage.make()
    demo = stage.path('demo')
    await buildDemoLayout(demo)
  })
  after(() => stage.close())

  it('goes on after a bundle from a clock that runs ahead', async () => {
    const output = stage.path('june.tar')
    await stage.export({ plan: planFor(`oci:${demo}`), output, created: hoursLater(20) })
    const state = await stage.site()
    const to = `oci:${stage.path('out')}`
    await stage.import(output, to, { state })
    const { repeat } = await stage.import(output, to, { state, now: new Date(NOW.getTime() + 1000) })
    assert.equal(repeat, true)
    await assert.rejects(stage.import(output, to, { state, now: hoursLater(-1) }), code('CLOCK_BEHIND'))
  })

  it('reads every blob back on a repeat that asks for it', async () => {
    const output = stage.path('june.tar')
    await stage.export({ plan: planFor(`oci:${demo}`), output })
    const state = await stage.site()
    const out = stage.path('out')
    await stage.import(output, `oci:${out}`, { state })
    const blobs = join(out, 'blobs', 'sha256')
    const layer = readdirSync(blobs).find((name) => readFileSync(join(blobs, name))[0] === 0x1f)
    assert.ok(layer)
    const bytes = readFileSync(join(blobs, layer))
    bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1)
    rmSync(join(blobs, layer))
    writeFileSync(join(blobs, layer), bytes)
    await stage.import(output, `oci:${out}`, { state })
    await assert.rejects(stage.import(output, `oci:${out}`, { state, readBackFull: true }))
  })

  it('leaves no push running when a pipe turns out damaged', async () => {
    const output = stage.path('june.tar')
    await stage.export({ plan: planFor(`oci:${demo}`), output })
    const last = members(output).at(-1)
    assert.ok(last)
    const bytes = readFileSync(output)
    bytes.writeUInt8((bytes[last.bodyAt] ?? 0) ^ 1, last.bodyAt)
    writeFileSync(output, bytes)
    const state = await stage.site()
    const out = stage.path('out')
    const fd = openSync(output, 'r')
    try {
      await assert.rejects(stage.import({ fd }, `oci:${out}`, { state }), code('DIGEST_MISMATCH'))
    } finally {
      closeSync(fd)
    }
    const left = existsSync(out) ? readdirSync(out, { recursive: true }).map(String) : []
    assert.deepEqual(
      left.filter((name) => /lock|tmp/.test(name)),
      [],
    )
    assert.equal(existsSync(join(state, 'lock')), false)
  })
})
