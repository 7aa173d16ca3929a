/**
 * Scenario #0: image, SBOM and source are built and signed, certified, published, carried into the site, judged, signed
 * by the site for its own registry, and deployed from there. The twin: the same graph in another repository of that registry.
 */
import assert from 'node:assert/strict'
import { referrersOf, SIGNATURE } from './contents.ts'
import { inRegistry, wordOf, type House } from './side.ts'
import { FAR, Stage } from './stage.ts'

const IMAGE = `${FAR}/wabbit/net-monitor`
const ELSEWHERE = `${FAR}/attic/net-monitor`
const ORIGIN = 'io.sallyport.origin'

describe('scenarios/#0: build, publish, consume, enforce policy, deploy', function () {
  this.timeout(60_000)
  let stage: Stage
  let wabbit: House
  let hub: House
  let acme: House
  let digest: string
  /** Referrers of the image that wabbit has signed too. */
  const parts: string[] = []

  before(async function () {
    stage = Stage.raise(this)
    const { near, far } = stage
    ;[wabbit, hub, acme] = await Promise.all([
      near.house('wabbit', 'Wabbit Networks'),
      near.house('hub', 'Docker Hub'),
      far.house('acme', 'ACME Rockets'),
    ])
    const registry = await near.hands.registry()
    const image = `${registry}/wabbit/net-monitor`
    digest = await near.image(`${image}:1.0`)
    parts.push(await near.attach(`${image}@${digest}`, 'application/spdx+json', '{"spdxVersion":"SPDX-2.3"}\n'))
    parts.push(await near.attach(`${image}@${digest}`, 'application/vnd.example.source', 'int main(void);\n'))
    await Promise.all([
      ...[digest, ...parts].map((one) => near.sign(`${image}@${one}`, wabbit)),
      near.sign(`${image}:1.0`, hub, { format: 'cose' }),
    ])
    const fingerprint = await stage.channel('wabbit')
    await stage.pack('cargo.tar', `${image}:1.0`)
    await stage.cross(registry, 'cargo.tar', 'keys/root.json', wabbit.anchor.file, hub.anchor.file)
    await stage.found('wabbit', fingerprint)

    await far.believe('policy', wabbit, { scopes: [IMAGE] })
    await far.believe('policy', hub, { scopes: [`${FAR}/certified/by-hub`] })
    const require = `{scope: "${IMAGE}", require: {allOf: [wabbit, hub]}}`
    far.write('policy/policy.yaml', `version: 1\nscopes: [${require}]\n${statements('wabbit', 'hub')}`)
    await far.believe('parts', wabbit, { scopes: [IMAGE] })
    await far.believe('production', acme, { scopes: [IMAGE, ELSEWHERE] })
    const scopes = [IMAGE, ELSEWHERE].map(
      (scope) => `{scope: "${scope}", require: {allOf: [acme]}, requireOrigin: true}`,
    )
    far.write('production/policy.yaml', `version: 1\nscopes: [${scopes.join(', ')}]\n${statements('acme')}`)
  })
  after(() => stage?.lower())

  function statements(...names: string[]): string {
    return `statements: {${names.map((name) => `${name}: {notation: ${name}}`).join(', ')}}\n`
  }

  it('brings the graph in, adds the signature of the site, and deploys from where it is bound to', async () => {
    const { far } = stage
    await far.done(`import cargo.tar --to ${FAR} --state state --policy policy`)
    const judgePart = async (part: string): Promise<void> => {
      await far.done(`check ${IMAGE}@${part} --policy parts`)
      const place = inRegistry(IMAGE, part)
      assert.equal(wordOf(await far.notation({ ...place, configDir: far.path('parts') })), 'trusted')
    }
    await Promise.all(parts.map(judgePart))

    const deploy = await far.attach(`${IMAGE}@${digest}`, 'application/vnd.example.deploy', 'replicas: 3\n')
    const approve = async (one: string): Promise<void> => {
      await far.sign(`${IMAGE}@${one}`, acme, { options: ['--origin'] })
      await far.done(`check ${IMAGE}@${one} --policy production`)
    }
    await Promise.all([digest, ...parts, deploy].map(approve))
    assert.equal((await referrersOf(far, IMAGE, digest, SIGNATURE)).length, 3)

    // The image alone, without SBOM and source, is what runs.
    await far.tool('skopeo', `copy --quiet --src-tls-verify=false docker://${IMAGE}@${digest} oci:host:net-monitor`)
    assert.equal(await far.tool('skopeo', 'inspect --format {{.Digest}} oci:host:net-monitor'), digest)
    const place = { ...inRegistry(IMAGE, digest), configDir: far.path('production') }
    assert.equal(wordOf(await far.notation({ ...place, userMetadata: { [ORIGIN]: IMAGE } })), 'trusted')
  })

  it('refuses to deploy the same graph from another repository: ORIGIN_MISMATCH', async () => {
    const { far } = stage
    await far.copy(`${IMAGE}:1.0`, `${ELSEWHERE}:1.0`)
    await far.refused(13, 'ORIGIN_MISMATCH', `check ${ELSEWHERE}:1.0 --policy production`)
    const place = { ...inRegistry(ELSEWHERE, digest), configDir: far.path('production') }
    const elsewhere = await far.notation({ ...place, userMetadata: { [ORIGIN]: ELSEWHERE } })
    assert.notEqual(wordOf(elsewhere), 'trusted')
    assert.equal(wordOf(await far.notation(place)), 'trusted')
  })
})
