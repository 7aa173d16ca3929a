import assert from 'node:assert/strict'
import { SallyportError, isFault, type Code } from '../../src/errors/index.ts'
import { targetPayload, type VerifierCapability } from '../../src/signature/index.ts'
import {
  judgeWith,
  type FindPlugin,
  type FoundSignature,
  type RevocationAnswer,
  type RevocationQuery,
  type Verdict,
} from '../../src/trust/index.ts'
import { craftJws, MIN_VERSION, PLUGIN, SCHEME } from '../signature/envelope-fixture.ts'
import { ARTIFACT, NOW, party, SCOPE, signed, stamp, timestampAuthority, wrapped } from './pki-fixture.ts'
import { assertVerdict, judge, material, statement } from './policy-fixture.ts'

const acme = party('acme')
const tsa = timestampAuthority('time')
const stores = { 'ca:acme': [acme.root], 'signingAuthority:acme': [acme.root], 'tsa:time': [tsa.root] }
const strict = (
  override: Record<string, string> = {},
  over: Record<string, unknown> = {},
): ReturnType<typeof material> =>
  material([statement({ signatureVerification: { level: 'strict', override }, ...over })], stores)

function thumbprints({ chain }: ReturnType<typeof party>): string[] {
  return chain.map(({ sha256 }) => sha256)
}

