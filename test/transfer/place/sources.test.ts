import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildDemoLayout, type DemoLayout } from '../../../fixtures/layouts/build.ts'
import { isFault, type Code } from '../../../src/errors/index.ts'
import { parsePlan } from '../../../src/index.ts'
import { Sources, type Selection } from '../../../src/transfer/place/sources.ts'
import { fault } from '../../fault.ts'
import { scripted } from '../../registry/scripted.ts'

const SIG = `sha256-${'a'.repeat(64)}.sig`

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
    const at = { code: 'PLAN_MALFORMED', subject: 'plan:1:22' }
    await assert.rejects(select({ ref: 'registry.example/app' }), at)
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

  const FAULTS: Record<string, [entry: string, code: Code, at: string]> = {
    'a reference outside the grammar': ['ref: registry.example/UPPER:1', 'REFERENCE_INVALID', '3:10'],
    'a digest that is none': ['ref: "oci:layout@sha256:1"', 'REFERENCE_INVALID', '3:10'],
    'a reference without tag or digest': ['ref: registry.example/app', 'PLAN_MALFORMED', '3:10'],
    'a signature tag in a reference': [`ref: registry.example/app:${SIG}`, 'REFERENCE_INVALID', '3:10'],
    'a signature tag among tags': [`ref: registry.example/app\n    tags: [a, ${SIG}]`, 'REFERENCE_INVALID', '4:15'],
  }
  for (const [what, [entry, code, at]] of Object.entries(FAULTS))
    it(`names line and column of ${what}`, async () => {
      const plan = parsePlan(`artifacts:\n  - ref: oci:${dir}/demo\n  - ${entry}\n`, 'plan.yaml')
      const sources = new Sources({})
      try {
        // A copy, as the command line makes one for its options.
        await assert.rejects(sources.select({ ...(await plan) }, 'plan.yaml'), fault(code, `plan.yaml:${at}`))
      } finally {
        await sources.close()
      }
    })

  it('names line and column of a pattern that no tag matches', async () => {
    const tags = { name: 'app', tags: ['1.0'] }
    const list = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(tags) }
    const fake = await scripted({ 'GET /v2/app/tags/list': list })
    const sources = new Sources({ plainHttp: true })
    try {
      const plan = await parsePlan(`artifacts:\n  - ref: ${fake.host}/app\n    tagPattern: 2.*\n`, 'plan.yaml')
      await assert.rejects(sources.select(plan, 'plan.yaml'), fault('PLAN_MALFORMED', 'plan.yaml:3:17'))
    } finally {
      await sources.close()
      await fake.close()
    }
  })

  it('names a reference of the command line by itself', async () => {
    const sources = new Sources({})
    const ref = 'registry.example/UPPER:1'
    try {
      const select = sources.select({ map: [], artifacts: [{ ref, referrers: 'all' }] })
      await assert.rejects(select, fault('REFERENCE_INVALID', ref))
    } finally {
      await sources.close()
    }
  })

  it('refuses a path that is not there and a tag that belongs to another manifest', async () => {
    await assert.rejects(select({ ref: `oci:${dir}/absent` }), { code: 'FILE_UNREADABLE' })
    await assert.rejects(select({ ref: `registry.example/app:${SIG}` }), { code: 'REFERENCE_INVALID' })
  })
})
