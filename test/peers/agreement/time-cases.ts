/** Validity of certificates, expiry of signatures, timestamps. */
import { randomBytes } from 'node:crypto'
import { LEAF_EXTENSIONS, STAMPER_EXTENSIONS } from '../setup/certificates.ts'
import type { AuthorityTerms } from '../setup/timestamp-authority.ts'
import { type AgreementCase, accept, FORMATS, refuse } from './case.ts'
import type { EnvelopeTerms, Situation, World } from './world.ts'

const DAY = 86_400_000
const YEAR_2025 = { from: new Date('2025-03-01T00:00:00Z'), until: new Date('2025-09-01T00:00:00Z') }
const IN_2025 = new Date('2025-06-01T00:00:00Z')

/** A root that was there all along, and a leaf that has expired, or as told. */
async function old(world: World, leaf: { from: Date; until: Date } = YEAR_2025) {
  const root = await world.kept('old root', () => ({
    kind: 'rsa2048',
    subject: '/C=US/ST=WA/O=acme/CN=old root',
    from: new Date('2024-01-01T00:00:00Z'),
    until: new Date(Date.now() + 3650 * DAY),
  }))
  const signer = await world.kept(`old leaf ${leaf.from.getTime()} ${leaf.until.getTime()}`, () => ({
    issuer: root,
    ...leaf,
  }))
  return { root, signer }
}

/** A signature by that leaf with a timestamp. */
async function stamped(
  world: World,
  terms: EnvelopeTerms & {
    readonly at?: Date
    readonly leaf?: { from: Date; until: Date }
    readonly authority?: Partial<AuthorityTerms>
    readonly verifyTimestamp?: 'always' | 'afterCertExpiry'
    readonly hash?: 'sha256'
    readonly imprint?: 'sha1' | 'sha256' | 'sha384' | 'sha512'
    readonly over?: Buffer
  },
): Promise<Situation> {
  const { root, signer } = await old(world, terms.leaf)
  const authority = await world.authority(terms.authority)
  const { stores } = await world.stampTrust()
  return world.signed({
    signer,
    header: { signingTime: IN_2025, ...terms.header },
    stamp: (signature) => authority.token(terms.over ?? signature, terms.imprint ?? 'sha256', terms.at ?? IN_2025),
    ...terms,
    trust: {
      stores: { ...stores, 'ca:acme': [root] },
      statements: [
        {
          stores: ['ca:acme', 'tsa:clock'],
          ...(terms.verifyTimestamp && { verifyTimestamp: terms.verifyTimestamp }),
        },
      ],
    },
  })
}

async function expired(world: World, level: 'strict' | 'permissive' | 'audit', override?: Record<string, string>) {
  const { root, signer } = await old(world)
  return world.signed({
    signer,
    trust: { stores: { 'ca:acme': [root] }, statements: [{ level, ...(override && { override }) }] },
  })
}

const pastExpiry = { signingTime: IN_2025, expiry: new Date('2025-07-01T00:00:00Z') }

