/** Signing by a plugin, and every lie it can tell about a signature. */
import assert from 'node:assert/strict'
import {
  COSE,
  JWS,
  openEnvelope,
  pluginEnvelope,
  pluginSigner,
  sealEnvelope,
  targetPayload,
  type PluginEnvelopeTerms,
} from '../../src/signature/index.ts'
import { ALGORITHMS, party, rootAsSigner, TARGET, type Party } from './envelope-fixture.ts'
import { PluginFolder, type Config } from './plugin-fixture.ts'

const failed = { code: 'PLUGIN_FAILED' }
const PAYLOAD = targetPayload(TARGET, { build: '7' })
const SIGNED_AT = new Date('2026-06-14T12:00:00Z')

describe('signature/plugin-signer', function () {
  this.timeout(60_000)
  let plugins: PluginFolder
  beforeEach(() => (plugins = new PluginFolder()))
  afterEach(() => plugins.remove())

  async function seal(config: Config, format: 'jws' | 'cose', chain?: Party['chain']): Promise<Buffer> {
    const signer = await pluginSigner(await plugins.open(config), 'slot 1', chain)
    return sealEnvelope({ format, payload: PAYLOAD, signer, signingTime: SIGNED_AT })
  }

  for (const algorithm of ALGORITHMS)
    it(`seals JWS and COSE with a key for ${algorithm} behind a plugin`, async () => {
      const config = plugins.config(party(algorithm))
      for (const [format, mediaType] of [
        ['jws', JWS],
        ['cose', COSE],
      ] as const) {
        const opened = openEnvelope(mediaType, await seal(config, format))
        assert.equal(opened.algorithm, algorithm)
        assert.deepEqual(opened.payload, PAYLOAD)
      }
    })

  it('asks as the specification says', async () => {
    const config = plugins.config(party('PS384'))
    await seal(config, 'jws')
    const asked = plugins.witnessed()
    assert.deepEqual(
      asked.map(({ command }) => command),
      ['get-plugin-metadata', 'describe-key', 'generate-signature', 'generate-signature'],
    )
    assert.deepEqual(asked[1]?.request, { contractVersion: '1.0', keyId: 'slot 1', pluginConfig: config })
    const { payload, ...request } = asked[3]?.request ?? {}
    assert.deepEqual(request, {
      contractVersion: '1.0',
      keyId: 'slot 1',
      pluginConfig: config,
      keySpec: 'RSA-3072',
      hashAlgorithm: 'SHA-384',
    })
    const [header, body] = Buffer.from(String(payload), 'base64').toString('ascii').split('.')
    assert.equal(JSON.parse(Buffer.from(header ?? '', 'base64url').toString()).alg, 'PS384')
    assert.deepEqual(Buffer.from(body ?? '', 'base64url'), PAYLOAD)
  })

  it('signs once where the chain is known', async () => {
    const by = party()
    openEnvelope(JWS, await seal(plugins.config(by), 'jws', by.chain))
    assert.equal(plugins.witnessed().filter(({ command }) => command === 'generate-signature').length, 1)
  })

  it('refuses another chain than the one that is known', async () => {
    await assert.rejects(seal(plugins.config(party()), 'jws', party('ES256', 'other').chain), failed)
  })

  it('refuses a plugin that makes no raw signatures', async () => {
    const lie = JSON.stringify({ capabilities: ['SIGNATURE_GENERATOR.ENVELOPE'] })
    const plugin = await plugins.open(plugins.config(party(), { lie }))
    await assert.rejects(pluginSigner(plugin, 'slot 1'), failed)
  })

  describe('refuses a plugin that', () => {
    const described = (members: object): Config => ({ on: 'describe-key', lie: JSON.stringify(members) })
    const generated = (members: object): Config => ({ on: 'generate-signature', lie: JSON.stringify(members) })
    const base64 = (by: Party): string[] => by.chain.map(({ der }) => der.toString('base64'))
    const LIES: Record<string, () => Config> = {
      'describes another key': () => described({ keyId: 'slot 2' }),
      'describes no key': () => described({ keySpec: null }),
      'describes a key of a kind that may not sign': () => described({ keySpec: 'RSA-1024' }),
      'describes another kind of key than it has': () => described({ keySpec: 'EC-384' }),
      'signs with another key': () => generated({ keyId: 'slot 2' }),
      'signs other bytes': () => ({ on: 'generate-signature', sign: 'other' }),
      'signs in another form': () => ({ on: 'generate-signature', sign: 'der' }),
      'names another algorithm': () => generated({ signingAlgorithm: 'RSASSA-PSS-SHA-256' }),
      'names no algorithm': () => generated({ signingAlgorithm: null }),
      'gives no signature': () => generated({ signature: '' }),
      'gives a signature that is not base64': () => generated({ signature: 'AA=' }),
      'gives a signature in base64url': () => generated({ signature: '_-8_' }),
      'gives no chain': () => generated({ certificateChain: [] }),
      'gives a chain that is no list': () => generated({ certificateChain: 'AAAA' }),
      'gives something else than certificates': () => generated({ certificateChain: ['AAAA'] }),
      'gives the chain of another key': () => generated({ certificateChain: base64(party('ES256', 'other')) }),
      'gives the chain in another order': () => generated({ certificateChain: base64(party()).toReversed() }),
      'gives the chain without its root': () => generated({ certificateChain: base64(party()).slice(0, 1) }),
      'fails halfway': () => ({ on: 'generate-signature', mode: 'crash' }),
    }
    for (const [name, lie] of Object.entries(LIES))
      it(name, () => assert.rejects(seal(plugins.config(party(), lie()), 'jws'), failed))

    it('signs as a certificate authority', () => assert.rejects(seal(plugins.config(rootAsSigner()), 'cose'), failed))
  })

  describe('envelopes', () => {
    async function make(more: Config = {}, terms: Partial<PluginEnvelopeTerms> = {}) {
      const plugin = await plugins.open(plugins.config(party('ES384'), more))
      const now = new Date()
      return pluginEnvelope(plugin, { keyId: 'slot 1', mediaType: JWS, payload: PAYLOAD, now, ...terms })
    }

    it('are handed over as they are, with annotations for the manifest', async () => {
      const { bytes, envelope, annotations } = await make()
      assert.deepEqual(openEnvelope(JWS, bytes).payload, envelope.payload)
      assert.equal(envelope.signingAgent, 'file-key/1.2.3')
      assert.deepEqual(annotations, { 'com.example.device': 'slot 1' })
      const { request } = plugins.witnessed()[1] ?? {}
      const { pluginConfig, ...asked } = request ?? {}
      assert.ok(pluginConfig !== undefined)
      assert.deepEqual(asked, {
        contractVersion: '1.0',
        keyId: 'slot 1',
        payloadType: 'application/vnd.cncf.notary.payload.v1+json',
        signatureEnvelopeType: JWS,
        payload: PAYLOAD.toString('base64'),
      })
    })

    it('may have further annotations of the target', async () => {
      const target = JSON.stringify({ annotations: { build: '7', site: 'north' } })
      assert.ok((await make({ target })).envelope.payload.includes('north'))
    })

    it('expire when they were asked to, or before', async () => {
      const { envelope } = await make({}, { expirySeconds: 3600 })
      assert.equal((envelope.expiry?.getTime() ?? 0) - (envelope.signingTime?.getTime() ?? 0), 3_600_000)
    })

    it('may be signed within an hour of the time here, by a clock of their own', async () => {
      const apart = (minutes: number): Promise<unknown> => make({}, { now: new Date(Date.now() + minutes * 60_000) })
      await apart(59)
      await apart(-59)
      await assert.rejects(apart(61), failed)
      await assert.rejects(apart(-61), failed)
    })

    it('are refused from a plugin that makes none', () =>
      assert.rejects(make({ lie: JSON.stringify({ capabilities: ['SIGNATURE_GENERATOR.RAW'] }) }), failed))

    const target = (members: object): Config => ({ target: JSON.stringify(members) })
    const answered = (members: object): Config => ({ on: 'generate-envelope', lie: JSON.stringify(members) })
    const LIES: Record<string, readonly [Config, Partial<PluginEnvelopeTerms>?]> = {
      'over another digest': [target({ digest: `sha256:${'0'.repeat(64)}` })],
      'over another size': [target({ size: 1 })],
      'over another media type': [target({ mediaType: 'application/vnd.oci.image.index.v1+json' })],
      'with an artifact type that nobody asked for': [target({ artifactType: 'application/x' })],
      'with an annotation changed': [target({ annotations: { build: '8' } })],
      'with an annotation left out': [target({ annotations: null })],
      'with a member that is none of a target': [target({ urls: ['https://a.example'] })],
      'signed over other bytes': [{ sign: 'other' }],
      'of another type': [answered({ signatureEnvelopeType: COSE })],
      'of another type than it says': [{}, { mediaType: COSE }],
      'of no bytes': [answered({ signatureEnvelope: '' })],
      'that is none': [answered({ signatureEnvelope: 'e30=' })],
      'with annotations that are no texts': [answered({ annotations: { a: 1 } })],
      'with the annotations of the specification': [
        answered({ annotations: { 'io.cncf.notary.x509chain.thumbprint#S256': '[]' } }),
      ],
      'that does not expire': [
        { signed: JSON.stringify({ 'io.cncf.notary.expiry': null, crit: ['io.cncf.notary.signingScheme'] }) },
        { expirySeconds: 60 },
      ],
      'that expires too late': [
        { signed: JSON.stringify({ 'io.cncf.notary.expiry': '@tomorrow' }) },
        { expirySeconds: 60 },
      ],
      'that was signed in the future, so that a day is long': [
        {
          signed: JSON.stringify({
            'io.cncf.notary.signingTime': '2045-12-30T00:00:00Z',
            'io.cncf.notary.expiry': '2045-12-31T00:00:00Z',
          }),
        },
        { expirySeconds: 86_400 },
      ],
      'that an authority dates back': [
        {
          signed: JSON.stringify({
            crit: ['io.cncf.notary.signingScheme', 'io.cncf.notary.authenticSigningTime'],
            'io.cncf.notary.signingScheme': 'notary.x509.signingAuthority',
            'io.cncf.notary.signingTime': null,
            'io.cncf.notary.authenticSigningTime': '2026-05-01T00:00:00Z',
          }),
        },
      ],
    }
    for (const [name, [lie, terms]] of Object.entries(LIES))
      it(`are refused ${name}`, () => assert.rejects(make(lie, terms), failed))
  })
})
