/**
 * Scenario #2: a signed local build gets the name of the registry it goes to, and a cluster for development takes what is
 * signed by anybody, to know where it comes from. The twin: the signature is laid beside another image.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { referrersOf, SIGNATURE } from './contents.ts'
import { inRegistry, wordOf, type House } from './side.ts'
import { FAR, Stage } from './stage.ts'

const IMAGE = `${FAR}/networking/net-monitor`
const OTHER = `${FAR}/networking/other`

describe('scenarios/#2: sign, rename, push, validate in dev', function () {
  this.timeout(60_000)
  let stage: Stage
  let developer: House
  let digest: string
  let other: string
  let signature: string

  before(async function () {
    stage = Stage.raise(this)
    const { near, far } = stage
    developer = await near.house('developer', 'Wabbit Networks', { preset: 'hobbyist' })
    // The cluster knows another house, and this one not at all.
    const cluster = await near.house('cluster', 'ACME Rockets')
    const registry = await near.hands.registry()
    await near.image(`${registry}/build/scratch:1`)
    await near.tool('oras', `cp --from-plain-http --to-oci-layout ${registry}/build/scratch:1 net-monitor:abc123`)
    signature = await near.sign('oci:net-monitor:abc123', developer)
    const image = `${registry}/networking/net-monitor`
    await near.tool('oras', `cp -r --from-oci-layout --to-plain-http net-monitor:abc123 ${image}:1.0`)
    digest = await near.digest(`${image}:1.0`)
    other = await near.image(`${registry}/networking/other:1.0`, 'busybox-amd64')
    const fingerprint = await stage.channel('wabbit')
    await stage.pack('cargo.tar', `${image}:1.0`)
    await stage.pack('other.tar', `${registry}/networking/other:1.0`)
    await stage.cross(registry, 'cargo.tar', 'other.tar', 'keys/root.json', cluster.anchor.file)
    await stage.found('wabbit', fingerprint)
    await far.believe('policy', cluster, { scopes: [IMAGE, OTHER], level: 'audit' })
  })
  after(() => stage?.lower())

  it('accepts the signed image under its new name, and says who signed it', async () => {
    const { far } = stage
    await far.done(`import cargo.tar --to ${FAR} --state state --policy policy`)
    const { signatures } = await far.done(`check ${IMAGE}:1.0 --policy policy`)
    const [{ signer, manifest }] = signatures as [{ signer: string; manifest: string }]
    assert.deepEqual([signer, manifest], ['CN=developer,O=Wabbit Networks,ST=WA,C=US', signature])
    const place = { ...inRegistry(IMAGE, digest), configDir: far.path('policy') }
    assert.equal(wordOf(await far.notation(place)), 'trusted')
  })

  it('refuses the signature beside another image: TARGET_MISMATCH', async () => {
    const { far } = stage
    await far.done(`import other.tar --to ${FAR} --state state --channel-only`)
    const manifest: { layers: { digest: string }[] } = JSON.parse(
      await far.tool('oras', `manifest fetch --plain-http ${IMAGE}@${signature}`),
    )
    const blob = `${IMAGE}@${manifest.layers[0]?.digest}`
    await far.tool('oras', `blob fetch --plain-http --output envelope.jws ${blob}`)
    const envelope = readFileSync(far.path('envelope.jws'), 'utf8')
    await far.attach(`${OTHER}@${other}`, SIGNATURE, envelope, 'application/jose+json')
    assert.equal((await referrersOf(far, OTHER, other, SIGNATURE)).length, 1)
    await far.refused(12, 'TARGET_MISMATCH', `check ${OTHER}:1.0 --policy policy`)
    const place = { ...inRegistry(OTHER, other), configDir: far.path('policy') }
    assert.equal(wordOf(await far.notation(place)), 'target')
  })
})
