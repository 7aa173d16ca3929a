import assert from 'node:assert/strict'
import { digestOf } from '../../src/oci/index.ts'
import { ATTEMPT_CAP, type FoundSignature, type TrustMaterial } from '../../src/trust/index.ts'
import { issue, party, signed, subject, wrapped, type Party } from './pki-fixture.ts'
import { assertVerdict, judge, material, statement } from './policy-fixture.ts'

const vendor = party('vendor')
const certifier = party('certifier')
const ours = party('ours')
const stranger = party('stranger')
const parties = { vendor, certifier, ours }
const stores = { 'ca:vendor': [vendor.root], 'ca:certifier': [certifier.root], 'ca:ours': [ours.root] }

/** A trust policy for each party, and one that believes all of them. */
function policies(override: Record<string, string> = { revocation: 'skip' }): Record<string, unknown>[] {
  const signatureVerification = { level: 'strict', override }
  const one = (name: string, trustStores: string[]): Record<string, unknown> =>
    statement({ name, registryScopes: [`local/${name}`], trustStores, signatureVerification })
  return [
    ...Object.keys(parties).map((name) => one(`${name}-images`, [`ca:${name}`])),
    one('all-images', ['ca:vendor', 'ca:certifier', 'ca:ours']),
  ]
}

function site(scopes: string, more = ''): string {
  return [
    'version: 1',
    'scopes:',
    scopes,
    'statements:',
    '  vendor: { notation: vendor-images }',
    '  certifier: { notation: certifier-images }',
    '  ours: { notation: ours-images }',
    '  anyone: { notation: all-images }',
    '  tracer: { notation: vendor-images, level: trace }',
    more,
  ].join('\n')
}

const by = (scopes: string, more = '', override?: Record<string, string>): TrustMaterial =>
  material(policies(override), stores, site(scopes, more))
const MIRROR = 'registry.site:5000/mirror/*'
const requiring = (require: string): TrustMaterial => by(`  - { scope: '${MIRROR}', require: ${require} }`)

