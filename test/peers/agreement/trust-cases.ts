/** Stores, identities, scopes, levels, schemes. */
import { mkdirSync, readFileSync, renameSync, symlinkSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pemBlocks } from '../setup/certificates.ts'
import { trustPolicy } from '../setup/signed-layout.ts'
import { type AgreementCase, accept, FORMATS, refuse } from './case.ts'
import { SCOPE, type World } from './world.ts'

const AUTHORITY = { scheme: 'notary.x509.signingAuthority' } as const

function identity(said: 'accept' | 'refuse', name: string, ...identities: readonly string[]): AgreementCase {
  const build = (world: World) => world.signed({ trust: { statements: [{ identities }] } })
  return said === 'accept'
    ? accept(`identity: ${name}`, build)
    : refuse(`identity: ${name}`, 'IDENTITY_UNTRUSTED', build)
}

function badPolicy(name: string, policy: string, differs?: string): AgreementCase {
  return refuse(`policy: ${name}`, 'POLICY_MALFORMED', (world) => world.signed({ trust: { policy } }), differs)
}

/** The root lies in the store in another shape, or something lies beside it. */
function storeFiles(): readonly AgreementCase[] {
  const store = 'truststore/x509/ca/acme'
  const root = async (world: World) => (await world.root()).certificate
  const only = async (world: World, path: string, bytes: Uint8Array) =>
    world.signed({ trust: { stores: {}, files: { [path]: bytes } } })
  const beside = async (world: World, path: string, bytes: Uint8Array) =>
    world.signed({ trust: { files: { [path]: bytes } } })
  return [
    accept('store: the root as DER', async (world) =>
      only(world, `${store}/root.cer`, pemBlocks(await root(world))[0] ?? Buffer.alloc(0)),
    ),
    accept('store: two roots in one file', async (world) => {
      const both = [await root(world), (await world.stranger()).certificate].map((path) => readFileSync(path))
      return only(world, `${store}/roots.pem`, Buffer.concat(both))
    }),
    refuse('store: a file without a certificate', 'TRUST_STORE_MALFORMED', (world) =>
      beside(world, `${store}/notes.pem`, Buffer.from('notes')),
    ),
    refuse('store: a link to a root', 'TRUST_STORE_MALFORMED', async (world) => {
      const situation = await world.signed({ trust: { stores: {} } })
      mkdirSync(join(situation.configDir, store), { recursive: true })
      symlinkSync(await root(world), join(situation.configDir, store, 'root.crt'))
      return situation
    }),
    refuse('store: a link to a store', 'TRUST_STORE_MALFORMED', async (world) => {
      const situation = await world.signed()
      const stores = dirname(join(situation.configDir, store))
      renameSync(join(stores, 'acme'), join(stores, 'elsewhere'))
      symlinkSync('elsewhere', join(stores, 'acme'))
      return situation
    }),
    refuse('policy: a link to a policy', 'POLICY_MALFORMED', async (world) => {
      const situation = await world.signed()
      const policy = join(situation.configDir, 'trustpolicy.json')
      renameSync(policy, join(situation.configDir, 'elsewhere.json'))
      symlinkSync('elsewhere.json', policy)
      return situation
    }),
    refuse('policy: none', 'POLICY_MISSING', async (world) => {
      const situation = await world.signed()
      unlinkSync(join(situation.configDir, 'trustpolicy.json'))
      return situation
    }),
    refuse('store: a folder inside', 'TRUST_STORE_MALFORMED', async (world) =>
      beside(world, `${store}/more/root.crt`, readFileSync(await root(world))),
    ),
    refuse(
      'store: a file of another ending',
      'TRUST_STORE_MALFORMED',
      async (world) => beside(world, `${store}/root.der`, pemBlocks(await root(world))[0] ?? Buffer.alloc(0)),
      'Trust store: "Files with extension .pem, .crt and .cer". A file that one reader takes for a root and another does not is refused; notation takes every file.',
    ),
  ]
}

