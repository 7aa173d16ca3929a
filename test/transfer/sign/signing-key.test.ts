import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FIXTURE_PASSPHRASE, fixtureKeyFile, fixtureSigner } from '../../../fixtures/chains/build.ts'
import { LayoutBuilder } from '../../../fixtures/layouts/layout-builder.ts'
import { openPluginSigner, openSigner } from '../../../src/transfer/index.ts'
import { sallyport } from '../../cli/program.ts'
import { scripted } from '../../registry/scripted.ts'
import { PluginFolder } from '../../signature/plugin-fixture.ts'
import { artifactIn, pemOf, STRANGER, VENDOR } from '../policies.ts'
import { Stage } from '../stage.ts'
import { fault } from '../../fault.ts'

describe('transfer/sign/signing-key', () => {
  let stage: Stage

  before(async () => {
    stage = await Stage.make()
  })

  after(() => stage?.close())

  it('opens no key with another passphrase or chain, and says nothing of either', async () => {
    const [good, other] = [fixtureSigner('ES384'), fixtureSigner('ES256')]
    const files = stage.path('keys')
    mkdirSync(files)
    const key = join(files, 'key.pem')
    const chain = join(files, 'chain.pem')
    const wrong = join(files, 'other.pem')
    writeFileSync(key, fixtureKeyFile(good.key, good.commonName))
    writeFileSync(chain, pemOf(...VENDOR.chain))
    writeFileSync(wrong, pemOf(...STRANGER.chain))
    assert.notEqual(other.commonName, good.commonName)
    const says = (text: string) => (): Promise<Buffer> => Promise.resolve(Buffer.from(text))
    const secret = 'not the passphrase 4711'
    const quiet = (code: Parameters<typeof fault>[0]) => (error: unknown) =>
      fault(code)(error) &&
      ![secret, FIXTURE_PASSPHRASE].some((word) => JSON.stringify(error).includes(word) || String(error).includes(word))
    await assert.rejects(openSigner({ key, chain, passphrase: says(secret) }), quiet('KEY_PASSPHRASE'))
    await assert.rejects(openSigner({ key, chain: wrong, passphrase: says(FIXTURE_PASSPHRASE) }), quiet('CHAIN_FILE'))
    await assert.rejects(
      openSigner({ key: chain, chain, passphrase: says(FIXTURE_PASSPHRASE) }),
      quiet('KEY_MALFORMED'),
    )
    await assert.rejects(
      openSigner({ key, chain: key, passphrase: says(FIXTURE_PASSPHRASE) }),
      quiet('CERTIFICATE_FILE'),
    )
    assert.equal((await openSigner({ key, chain, passphrase: says(FIXTURE_PASSPHRASE) })).algorithm, 'ES384')
  })

  it('leaves a broken chain to its owner to mend', async () => {
    const [key, chain] = [stage.path('own.pem'), stage.path('leaf-alone.pem')]
    const good = fixtureSigner('ES384')
    writeFileSync(key, fixtureKeyFile(good.key, good.commonName))
    writeFileSync(chain, pemOf(...VENDOR.chain.slice(0, 1)))
    const passphrase = (): Promise<Buffer> => Promise.resolve(Buffer.from(FIXTURE_PASSPHRASE))
    await assert.rejects(openSigner({ key, chain, passphrase }), {
      code: 'CHAIN_INVALID',
      side: 'state',
      subject: chain,
      remedy: /--chain/,
    })
  })

  it('prints no passphrase, key, or query of a timestamp URL, whatever goes wrong', async () => {
    const dir = stage.path('layout')
    const builder = new LayoutBuilder(dir)
    artifactIn(builder, 'registry.example/app', '1.0', 'cargo')
    builder.finish()
    const { key, commonName } = fixtureSigner('ES384')
    const files = { key: stage.path('key.pem'), chain: stage.path('chain.pem'), pass: stage.path('pass') }
    writeFileSync(files.key, fixtureKeyFile(key, commonName))
    writeFileSync(files.chain, pemOf(...VENDOR.chain))
    writeFileSync(files.pass, `${FIXTURE_PASSPHRASE}\n`)
    const fake = await scripted({ 'POST /tsa': { status: 500, body: 'token=s3cr3t' } })
    try {
      const base = [
        'sign',
        `oci:${dir}:1.0`,
        '--key',
        files.key,
        '--chain',
        files.chain,
        '--passphrase-file',
        files.pass,
      ]
      const d = (key.export({ format: 'jwk' }) as { d?: string }).d ?? ''
      assert.notEqual(d, '')
      for (const args of [
        [...base, '--dry-run'],
        base,
        [...base, '--timestamp', `${fake.origin}/tsa?token=s3cr3t`],
        [...base, '--timestamp', 'http://user:s3cr3t@127.0.0.1:1/tsa?token=s3cr3t'],
        [...base, '--timestamp', 's3cr3t not a url'],
      ])
        for (const json of [[], ['--json']]) {
          const { status, stdout, stderr } = await sallyport([...args, ...json])
          const said = stdout + stderr
          for (const word of ['s3cr3t', FIXTURE_PASSPHRASE, d, 'PRIVATE KEY'])
            assert.ok(!said.includes(word), `${args.join(' ')}: ${said}`)
          if (args.includes('--timestamp')) assert.equal(status, 21, said)
          else assert.equal(status, 0, said)
        }
    } finally {
      await fake.close()
    }
  })

  it('takes the chain of a key behind a plugin, and refuses one that the plugin would not use', async () => {
    const plugins = new PluginFolder()
    try {
      const { folder, environment } = plugins
      const open = (capability: 'RAW' | 'ENVELOPE', chain?: string): ReturnType<typeof openPluginSigner> => {
        const lie = JSON.stringify({ capabilities: [`SIGNATURE_GENERATOR.${capability}`] })
        const by = { ...VENDOR, key: fixtureSigner('ES384').key, chain: [...VENDOR.chain] }
        const config = plugins.config(by, { lie, on: 'get-plugin-metadata' })
        return openPluginSigner({ name: 'file-key', keyId: 'slot 1', folder, environment, config, chain })
      }
      const file = stage.path('chain.pem')
      writeFileSync(file, pemOf(...VENDOR.chain))
      const raw = await open('RAW', file)
      assert.ok('chain' in raw)
      assert.equal(raw.chain[0]?.sha256, VENDOR.chain[0]?.sha256)
      await assert.rejects(open('ENVELOPE', file), fault('USAGE'))
      assert.ok('envelope' in (await open('ENVELOPE')))
    } finally {
      plugins.remove()
    }
  })
})