describe('trust/revocation', () => {
  const good: RevocationAnswer = { status: 'good' }
  const unknown: RevocationAnswer = { status: 'unknown', detail: 'no list' }
  const revoked: RevocationAnswer = { status: 'revoked', code: 'CERTIFICATE_REVOKED', detail: 'it was revoked' }

  const table: readonly [string, string, RevocationAnswer | undefined, Verdict, Code | undefined][] = [
    ['enforced', 'enforce', undefined, 'inconclusive', 'REVOCATION_UNKNOWN'],
    ['enforced', 'enforce', unknown, 'inconclusive', 'REVOCATION_UNKNOWN'],
    ['enforced', 'enforce', good, 'trusted', undefined],
    ['enforced', 'enforce', revoked, 'rejected', 'CERTIFICATE_REVOKED'],
    ['logged', 'log', undefined, 'trusted', undefined],
    ['logged', 'log', revoked, 'trusted', undefined],
    ['skipped', 'skip', undefined, 'trusted', undefined],
    ['skipped', 'skip', revoked, 'trusted', undefined],
  ]
  for (const [what, action, answer, verdict, code] of table)
    it(`is ${verdict} when revocation is ${what} and ${answer?.status ?? 'cannot be asked'}`, async () => {
      const revocation = answer && ((): RevocationAnswer => answer)
      assertVerdict(await judge(strict({ revocation: action }), [await signed(acme)], { revocation }), verdict, code)
    })

  it('says of a strict policy without knowledge what to do', async () => {
    const verdict = await judge(strict(), [await signed(acme)])
    assert.match(verdict.why, /"revocation": "skip"/)
    assert.equal(verdict.signatures[0]?.checks.revocation.outcome, 'undecided')
  })

  it('rejects for a failure though revocation is unknown too', async () =>
    assertVerdict(await judge(strict(), [await signed(party('stranger'))]), 'rejected', 'SIGNER_UNTRUSTED'))

  it('asks with the chain and the purpose, and of a revoked one again with the times that somebody vouches for', async () => {
    const asked: RevocationQuery[] = []
    const revocation = (query: RevocationQuery): RevocationAnswer => {
      asked.push(query)
      const { purpose, signingTime, timestampTime } = query
      return purpose === 'timestamping' || signingTime !== undefined || timestampTime !== undefined ? good : revoked
    }
    const claiming = await signed(acme, { signingTime: NOW })
    assertVerdict(await judge(strict(), [claiming], { revocation }), 'rejected', 'CERTIFICATE_REVOKED')
    const stamped = await signed(acme, { timestamp: stamp(tsa, { genTime: NOW.toISOString(), accuracySeconds: 30 }) })
    const trustStores = ['ca:acme', 'tsa:time']
    assertVerdict(await judge(strict({}, { trustStores }), [stamped], { revocation }), 'trusted')
    const authority = await signed(acme, { scheme: 'notary.x509.signingAuthority', signingTime: NOW })
    const vouched = strict({}, { trustStores: ['signingAuthority:acme'] })
    assertVerdict(await judge(vouched, [authority], { revocation }), 'trusted')
    assert.deepEqual(
      asked.map(({ chain, ...rest }) => [chain.map(({ sha256 }) => sha256), rest]),
      [
        [thumbprints(acme), { purpose: 'codeSigning' }],
        [thumbprints(tsa), { purpose: 'timestamping' }],
        [thumbprints(acme), { purpose: 'codeSigning' }],
        [thumbprints(acme), { purpose: 'codeSigning', timestampTime: new Date(NOW.getTime() + 30_000) }],
        [thumbprints(acme), { purpose: 'codeSigning' }],
        [thumbprints(acme), { purpose: 'codeSigning', signingTime: NOW }],
      ],
    )
  })

  it('looks at a timestamp that was not asked for where it may excuse, and the policy lets it', async () => {
    const by = (timestampCounts: boolean, trustStores = ['ca:acme', 'tsa:time']): ReturnType<typeof material> =>
      material(
        [statement({ signatureVerification: { level: 'strict', verifyTimestamp: 'afterCertExpiry' }, trustStores })],
        stores,
        `version: 1\nrevocation: { timestampCounts: ${timestampCounts} }\n`,
      )
    const genTime = NOW.toISOString()
    const stamped = await signed(acme, { timestamp: stamp(tsa, { genTime }) })
    const excusing = ({ purpose, timestampTime }: RevocationQuery): RevocationAnswer =>
      purpose === 'timestamping' || timestampTime !== undefined ? good : revoked
    const verdict = await judge(by(true), [stamped], { revocation: excusing })
    assertVerdict(verdict, 'trusted')
    assert.deepEqual(verdict.signatures[0]?.timestampChain, tsa.chain)
    for (const [policy, signature, revocation] of [
      [by(false), stamped, excusing],
      [by(true, ['ca:acme']), stamped, excusing],
      [by(true), await signed(acme), excusing],
      [by(true), await signed(acme, { timestamp: stamp(timestampAuthority('other'), { genTime }) }), excusing],
      [by(true), stamped, ({ timestampTime }: RevocationQuery) => (timestampTime === undefined ? revoked : good)],
      [by(true), stamped, ({ purpose }: RevocationQuery) => (purpose === 'timestamping' ? good : revoked)],
    ] as const) {
      const refused = await judge(policy, [signature], { revocation })
      assertVerdict(refused, 'rejected', 'CERTIFICATE_REVOKED')
      assert.equal(refused.signatures[0]?.timestampChain, undefined)
    }
  })

  it('lets no time excuse that comes from a stranger or a revoked authority, though the policy only logs them (R5)', async () => {
    const revocation = ({ purpose, signingTime, timestampTime }: RevocationQuery): RevocationAnswer =>
      purpose === 'codeSigning' && (signingTime ?? timestampTime) !== undefined ? good : revoked
    const stamped = await signed(acme, { timestamp: stamp(tsa, { genTime: NOW.toISOString() }) })
    const lost = strict({ authenticTimestamp: 'log' }, { trustStores: ['ca:acme', 'tsa:time'] })
    assertVerdict(await judge(lost, [stamped], { revocation }), 'rejected', 'CERTIFICATE_REVOKED')
    const authority = await signed(acme, { scheme: 'notary.x509.signingAuthority', signingTime: NOW })
    const masked = strict({ authenticity: 'log' }, { trustStores: ['ca:acme'] })
    assertVerdict(await judge(masked, [authority], { revocation }), 'rejected', 'CERTIFICATE_REVOKED')
    const vouched = strict({ authenticity: 'log' }, { trustStores: ['signingAuthority:acme'] })
    assertVerdict(await judge(vouched, [authority], { revocation }), 'trusted')
  })

  it('tells what is to be known of an answer that is good, in the check and in the reason', async () => {
    const stamped = await signed(acme, { timestamp: stamp(tsa, { genTime: NOW.toISOString() }) })
    const revocation = ({ purpose }: RevocationQuery): RevocationAnswer => ({
      status: 'good',
      notes: [`of ${purpose}`, 'a list is 3 d past its next update'],
    })
    for (const action of ['enforce', 'log']) {
      const by = strict({ revocation: action }, { trustStores: ['ca:acme', 'tsa:time'] })
      const verdict = await judge(by, [stamped], { revocation })
      assertVerdict(verdict, 'trusted')
      const [only] = verdict.signatures
      assert.deepEqual(only?.checks.revocation, {
        action,
        outcome: 'passed',
        ok: true,
        notes: ['of codeSigning', 'a list is 3 d past its next update'],
      })
      assert.deepEqual(only.checks.authenticTimestamp.notes, ['of timestamping', 'a list is 3 d past its next update'])
      for (const note of ['authenticTimestamp: of timestamping', 'revocation: of codeSigning'])
        assert.ok(only.why?.includes(note) && verdict.why.includes(note), verdict.why)
    }
  })

  it('is refused as revoked where one of several signers was, and as unmet where one is only missing', async () => {
    const other = party('other')
    const by = (count: number): ReturnType<typeof material> =>
      material(
        [
          statement({ name: 'vendor', signatureVerification: { level: 'strict' } }),
          statement({ name: 'second', registryScopes: ['local/second'], trustStores: ['ca:other'] }),
        ],
        { 'ca:acme': [acme.root], 'ca:other': [other.root] },
        `version: 1\nscopes:\n  - { scope: '${SCOPE}', require: { count: ${count}, of: [vendor, second] } }\n` +
          'statements: { vendor: { notation: vendor }, second: { notation: second } }\n',
      )
    const revocation = (): RevocationAnswer => revoked
    const both = [await signed(acme), await signed(other)]
    assertVerdict(await judge(by(2), both, { revocation }), 'rejected', 'CERTIFICATE_REVOKED')
    assertVerdict(await judge(by(1), both, { revocation }), 'trusted')
    assertVerdict(await judge(by(2), both.slice(1), { revocation }), 'rejected', 'POLICY_UNMET')
    const late = [await signed(acme, { expiry: new Date('2026-06-02T00:00:00Z') }), await signed(other)]
    assertVerdict(await judge(by(2), late, { revocation }), 'rejected', 'POLICY_UNMET')
  })

  it('enforces the revocation of a timestamp authority with the timestamp, unless revocation is skipped', async () => {
    const stamped = await signed(acme, { timestamp: stamp(tsa, { genTime: NOW.toISOString() }) })
    const trustStores = ['ca:acme', 'tsa:time']
    const revocation = ({ purpose }: RevocationQuery): RevocationAnswer => (purpose === 'timestamping' ? revoked : good)
    const judged = (override: Record<string, string>): ReturnType<typeof judge> =>
      judge(strict(override, { trustStores }), [stamped], { revocation })
    assertVerdict(await judged({}), 'rejected', 'CERTIFICATE_REVOKED')
    assertVerdict(await judged({ revocation: 'log' }), 'rejected', 'CERTIFICATE_REVOKED')
    assertVerdict(await judged({ authenticTimestamp: 'log' }), 'trusted')
    assertVerdict(await judged({ revocation: 'skip' }), 'trusted')
    const logged = strict({ revocation: 'log' }, { trustStores })
    assertVerdict(await judge(logged, [stamped]), 'inconclusive', 'REVOCATION_UNKNOWN')
  })

  it('asks once for a chain that many artifacts share', async () => {
    let asked = 0
    const judging = judgeWith(strict(), NOW, {
      revocation: async () => {
        asked++
        return good
      },
    })
    for (let i = 0; i < 5; i++)
      assertVerdict(
        await judging.artifact({ artifact: ARTIFACT, scope: SCOPE, signatures: [await signed(acme)] }),
        'trusted',
      )
    assert.equal(asked, 1)
  })

  it('asks once for a chain whose signatures were stamped at different times, while it is good', async () => {
    const asked: RevocationQuery[] = []
    const judging = judgeWith(strict({}, { trustStores: ['ca:acme', 'tsa:time'] }), NOW, {
      revocation: (query) => {
        asked.push(query)
        return good
      },
    })
    for (const genTime of ['2026-06-01T00:00:00Z', '2026-06-02T00:00:00Z', '2026-06-03T00:00:00Z']) {
      const signatures = [await signed(acme, { timestamp: stamp(tsa, { genTime }) })]
      assertVerdict(await judging.artifact({ artifact: ARTIFACT, scope: SCOPE, signatures }), 'trusted')
    }
    assert.deepEqual(
      asked.map(({ purpose }) => purpose),
      ['timestamping', 'codeSigning'],
    )
  })
})

