/**
 * Scenario #10: for each set of artifacts the site has one key, told by somebody it trusts, and takes no other. The twin:
 * an artifact of one set, signed with the key of the other.
 */
import assert from 'node:assert/strict'
import { inRegistry, wordOf, type House } from './side.ts'
import { FAR, Stage } from './stage.ts'

describe('scenarios/#10: specifying a trusted key', function () {
  this.timeout(60_000)
  let stage: Stage
  const digests: Record<string, string> = {}

  before(async function () {
    stage = Stage.raise(this)
    const { near, far } = stage
    // Self-signed: the certificate is the key, and nothing else.
    const houses: Record<string, House> = {}
    for (const team of ['avionics', 'telemetry'])
      houses[team] = await near.house(team, 'ACME Rockets', { preset: 'hobbyist' })
    const { avionics, telemetry } = houses
    assert.ok(avionics && telemetry)
    const registry = await near.hands.registry()
    for (const [name, house] of [
      ['avionics/pilot', avionics],
      ['telemetry/probe', telemetry],
      ['telemetry/stray', avionics],
    ] as const) {
      digests[name] = await near.artifact(`${registry}/${name}:1.0`, `${name}\n`)
      await near.sign(`${registry}/${name}:1.0`, house)
    }
    const fingerprint = await stage.channel('acme')
    await stage.pack('cargo.tar', `${registry}/avionics/pilot:1.0`, `${registry}/telemetry/probe:1.0`)
    await stage.pack('stray.tar', `${registry}/telemetry/stray:1.0`)
    const anchors = [avionics.anchor.file, telemetry.anchor.file]
    await stage.cross(registry, 'cargo.tar', 'stray.tar', 'keys/root.json', ...anchors)
    await stage.found('acme', fingerprint)
    await far.believe('policy', avionics, { scopes: [`${FAR}/avionics/pilot`] })
    await far.believe('policy', telemetry, { scopes: [`${FAR}/telemetry/probe`, `${FAR}/telemetry/stray`] })
  })
  after(() => stage?.lower())

  function notation(name: string): Promise<string> {
    const { far } = stage
    const place = inRegistry(`${FAR}/${name}`, digests[name] ?? '')
    return far.notation({ ...place, configDir: far.path('policy') }).then(wordOf)
  }

  it('takes each artifact for the key of its set', async () => {
    const { far } = stage
    await far.done(`import cargo.tar --to ${FAR} --state state --policy policy`)
    for (const name of ['avionics/pilot', 'telemetry/probe']) {
      await far.done(`check ${FAR}/${name}:1.0 --policy policy`)
      assert.equal(await notation(name), 'trusted')
    }
  })

  it('refuses an artifact signed with the key of the other set: SIGNER_UNTRUSTED', async () => {
    const { far } = stage
    await far.refused(13, 'SIGNER_UNTRUSTED', `import stray.tar --to ${FAR} --state state --policy policy`)
    await far.done(`import stray.tar --to ${FAR} --state state --channel-only`)
    assert.equal(await notation('telemetry/stray'), 'authenticity')
  })
})
