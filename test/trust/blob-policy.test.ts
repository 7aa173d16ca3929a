import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { digestOf } from '../../src/oci/index.ts'
import { checkTrustMaterial, judgeWith, readTrustMaterial } from '../../src/trust/index.ts'
import { NOW, party, signed } from './pki-fixture.ts'
import { assertVerdict, document, statement, storeFiles } from './policy-fixture.ts'

const FILE = 'trustpolicy.blob.json'
const blob = (over: Record<string, unknown> = {}): Record<string, unknown> =>
  statement({ registryScopes: undefined, ...over })
const skip = { trustStores: undefined, trustedIdentities: undefined, signatureVerification: { level: 'skip' } }

describe('trust/blob-policy', () => {
  const cases: readonly [string, Record<string, unknown>[], string][] = [
    ['a scope', [statement()], 'trustPolicies[0]'],
    ['a name twice', [blob(), blob()], 'trustPolicies[1].name'],
    [
      'two global statements',
      [blob({ globalPolicy: true }), blob({ name: 'b', globalPolicy: true })],
      'trustPolicies[1].globalPolicy',
    ],
    ['skip for all', [blob({ ...skip, globalPolicy: true })], 'trustPolicies[0].signatureVerification.level'],
    ['a global that is no boolean', [blob({ globalPolicy: 'yes' })], 'trustPolicies[0].globalPolicy'],
    ['no stores', [blob({ trustStores: [] })], 'trustPolicies[0].trustStores'],
  ]
  for (const [what, statements, place] of cases)
    it(`refuses ${what}`, () => {
      const { material, findings } = checkTrustMaterial(new Map([[FILE, document(...statements)]]))
      assert.equal(material, undefined)
      assert.deepEqual(
        findings.map(({ file, place: where, code }) => [file, where, code]),
        [[FILE, place, 'POLICY_MALFORMED']],
      )
    })

  describe('judging', () => {
    const acme = party('acme')
    const files = new Map(storeFiles({ 'ca:acme': [acme.root], 'ca:other': [party('other').root] }))
    files.set(
      FILE,
      document(
        blob({ name: 'all', globalPolicy: true }),
        blob({ name: 'special', trustStores: ['ca:other'] }),
        blob({ ...skip, name: 'open' }),
      ),
    )
    const judge = judgeWith(readTrustMaterial(files), NOW)
    const bytes = Buffer.from('a plain file')
    const target = { mediaType: 'application/octet-stream', digest: digestOf(bytes, 'sha512'), size: bytes.length }
    const { mediaType, ...plain } = target

    it('goes by the global statement, or the one named', async () => {
      const signatures = [await signed(acme, { artifact: target })]
      assertVerdict(await judge.blob({ blob: plain, signatures }), 'trusted')
      assertVerdict(
        await judge.blob({ blob: plain, signatures, policyName: 'special' }),
        'rejected',
        'SIGNER_UNTRUSTED',
      )
      assertVerdict(await judge.blob({ blob: plain, signatures, policyName: 'none' }), 'rejected', 'POLICY_MISSING')
      const open = await judge.blob({ blob: plain, signatures, policyName: 'open' })
      assertVerdict(open, 'trusted')
      assert.equal(open.skipped, true)
    })

    it('says what to do where no statement speaks', async () => {
      const { remedy } = await judge.blob({ blob: plain, signatures: [], policyName: 'none' })
      assert.match(remedy ?? '', /trustpolicy\.blob\.json/)
    })

    it('takes a digest by SHA-384 for a file, and never for an artifact', async () => {
      const digest = `sha384:${hash('sha384', bytes)}` as const
      const file = { mediaType, digest, size: bytes.length }
      const signatures = [await signed(acme, { artifact: file })]
      const verdict = await judge.blob({ blob: file, signatures })
      assertVerdict(verdict, 'trusted')
      assert.equal(verdict.digest, digest)
      assertVerdict(await judge.blob({ blob: plain, signatures }), 'rejected', 'TARGET_MISMATCH')
      const oci = new Map([...storeFiles({ 'ca:acme': [acme.root] }), ['trustpolicy.json', document(statement())]])
      const artifact = { ...target, digest: digestOf(bytes) }
      const query = { artifact, scope: 'reg.io/a', signatures }
      assertVerdict(await judgeWith(readTrustMaterial(oci), NOW).artifact(query), 'rejected', 'TARGET_MISMATCH')
    })

    it('compares the media type only when there is one', async () => {
      const signatures = [await signed(acme, { artifact: target })]
      assertVerdict(await judge.blob({ blob: { ...plain, mediaType }, signatures }), 'trusted')
      const other = await judge.blob({ blob: { ...plain, mediaType: 'text/plain' }, signatures })
      assertVerdict(other, 'rejected', 'TARGET_MISMATCH')
      const longer = await judge.blob({ blob: { ...plain, size: 13 }, signatures })
      assertVerdict(longer, 'rejected', 'TARGET_MISMATCH')
    })

    it('never lets a policy for files speak for repositories', async () => {
      const signatures = [await signed(acme, { artifact: target })]
      assertVerdict(
        await judge.artifact({ artifact: target, scope: 'reg.io/a', signatures }),
        'rejected',
        'POLICY_MISSING',
      )
    })
  })
})
