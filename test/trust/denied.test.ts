import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { digestOf } from '../../src/oci/index.ts'
import { COSE, JWS, openEnvelope, signatureManifest, type EnvelopeType } from '../../src/signature/index.ts'
import {
  judgeWith,
  readTrustMaterial,
  type Denials,
  type FindPlugin,
  type FoundSignature,
  type RevocationAnswer,
} from '../../src/trust/index.ts'
import { verdictExit } from '../../src/transfer/verdict/artifact-verdicts.ts'
import { craftJws, jwsDocument, PLUGIN, SCHEME } from '../signature/envelope-fixture.ts'
import { ARTIFACT, NOW, party, SCOPE, signed, stamp, timestampAuthority, wrapped, type Party } from './pki-fixture.ts'
import { assertVerdict, document, judge, material, statement, storeFiles } from './policy-fixture.ts'

const acme = party('acme')
const other = party('other')
const stores = { 'ca:acme': [acme.root], 'ca:other': [other.root] }
const trustStores = ['ca:acme', 'ca:other']
const strict = material([statement({ trustStores })], stores)
const LEVELS = ['strict', 'permissive', 'audit']

function spkiOf({ chain: [leaf] }: Party): string {
  assert.ok(leaf)
  return leaf.spkiSha256
}

/** Denies by exact match, as `digest` or `digest signer`. */
function denying(...names: readonly string[]): Denials {
  const about = (name: string): { reason: string } | undefined =>
    names.includes(name) ? { reason: 'built on a lost runner' } : undefined
  return {
    artifact: (digest) => about(digest),
    signature: (digest, signer) => about(`${digest} ${signer}`),
    anySignature: (digest) => names.some((name) => name.startsWith(`${digest} `)),
  }
}

const denied = denying(`${ARTIFACT.digest} ${spkiOf(acme)}`)
const deniedElsewhere = denying(`${digestOf(Buffer.from('else'))} ${spkiOf(acme)}`)
const deniedArtifact = denying(ARTIFACT.digest)

function siteText(require: string): string {
  return (
    `version: 1\nscopes:\n  - { scope: '${SCOPE}', ${require}, trace: [watch] }\nstatements:\n` +
    '  first: { notation: acme-images }\n  second: { notation: second }\n  watch: { notation: acme-images, level: trace }\n'
  )
}

function sited(require = 'require: { allOf: [first, second] }'): ReturnType<typeof material> {
  const second = statement({ name: 'second', registryScopes: ['local/second'], trustStores: ['ca:other'] })
  return material([statement(), second], stores, siteText(require))
}

