/** Finding plugins and calling them: the program of fixtures/, run for real, well and badly behaved. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { openPlugin } from '../../src/signature/index.ts'
import { party } from './envelope-fixture.ts'
import { NAME, PluginFolder, type Config } from './plugin-fixture.ts'

const missing = { code: 'PLUGIN_MISSING' }
const failed = { code: 'PLUGIN_FAILED' }

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Waits for a process that was killed to be gone. */
async function gone(pid: number): Promise<boolean> {
  for (let i = 0; i < 100 && lives(pid); i++) await wait(20)
  return !lives(pid)
}

describe('signature/plugin', function () {
  this.timeout(30_000)
  let plugins: PluginFolder
  let config: Config
  beforeEach(() => {
    plugins = new PluginFolder()
    config = plugins.config(party())
  })
  afterEach(() => plugins.remove())

  it('reads what a plugin says of itself', async () => {
    const { name, version, capabilities } = await plugins.open(config)
    assert.deepEqual([name, version], [NAME, '1.2.3'])
    assert.deepEqual(
      [...capabilities],
      [
        'SIGNATURE_GENERATOR.RAW',
        'SIGNATURE_GENERATOR.ENVELOPE',
        'SIGNATURE_VERIFIER.TRUSTED_IDENTITY',
        'SIGNATURE_VERIFIER.REVOCATION_CHECK',
      ],
    )
  })

  it('passes over capabilities that contract 1.0 does not know', async () => {
    const lie = JSON.stringify({
      capabilities: ['SIGNATURE_GENERATOR.RAW', 'COFFEE'],
      supportedContractVersions: ['2.3', '1.0'],
    })
    assert.deepEqual([...(await plugins.open({ ...config, lie })).capabilities], ['SIGNATURE_GENERATOR.RAW'])
  })

  it('hands over the configuration, the contract, and nothing else of the environment', async () => {
    const plugin = await plugins.open(config)
    await plugin.ask('describe-key', { keyId: 'k' })
    const [first, second] = plugins.witnessed()
    assert.deepEqual(first?.request, { pluginConfig: config })
    assert.deepEqual(second?.request, { contractVersion: '1.0', keyId: 'k', pluginConfig: config })
    assert.deepEqual(second.env, plugins.environment)
  })

  it('leaves the configuration out where there is none', async () => {
    const plugin = await plugins.open()
    // The plugin has no key then, and ends with an error of its own.
    await assert.rejects(plugin.ask('describe-key', { keyId: 'k' }), failed)
  })

  describe('finds', () => {
    it('none where there is none', async () => {
      await assert.rejects(openPlugin('absent', plugins.terms()), missing)
      await assert.rejects(plugins.open({}, { folder: join(plugins.folder, 'nowhere') }), missing)
    })

    for (const name of [
      '',
      '.',
      '..',
      '../file-key',
      'a/b',
      'file-key/',
      '-x',
      'x\0y',
      'ä',
      'x'.repeat(129),
      ' file-key',
    ])
      it(`none by the name ${JSON.stringify(name.slice(0, 20))}`, () =>
        assert.rejects(openPlugin(name, plugins.terms()), missing))

    it('no program that is a link, nor one in a folder that is', async () => {
      const real = join(plugins.folder, 'real')
      renameSync(plugins.file, real)
      symlinkSync(real, plugins.file)
      await assert.rejects(plugins.open(config), missing)
      rmSync(plugins.file)
      renameSync(real, plugins.file)
      await plugins.open(config)
      const home = join(plugins.folder, 'home')
      renameSync(plugins.home, home)
      symlinkSync(home, plugins.home)
      await assert.rejects(plugins.open(config), missing)
    })

    it('no folder, no program that is not executable, and none that anyone may replace', async () => {
      chmodSync(plugins.file, 0o644)
      await assert.rejects(plugins.open(config), missing)
      chmodSync(plugins.file, 0o757)
      await assert.rejects(plugins.open(config), missing)
      chmodSync(plugins.file, 0o755)
      chmodSync(plugins.home, 0o777)
      await assert.rejects(plugins.open(config), missing)
      chmodSync(plugins.home, 0o755)
      rmSync(plugins.file)
      mkdirSync(plugins.file)
      await assert.rejects(plugins.open(config), missing)
    })

    it('a program that cannot be run to be a failure', async () => {
      writeFileSync(plugins.file, 'no program', { mode: 0o755 })
      await assert.rejects(plugins.open(config), failed)
    })
  })

  const METADATA: Record<string, object> = {
    'another name': { name: 'other' },
    'no name': { name: null },
    'no description': { description: '' },
    'no version': { version: null },
    'no URL': { url: 7 },
    'no contract versions': { supportedContractVersions: null },
    'contract versions that are none': { supportedContractVersions: ['1.0', 'x'] },
    'two contract versions of one major version': { supportedContractVersions: ['1.0', '1.1'] },
    'a higher minor contract version': { supportedContractVersions: ['1.1'] },
    'another major contract version': { supportedContractVersions: ['2.0'] },
    'no capabilities': { capabilities: [] },
    'capabilities that are no texts': { capabilities: ['SIGNATURE_GENERATOR.RAW', 1] },
  }
  for (const [name, lie] of Object.entries(METADATA))
    it(`refuses ${name}`, () => assert.rejects(plugins.open({ ...config, lie: JSON.stringify(lie) }), failed))

  for (const mode of ['crash', 'die', 'error', 'garbage', 'noise', 'twice'])
    it(`fails a plugin in the mode ${mode}`, () => assert.rejects(plugins.open({ ...config, mode }), failed))

  it('shows what a plugin says of its error, cleaned', async () => {
    await assert.rejects(plugins.open({ ...config, mode: 'error' }), (error: Error) => {
      assert.ok(error.message.includes('ACCESS_DENIED'))
      for (const hidden of ['\u001b', '\u202e']) assert.ok(!error.message.includes(hidden))
      return true
    })
  })

  it('kills a plugin that hangs, and says so in time', async () => {
    const start = performance.now()
    await assert.rejects(plugins.open({ ...config, mode: 'hang' }, { timeoutMs: 700 }), failed)
    assert.ok(performance.now() - start < 5000)
    const [{ pid } = { pid: 0 }] = plugins.witnessed()
    assert.ok(await gone(pid))
  })

  it('kills a plugin that floods its output', async () => {
    await assert.rejects(plugins.open({ ...config, mode: 'flood' }), failed)
    const [{ pid } = { pid: 0 }] = plugins.witnessed()
    assert.ok(await gone(pid))
  })

  it('reads complaints without end, and keeps little of them', async () => {
    await assert.rejects(plugins.open({ ...config, mode: 'complain' }, { timeoutMs: 1500 }), failed)
    assert.ok(process.memoryUsage().arrayBuffers < 256 * 1024 * 1024)
  })

  it('kills the children that a plugin leaves behind with its output open', async () => {
    await assert.rejects(plugins.open({ ...config, mode: 'linger' }), failed)
    const child = plugins.witnessed().find(({ command }) => command === undefined)
    assert.ok(child !== undefined && (await gone(child.pid)))
  })

  it('kills a plugin when the run is stopped, with the reason of the signal', async () => {
    const controller = new AbortController()
    const reason = new Error('stopped')
    const opened = plugins.open({ ...config, mode: 'hang' }, { signal: controller.signal })
    setTimeout(() => controller.abort(reason), 600)
    await assert.rejects(opened, reason)
    const [{ pid } = { pid: 0 }] = plugins.witnessed()
    assert.ok(await gone(pid))
    await assert.rejects(plugins.open(config, { signal: controller.signal }), reason)
    assert.equal(plugins.witnessed().length, 0)
  })
})
