/** The plugin that a signature names: asked for what it can check, and not believed beyond it. */
import assert from 'node:assert/strict'
import { pluginFinder, type Envelope, type PluginVerifier, type VerifierCapability } from '../../src/signature/index.ts'
import { AUTHENTIC, EXPIRY, MIN_VERSION, openJws, party, PLUGIN, SCHEME, SIGNING_TIME } from './envelope-fixture.ts'
import { NAME, PluginFolder, type Config } from './plugin-fixture.ts'

const failed = { code: 'PLUGIN_FAILED' }
const IDENTITY: VerifierCapability = 'SIGNATURE_VERIFIER.TRUSTED_IDENTITY'
const REVOCATION: VerifierCapability = 'SIGNATURE_VERIFIER.REVOCATION_CHECK'
const BOTH = [IDENTITY, REVOCATION]

/** An envelope that names the plugin, with a critical attribute that only the plugin knows. */
function envelope(attribute: unknown = 'secret'): Envelope {
  const crit = [SCHEME, PLUGIN, MIN_VERSION, 'com.example.must']
  return openJws({ signed: { crit, [PLUGIN]: NAME, [MIN_VERSION]: '1.2.0', 'com.example.must': attribute } })
}

describe('signature/plugin-verifier', function () {
  this.timeout(30_000)
  let plugins: PluginFolder
  beforeEach(() => (plugins = new PluginFolder()))
  afterEach(() => plugins.remove())

  async function find(more: Config = {}, minVersion?: string, name = NAME): Promise<PluginVerifier | undefined> {
    const finder = pluginFinder(plugins.terms(plugins.config(party(), more)))
    return finder({ name, ...(minVersion === undefined ? {} : { minVersion }) })
  }

  async function ask(more: Config = {}, opened = envelope(), capabilities = BOTH) {
    const verifier = (await find(more)) ?? assert.fail('no plugin')
    return verifier.verify({ envelope: opened, trustedIdentities: ['x509.subject: C=CH, ST=BE, O=acme'], capabilities })
  }

  it('hands over the results and the attributes that were judged', async () => {
    const { results, processedAttributes } = await ask()
    assert.deepEqual(results, { [IDENTITY]: { success: true }, [REVOCATION]: { success: true } })
    assert.deepEqual(processedAttributes, ['com.example.must'])
  })

  it('asks as the specification says', async () => {
    await ask({}, envelope(), [IDENTITY])
    const { pluginConfig, ...request } = plugins.witnessed()[1]?.request ?? {}
    assert.ok(pluginConfig !== undefined)
    assert.deepEqual(request, {
      contractVersion: '1.0',
      signature: {
        criticalAttributes: {
          contentType: 'application/vnd.cncf.notary.payload.v1+json',
          signingScheme: 'notary.x509',
          verificationPlugin: NAME,
          verificationPluginMinVersion: '1.2.0',
          extendedAttributes: { 'com.example.must': 'secret' },
        },
        unprocessedAttributes: ['com.example.must'],
        certificateChain: party().chain.map(({ der }) => der.toString('base64')),
      },
      trustPolicy: {
        trustedIdentities: ['x509.subject: C=CH, ST=BE, O=acme'],
        signatureVerification: [IDENTITY],
      },
    })
  })

  it('hands over the times that are signed and critical', async () => {
    const opened = openJws({
      signed: {
        crit: [SCHEME, PLUGIN, AUTHENTIC, EXPIRY],
        [PLUGIN]: NAME,
        [SCHEME]: 'notary.x509.signingAuthority',
        [SIGNING_TIME]: undefined,
        [AUTHENTIC]: '2026-01-02T03:04:05Z',
        [EXPIRY]: '2027-01-02T03:04:05+01:00',
      },
    })
    await ask({}, opened)
    const { signature } = (plugins.witnessed()[1]?.request ?? {}) as { signature?: { criticalAttributes?: object } }
    assert.deepEqual(signature?.criticalAttributes, {
      contentType: 'application/vnd.cncf.notary.payload.v1+json',
      signingScheme: 'notary.x509.signingAuthority',
      expiry: '2027-01-02T02:04:05Z',
      authenticSigningTime: '2026-01-02T03:04:05Z',
      verificationPlugin: NAME,
      extendedAttributes: {},
    })
  })

  it('hands over a failure with its reason', async () => {
    const results = {
      [IDENTITY]: { success: false, reason: 'left the \u001b[1mcompany' },
      [REVOCATION]: { success: true },
    }
    const answer = await ask({ on: 'verify-signature', lie: JSON.stringify({ verificationResults: results }) })
    assert.equal(answer.results[IDENTITY]?.success, false)
    assert.equal(answer.results[IDENTITY]?.reason?.includes('\u001b'), false)
  })

  it('hands over that an attribute was not judged', async () => {
    const answer = await ask({ on: 'verify-signature', lie: JSON.stringify({ processedAttributes: [] }) })
    assert.deepEqual(answer.processedAttributes, [])
  })

  it('reads an empty list as plugins in Go write it', async () => {
    const opened = openJws({ signed: { crit: [SCHEME, PLUGIN], [PLUGIN]: NAME } })
    const answer = await ask({ on: 'verify-signature', mode: 'go' }, opened)
    assert.deepEqual(answer.processedAttributes, [])
  })

  it('finds none that is not installed, or by a name that is a path', async () => {
    assert.equal(await find({}, undefined, 'absent'), undefined)
    assert.equal(await find({}, undefined, '../plugins/file-key'), undefined)
  })

  it('offers only what the plugin can check', async () => {
    const lie = JSON.stringify({ capabilities: ['SIGNATURE_GENERATOR.RAW', REVOCATION] })
    assert.deepEqual((await find({ lie }))?.capabilities, [REVOCATION])
  })

  it('refuses a plugin that verifies nothing, is too old, or of no version', async () => {
    await assert.rejects(find({ lie: JSON.stringify({ capabilities: ['SIGNATURE_GENERATOR.RAW'] }) }), failed)
    await assert.rejects(find({}, '1.2.4'), failed)
    await assert.rejects(find({}, '2.0.0-rc.1'), failed)
    await assert.rejects(find({ lie: JSON.stringify({ version: 'new' }) }, '1.0.0'), failed)
    for (const minVersion of ['1.2.3', '1.2.3-rc.1', '0.9.10']) assert.ok((await find({}, minVersion)) !== undefined)
  })

  it('refuses to hand over a value that the protocol has no room for', async () => {
    await assert.rejects(ask({}, envelope(['a'])), { code: 'ATTRIBUTE_UNKNOWN' })
    await assert.rejects(ask({}, envelope({ a: 1 })), { code: 'ATTRIBUTE_UNKNOWN' })
    for (const value of [null, 7, true, 'x']) await ask({}, envelope(value))
  })

  const yes = { success: true }
  const LIES: Record<string, object> = {
    'without results': { verificationResults: null },
    'with results that are none': { verificationResults: [yes, yes] },
    'without one of the results': { verificationResults: { [IDENTITY]: yes } },
    'with a result that was not asked for': { verificationResults: { [IDENTITY]: yes, [REVOCATION]: yes, x: yes } },
    'with a success that is a text': { verificationResults: { [IDENTITY]: { success: 'true' }, [REVOCATION]: yes } },
    'with a failure without a reason': { verificationResults: { [IDENTITY]: { success: false }, [REVOCATION]: yes } },
    'without processed attributes': { processedAttributes: null },
    'with attributes that were not there': { processedAttributes: ['com.example.must', 'com.example.other'] },
    'with attributes that are no texts': { processedAttributes: [1] },
  }
  for (const [name, members] of Object.entries(LIES))
    it(`refuses an answer ${name}`, () =>
      assert.rejects(ask({ on: 'verify-signature', lie: JSON.stringify(members) }), failed))

  it('fails a plugin that crashes over the signature', () =>
    assert.rejects(ask({ on: 'verify-signature', mode: 'crash' }), failed))
})