const IDENTITY: VerifierCapability = 'SIGNATURE_VERIFIER.TRUSTED_IDENTITY'
const REVOCATION: VerifierCapability = 'SIGNATURE_VERIFIER.REVOCATION_CHECK'

/** A signature with critical attributes of its own, and perhaps a plugin that it demands. */
function peculiar(attributes: Record<string, unknown>, by = acme): FoundSignature {
  const signer = { algorithm: 'ES256' as const, key: by.key, chain: [...by.chain] }
  const signedHeader = { crit: [SCHEME, ...Object.keys(attributes)], ...attributes }
  return wrapped(craftJws({ by: signer, payload: targetPayload(ARTIFACT), signed: signedHeader }), 'jws')
}

const demanding = { [PLUGIN]: 'com.example.plugin', [MIN_VERSION]: '1.2.0' }

/** A finder of one plugin: what it can, what it says. */
function found(
  capabilities: VerifierCapability[],
  results: Partial<Record<VerifierCapability, boolean>>,
  processedAttributes: string[] = [],
): FindPlugin {
  return async () => ({
    capabilities,
    verify: async () => ({
      processedAttributes,
      results: Object.fromEntries(
        Object.entries(results).map(([capability, success]) => [capability, { success, reason: 'so it says' }]),
      ),
    }),
  })
}

