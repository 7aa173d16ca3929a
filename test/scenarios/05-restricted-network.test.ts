/**
 * Scenario #5: a site that reaches nothing gets an image together with all that its validation needs, and validates it
 * there. The twin: the vendor's root comes in the bundle, and nobody at the site has said to believe it.
 */
import assert from 'node:assert/strict'
import { contentsOf } from './contents.ts'
import { inRegistry, wordOf, type House } from './side.ts'
import { FAR, Stage } from './stage.ts'

const IMAGE = `${FAR}/wabbit/net-monitor`

describe('scenarios/#5: validate within restricted networks', function () {
  this.timeout(60_000)
  let stage: Stage
  let wabbit: House
  let namesake: House
  let digest: string
  const sent: Record<string, string[]> = {}

  before(async function () {
    stage = Stage.raise(this)
    const { near } = stage
    wabbit = await near.house('wabbit', 'Wabbit Networks', { preset: 'vendor' })
    namesake = await near.house('namesake', 'Wabbit Networks')
    const registry = await near.hands.registry()
    const image = `${registry}/wabbit/net-monitor`
    digest = await near.image(`${image}:1.0`)
    await near.attach(
      `${image}@${digest}`,
      'application/spdx+json',
      '{"spdxVersion":"SPDX-2.3","name":"net-monitor"}\n',
    )
    await near.sign(`${image}:1.0`, wabbit)
    Object.assign(sent, await contentsOf(near, image, digest))
    near.write('plan.yaml', `channel: wabbit\nartifacts: [{ref: "${image}:1.0"}]\ntrust: {delegations: [wabbit]}\n`)
    const fingerprint = await stage.channel('wabbit')
    await stage.pack('cargo.tar', '-f', 'plan.yaml')
    await stage.cross(registry, 'cargo.tar', 'keys/root.json', wabbit.anchor.file, namesake.anchor.file)
    await stage.found('wabbit', fingerprint)
  })
  after(() => stage?.lower())

  it('refuses the image where its root came in the bundle alone: SIGNER_UNTRUSTED', async () => {
    const { far } = stage
    const carried = await far.done('inspect cargo.tar --trust')
    assert.ok(JSON.stringify(carried).includes(wabbit.anchor.fingerprint.replace('sha256:', '')))
    // Another root of the same name is believed, so that all else is in place.
    await far.believe('hasty', namesake, { scopes: [IMAGE] })
    await far.refused(13, 'SIGNER_UNTRUSTED', `import cargo.tar --to ${FAR} --state state --policy hasty`)
    assert.equal(await far.tool('crane', `catalog ${FAR}`), '')
  })

  it('validates the image inside, by what was carried and an anchor told by voice', async () => {
    const { far } = stage
    await far.believe('policy', wabbit, { scopes: [IMAGE] })
    await far.done(`import cargo.tar --to ${FAR} --state state --policy policy`)
    await far.done(`check ${IMAGE}:1.0 --policy policy`)
    const place = inRegistry(IMAGE, digest)
    assert.equal(wordOf(await far.notation({ ...place, configDir: far.path('policy') })), 'trusted')
    assert.equal(wordOf(await far.notation({ ...place, configDir: far.path('hasty') })), 'authenticity')
    assert.equal(await far.digest(`${IMAGE}:1.0`), digest)
    assert.deepEqual(await contentsOf(far, IMAGE, digest), sent)
  })
})