describe('trust/judge-artifact', () => {
  const table: readonly [string, readonly Party[], number, readonly string[]][] = [
    ['{ allOf: [vendor, certifier] }', [], 0, []],
    ['{ allOf: [vendor, certifier] }', [vendor], 0, ['vendor']],
    ['{ allOf: [vendor, certifier] }', [certifier], 0, ['certifier']],
    ['{ allOf: [vendor, certifier] }', [ours, stranger], 0, []],
    ['{ allOf: [vendor, certifier] }', [vendor, certifier], 1, ['vendor', 'certifier']],
    ['{ allOf: [vendor, certifier] }', [stranger, certifier, ours, vendor], 1, ['vendor', 'certifier']],
    ['{ count: 1, of: [vendor, certifier, ours] }', [ours], 1, ['ours']],
    ['{ count: 2, of: [vendor, certifier, ours] }', [ours], 0, ['ours']],
    ['{ count: 2, of: [vendor, certifier, ours] }', [ours, vendor], 1, ['vendor', 'ours']],
    ['{ count: 3, of: [vendor, certifier, ours] }', [ours, vendor], 0, ['vendor', 'ours']],
    ['{ count: 3, of: [vendor, certifier, ours] }', [ours, vendor, certifier], 1, ['vendor', 'certifier', 'ours']],
    // One signer may meet either statement; the other decides which one he is counted for.
    ['{ allOf: [anyone, vendor] }', [vendor], 0, ['anyone']],
    ['{ allOf: [anyone, vendor] }', [vendor, ours], 1, ['anyone', 'vendor']],
    ['{ allOf: [anyone, vendor] }', [certifier, ours], 0, ['anyone']],
    ['{ allOf: [vendor, anyone] }', [vendor, ours], 1, ['vendor', 'anyone']],
    ['{ count: 2, of: [anyone, vendor, certifier] }', [vendor, certifier], 1, []],
  ]
  for (const [require, signers, trusted, met] of table) {
    const who = signers.map(({ chain }) => chain[0]?.subject.find(({ name }) => name === 'O')?.value).join(', ')
    it(`${trusted === 1 ? 'trusts' : 'rejects'} ${require} signed by ${who || 'nobody'}`, async () => {
      const verdict = await judge(requiring(require), await Promise.all(signers.map((signer) => signed(signer))))
      const none = signers.length === 0 ? 'SIGNATURE_MISSING' : 'SIGNER_UNTRUSTED'
      if (trusted === 1) assertVerdict(verdict, 'trusted')
      else assertVerdict(verdict, 'rejected', met.length > 0 ? 'POLICY_UNMET' : none)
      if (met.length > 0) assert.deepEqual(verdict.statements, met)
      assert.deepEqual(
        verdict.statements.filter((name) => verdict.missing.includes(name)),
        [],
      )
      assert.equal(verdict.signatures.length, signers.length)
    })
  }

  describe('counts a signer once', () => {
    const two = requiring('{ allOf: [anyone, vendor] }')

    it('whose signature stands in two manifests', async () => {
      const verdict = await judge(two, [
        await signed(vendor, { manifest: '1' }),
        await signed(vendor, { manifest: '2' }),
      ])
      assertVerdict(verdict, 'rejected', 'POLICY_UNMET')
    })

    it('whose one envelope is wrapped twice', async () => {
      const { envelope } = await signed(vendor)
      assert.ok(envelope)
      const verdict = await judge(two, [wrapped(envelope, 'cose', '1'), wrapped(envelope, 'cose', '2')])
      assertVerdict(verdict, 'rejected', 'POLICY_UNMET')
      assert.match(verdict.why, /counted already/)
    })

    it('who signs in both formats', async () => {
      const verdict = await judge(two, [await signed(vendor, { format: 'jws' }), await signed(vendor)])
      assertVerdict(verdict, 'rejected', 'POLICY_UNMET')
    })

    it('whose key stands in two certificates, of two authorities', async () => {
      const key = vendor.key
      const leaf = issue({ subject: subject('ours', 'other name'), by: ours.root, kind: 'signer', key })
      const again: Party = { key, root: ours.root, chain: [leaf.certificate, ours.root.certificate] }
      const signatures = [await signed(vendor), await signed(again)]
      assertVerdict(await judge(two, signatures), 'rejected', 'POLICY_UNMET')
      assertVerdict(await judge(requiring('{ allOf: [vendor, ours] }'), signatures), 'rejected', 'POLICY_UNMET')
    })

    it('and a colleague under the same authority as another', async () => {
      const colleague = party('vendor', { root: vendor.root })
      assertVerdict(await judge(two, [await signed(vendor), await signed(colleague)]), 'trusted')
    })
  })

  it('says of each signature which statement it met, and why not the others', async () => {
    const verdict = await judge(requiring('{ allOf: [vendor, certifier] }'), [await signed(vendor)])
    const [told] = verdict.signatures
    assert.equal(told?.statement, 'vendor')
    assert.deepEqual(
      told.under.map(({ statement: name, verdict: one, code }) => [name, one, code]),
      [
        ['vendor', 'trusted', undefined],
        ['certifier', 'rejected', 'SIGNER_UNTRUSTED'],
      ],
    )
    assert.deepEqual(verdict.missing, ['certifier'])
  })

  describe('inconclusive', () => {
    const strict = (require: string): TrustMaterial => by(`  - { scope: '${MIRROR}', require: ${require} }`, '', {})

    it('where only doubt stands between the signatures and trust', async () => {
      const verdict = await judge(strict('{ allOf: [vendor, certifier] }'), [
        await signed(vendor),
        await signed(certifier),
      ])
      assertVerdict(verdict, 'inconclusive', 'REVOCATION_UNKNOWN')
      assert.deepEqual(verdict.statements, [])
    })

    it('never where someone is missing whatever the doubt', async () => {
      const verdict = await judge(strict('{ allOf: [vendor, certifier] }'), [
        await signed(vendor),
        await signed(stranger),
      ])
      assert.equal(verdict.verdict, 'rejected')
    })

    it('never for one doubtful signer twice', async () => {
      const signatures = [await signed(vendor, { manifest: '1' }), await signed(vendor, { manifest: '2' })]
      assert.equal((await judge(strict('{ allOf: [anyone, vendor] }'), signatures)).verdict, 'rejected')
    })
  })

  describe('scopes', () => {
    const scoped = by(
      [
        `  - { scope: '${MIRROR}', require: { allOf: [vendor] } }`,
        "  - { scope: 'registry.site:5000/mirror/prod/*', require: { allOf: [certifier] } }",
        '  - { scope: registry.site:5000/mirror/prod/app, require: { allOf: [ours] } }',
      ].join('\n'),
    )
    const cases: readonly [string, string | undefined][] = [
      ['registry.site:5000/mirror/app', 'vendor'],
      ['registry.site:5000/mirror/a/b/c', 'vendor'],
      ['registry.site:5000/mirror/prod', 'vendor'],
      ['registry.site:5000/mirror/production', 'vendor'],
      ['registry.site:5000/mirror/prod/other', 'certifier'],
      ['registry.site:5000/mirror/prod/app', 'ours'],
      ['registry.site:5000/mirror/prod/app/deeper', 'certifier'],
      ['registry.site:5000/mirror', undefined],
      ['registry.site:5000/mirrors/app', undefined],
      ['registry.site:5001/mirror/app', undefined],
      ['registry.site/mirror/app', undefined],
      ['registry.site:5000/mirror/../app', undefined],
      ['registry.site:5000/mirror/*', undefined],
    ]
    for (const [scope, wanted] of cases)
      it(`${wanted === undefined ? 'refuses' : 'lets the longest scope decide for'} ${scope}`, async () => {
        const signatures = await Promise.all(Object.values(parties).map((one) => signed(one)))
        const verdict = await judge(scoped, signatures, { scope })
        if (wanted === undefined) assertVerdict(verdict, 'rejected', 'POLICY_MISSING')
        else assertVerdict(verdict, 'trusted')
        assert.deepEqual(verdict.statements, wanted === undefined ? [] : [wanted])
      })

    it('applies a statement by name, whatever its registryScopes say', async () =>
      assertVerdict(await judge(scoped, [await signed(vendor)]), 'trusted'))
  })

  describe('trace', () => {
    it('reports the origin beside what is required, and never counts', async () => {
      const traced = by(`  - { scope: '${MIRROR}', require: { allOf: [certifier] }, trace: [tracer] }`)
      const verdict = await judge(traced, [await signed(vendor), await signed(certifier)])
      assertVerdict(verdict, 'trusted')
      for (const { under } of verdict.signatures) {
        const trace = under.find(({ level }) => level === 'trace')
        assert.equal(trace?.verdict, 'rejected')
      }
      const known = verdict.signatures.map(({ under }) => under.at(-1)?.checks.authenticity.outcome)
      assert.deepEqual(known.toSorted(), ['failed', 'passed'])
    })

    it('trusts nothing where a scope only traces', async () => {
      const traced = by(`  - { scope: '${MIRROR}', trace: [tracer] }`)
      const verdict = await judge(traced, [await signed(vendor)])
      assertVerdict(verdict, 'rejected', 'POLICY_UNMET')
      assert.equal(verdict.signatures[0]?.signer, 'CN=signer,O=vendor,ST=WA,C=US')
      assert.equal(verdict.signatures[0]?.verdict, 'rejected')
    })
  })

  describe('origin', () => {
    const origin = 'registry.vendor.io/team/app'
    const bound = by(`  - { scope: '${MIRROR}', require: { allOf: [vendor] }, requireOrigin: true }`)
    const cases: readonly [string, string | undefined, string | undefined, boolean][] = [
      ['the repository', origin, origin, true],
      ['the registry', 'registry.vendor.io', origin, true],
      ['nothing', undefined, origin, false],
      ['another repository', 'registry.vendor.io/team/other', origin, false],
      ['another registry', 'registry.test.io/team/app', origin, false],
      ['a part of the path', 'registry.vendor.io/team', origin, false],
      ['a longer path', `${origin}/x`, origin, false],
      ['a prefix of the registry', 'registry.vendor', origin, false],
      ['the empty text', '', origin, false],
      ['the repository, which is not known here', origin, undefined, false],
    ]
    for (const [what, metadata, from, trusted] of cases)
      it(`${trusted ? 'trusts' : 'rejects'} a signature bound to ${what}`, async () => {
        const signature = await signed(
          vendor,
          metadata === undefined ? {} : { metadata: { 'io.sallyport.origin': metadata } },
        )
        const verdict = await judge(bound, [signature], { origin: from })
        if (trusted) assertVerdict(verdict, 'trusted')
        else assertVerdict(verdict, 'rejected', 'ORIGIN_MISMATCH')
        assertVerdict(await judge(requiring('{ allOf: [vendor] }'), [signature], { origin: from }), 'trusted')
      })
  })

  it('says of a stranger whose signature is bound to no place that he is a stranger', async () => {
    const bound = by(`  - { scope: '${MIRROR}', require: { allOf: [vendor] }, requireOrigin: true }`)
    const verdict = await judge(bound, [await signed(stranger)], { origin: 'registry.vendor.io/team/app' })
    assertVerdict(verdict, 'rejected', 'SIGNER_UNTRUSTED')
  })

  describe('algorithms', () => {
    const strong = party('vendor', { root: vendor.root, curve: 'P-384' })
    const ruled = (rule: string): TrustMaterial =>
      by(`  - { scope: '${MIRROR}', require: { allOf: [vendor] } }`, `algorithms: { ES256: ${rule} }`)

    it('rejects a refused algorithm and takes another one beside it', async () => {
      assertVerdict(await judge(ruled('refused'), [await signed(vendor)]), 'rejected', 'ALGORITHM_DISALLOWED')
      const both = await judge(ruled('refused'), [await signed(vendor), await signed(strong)])
      assertVerdict(both, 'trusted')
      assert.deepEqual(both.signatures.map(({ algorithm, verdict }) => [algorithm, verdict]).toSorted(), [
        ['ES256', 'rejected'],
        ['ES384', 'trusted'],
      ])
    })

    it('trusts a deprecated algorithm and names the day from that day on', async () => {
      const rule = ruled('{ deprecated: 2026-06-15 }')
      const day = new Date('2026-06-15T00:00:00Z')
      for (const [now, deprecated] of [
        [new Date('2026-06-14T23:59:59Z'), undefined],
        [day, day],
      ] as const) {
        const verdict = await judge(rule, [await signed(vendor)], { now })
        assertVerdict(verdict, 'trusted')
        assert.deepEqual(verdict.signatures[0]?.deprecated, deprecated)
      }
      assert.equal((await judge(rule, [await signed(strong)])).signatures[0]?.deprecated, undefined)
    })

    it('allows what it says is allowed', async () =>
      assertVerdict(await judge(ruled('allowed'), [await signed(vendor)]), 'trusted'))
  })
})

