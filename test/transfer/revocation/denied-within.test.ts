/** What was denied stays out, as whatever it is brought: an image, a child of an index, a referrer, a signature tag. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import { digestOf, signatureTag, type Descriptor, type Digest } from '../../../src/oci/index.ts'
import { State } from '../../../src/state/index.ts'
import { artifactIn, policyFolder, signAt } from '../policies.ts'
import { NOW, planFor, Stage } from '../stage.ts'
import { fault } from '../../fault.ts'

const APP = 'registry.example/app'

describe('transfer/revocation/denied-within', function () {
  this.timeout(120_000)
  let stage: Stage
  let policy: string
  let bundle: string
  /** Without the child. */
  let sparse: string
  let layout: string
  const made: Record<'child' | 'index' | 'attached' | 'referrer', Digest> = {
    child: 'sha256:',
    index: 'sha256:',
    attached: 'sha256:',
    referrer: 'sha256:',
  }

  before(async () => {
    stage = await Stage.make()
    policy = policyFolder(stage.path('policy'))
    layout = stage.path('layout')
    const builder = new LayoutBuilder(layout)
    const cargo = (text: string, subject?: Descriptor): Descriptor =>
      builder.manifest({
        artifactType: 'application/vnd.example.cargo',
        layers: [builder.blob('text/plain', text)],
        ...(subject === undefined ? {} : { subject }),
      })
    const child = { ...cargo('child'), platform: { os: 'linux', architecture: 'amd64' } }
    const other = { ...cargo('other'), platform: { os: 'linux', architecture: 'arm64' } }
    const index = builder.index({ manifests: [child, other] })
    builder.tag(APP, '1.0', index)
    const attached = artifactIn(builder, APP, signatureTag(index.digest, 'sbom'), 'attached')
    const referrer = cargo('referrer', index)
    builder.referrers(index.digest, [referrer])
    builder.finish()
    for (const [name, { digest }] of Object.entries({ child, index, attached, referrer }))
      made[name as keyof typeof made] = digest
    await signAt(`oci:${layout}:${APP}:1.0`)
    bundle = stage.path('app.tar')
    const plan = planFor(`oci:${layout}:${APP}:1.0`)
    await stage.export({ output: bundle, plan })
    sparse = stage.path('sparse.tar')
    const artifacts = plan.artifacts.map((one) => ({ ...one, platforms: ['linux/arm64'] }))
    await stage.export({ output: sparse, plan: { artifacts } })
  })
  after(() => stage?.close())

  async function site(artifact?: Digest): Promise<string> {
    const dir = await stage.site()
    const state = await State.open(dir, { now: NOW, write: true })
    if (artifact !== undefined)
      await state.addDenials([{ artifact, reason: 'CVE', since: '2026-05-20T00:00:00Z' }], null)
    await state.close()
    return dir
  }

  const byOther = (digest: Digest): Digest =>
    digestOf(readFileSync(join(layout, 'blobs', digest.replace(':', '/'))), 'sha512')

  it('carries all of them where nothing is denied', async () => {
    const report = await stage.import(bundle, `oci:${stage.path('out')}`, { state: await site(), policy })
    // Two children, the index, what is attached, the referrer, and the signature.
    assert.deepEqual([report.verdict, report.counts.manifestsPushed], ['trusted', 6])
  })

  it('refuses an index that names what is denied and leaves it out, since it may lie there already', async () => {
    const state = await site(made.child)
    const to = `oci:${stage.path('out')}`
    await assert.rejects(stage.import(sparse, to, { state }), fault('ARTIFACT_DENIED'))
    assert.equal((await stage.import(sparse, to, { state, policy })).artifacts?.[0]?.code, 'ARTIFACT_DENIED')
    assert.equal((await stage.import(sparse, to, { state: await site(), policy })).verdict, 'trusted')
  })

  for (const name of ['child', 'index', 'attached', 'referrer'] as const)
    for (const [hash, named] of [
      ['its own hash', (digest: Digest) => digest],
      ['the other hash', byOther],
    ] as const)
      it(`refuses a bundle whose ${name} is denied by ${hash}, with a policy and without`, async () => {
        const state = await site(named(made[name]))
        const to = `oci:${stage.path('out')}`
        await assert.rejects(stage.import(bundle, to, { state }), fault('ARTIFACT_DENIED'))
        const report = await stage.import(bundle, to, { state, policy })
        assert.deepEqual(
          [report.artifacts?.map(({ code }) => code), report.counts.manifestsPushed],
          [['ARTIFACT_DENIED'], 0],
        )
      })
})