describe('trust/plugin-check', () => {
  const lax = strict({ revocation: 'skip' })

  it('cannot decide about a critical attribute that is not known, at any level', async () => {
    for (const name of ['strict', 'permissive', 'audit']) {
      const by = material(
        [statement({ signatureVerification: { level: name, override: { revocation: 'skip' } } })],
        stores,
      )
      const verdict = await judge(by, [peculiar({ 'com.example.must': 1 })])
      assertVerdict(verdict, 'inconclusive', 'ATTRIBUTE_UNKNOWN')
      assert.equal(verdict.signatures[0]?.checks.integrity.outcome, 'undecided')
    }
  })

  it('rejects a signature that fails besides', async () => {
    const signature = peculiar({ 'com.example.must': 1 }, party('stranger'))
    assertVerdict(await judge(lax, [signature]), 'rejected', 'SIGNER_UNTRUSTED')
  })

  it('cannot decide without the plugin that a signature demands', async () => {
    assertVerdict(await judge(lax, [peculiar(demanding)]), 'inconclusive', 'ATTRIBUTE_UNKNOWN')
    const verifyByPlugin: FindPlugin = async () => undefined
    assertVerdict(await judge(lax, [peculiar(demanding)], { verifyByPlugin }), 'inconclusive', 'ATTRIBUTE_UNKNOWN')
  })

  it('rejects whom a policy of plain names does not name, though the plugin that he names may be the one to judge', async () => {
    const named = (...trustedIdentities: string[]): ReturnType<typeof material> =>
      strict({ revocation: 'skip' }, { trustedIdentities })
    const [other, own, foreign] = ['x509.subject: C=US, ST=WA, O=other', 'x509.subject: C=US, ST=WA, O=acme', 'x:y']
    const judged = (by: ReturnType<typeof material>, more: Partial<FoundSignature> = {}): ReturnType<typeof judge> =>
      judge(by, [{ ...peculiar(demanding), ...more }])
    assertVerdict(await judged(named(other ?? '')), 'rejected', 'IDENTITY_UNTRUSTED')
    assertVerdict(await judged(named(own ?? '')), 'inconclusive', 'ATTRIBUTE_UNKNOWN')
    assertVerdict(await judged(named(other ?? '', foreign ?? '')), 'inconclusive', 'ATTRIBUTE_UNKNOWN')
    // What an artifact was let in by is nobody's attack: the plugin is gone.
    assertVerdict(await judged(named(other ?? ''), { first: true }), 'inconclusive', 'ATTRIBUTE_UNKNOWN')
    const verifyByPlugin: FindPlugin = failing
    const broken = await judge(named(other ?? ''), [peculiar(demanding)], { verifyByPlugin })
    assertVerdict(broken, 'inconclusive', 'ATTRIBUTE_UNKNOWN')
  })

  it('asks for the plugin by name and version, and never for a signature that demands none', async () => {
    const asked: unknown[] = []
    const verifyByPlugin: FindPlugin = async (wanted) => {
      asked.push(wanted)
      return undefined
    }
    await judge(lax, [peculiar(demanding), await signed(acme), peculiar({ 'com.example.must': 1 })], { verifyByPlugin })
    assert.deepEqual(asked, [{ name: 'com.example.plugin', minVersion: '1.2.0' }])
  })

  const table: readonly [string, FindPlugin, Verdict, Code | undefined][] = [
    ['is content', found([IDENTITY], { [IDENTITY]: true }), 'trusted', undefined],
    ['does not know the identity', found([IDENTITY], { [IDENTITY]: false }), 'rejected', 'IDENTITY_UNTRUSTED'],
    ['says nothing', found([IDENTITY], {}), 'inconclusive', 'ATTRIBUTE_UNKNOWN'],
    ['verifies nothing', found([], {}), 'inconclusive', 'ATTRIBUTE_UNKNOWN'],
    ['can only what is skipped', found([REVOCATION], {}), 'trusted', undefined],
    ['fails to start', failing, 'inconclusive', 'ATTRIBUTE_UNKNOWN'],
    [
      'fails to answer',
      async () => ({ capabilities: [IDENTITY], verify: failing }),
      'inconclusive',
      'ATTRIBUTE_UNKNOWN',
    ],
  ]
  for (const [what, verifyByPlugin, verdict, code] of table)
    it(`is ${verdict} when the plugin ${what}`, async () =>
      assertVerdict(await judge(lax, [peculiar(demanding)], { verifyByPlugin }), verdict, code))

  it('demands that every critical attribute was processed', async () => {
    const attributes = { ...demanding, 'com.example.must': 1 }
    const say = (processed: string[]): FindPlugin => found([IDENTITY], { [IDENTITY]: true }, processed)
    const judged = (verifyByPlugin: FindPlugin): ReturnType<typeof judge> =>
      judge(lax, [peculiar(attributes)], { verifyByPlugin })
    assertVerdict(await judged(say(['com.example.must'])), 'trusted')
    assertVerdict(await judged(say([])), 'inconclusive', 'ATTRIBUTE_UNKNOWN')
    assertVerdict(await judged(say(['com.example.other'])), 'inconclusive', 'ATTRIBUTE_UNKNOWN')
    assertVerdict(await judged(found([REVOCATION], {})), 'inconclusive', 'ATTRIBUTE_UNKNOWN')
  })

  it('lets it judge revocation in our place, and enforces what it says', async () => {
    const say = (success: boolean): FindPlugin => found([REVOCATION], { [REVOCATION]: success })
    const answers: (RevocationAnswer | undefined)[] = [undefined, { status: 'good' }, { status: 'unknown', detail: '' }]
    for (const answer of answers) {
      const revocation = answer === undefined ? undefined : (): RevocationAnswer => answer
      const judged = (override: Record<string, string>, verifyByPlugin: FindPlugin): ReturnType<typeof judge> =>
        judge(strict(override), [peculiar(demanding)], { verifyByPlugin, revocation })
      assertVerdict(await judged({}, say(true)), 'trusted')
      assertVerdict(await judged({}, say(false)), 'rejected', 'PLUGIN_FAILED')
      assertVerdict(await judged({ revocation: 'log' }, say(false)), 'trusted')
    }
  })

  it('does not let it bring back what a list revokes', async () => {
    const verifyByPlugin = found([REVOCATION], { [REVOCATION]: true })
    const revocation = (): RevocationAnswer => ({ status: 'revoked', code: 'CERTIFICATE_REVOKED', detail: 'lost' })
    const judged = (override: Record<string, string>): ReturnType<typeof judge> =>
      judge(strict(override), [peculiar(demanding)], { verifyByPlugin, revocation })
    assertVerdict(await judged({}), 'rejected', 'CERTIFICATE_REVOKED')
    assertVerdict(await judged({ revocation: 'log' }), 'trusted')
  })

  it('lets it judge identities in our place, never the stores', async () => {
    const narrow = strict({ revocation: 'skip' }, { trustedIdentities: ['x509.subject: C=US, ST=WA, O=other'] })
    const verifyByPlugin = found([IDENTITY], { [IDENTITY]: true })
    assertVerdict(await judge(narrow, [peculiar(demanding)], { verifyByPlugin }), 'trusted')
    const alien = peculiar(demanding, party('stranger'))
    assertVerdict(await judge(narrow, [alien], { verifyByPlugin }), 'rejected', 'SIGNER_UNTRUSTED')
    const other = found([REVOCATION], {})
    assertVerdict(
      await judge(narrow, [peculiar(demanding)], { verifyByPlugin: other }),
      'rejected',
      'IDENTITY_UNTRUSTED',
    )
  })

  it('does not take an interruption for a verdict', async () => {
    const verifyByPlugin: FindPlugin = async () => {
      throw new SallyportError('INTERRUPTED', { side: 'state' })
    }
    await assert.rejects(judge(lax, [peculiar(demanding)], { verifyByPlugin }), (error) =>
      isFault(error, 'INTERRUPTED'),
    )
  })
})

async function failing(): Promise<never> {
  throw new SallyportError('PLUGIN_FAILED', { side: 'state', detail: 'hangs' })
}
