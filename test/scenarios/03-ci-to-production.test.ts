/**
 * Scenario #3: a CI system signs an index of platforms and its deployment chart, and production takes what a specific
 * house has signed. The twins: the same content that nobody signed, and that a stranger signed.
 */
import assert from 'node:assert/strict'
import { inRegistry, wordOf, type House } from './side.ts'
import { FAR, Stage } from './stage.ts'

const INDEX = `${FAR}/networking/net-monitor`
const CHART = `${FAR}/networking/chart`
const UNSIGNED = `${FAR}/networking/unsigned`
const STRANGE = `${FAR}/networking/strange`

describe('scenarios/#3: automate build, sign, push, deploy to prod, verify', function () {
  this.timeout(60_000)
  let stage: Stage
  let digest: string
  let chart: string

  before(async function () {
    stage = Stage.raise(this)
    const { near, far } = stage
    const ci: House = await near.house('ci', 'Wabbit Networks', { preset: 'vendor', algorithm: 'ES256' })
    const stranger = await near.house('stranger', 'Wabbit Networks')
    const registry = await near.hands.registry()
    const at = (name: string): string => `${registry}/networking/${name}`
    digest = await near.image(`${at('net-monitor')}:1.0`, 'porter')
    chart = await near.artifact(`${at('chart')}:1.0-deploy`, 'replicas: 3\n')
    await near.image(`${at('unsigned')}:1.0`, 'porter')
    await near.image(`${at('strange')}:1.0`, 'porter')
    await near.sign(`${at('net-monitor')}:1.0`, ci, { format: 'cose' })
    await near.sign(`${at('chart')}:1.0-deploy`, ci)
    await near.sign(`${at('strange')}:1.0`, stranger)
    const fingerprint = await stage.channel('wabbit')
    const scopes = [INDEX, CHART, UNSIGNED, STRANGE]
    await near.believe('policy', ci, { scopes })
    const policed = `--policy policy --destination ${FAR}`.split(' ')
    await stage.pack('cargo.tar', `${at('net-monitor')}:1.0`, `${at('chart')}:1.0-deploy`, ...policed)
    // The near side tells what the far side would.
    const early = `export --keys keys -o early.tar --passphrase-file passphrase ${at('strange')}:1.0`
    await near.refused(13, 'SIGNER_UNTRUSTED', early, ...policed, '--for-site', 'acme')
    await stage.pack('unsigned.tar', `${at('unsigned')}:1.0`)
    await stage.pack('strange.tar', `${at('strange')}:1.0`)
    await stage.cross(registry, 'cargo.tar', 'unsigned.tar', 'strange.tar', 'keys/root.json', ci.anchor.file)
    await stage.found('wabbit', fingerprint)
    await far.believe('policy', ci, { scopes })
  })
  after(() => stage?.lower())

  it('takes the index and the chart, and each platform of it', async () => {
    const { far } = stage
    await far.done(`import cargo.tar --to ${FAR} --state state --policy policy`)
    for (const [repository, one] of [
      [INDEX, digest],
      [CHART, chart],
    ] as const) {
      await far.done(`check ${repository}@${one} --policy policy`)
      const place = inRegistry(repository, one)
      assert.equal(wordOf(await far.notation({ ...place, configDir: far.path('policy') })), 'trusted')
    }
    for (const platform of ['linux/amd64', 'linux/arm64'])
      await far.tool('crane', `validate --fast --platform ${platform} --remote ${INDEX}@${digest}`)
  })

  for (const [bundle, code, repository, word] of [
    ['unsigned.tar', 'SIGNATURE_MISSING', UNSIGNED, 'unsigned'],
    ['strange.tar', 'SIGNER_UNTRUSTED', STRANGE, 'authenticity'],
  ] as const) {
    it(`refuses the index in ${bundle} and pushes nothing of it: ${code}`, async () => {
      const { far } = stage
      await far.refused(13, code, `import ${bundle} --to ${FAR} --state state --policy policy`)
      assert.ok(!(await far.tool('crane', `catalog ${FAR}`)).includes(repository.slice(FAR.length + 1)))
      // Let in by the channel alone, it is what notation refuses as well.
      await far.done(`import ${bundle} --to ${FAR} --state state --channel-only`)
      const place = inRegistry(repository, digest)
      assert.equal(wordOf(await far.notation({ ...place, configDir: far.path('policy') })), word)
    })
  }
})