export const TIME_CASES: readonly AgreementCase[] = [
  ...FORMATS.flatMap((format) => [
    refuse(`${format}: the signature has expired`, 'SIGNATURE_EXPIRED', (world) =>
      world.signed({ format, header: pastExpiry }),
    ),
    accept(`${format}: the signature has expired, permissive`, (world) =>
      world.signed({ format, header: pastExpiry, trust: { statements: [{ level: 'permissive' }] } }),
    ),
    accept(`${format}: the signature has expired, which the policy logs`, (world) =>
      world.signed({
        format,
        header: pastExpiry,
        trust: { statements: [{ override: { expiry: 'log', revocation: 'skip' } }] },
      }),
    ),
    accept(`${format}: the leaf has expired, a timestamp from before`, (world) => stamped(world, { format })),
    refuse(`${format}: the leaf has expired, a timestamp from after`, 'CERTIFICATE_EXPIRED', (world) =>
      stamped(world, { format, at: new Date('2025-10-01T00:00:00Z') }),
    ),
    refuse(`${format}: a timestamp over other bytes`, 'TIMESTAMP_INVALID', (world) =>
      stamped(world, { format, over: randomBytes(64) }),
    ),
    accept(`${format}: signing authority, the leaf valid when it signed`, async (world) => {
      const { root, signer } = await old(world)
      return world.signed({
        format,
        signer,
        header: { scheme: 'notary.x509.signingAuthority', authenticSigningTime: IN_2025 },
        trust: { stores: { 'signingAuthority:acme': [root] }, statements: [{ stores: ['signingAuthority:acme'] }] },
      })
    }),
    refuse(`${format}: signing authority, the leaf not valid when it signed`, 'CERTIFICATE_EXPIRED', async (world) => {
      const { root, signer } = await old(world)
      return world.signed({
        format,
        signer,
        header: { scheme: 'notary.x509.signingAuthority' },
        trust: { stores: { 'signingAuthority:acme': [root] }, statements: [{ stores: ['signingAuthority:acme'] }] },
      })
    }),
  ]),

  refuse('the leaf has expired', 'CERTIFICATE_EXPIRED', (world) => expired(world, 'strict')),
  accept('the leaf has expired, permissive', (world) => expired(world, 'permissive')),
  accept('the leaf has expired, audit', (world) => expired(world, 'audit')),
  refuse('the leaf has expired, permissive but enforced', 'CERTIFICATE_EXPIRED', (world) =>
    expired(world, 'permissive', { authenticTimestamp: 'enforce', revocation: 'skip' }),
  ),
  refuse('the leaf is not yet valid', 'CERTIFICATE_EXPIRED', async (world) =>
    world.signed({
      signer: await world.leafWith({ from: new Date(Date.now() + DAY), until: new Date(Date.now() + 2 * DAY) }),
    }),
  ),
  refuse('the root has expired', 'CERTIFICATE_EXPIRED', async (world) => {
    const root = await world.maker.issue({ kind: 'rsa2048', subject: '/C=US/ST=WA/O=past/CN=root', ...YEAR_2025 })
    const signer = await world.maker.issue({ issuer: root })
    return world.signed({ signer, trust: { stores: { 'ca:acme': [root] } } })
  }),
  accept('the leaf outlives its root', async (world) =>
    world.signed({ signer: await world.leafWith({ until: new Date(Date.now() + 400 * DAY) }) }),
  ),

  refuse('timestamp: none, though the policy names an authority', 'TIMESTAMP_INVALID', async (world) =>
    world.signed({ trust: await world.stampTrust() }),
  ),
  accept('timestamp: none, wanted only after expiry, not expired', async (world) =>
    world.signed({ trust: await world.stampTrust({ verifyTimestamp: 'afterCertExpiry' }) }),
  ),
  refuse('timestamp: none, wanted only after expiry, expired', 'TIMESTAMP_INVALID', async (world) => {
    const { root, signer } = await old(world)
    const { stores } = await world.stampTrust()
    return world.signed({
      signer,
      trust: {
        stores: { ...stores, 'ca:acme': [root] },
        statements: [{ stores: ['ca:acme', 'tsa:clock'], verifyTimestamp: 'afterCertExpiry' }],
      },
    })
  }),
  accept('timestamp: wanted only after expiry, expired, there', (world) =>
    stamped(world, { verifyTimestamp: 'afterCertExpiry' }),
  ),
  refuse('timestamp: there, but the policy names no authority, expired', 'CERTIFICATE_EXPIRED', async (world) => {
    const { root, signer } = await old(world)
    const authority = await world.authority()
    return world.signed({
      signer,
      stamp: (signature) => authority.token(signature, 'sha256', IN_2025),
      trust: { stores: { 'ca:acme': [root] } },
    })
  }),
  accept('timestamp: nonsense, but the policy names no authority', (world) =>
    world.signed({ stamp: () => Promise.resolve(Buffer.from('nonsense')) }),
  ),
  refuse('timestamp: nonsense', 'TIMESTAMP_INVALID', (world) =>
    stamped(world, { stamp: () => Promise.resolve(Buffer.from('nonsense')) }),
  ),
  refuse('timestamp: from before the leaf was valid', 'CERTIFICATE_EXPIRED', (world) =>
    stamped(world, { at: new Date('2025-02-01T00:00:00Z') }),
  ),
  refuse('timestamp: its accuracy reaches past the leaf’s end', 'CERTIFICATE_EXPIRED', (world) =>
    stamped(world, { at: new Date('2025-08-31T23:59:30Z'), authority: { accuracySeconds: 60 } }),
  ),
  accept('timestamp: its accuracy stays within the leaf’s time', (world) =>
    stamped(world, { at: new Date('2025-08-31T23:58:30Z'), authority: { accuracySeconds: 60 } }),
  ),
  refuse('timestamp: a second by default in the baseline policy', 'CERTIFICATE_EXPIRED', (world) =>
    stamped(world, { at: new Date('2025-09-01T00:00:00Z'), authority: { policy: '0.4.0.2023.1.1' } }),
  ),
  accept('timestamp: no accuracy in another policy, to the second', (world) =>
    stamped(world, { at: new Date('2025-09-01T00:00:00Z') }),
  ),
  accept('timestamp: imprint by SHA-384', (world) => stamped(world, { imprint: 'sha384' })),
  accept('timestamp: imprint by SHA-512', (world) => stamped(world, { imprint: 'sha512' })),
  refuse('timestamp: imprint by SHA-1', 'TIMESTAMP_INVALID', (world) => stamped(world, { imprint: 'sha1' })),
  refuse('timestamp: the signer named by SHA-1 alone', 'TIMESTAMP_INVALID', (world) =>
    stamped(world, { authority: { nameSignerBy: 'sha1' } }),
  ),
  refuse('timestamp: an authority under a stranger', 'TIMESTAMP_INVALID', async (world) => {
    const signer = await world.maker.issue({
      kind: 'rsa2048',
      issuer: await world.stranger(),
      extensions: STAMPER_EXTENSIONS,
      from: new Date('2025-01-01T00:00:00Z'),
    })
    return stamped(world, { authority: { signer } })
  }),
  refuse(
    'timestamp: the authority’s root only among the certificate authorities',
    'TIMESTAMP_INVALID',
    async (world) => {
      const { root, signer } = await old(world)
      const authority = await world.authority()
      return world.signed({
        signer,
        stamp: (signature) => authority.token(signature, 'sha256', IN_2025),
        trust: {
          stores: { 'ca:acme': [root, await world.stampRoot()], 'tsa:clock': [await world.stranger()] },
          statements: [{ stores: ['ca:acme', 'tsa:clock'] }],
        },
      })
    },
  ),
  refuse('timestamp: the authority had expired when it stamped', 'TIMESTAMP_INVALID', async (world) => {
    const signer = await world.maker.issue({
      kind: 'rsa2048',
      issuer: await world.stampRoot(),
      extensions: STAMPER_EXTENSIONS,
      from: new Date('2025-01-01T00:00:00Z'),
      until: new Date('2025-02-01T00:00:00Z'),
    })
    return stamped(world, { authority: { signer } })
  }),
  accept('timestamp: the authority has expired since', async (world) => {
    const signer = await world.maker.issue({
      kind: 'rsa2048',
      issuer: await world.stampRoot(),
      extensions: STAMPER_EXTENSIONS,
      from: new Date('2025-05-01T00:00:00Z'),
      until: new Date('2025-07-01T00:00:00Z'),
    })
    return stamped(world, { authority: { signer } })
  }),
  refuse('timestamp: a changed token', 'TIMESTAMP_INVALID', async (world) => {
    const authority = await world.authority()
    return stamped(world, {
      stamp: async (signature) => {
        const token = await authority.token(signature, 'sha256', IN_2025)
        const last = token.length - 1
        token[last] = (token[last] ?? 0) ^ 1
        return token
      },
    })
  }),
  refuse('revocation: enforced, and its source out of reach', 'REVOCATION_UNKNOWN', async (world) =>
    world.signed({
      signer: await world.leafWith({
        extensions: [...LEAF_EXTENSIONS, 'authorityInfoAccess=OCSP;URI:http://127.0.0.1:9/'],
      }),
      trust: { statements: [{ override: {} }] },
    }),
  ),
  accept('revocation: logged, and its source out of reach', async (world) =>
    world.signed({
      signer: await world.leafWith({
        extensions: [...LEAF_EXTENSIONS, 'authorityInfoAccess=OCSP;URI:http://127.0.0.1:9/'],
      }),
      trust: { statements: [{ override: { revocation: 'log' } }] },
    }),
  ),
]