describe('trust/attempt-order', () => {
  const by = material([statement({ trustStores: ['ca:vendor'] })], stores)
  const junk = (count: number): FoundSignature[] =>
    Array.from({ length: count }, (_, i) => ({ ...wrapped(Buffer.from(`junk ${i}`), 'cose'), manifest: first(i) }))
  const first = (i: number): FoundSignature['manifest'] => `sha256:${i.toString(16).padStart(64, '0')}`
  const last: FoundSignature['manifest'] = `sha256:${'f'.repeat(64)}`

  it('judges up to the cap', async () => {
    const verdict = await judge(by, [...junk(ATTEMPT_CAP - 1), { ...(await signed(vendor)), manifest: last }])
    assertVerdict(verdict, 'trusted')
    assert.equal(verdict.signatures.length, ATTEMPT_CAP)
  })

  it('cannot decide when the genuine one may stand behind the cap', async () => {
    const verdict = await judge(by, [...junk(ATTEMPT_CAP), { ...(await signed(vendor)), manifest: last }])
    assertVerdict(verdict, 'inconclusive', 'LIMIT_EXCEEDED')
    assert.deepEqual([verdict.signatures.length, verdict.unjudged], [ATTEMPT_CAP, 1])
  })

  it('judges those first whose annotation names a root of the store, in either case of hex', async () => {
    for (const thumbprint of [vendor.root.certificate.sha256, vendor.root.certificate.sha256.toUpperCase()]) {
      const hinted = { ...(await signed(vendor)), manifest: last, thumbprints: [thumbprint] }
      const verdict = await judge(by, [...junk(ATTEMPT_CAP * 2), hinted])
      assertVerdict(verdict, 'trusted')
      assert.equal(verdict.unjudged, ATTEMPT_CAP + 1)
    }
  })

  it('ends soon on 10,000 signatures, without their number in the verdict', async () => {
    const started = performance.now()
    const verdict = await judge(by, junk(10_000))
    assertVerdict(verdict, 'inconclusive', 'LIMIT_EXCEEDED')
    assert.equal(verdict.signatures.length, ATTEMPT_CAP)
    assert.ok(performance.now() - started < 5_000)
  })

  it('trusts nothing by the annotation', async () => {
    const hinted = { ...(await signed(stranger)), thumbprints: [vendor.root.certificate.sha256] }
    assertVerdict(await judge(by, [hinted]), 'rejected', 'SIGNER_UNTRUSTED')
  })

  it('takes a manifest that is listed twice for one', async () => {
    const one = await signed(vendor)
    assert.equal((await judge(by, [one, one])).signatures.length, 1)
    assert.equal(digestOf(one.envelope ?? Buffer.alloc(0)), one.manifest)
  })
})
