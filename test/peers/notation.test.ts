import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MEDIA_TYPES, NotationJudge, type NotationVerdict, type SignTerms } from './notation.ts'
import {
  CertificateMaker,
  type Issued,
  KEY_KINDS,
  LEAF_EXTENSIONS,
  pemBlocks,
  STAMPER_EXTENSIONS,
} from './setup/certificates.ts'
import { peer, startRegistry } from './setup/registry.ts'
import { notationConfig, type Part, type PolicyStatement, SignedLayout, trustPolicy } from './setup/signed-layout.ts'
import { startTimestampAuthority } from './setup/timestamp-authority.ts'

describe('peers/notation', function () {
  this.timeout(60_000)
  let folder: string
  let judge: NotationJudge
  let maker: CertificateMaker
  let root: Issued
  let leaf: Issued

  before(async function () {
    judge = NotationJudge.start(this)
    folder = mkdtempSync(join(tmpdir(), 'sallyport-notation-'))
    maker = new CertificateMaker(join(folder, 'certificates'))
    root = await maker.issue({ kind: 'p384', subject: '/C=US/ST=WA/O=acme/CN=root' })
    leaf = await maker.issue({ issuer: root, subject: '/C=US/ST=WA/O=acme/CN=signer' })
  })
  after(() => {
    judge?.stop()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  function layoutWith(text: string): { layout: SignedLayout; target: Part; reference: string } {
    const layout = new SignedLayout(mkdtempSync(join(folder, 'layout-')))
    const target = layout.artifact(text)
    return { layout, target, reference: `local/cargo@${target.digest}` }
  }

  function config(
    statement: PolicyStatement = {},
    stores: Record<string, string[]> = { 'ca:acme': [root.certificate] },
  ) {
    return notationConfig(folder, trustPolicy([statement]), stores)
  }

  for (const [format, mediaType] of Object.entries(MEDIA_TYPES)) {
    for (const kind of KEY_KINDS) {
      it(`accepts notation's own ${format} signature by a key of kind ${kind}`, async () => {
        const signer = await maker.issue({ kind, issuer: root })
        const { layout, reference, target } = layoutWith(`${format} ${kind}`)
        const place = { layout: layout.folder, reference }
        const signed = await judge.sign({ ...place, key: signer.key, chain: signer.chain, mediaType })
        assert.equal(signed.error, undefined)
        assert.equal(signed.digest, target.digest)
        const verdict = await judge.verify({ ...place, configDir: config() })
        assert.equal(verdict.error, undefined)
        assert.ok(verdict.ok)
        assert.deepEqual(
          verdict.outcomes.map(({ level, checks }) => [level, checks.map(({ type, action }) => `${type} ${action}`)]),
          [['custom', ['integrity enforce', 'authenticity enforce', 'expiry enforce', 'authenticTimestamp enforce']]],
        )
      })
    }
  }

  /** A layout with one artifact that notation signed, and where it is. */
  async function signedLayout(
    text: string,
    terms: Partial<Pick<SignTerms, 'key' | 'chain' | 'mediaType' | 'timestamp'>> = {},
  ) {
    const made = layoutWith(text)
    const place = { layout: made.layout.folder, reference: made.reference }
    const order = { ...place, key: leaf.key, chain: leaf.chain, mediaType: MEDIA_TYPES.cose, ...terms }
    const signed = await judge.sign(order)
    assert.equal(signed.error, undefined)
    return { ...made, place }
  }

  /** The check that failed, by notation's word, of the only signature. */
  function failed(verdict: NotationVerdict): string | undefined {
    assert.equal(verdict.ok, false)
    assert.equal(verdict.outcomes.length, 1)
    return verdict.outcomes[0]?.checks.find(({ error }) => error !== undefined)?.type
  }

  it('refuses an artifact that nobody signed', async () => {
    const { layout, reference } = layoutWith('unsigned')
    const verdict = await judge.verify({ layout: layout.folder, reference, configDir: config() })
    assert.equal(verdict.ok, false)
    assert.deepEqual(verdict.outcomes, [])
  })

  it('refuses a root that the store does not hold, under integrity alone', async () => {
    const stranger = await maker.issue({ subject: '/C=US/ST=WA/O=stranger/CN=root' })
    const { place } = await signedLayout('stranger')
    const configDir = config({}, { 'ca:acme': [stranger.certificate] })
    assert.equal(failed(await judge.verify({ ...place, configDir })), 'authenticity')
    const lenient = config({ level: 'audit', override: { revocation: 'skip' } }, { 'ca:acme': [stranger.certificate] })
    assert.ok((await judge.verify({ ...place, configDir: lenient })).ok)
  })

  it('refuses an identity that the policy does not name', async () => {
    const { place } = await signedLayout('identity')
    const right = config({ identities: ['x509.subject: C=US, ST=WA, O=acme'] })
    assert.ok((await judge.verify({ ...place, configDir: right })).ok)
    const wrong = config({ identities: ['x509.subject: C=US, ST=WA, O=other'] })
    assert.equal(failed(await judge.verify({ ...place, configDir: wrong })), 'authenticity')
  })

  it('refuses revocation that cannot be known without a network', async () => {
    const remote = await maker.issue({
      issuer: root,
      extensions: [...LEAF_EXTENSIONS, 'authorityInfoAccess=OCSP;URI:http://127.0.0.1:9/'],
    })
    const { place } = await signedLayout('revocation', { key: remote.key, chain: remote.chain })
    assert.equal(failed(await judge.verify({ ...place, configDir: config({ override: {} }) })), 'revocation')
    assert.ok((await judge.verify({ ...place, configDir: config() })).ok)
  })

  it('tells what an envelope holds, and seals one of the other scheme', async () => {
    const signingTime = new Date('2026-01-02T03:04:05Z')
    const ancient = await maker.issue({ kind: 'p521', from: new Date('2025-01-01T00:00:00Z') })
    const signer = await maker.issue({ issuer: ancient, from: new Date('2026-01-01T00:00:00Z') })
    for (const mediaType of Object.values(MEDIA_TYPES)) {
      const envelope = await judge.seal({
        mediaType,
        key: signer.key,
        chain: signer.chain,
        payload: Buffer.from('{"targetArtifact":{}}'),
        scheme: 'notary.x509.signingAuthority',
        signingTime,
        attributes: [{ key: 'com.example.must', critical: true, value: 'x' }],
      })
      const opened = await judge.verifyEnvelope(mediaType, envelope)
      assert.equal(opened.error, undefined)
      assert.equal(opened.payload?.toString(), '{"targetArtifact":{}}')
      assert.equal(opened.signingTime, '2026-01-02T03:04:05Z')
      assert.equal(opened.scheme, 'notary.x509.signingAuthority')
      assert.deepEqual(opened.attributes, { 'com.example.must': true })
      assert.equal(opened.thumbprints?.length, 2)
      const last = envelope.length - 9
      envelope[last] = (envelope[last] ?? 0) ^ 1
      assert.equal((await judge.verifyEnvelope(mediaType, envelope)).ok, false)
    }
  })

  it('crafts what it accepts when everything is right, and refuses the same with one thing wrong', async () => {
    const header = {
      alg: 'ES256',
      crit: ['io.cncf.notary.signingScheme'],
      cty: 'application/vnd.cncf.notary.payload.v1+json',
      'io.cncf.notary.signingScheme': 'notary.x509',
      'io.cncf.notary.signingTime': '2026-01-02T03:04:05Z',
    }
    const terms = { key: leaf.key, chain: pemBlocks(leaf.chain), payload: Buffer.from('{}'), hash: 'sha256' as const }
    const judged = async (changed: object) => {
      const bytes = Buffer.from(JSON.stringify({ ...header, ...changed }))
      const envelope = await judge.craft({ ...terms, mediaType: MEDIA_TYPES.jws, protected: bytes })
      return (await judge.verifyEnvelope(MEDIA_TYPES.jws, envelope)).ok
    }
    assert.equal(await judged({}), true)
    assert.equal(await judged({ crit: [] }), false)
    assert.equal(await judged({ alg: 'ES384' }), false)
  })

  it('stamps and verifies with an authority of openssl, and refuses one that no store holds', async () => {
    const anchor = await maker.issue({ kind: 'rsa2048', subject: '/C=US/ST=WA/O=clock/CN=root' })
    const signer = await maker.issue({ kind: 'rsa2048', issuer: anchor, extensions: STAMPER_EXTENSIONS })
    const authority = await startTimestampAuthority({ folder, signer })
    try {
      for (const mediaType of Object.values(MEDIA_TYPES)) {
        const timestamp = { url: authority.url, roots: anchor.certificate }
        const { place } = await signedLayout(`stamped ${mediaType}`, { mediaType, timestamp })
        const stores = { 'ca:acme': [root.certificate], 'tsa:clock': [anchor.certificate] }
        const terms = { stores: ['ca:acme', 'tsa:clock'] }
        const verdict = await judge.verify({ ...place, configDir: config(terms, stores) })
        assert.equal(verdict.error, undefined)
        const other = { 'ca:acme': [root.certificate], 'tsa:clock': [root.certificate] }
        assert.equal(failed(await judge.verify({ ...place, configDir: config(terms, other) })), 'authenticTimestamp')
      }
    } finally {
      await authority.stop()
    }
  })

  it('signs and verifies in a registry with a login', async () => {
    const registry = await startRegistry({ auth: 'htpasswd' })
    try {
      const { layout, target, reference } = layoutWith('registry')
      const repository = `${registry.host}/port/cargo`
      const to = `${repository}:1`
      await peer('oras', ['cp', '--from-oci-layout', '--to-plain-http', `${layout.folder}@${target.digest}`, to], {
        env: registry.env,
      })
      const { username = '', password = '' } = registry
      const place = { repository, username, password, reference: `${repository}@${target.digest}` }
      const order = { ...place, key: leaf.key, chain: leaf.chain, mediaType: MEDIA_TYPES.jws }
      assert.equal((await judge.sign(order)).error, undefined)
      const statement = { scopes: [repository] }
      assert.ok((await judge.verify({ ...place, configDir: config(statement) })).ok)
      assert.equal((await judge.verify({ ...place, reference, configDir: config(statement) })).ok, false)
    } finally {
      await registry.stop()
    }
  })

  it('times a loop over references', async () => {
    const { place } = await signedLayout('bench')
    const { layout, reference } = place
    const times = await judge.bench({ layout, references: [reference, reference], configDir: config(), repeat: 3 })
    assert.equal(times.count, 2)
    assert.equal(times.seconds.length, 3)
    await assert.rejects(judge.bench({ layout, references: ['local/cargo@sha256:00'], configDir: config(), repeat: 1 }))
  })

  it('calls a malformed question a fault, and goes on', async () => {
    await assert.rejects(
      judge.seal({ mediaType: MEDIA_TYPES.jws, key: '/none', chain: '/none', payload: Buffer.from('') }),
    )
    const { place } = await signedLayout('after a fault')
    assert.ok((await judge.verify({ ...place, configDir: config() })).ok)
  })
})
