/**
 * Scenario #6: vendor, certifier and site have signed one image, with three algorithms and two formats, and production
 * wants all three. The twin: an image that the certifier has not signed.
 */
import assert from 'node:assert/strict'
import { referrersOf, SIGNATURE } from './contents.ts'
import { inRegistry, wordOf, type House } from './side.ts'
import { FAR, Stage } from './stage.ts'

const IMAGE = `${FAR}/wabbit/net-monitor`
const UNCERTIFIED = `${FAR}/wabbit/uncertified`

describe('scenarios/#6: multiple signatures', function () {
  this.timeout(60_000)
  let stage: Stage
  const houses: Record<string, House> = {}
  const signatures: string[] = []
  let digest: string
  let other: string

  before(async function () {
    stage = Stage.raise(this)
    const { near, far } = stage
    const vendor = await near.house('vendor', 'Wabbit Networks')
    const certifier = await near.house('certifier', 'Docker Hub', { algorithm: 'PS256' })
    const registry = await near.hands.registry()
    const at = (name: string): string => `${registry}/wabbit/${name}:1.0`
    digest = await near.image(at('net-monitor'))
    other = await near.image(at('uncertified'), 'busybox-amd64')
    // Two at once, to show that neither list of referrers is lost.
    signatures.push(
      ...(await Promise.all([
        near.sign(at('net-monitor'), vendor),
        near.sign(at('net-monitor'), certifier, { format: 'cose', options: ['--form', 'artifactType'] }),
      ])),
    )
    await near.sign(at('uncertified'), vendor)
    const fingerprint = await stage.channel('wabbit')
    await stage.pack('cargo.tar', at('net-monitor'), at('uncertified'))
    await stage.cross(registry, 'cargo.tar', 'keys/root.json', vendor.anchor.file, certifier.anchor.file)
    await stage.found('wabbit', fingerprint)

    const site = await far.house('site', 'ACME Rockets', { algorithm: 'ES512' })
    Object.assign(houses, { vendor, certifier, site })
    await far.believe('policy', vendor, { scopes: [IMAGE, UNCERTIFIED] })
    await far.done(`import cargo.tar --to ${FAR} --state state --policy policy`)
    signatures.push(await far.sign(`${IMAGE}:1.0`, site, { format: 'cose' }))
    await far.sign(`${UNCERTIFIED}:1.0`, site, { format: 'cose' })

    for (const house of Object.values(houses))
      await far.believe('production', house, { scopes: [`${FAR}/by/${house.name}`] })
    far.write(
      'production/policy.yaml',
      `version: 1
scopes: [{scope: "${FAR}/wabbit/*", require: {allOf: [vendor, certifier, site]}}]
statements: {vendor: {notation: vendor}, certifier: {notation: certifier}, site: {notation: site}}
`,
    )
  })
  after(() => stage?.lower())

  it('takes the image for all three, and notation sees each of them', async () => {
    const { far } = stage
    assert.deepEqual(await referrersOf(far, IMAGE, digest, SIGNATURE), signatures.toSorted())
    const report = await far.done(`check ${IMAGE}:1.0 --policy production`)
    assert.deepEqual((report['statements'] as string[]).toSorted(), ['certifier', 'site', 'vendor'])
    assert.deepEqual(
      (report['signatures'] as { algorithm: string; format: string }[])
        .map(({ algorithm, format }) => `${algorithm} ${format}`)
        .toSorted(),
      ['ES384 jws', 'ES512 cose', 'PS256 cose'],
    )
    for (const { anchor } of Object.values(houses)) {
      const place = { ...inRegistry(IMAGE, digest), configDir: far.trusting(anchor) }
      assert.equal(wordOf(await far.notation(place)), 'trusted')
    }
  })

  it('refuses the image that the certifier has not signed: POLICY_UNMET', async () => {
    const { far } = stage
    const { report } = await far.refused(13, 'POLICY_UNMET', `check ${UNCERTIFIED}:1.0 --policy production`)
    assert.deepEqual(report['missing'], ['certifier'])
    for (const [name, { anchor }] of Object.entries(houses)) {
      const place = { ...inRegistry(UNCERTIFIED, other), configDir: far.trusting(anchor) }
      const word = name === 'certifier' ? 'authenticity' : 'trusted'
      assert.equal(wordOf(await far.notation(place)), word, name)
    }
  })
})
