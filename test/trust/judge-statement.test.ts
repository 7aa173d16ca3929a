import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/index.ts'
import { SallyportError, type Code } from '../../src/errors/index.ts'
import type { Check, CheckOutcome } from '../../src/trust/index.ts'
import { ARTIFACT, issue, NOW, party, signed, subject, wrapped } from './pki-fixture.ts'
import { assertVerdict, judge, material, statement } from './policy-fixture.ts'

const acme = party('acme')
const strict = material([statement()], { 'ca:acme': [acme.root] })

function level(level: string, override: Record<string, string> = {}): Record<string, unknown> {
  return statement({ signatureVerification: { level, override } })
}

describe('trust/judge-statement', () => {
  for (const format of ['jws', 'cose'] as const)
    it(`trusts a ${format} signature that passes every check, and says who made it`, async () => {
      const signature = await signed(acme, { format, expiry: new Date('2027-01-01T00:00:00Z') })
      const verdict = await judge(strict, [signature])
      assertVerdict(verdict, 'trusted')
      assert.deepEqual(verdict.statements, ['acme-images'])
      assert.deepEqual(verdict.missing, [])
      assert.equal(verdict.policy, strict.digest)
      assert.equal(verdict.unjudged, 0)
      const [told] = verdict.signatures
      assert.ok(told)
      assert.equal(told.manifest, signature.manifest)
      assert.equal(told.signer, 'CN=signer,O=acme,ST=WA,C=US')
      assert.equal(told.algorithm, 'ES256')
      assert.equal(told.format, format)
      assert.equal(told.statement, 'acme-images')
      assert.deepEqual(told.expiry, new Date('2027-01-01T00:00:00Z'))
      assert.deepEqual(told.signingTime, new Date('2026-06-01T00:00:00Z'))
      assert.deepEqual(
        told.thumbprints,
        acme.chain.map(({ sha256 }) => sha256),
      )
      assert.deepEqual(outcomes(told.checks), ['passed', 'passed', 'passed', 'passed', 'skipped'])
    })

  it('rejects an artifact without a signature', async () =>
    assertVerdict(await judge(strict, []), 'rejected', 'SIGNATURE_MISSING'))

  it('rejects an artifact for which nothing speaks', async () => {
    const other = material([statement({ registryScopes: ['registry.site/other'] })], { 'ca:acme': [acme.root] })
    const verdict = await judge(other, [await signed(acme)])
    assertVerdict(verdict, 'rejected', 'POLICY_MISSING')
    assert.equal(verdict.unjudged, 1)
    assertVerdict(await judge(material([statement()]), [], { scope: 'no scope' }), 'rejected', 'POLICY_MISSING')
  })

  describe('integrity', () => {
    const faults: readonly [string, Code, () => Promise<Parameters<typeof judge>[1]>][] = [
      ['another digest', 'TARGET_MISMATCH', async () => [await signed(acme, { artifact: other('digest') })]],
      ['another size', 'TARGET_MISMATCH', async () => [await signed(acme, { artifact: other('size') })]],
      ['another media type', 'TARGET_MISMATCH', async () => [await signed(acme, { artifact: other('mediaType') })]],
      ['no envelope', 'ENVELOPE_MALFORMED', async () => [{ manifest: ARTIFACT.digest, mediaType: 'application/cose' }]],
      ['no media type', 'ENVELOPE_MALFORMED', async () => [without(await signed(acme))]],
      [
        'a JWS that calls itself COSE',
        'ENVELOPE_MALFORMED',
        async () => [relabel(await signed(acme, { format: 'jws' }))],
      ],
      ['a flipped bit in the signature', 'ENVELOPE_SIGNATURE', async () => [flipped(await signed(acme))]],
      [
        'a signature that could not be fetched',
        'BLOB_MISSING',
        async () => [{ manifest: ARTIFACT.digest, fault: new SallyportError('BLOB_MISSING', { side: 'source' }) }],
      ],
    ]
    for (const [what, code, make] of faults)
      for (const name of ['strict', 'permissive', 'audit'])
        it(`rejects ${what} at level ${name}`, async () => {
          const by = material([level(name, { revocation: 'skip' })], { 'ca:acme': [acme.root] })
          const verdict = await judge(by, await make())
          assertVerdict(verdict, 'rejected', code)
          const [told] = verdict.signatures
          assert.equal(told?.checks.integrity.code, code)
          assert.equal(told.checks.integrity.outcome, 'failed')
          assert.equal(told.checks.authenticity.outcome, 'unreached')
        })
  })

  describe('levels', () => {
    const stranger = party('stranger')
    const late = party('acme', { root: acme.root, to: new Date(NOW.getTime() - 1000) })
    const cases: readonly [Check, Code, () => ReturnType<typeof signed>][] = [
      ['authenticity', 'SIGNER_UNTRUSTED', () => signed(stranger)],
      ['authenticTimestamp', 'CERTIFICATE_EXPIRED', () => signed(late)],
      ['expiry', 'SIGNATURE_EXPIRED', () => signed(acme, { expiry: NOW })],
    ]
    const table: Readonly<Record<string, readonly string[]>> = {
      strict: ['enforce', 'enforce', 'enforce', 'enforce'],
      permissive: ['enforce', 'log', 'log', 'log'],
      audit: ['log', 'log', 'log', 'log'],
    }
    const order: readonly Check[] = ['authenticity', 'authenticTimestamp', 'expiry', 'revocation']
    for (const [name, actions] of Object.entries(table))
      for (const [check, code, make] of cases)
        for (const override of [undefined, 'enforce', 'log'] as const)
          it(`goes by level ${name}, override ${override ?? 'none'}, for ${check}`, async () => {
            const by = material([level(name, { revocation: 'skip', ...(override && { [check]: override }) })], {
              'ca:acme': [acme.root],
            })
            const action = override ?? actions[order.indexOf(check)]
            const verdict = await judge(by, [await make()])
            if (action === 'enforce') assertVerdict(verdict, 'rejected', code)
            else assertVerdict(verdict, 'trusted')
            const told = verdict.signatures[0]?.checks[check]
            assert.deepEqual([told?.action, told?.outcome, told?.ok, told?.code], [action, 'failed', false, code])
          })

    it('keeps the first of two failures of one check', async () => {
      const trustedIdentities = ['x509.subject: C=US, ST=WA, O=acme']
      const by = material([{ ...level('audit', { revocation: 'skip' }), trustedIdentities }], {
        'ca:acme': [acme.root],
      })
      const verdict = await judge(by, [await signed(stranger)])
      assertVerdict(verdict, 'trusted')
      assert.equal(verdict.signatures[0]?.checks.authenticity.code, 'SIGNER_UNTRUSTED')
      assert.match(verdict.why, /authenticity is only logged/)
    })

    it('ends at the first enforced failure and leaves the rest unreached', async () => {
      const verdict = await judge(strict, [await signed(late, { expiry: NOW })])
      assertVerdict(verdict, 'rejected', 'SIGNATURE_EXPIRED')
      const checks = verdict.signatures[0]?.checks
      assert.ok(checks)
      assert.deepEqual(outcomes(checks), ['passed', 'passed', 'unreached', 'failed', 'skipped'])
    })

    it('trusts unseen where the policy skips a repository by name, and says so', async () => {
      const skip = statement({
        registryScopes: ['registry.site:5000/mirror/app'],
        signatureVerification: { level: 'skip' },
        trustStores: undefined,
        trustedIdentities: undefined,
      })
      const verdict = await judge(material([skip, { ...statement(), name: 'rest' }]), [await signed(stranger)])
      assertVerdict(verdict, 'trusted')
      assert.equal(verdict.skipped, true)
      assert.deepEqual([verdict.statements, verdict.signatures, verdict.unjudged], [[], [], 1])
      const beside = await judge(material([skip]), [], { scope: 'registry.site:5000/mirror/app2' })
      assertVerdict(beside, 'rejected', 'POLICY_MISSING')
    })
  })

  describe('identities', () => {
    const narrow = (...trustedIdentities: string[]): ReturnType<typeof material> =>
      material([statement({ trustedIdentities })], { 'ca:acme': [acme.root] })
    const cases: readonly [string, string, boolean][] = [
      ['a subset of the subject', 'C=US, ST=WA, O=acme', true],
      ['the whole subject', 'CN=signer,O=acme,ST=WA,C=US', true],
      ['S for ST', 'C=US, S=WA, O=acme', true],
      ['another organization', 'C=US, ST=WA, O=acme2', false],
      ['another case', 'C=US, ST=WA, O=Acme', false],
      ['a unit the signer has not', 'C=US, ST=WA, O=acme, OU=x', false],
    ]
    for (const [what, name, matches] of cases)
      it(`${matches ? 'trusts' : 'rejects'} ${what}`, async () => {
        const verdict = await judge(narrow(`x509.subject: ${name}`), [await signed(acme)])
        if (matches) assertVerdict(verdict, 'trusted')
        else assertVerdict(verdict, 'rejected', 'IDENTITY_UNTRUSTED')
      })

    it('trusts a signer of any of several identities', async () => {
      const by = narrow('x509.subject: C=US, ST=WA, O=other', 'x509.subject: C=US, ST=WA, O=acme')
      assertVerdict(await judge(by, [await signed(acme)]), 'trusted')
    })

    it('lets a signer without C, ST and O match "*" alone', async () => {
      const bare = party('acme', { root: acme.root, subject: [['O', 'acme']] })
      assertVerdict(await judge(strict, [await signed(bare)]), 'trusted')
      const by = narrow('x509.subject: C=US, ST=WA, O=acme')
      assertVerdict(await judge(by, [await signed(bare)]), 'rejected', 'IDENTITY_UNTRUSTED')
    })

    it('rejects a signer who is two things at once', async () => {
      const both = party('acme', { root: acme.root, subject: [...subject('acme', 'x'), ['OU', 'a'], ['OU', 'b']] })
      const by = narrow('x509.subject: C=US, ST=WA, O=acme')
      assertVerdict(await judge(by, [await signed(both)]), 'rejected', 'IDENTITY_UNTRUSTED')
    })
  })

  it('trusts when any one of several signatures passes, and lists the failures of the others', async () => {
    const stranger = party('stranger')
    const verdict = await judge(strict, [await signed(stranger), await signed(acme), flipped(await signed(acme))])
    assertVerdict(verdict, 'trusted')
    assert.deepEqual(
      verdict.signatures.map(({ code }) => code).toSorted(),
      ['ENVELOPE_SIGNATURE', 'SIGNER_UNTRUSTED', undefined].toSorted(),
    )
    assert.deepEqual(
      verdict.signatures.map(({ manifest }) => manifest),
      verdict.signatures.map(({ manifest }) => manifest).toSorted(),
    )
  })

  describe('lookalikes', () => {
    it('rejects a twin authority with the same name, serial and dates but another key (R7)', async () => {
      const [root, twin] = [0, 1].map(() => issue({ subject: subject('acme', 'root'), kind: 'ca', serial: 4711 }))
      assert.ok(root && twin)
      assert.deepEqual(
        [twin.certificate.rawSubject, twin.certificate.serial],
        [root.certificate.rawSubject, root.certificate.serial],
      )
      const by = material([statement()], { 'ca:acme': [root] })
      assertVerdict(await judge(by, [await signed(party('acme', { root }))]), 'trusted')
      assertVerdict(await judge(by, [await signed(party('acme', { root: twin }))]), 'rejected', 'SIGNER_UNTRUSTED')
    })

    it('rejects another certificate of the trusted key: what is trusted is the certificate', async () => {
      const again = issue({ subject: subject('acme', 'root'), kind: 'ca', key: acme.root.key })
      const leaf = issue({ subject: subject('acme', 'signer'), by: again, kind: 'signer' })
      const signature = await signed({ key: leaf.key, root: again, chain: [leaf.certificate, again.certificate] })
      assertVerdict(await judge(strict, [signature]), 'rejected', 'SIGNER_UNTRUSTED')
    })

    it('trusts a self-signed signer that stands in the store itself', async () => {
      const alone = issue({ subject: subject('acme', 'alone'), kind: 'signer' })
      const by = material([statement()], { 'ca:acme': [alone] })
      const signature = await signed({ key: alone.key, root: alone, chain: [alone.certificate] })
      assertVerdict(await judge(by, [signature]), 'trusted')
    })
  })

  it('gives the same verdict whatever the order the signatures come in', async () => {
    const all = [await signed(acme), await signed(party('stranger')), await signed(acme, { expiry: NOW })]
    const [one, two] = [await judge(strict, all), await judge(strict, all.toReversed())]
    assert.deepEqual(one, two)
  })
})

function outcomes(checks: Readonly<Record<Check, { outcome: CheckOutcome }>>): CheckOutcome[] {
  return Object.values(checks).map(({ outcome }) => outcome)
}

function other(member: 'digest' | 'size' | 'mediaType'): typeof ARTIFACT {
  const changed = {
    digest: { digest: digestOf(Buffer.from('x')) },
    size: { size: 529 },
    mediaType: { mediaType: 'application/vnd.oci.image.index.v1+json' },
  }
  return { ...ARTIFACT, ...changed[member] }
}

type Found = Awaited<ReturnType<typeof signed>>

function without({ manifest, envelope = Buffer.alloc(0) }: Found): Found {
  return { manifest, envelope }
}

function relabel(found: Found): Found {
  return { ...found, mediaType: 'application/cose' }
}

function flipped({ envelope = Buffer.alloc(0) }: Found): Found {
  const bytes = Buffer.from(envelope)
  bytes.writeUInt8((bytes.at(-1) ?? 0) ^ 1, bytes.length - 1)
  return wrapped(bytes, 'cose')
}
