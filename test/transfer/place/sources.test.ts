import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildDemoLayout, type DemoLayout } from '../../../fixtures/layouts/build.ts'
import { isFault } from '../../../src/errors/index.ts'
import { parsePlan } from '../../../src/index.ts'
import { Sources, type Selection } from '../../../src/transfer/place/sources.ts'

describe('transfer/place/sources', () => {
  let dir: string
  let demo: DemoLayout
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'sallyport-sources-'))
    demo = await buildDemoLayout(join(dir, 'demo'))
    cpSync(join(dir, 'demo'), join(dir, 'twin'), { recursive: true })
  })
  after(() => rmSync(dir, { recursive: true, force: true }))

  async function select(...artifacts: object[]): Promise<Selection[]> {
    const sources = new Sources({})
    try {
      return await sources.select(await parsePlan(JSON.stringify({ artifacts }), 'plan'), 'plan')
    } finally {
      await sources.close()
    }
  }

  it('takes a digest rather than the tag beside it', async () => {
    const digest = (await select({ ref: `oci:${dir}/demo` }))[0]?.source.resolve('1.0')
    const [selection] = await select({ ref: `oci:${dir}/demo:latest@${(await digest)?.digest ?? ''}` })
    assert.deepEqual(selection?.tags, [])
    assert.deepEqual(selection?.digests, [(await digest)?.digest])
    assert.ok(demo !== undefined)
  })

  it('takes a tag, bare or with its repository, and refuses one that is not there beside others', async () => {
    assert.deepEqual((await select({ ref: `oci:${dir}/demo:latest` }))[0]?.tags, ['latest'])
    assert.deepEqual((await select({ ref: `oci:${dir}/demo:registry.example/demo/app:latest` }))[0]?.tags, ['latest'])
    await assert.rejects(select({ ref: `oci:${dir}/demo:absent`, tags: ['1.0'] }), { code: 'MANIFEST_MISSING' })
    await assert.rejects(select({ ref: `oci:${dir}/demo`, tags: ['1.0', 'absent'] }), { code: 'MANIFEST_MISSING' })
  })

  it('refuses one repository from two places', async () => {
    const twice = [
      { ref: `oci:${dir}/demo`, tags: ['1.0'] },
      { ref: `oci:${dir}/twin`, tags: ['latest'] },
    ]
    await assert.rejects(select(...twice), { code: 'TARGET_COLLISION' })
    const same = await select({ ref: `oci:${dir}/demo`, tags: ['1.0'] }, { ref: `oci:${dir}/demo`, tags: ['latest'] })
    assert.equal(same.length, 2)
  })

  it('names a reference without tag or digest, by itself or in its plan', async () => {
    await assert.rejects(select({ ref: 'registry.example/app' }), { code: 'PLAN_MALFORMED', subject: 'plan' })
    const sources = new Sources({})
    try {
      const ref = 'registry.example/app'
      const bare = sources.select({ map: [], artifacts: [{ ref, referrers: 'all' }] })
      await assert.rejects(bare, (error) => {
        assert.ok(isFault(error, 'REFERENCE_INVALID'))
        assert.match(error.remedy, /registry\.example\/app:TAG/)
        return error.subject === ref && !/plan|tagPattern/.test(error.message + error.remedy)
      })
    } finally {
      await sources.close()
    }
  })

  it('refuses a path that is not there and a tag that belongs to another manifest', async () => {
    await assert.rejects(select({ ref: `oci:${dir}/absent` }), { code: 'FILE_UNREADABLE' })
    const tag = `sha256-${'a'.repeat(64)}.sig`
    await assert.rejects(select({ ref: `registry.example/app:${tag}` }), { code: 'REFERENCE_INVALID' })
  })
})