const X = 'x509.subject: C=US, ST=WA, O=acme'

export const TRUST_CASES: readonly AgreementCase[] = [
  ...FORMATS.flatMap((format) => [
    refuse(`${format}: another root in the store`, 'SIGNER_UNTRUSTED', async (world) =>
      world.signed({ format, trust: { stores: { 'ca:acme': [await world.stranger()] } } }),
    ),
    accept(`${format}: signing authority, its root in a store of its type`, async (world) =>
      world.signed({
        format,
        header: AUTHORITY,
        trust: {
          stores: { 'signingAuthority:acme': [await world.root()] },
          statements: [{ stores: ['signingAuthority:acme'] }],
        },
      }),
    ),
    refuse(`${format}: signing authority, its root among the certificate authorities`, 'SIGNER_UNTRUSTED', (world) =>
      world.signed({ format, header: AUTHORITY }),
    ),
    refuse(`${format}: a common signature, its root among the signing authorities`, 'SIGNER_UNTRUSTED', async (world) =>
      world.signed({
        format,
        trust: {
          stores: { 'signingAuthority:acme': [await world.root()] },
          statements: [{ stores: ['signingAuthority:acme'] }],
        },
      }),
    ),
  ]),
  refuse('store: empty', 'SIGNER_UNTRUSTED', (world) => world.signed({ trust: { stores: { 'ca:acme': [] } } })),
  refuse('store: absent', 'SIGNER_UNTRUSTED', (world) => world.signed({ trust: { stores: {} } })),
  refuse('store: only in a store that the policy does not name', 'SIGNER_UNTRUSTED', async (world) =>
    world.signed({ trust: { stores: { 'ca:acme': [await world.stranger()], 'ca:other': [await world.root()] } } }),
  ),
  accept('store: in the second of two stores', async (world) =>
    world.signed({
      trust: {
        stores: { 'ca:acme': [await world.stranger()], 'ca:other': [await world.root()] },
        statements: [{ stores: ['ca:acme', 'ca:other'] }],
      },
    }),
  ),
  accept('store: an intermediate authority as the anchor', async (world) => {
    const middle = await world.kept('middle', async () => ({
      kind: 'rsa2048',
      issuer: await world.root(),
      extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign'],
    }))
    const signer = await world.maker.issue({ issuer: middle })
    return world.signed({ signer, trust: { stores: { 'ca:acme': [middle] } } })
  }),
  refuse('store: a leaf as the anchor', 'TRUST_STORE_MALFORMED', async (world) =>
    world.signed({ trust: { stores: { 'ca:acme': [await world.leaf()] } } }),
  ),
  refuse('store: a leaf beside the root', 'TRUST_STORE_MALFORMED', async (world) =>
    world.signed({ trust: { stores: { 'ca:acme': [await world.root(), await world.leaf('p384')] } } }),
  ),

  ...storeFiles(),

  identity('accept', 'the three names that must be there', X),
  identity('accept', 'in another order', 'x509.subject: O=acme, C=US, ST=WA'),
  identity('accept', 'with the unit', `${X}, OU=build`),
  identity('accept', 'the second of two', 'x509.subject: C=US, ST=WA, O=other', X),
  identity('accept', 'state as S', 'x509.subject: C=US, S=WA, O=acme'),
  identity('refuse', 'another organization', 'x509.subject: C=US, ST=WA, O=other'),
  identity('refuse', 'another unit', `${X}, OU=sales`),
  identity('refuse', 'a name in other case', 'x509.subject: C=US, ST=WA, O=ACME'),
  identity('refuse', 'a name that the leaf does not have', `${X}, STREET=Pier 1`),
  identity('refuse', 'the root’s name instead of the leaf’s', `${X}, CN=root`),
  identity('accept', 'beside one of an unknown kind', 'example.key: 1', X),
  identity('accept', 'without spaces', 'x509.subject:C=US,ST=WA,O=acme'),
  accept('identity: with an escaped comma', async (world) => {
    const signer = await world.leafWith({ subject: '/C=US/ST=WA/O=acme, inc/CN=comma' })
    return world.signed({
      signer,
      trust: { statements: [{ identities: ['x509.subject: C=US, ST=WA, O=acme\\, inc'] }] },
    })
  }),
  accept('identity: letters beyond ASCII', async (world) => {
    const signer = await world.leafWith({ subject: '/C=DE/ST=BW/O=Über/CN=utf8' })
    return world.signed({ signer, trust: { statements: [{ identities: ['x509.subject: C=DE, ST=BW, O=Über'] }] } })
  }),
  accept('identity: a leaf without a state, for anyone', async (world) =>
    world.signed({ signer: await world.leafWith({ subject: '/C=US/O=acme/CN=stateless' }) }),
  ),
  refuse('identity: a leaf without a state, for someone', 'IDENTITY_UNTRUSTED', async (world) => {
    const signer = await world.leafWith({ subject: '/C=US/O=acme/CN=stateless' })
    return world.signed({ signer, trust: { statements: [{ identities: [X] }] } })
  }),

  accept('scope: the exact name', (world) => world.signed({ trust: { statements: [{ scopes: [SCOPE] }] } })),
  refuse('scope: only another name', 'POLICY_MISSING', (world) =>
    world.signed({ trust: { statements: [{ scopes: ['registry.example/other'] }] } }),
  ),
  refuse('scope: a folder above it is no scope for it', 'POLICY_MISSING', (world) =>
    world.signed({ trust: { statements: [{ scopes: ['local/car'] }] } }),
  ),
  refuse('scope: the exact name before the rest', 'IDENTITY_UNTRUSTED', (world) =>
    world.signed({
      trust: { statements: [{}, { scopes: [SCOPE], identities: ['x509.subject: C=US, ST=WA, O=other'] }] },
    }),
  ),
  accept('scope: the rest, when another has an exact name', (world) =>
    world.signed({
      trust: {
        statements: [{ scopes: ['registry.example/other'], identities: ['x509.subject: C=US, ST=WA, O=other'] }, {}],
      },
    }),
  ),

  accept('level: skip, and nobody signed', async (world) => {
    const { layout, target } = world.artifact()
    return world.situation(layout, target, { statements: [{ level: 'skip', scopes: [SCOPE] }] })
  }),
  refuse('level: audit, and nobody signed', 'SIGNATURE_MISSING', async (world) => {
    const { layout, target } = world.artifact()
    return world.situation(layout, target, { statements: [{ level: 'audit' }] })
  }),
  accept('level: audit, a stranger signed', async (world) =>
    world.signed({
      trust: { statements: [{ level: 'audit' }], stores: { 'ca:acme': [await world.stranger()] } },
    }),
  ),
  refuse('level: audit, the payload changed', 'ENVELOPE_SIGNATURE', (world) =>
    world.signed({
      trust: { statements: [{ level: 'audit' }] },
      change: (parts) => (parts.payload = Buffer.from(parts.payload.toString().replace('"size":', '"size":1'))),
    }),
  ),
  refuse('level: audit, for another artifact', 'TARGET_MISMATCH', async (world) => {
    const { layout, target } = world.artifact()
    const neighbour = layout.artifact('neighbour')
    world.attach(layout, target, 'jws', await world.envelope(neighbour))
    return world.situation(layout, target, { statements: [{ level: 'audit' }] })
  }),
  refuse('level: permissive, a stranger signed', 'SIGNER_UNTRUSTED', async (world) =>
    world.signed({
      trust: { statements: [{ level: 'permissive' }], stores: { 'ca:acme': [await world.stranger()] } },
    }),
  ),
  accept('override: authenticity logged, a stranger signed', async (world) =>
    world.signed({
      trust: {
        statements: [{ override: { authenticity: 'log', revocation: 'skip' } }],
        stores: { 'ca:acme': [await world.stranger()] },
      },
    }),
  ),
  refuse('override: authenticity enforced above audit', 'SIGNER_UNTRUSTED', async (world) =>
    world.signed({
      trust: {
        statements: [{ level: 'audit', override: { authenticity: 'enforce', revocation: 'skip' } }],
        stores: { 'ca:acme': [await world.stranger()] },
      },
    }),
  ),

  badPolicy('two statements of one name', trustPolicy([{ name: 'n' }, { name: 'n', scopes: [SCOPE] }])),
  badPolicy('two statements for all', trustPolicy([{}, {}])),
  badPolicy('one scope in two statements', trustPolicy([{ scopes: [SCOPE] }, { scopes: [SCOPE] }])),
  badPolicy('a scope with a pattern', trustPolicy([{ scopes: ['local/*'] }])),
  badPolicy('the rest beside a name', trustPolicy([{ scopes: ['*', SCOPE] }])),
  badPolicy('an unknown level', trustPolicy([{}]).replace('"strict"', '"lenient"')),
  badPolicy('another version', trustPolicy([{}]).replace('"version":"1.0"', '"version":"2.0"')),
  badPolicy('integrity overridden', trustPolicy([{ override: { integrity: 'log' } }])),
  badPolicy('authenticity skipped', trustPolicy([{ override: { authenticity: 'skip' } }])),
  badPolicy('a store of no type', trustPolicy([{ stores: ['acme'] }])),
  badPolicy('no store', trustPolicy([{ stores: [] }])),
  badPolicy('no identity', trustPolicy([{ identities: [] }])),
  badPolicy('an identity without a state', trustPolicy([{ identities: ['x509.subject: C=US, O=acme'] }])),
  badPolicy(
    'an identity of two names in one',
    trustPolicy([{ identities: ['x509.subject: C=US, ST=WA, O=acme+OU=build'] }]),
  ),
  badPolicy('an identity with a name twice', trustPolicy([{ identities: [`${X}, O=other`] }])),
  badPolicy(
    'an identity in hexadecimal',
    trustPolicy([{ identities: ['x509.subject: C=US, ST=WA, O=#0c0461636d65'] }]),
  ),
  badPolicy('an identity that is not finished', trustPolicy([{ identities: [`${X}, OU`] }])),
  badPolicy('an identity with an empty name', trustPolicy([{ identities: ['x509.subject: C=US,, ST=WA, O=acme'] }])),
  badPolicy('an identity without a prefix', trustPolicy([{ identities: ['C=US, ST=WA, O=acme'] }])),
  badPolicy('an empty name', trustPolicy([{ name: '' }])),
  badPolicy('no scope', trustPolicy([{ scopes: [] }])),
  badPolicy('a scope with a tag', trustPolicy([{ scopes: ['local/cargo:1'] }])),
  badPolicy('a scope with a scheme', trustPolicy([{ scopes: ['https://registry.example/cargo'] }])),
  badPolicy(
    'an unknown time to verify timestamps',
    trustPolicy([{}]).replace('"override"', '"verifyTimestamp":"never","override"'),
  ),
  badPolicy('no statement', trustPolicy([])),
  badPolicy('overlapping identities', trustPolicy([{ identities: [X, `${X}, OU=build`] }])),
  badPolicy('anyone beside someone', trustPolicy([{ identities: ['*', X] }])),
  badPolicy(
    'skip with a store',
    trustPolicy([{ scopes: [SCOPE] }]).replace('"strict","override":{"revocation":"skip"}', '"skip"'),
  ),
  badPolicy(
    'skip for all',
    trustPolicy([{ level: 'skip' }]),
    'Trust policy, signature verification details: "Note that `skip` cannot be used with a global scope (`*`), the value of `registryScopes` MUST contain fully qualified registry URL(s)." notation does not look.',
  ),
  badPolicy('not JSON', 'policy'),
  badPolicy(
    'a member twice',
    trustPolicy([{}]).replace('"version"', '"version":"1.0","version"'),
    'RFC 8259 §4: "The names within an object SHOULD be unique." A policy that two readers take differently is none: we refuse, Go takes the last.',
  ),
]