describe('trust/denied', () => {
  describe('an artifact', () => {
    const skip = { signatureVerification: { level: 'skip' }, trustStores: undefined, trustedIdentities: undefined }
    const policies: readonly [string, ReturnType<typeof material>][] = [
      ...LEVELS.map((level): [string, ReturnType<typeof material>] => [
        level,
        material([statement({ trustStores, signatureVerification: { level } })], stores),
      ]),
      ['skip', material([statement({ ...skip, registryScopes: [SCOPE] })], stores)],
      ['policy.yaml', sited('require: { count: 1, of: [first, second] }')],
      ['no statement for it', material([statement({ registryScopes: ['local/else'] })], stores)],
    ]
    for (const [what, by] of policies)
      it(`stays out, exit 14, by ${what}, whoever signed it`, async () => {
        const signatures = [await signed(acme), await signed(other)]
        const verdict = await judge(by, signatures, { denials: deniedArtifact })
        assertVerdict(verdict, 'rejected', 'ARTIFACT_DENIED')
        assert.equal(verdict.skipped, undefined)
        assert.match(verdict.why, /lost runner/)
        assert.deepEqual([verdict.signatures, verdict.unjudged], [[], 2])
        assert.equal(verdictExit([verdict]), 14)
        const free = await judge(by, signatures, { denials: denying(digestOf(Buffer.from('else'))) })
        assert.notEqual(free.code, 'ARTIFACT_DENIED')
      })

    it('stays out where a scope only traces', async () =>
      assertVerdict(
        await judge(sited('requireOrigin: false'), [], { denials: deniedArtifact }),
        'rejected',
        'ARTIFACT_DENIED',
      ))

    it('stays out under the name that another hash gives it', async () => {
      const aliases = [`sha512:${'0'.repeat(128)}`, ARTIFACT.digest] as const
      const artifact = { ...ARTIFACT, digest: `sha512:${'1'.repeat(128)}` } as const
      const signatures = [await signed(acme, { artifact })]
      const query = { artifact, scope: SCOPE, signatures }
      const judging = judgeWith(strict, NOW, { denials: deniedArtifact })
      assertVerdict(await judging.artifact(query), 'trusted')
      assertVerdict(await judging.artifact({ ...query, aliases }), 'rejected', 'ARTIFACT_DENIED')
      const bySigner = judgeWith(strict, NOW, { denials: denied })
      assertVerdict(await bySigner.artifact({ ...query, aliases }), 'rejected', 'SIGNATURE_DENIED')
    })
  })

  describe('a signature', () => {
    for (const level of [...LEVELS, 'audit without revocation', 'strict with revocation logged'])
      it(`fails under ${level}, exit 14`, async () => {
        const [name] = level.split(' ')
        const override = level.includes('without') ? { revocation: 'skip' } : { revocation: 'log' }
        const by = material([statement({ signatureVerification: { level: name, override } })], stores)
        const verdict = await judge(by, [await signed(acme)], { denials: denied })
        assertVerdict(verdict, 'rejected', 'SIGNATURE_DENIED')
        assert.equal(verdictExit([verdict]), 14)
        const { revocation, authenticity, expiry } = verdict.signatures[0]?.checks ?? assert.fail()
        assert.deepEqual(
          [revocation.action, revocation.outcome, revocation.ok, revocation.code],
          ['enforce', 'failed', false, 'SIGNATURE_DENIED'],
        )
        assert.deepEqual([authenticity.outcome, expiry.outcome], ['passed', 'passed'])
      })

    it('keeps its artifact out where a statement skips, while it lies beside it', async () => {
      const skip = { signatureVerification: { level: 'skip' }, trustStores: undefined, trustedIdentities: undefined }
      const by = (site?: string): ReturnType<typeof material> =>
        material([statement({ ...skip, registryScopes: [SCOPE] })], {}, site)
      const [mine, theirs] = [await signed(acme), await signed(other)]
      assert.ok(theirs.envelope)
      const { envelope } = theirs
      const heap = Array.from({ length: 101 }, (_, i) => wrapped(envelope, 'cose', String(i)))
      for (const found of [[mine], [theirs, mine], [...heap.slice(0, 99), mine]]) {
        const verdict = await judge(by(), found, { denials: denied })
        assertVerdict(verdict, 'rejected', 'SIGNATURE_DENIED')
        assert.deepEqual([verdict.skipped, verdictExit([verdict])], [undefined, 14])
      }
      const refused = by('version: 1\nalgorithms: { ES256: refused }\n')
      assertVerdict(await judge(refused, [mine], { denials: denied }), 'rejected', 'SIGNATURE_DENIED')
      // One that nobody looked at may be the one.
      assertVerdict(await judge(by(), heap, { denials: denied }), 'inconclusive', 'LIMIT_EXCEEDED')
      assertVerdict(await judge(by(), [theirs], { denials: denied, unread: 100 }), 'inconclusive', 'LIMIT_EXCEEDED')
      const elsewhere = await signed(acme, { artifact: { ...ARTIFACT, digest: digestOf(Buffer.from('else')) } })
      for (const found of [[], [theirs], heap.slice(1), [elsewhere]]) {
        const verdict = await judge(by(), found, { denials: denied })
        assertVerdict(verdict, 'trusted')
        assert.equal(verdict.skipped, true)
      }
      assertVerdict(await judge(by(), heap, { denials: deniedElsewhere }), 'trusted')
    })

    it('fails where it traces too, and under every statement of a policy.yaml', async () => {
      const verdict = await judge(sited(), [await signed(acme)], { denials: denied })
      assert.deepEqual(
        verdict.signatures[0]?.under.map(({ statement: name, verdict: said, code }) => [name, said, code]),
        ['first', 'second', 'watch'].map((name) => [name, 'rejected', 'SIGNATURE_DENIED']),
      )
    })

    it('leaves the signatures of others on the artifact, and the other artifacts of its signer', async () => {
      const both = [await signed(acme), await signed(other)]
      const verdict = await judge(strict, both, { denials: denied })
      assertVerdict(verdict, 'trusted')
      assert.deepEqual(
        new Map(verdict.signatures.map(({ manifest, code }) => [manifest, code])),
        new Map([
          [both[0]?.manifest, 'SIGNATURE_DENIED'],
          [both[1]?.manifest, undefined],
        ]),
      )
      const artifact = { ...ARTIFACT, digest: digestOf(Buffer.from('another')) }
      const signatures = [await signed(acme, { artifact })]
      assertVerdict(await judge(strict, signatures, { artifact, denials: denied }), 'trusted')
    })

    it('is the news of an artifact beside the signature of a stranger', async () => {
      const strangers = await Promise.all(['x', 'y', 'z'].map((name) => signed(party(name))))
      const verdict = await judge(strict, [...strangers, await signed(acme)], { denials: denied })
      assertVerdict(verdict, 'rejected', 'SIGNATURE_DENIED')
    })

    it('is the news beside one that failed a later check', async () => {
      const now = new Date('2026-12-15T00:00:00Z')
      // Of a certificate that has expired; the denied signature itself has, which is looked at before.
      const brief = party('other', { root: other.root, to: new Date('2026-12-01T00:00:00Z') })
      const both = [await signed(brief), await signed(acme, { expiry: new Date('2026-12-01T00:00:00Z') })]
      for (const signatures of [both, both.toReversed()])
        assertVerdict(await judge(strict, signatures, { denials: denied, now }), 'rejected', 'SIGNATURE_DENIED')
    })

    it('is the news of two wanted signers when one of the two was denied, and not when one is missing', async () => {
      const both = [await signed(acme), await signed(other)]
      assertVerdict(await judge(sited(), both, { denials: denied }), 'rejected', 'SIGNATURE_DENIED')
      // Of this key the policy wants nothing: it is no loss that it was denied.
      const spare = party('spare', { root: acme.root })
      const more = [await signed(acme), await signed(spare)]
      const sparing = denying(`${ARTIFACT.digest} ${spkiOf(spare)}`)
      assertVerdict(await judge(sited(), more, { denials: sparing }), 'rejected', 'POLICY_UNMET')
    })

    it('is no news where it is over something else', async () => {
      const artifact = { ...ARTIFACT, size: ARTIFACT.size + 1 }
      const signatures = [await signed(acme, { artifact })]
      assertVerdict(await judge(strict, signatures, { denials: denied }), 'rejected', 'TARGET_MISMATCH')
    })

    it('starts no plugin and asks no list', async () => {
      const by = material([statement({ signatureVerification: { level: 'strict' } })], stores)
      const signer = { algorithm: 'ES256' as const, key: acme.key, chain: [...acme.chain] }
      const payload = openEnvelope(COSE, (await signed(acme)).envelope ?? assert.fail()).payload
      const header = { crit: [SCHEME, PLUGIN], [PLUGIN]: 'com.example.plugin' }
      const signature = wrapped(craftJws({ by: signer, payload, signed: header }), 'jws')
      const verifyByPlugin: FindPlugin = () => assert.fail('started')
      const revocation = (): RevocationAnswer => assert.fail('asked')
      const means = { denials: denied, verifyByPlugin, revocation }
      assertVerdict(await judge(by, [signature], means), 'rejected', 'SIGNATURE_DENIED')
    })
  })

  describe('a re-wrapping of a denied signature', () => {
    const trusted = async (signature: FoundSignature, by = strict): Promise<void> => {
      assertVerdict(await judge(by, [signature]), 'trusted')
    }
    const stays = async (signature: FoundSignature, by = strict): Promise<void> => {
      await trusted(signature, by)
      assertVerdict(await judge(by, [signature], { denials: denied }), 'rejected', 'SIGNATURE_DENIED')
    }
    const laid = (envelope: Uint8Array, mediaType: EnvelopeType, terms: object = {}): FoundSignature => {
      const layer = { mediaType, digest: digestOf(envelope), size: envelope.length }
      const { chain } = openEnvelope(mediaType, envelope)
      const base = { subject: ARTIFACT, envelope: layer, chain, created: NOW }
      return { manifest: digestOf(signatureManifest({ ...base, ...terms })), mediaType, envelope }
    }

    it('in another manifest, of another form, with another annotation, is denied (#11)', async () => {
      const { envelope } = await signed(acme)
      assert.ok(envelope)
      const all = [
        laid(envelope, COSE),
        laid(envelope, COSE, { form: 'artifactType' }),
        laid(envelope, COSE, { annotations: { note: 'not the one you denied' } }),
        laid(envelope, COSE, { created: new Date('2026-06-10T00:00:00Z') }),
      ]
      assert.equal(new Set(all.map(({ manifest }) => manifest)).size, all.length)
      for (const one of all) await stays(one)
    })

    it('with the other s of ECDSA, or other unsigned headers, is denied (#11)', async () => {
      const { envelope } = await signed(acme, { format: 'jws' })
      assert.ok(envelope)
      const document = jwsDocument(Buffer.from(envelope))
      const signature = Buffer.from(String(document['signature']), 'base64url')
      const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
      const s = order - BigInt(`0x${signature.subarray(32).toString('hex')}`)
      const mirrored = Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')])
      assert.notDeepEqual(mirrored, signature)
      const again = { ...document, signature: mirrored.toString('base64url') }
      await stays(laid(Buffer.from(JSON.stringify(again)), JWS))
      const header = { ...(document['header'] as object), 'io.cncf.notary.signingAgent': 'another/1.0' }
      await stays(laid(Buffer.from(JSON.stringify({ ...document, header })), JWS))
    })

    it('in the other format, at another time, with other metadata or by another certificate of the key is denied (#11)', async () => {
      for (const format of ['jws', 'cose'] as const) await stays(await signed(acme, { format }))
      await stays(await signed(acme, { signingTime: NOW, metadata: { build: '2' }, expiry: new Date('2027-01-01') }))
      await stays(await signed(party('acme', { root: acme.root, key: acme.key })))
      await stays(await signed(party('else', { root: other.root, key: acme.key })))
      const newcomer = await signed(party('acme', { root: acme.root }))
      assertVerdict(await judge(strict, [newcomer], { denials: denied }), 'trusted')
    })

    it('by a signing authority or under a timestamp is denied', async () => {
      const tsa = timestampAuthority('time')
      const by = material([statement({ trustStores: ['ca:acme', 'tsa:time', 'signingAuthority:acme'] })], {
        ...stores,
        'tsa:time': [tsa.root],
        'signingAuthority:acme': [acme.root],
      })
      await stays(await signed(acme, { timestamp: stamp(tsa, { genTime: NOW.toISOString() }) }), by)
      await stays(await signed(acme, { scheme: 'notary.x509.signingAuthority', signingTime: NOW }), by)
    })

    it('among a hundred of its kind is denied, each of them', async () => {
      const heap = await Promise.all(Array.from({ length: 100 }, (_, i) => signed(acme, { metadata: { i: `${i}` } })))
      const verdict = await judge(strict, heap, { denials: denied })
      assertVerdict(verdict, 'rejected', 'SIGNATURE_DENIED')
      assert.ok(verdict.signatures.every(({ code }) => code === 'SIGNATURE_DENIED'))
      assertVerdict(await judge(strict, [...heap.slice(1), await signed(other)], { denials: denied }), 'trusted')
    })
  })

  describe('of plain files', () => {
    const bytes = Buffer.from('a plain file')
    const mediaType = 'application/octet-stream'
    const p384 = party('acme', { curve: 'P-384' })
    const blob = (over: Record<string, unknown>): unknown => statement({ registryScopes: undefined, ...over })
    const skip = { trustStores: undefined, trustedIdentities: undefined, signatureVerification: { level: 'skip' } }
    const by = readTrustMaterial(
      new Map([
        ...storeFiles({ 'ca:acme': [acme.root, p384.root] }),
        ['trustpolicy.blob.json', document(blob({ globalPolicy: true, name: 'all' }), blob({ ...skip, name: 'open' }))],
      ]),
    )
    const digest = digestOf(bytes)
    const file = { mediaType, digest, size: bytes.length }
    const long = { ...file, digest: `sha384:${hash('sha384', bytes)}` } as const

    it('are denied by their digest under any statement, and without one', async () => {
      const query = { blob: file, signatures: [await signed(acme, { artifact: file })] }
      const judging = judgeWith(by, NOW, { denials: denying(digest) })
      for (const policyName of [undefined, 'open', 'none']) {
        const verdict = await judging.blob({ ...query, policyName })
        assertVerdict(verdict, 'rejected', 'ARTIFACT_DENIED')
        assert.equal(verdictExit([verdict]), 14)
      }
      assertVerdict(await judgeWith(by, NOW).blob(query), 'trusted')
    })

    it('are denied by their SHA-256 though their signer hashes by SHA-384', async () => {
      const query = { blob: long, signatures: [await signed(p384, { artifact: long })] }
      const spki = spkiOf(p384)
      for (const [denials, code] of [
        [denying(digest), 'ARTIFACT_DENIED'],
        [denying(long.digest), 'ARTIFACT_DENIED'],
        [denying(`${digest} ${spki}`), 'SIGNATURE_DENIED'],
        [denying(`${long.digest} ${spki}`), 'SIGNATURE_DENIED'],
      ] as const)
        assertVerdict(await judgeWith(by, NOW, { denials }).blob({ ...query, aliases: [digest] }), 'rejected', code)
      assertVerdict(await judgeWith(by, NOW, { denials: denying(digest) }).blob(query), 'trusted')
    })

    it('keep the signatures of other signers when one is denied', async () => {
      const mine = await signed(acme, { artifact: file })
      const judging = judgeWith(by, NOW, { denials: denying(`${digest} ${spkiOf(acme)}`) })
      assertVerdict(await judging.blob({ blob: file, signatures: [mine] }), 'rejected', 'SIGNATURE_DENIED')
      const second = await signed(party('acme', { root: acme.root }), { artifact: file })
      assertVerdict(await judging.blob({ blob: file, signatures: [mine, second] }), 'trusted')
    })
  })
})
