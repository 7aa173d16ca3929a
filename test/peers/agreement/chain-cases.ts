/** The rules for certificates in an envelope, which hold whatever is trusted. */
import { LEAF_EXTENSIONS, pemBlocks, ROOT_EXTENSIONS } from '../setup/certificates.ts'
import { type AgreementCase, accept, refuse } from './case.ts'
import {
  asItIs,
  bytesBehind,
  compressed,
  hybrid,
  longLength,
  paddedModulus,
  signedBy,
  type Respell,
} from './respelled-key.ts'
import type { Situation, World } from './world.ts'

const CA_FALSE = 'basicConstraints=CA:FALSE'

/** Signed by a leaf of the good root with these extensions. */
async function leafOf(world: World, ...extensions: readonly string[]): Promise<Situation> {
  return world.signed({ signer: await world.leafWith({ extensions }) })
}

/** Signed by a leaf below an intermediate authority with these extensions. */
async function below(world: World, ...extensions: readonly string[]): Promise<Situation> {
  const middle = await world.leafWith({ kind: 'rsa2048', extensions })
  return world.signed({ format: 'cose', signer: await world.maker.issue({ issuer: middle }) })
}

function leafUsage(name: string, usage: string): AgreementCase {
  return refuse(`leaf: ${name}`, 'CHAIN_INVALID', (world) =>
    leafOf(world, CA_FALSE, `keyUsage=critical,digitalSignature,${usage}`),
  )
}

function leafPurpose(name: string, purpose: string, differs?: string): AgreementCase {
  return refuse(
    `leaf: ${name}`,
    'CHAIN_INVALID',
    (world) => leafOf(world, CA_FALSE, 'keyUsage=critical,digitalSignature', `extendedKeyUsage=${purpose}`),
    differs,
  )
}

function respelledKey(name: string, kind: 'rsa2048' | 'p256', respell: Respell, differs?: string): AgreementCase {
  return refuse(`leaf: ${name}`, 'CERTIFICATE_MALFORMED', (world) => signedBy(world, kind, respell), differs)
}

export const CHAIN_CASES: readonly AgreementCase[] = [
  accept('chain: one intermediate authority', (world) => below(world, ...ROOT_EXTENSIONS)),
  accept('chain: an intermediate authority that may have none below', (world) =>
    below(world, 'basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=critical,keyCertSign'),
  ),
  accept('chain: three authorities', async (world) => {
    const one = await world.leafWith({ kind: 'rsa3072', extensions: ROOT_EXTENSIONS })
    const two = await world.maker.issue({ kind: 'rsa2048', issuer: one, extensions: ROOT_EXTENSIONS })
    return world.signed({ signer: await world.maker.issue({ issuer: two }) })
  }),
  accept('chain: a leaf that is its own root', async (world) => {
    const alone = await world.maker.issue({ extensions: LEAF_EXTENSIONS })
    return world.signed({ signer: alone, trust: { stores: { 'ca:acme': [alone] } } })
  }),
  accept('leaf: no extended key usage', (world) => leafOf(world, CA_FALSE, 'keyUsage=critical,digitalSignature')),
  accept('leaf: no basic constraints', (world) => leafOf(world, 'keyUsage=critical,digitalSignature')),
  accept('leaf: non-repudiation beside the signature', (world) =>
    leafOf(world, CA_FALSE, 'keyUsage=critical,digitalSignature,nonRepudiation'),
  ),
  accept('leaf: a purpose of its own beside code signing', (world) =>
    leafOf(world, 'keyUsage=critical,digitalSignature', 'extendedKeyUsage=codeSigning,1.3.6.1.4.1.99999.1'),
  ),
  accept('leaf: name constraints in the root are not looked at', async (world) => {
    const narrow = await world.maker.issue({
      kind: 'rsa2048',
      subject: '/C=US/ST=WA/O=narrow/CN=root',
      extensions: [...ROOT_EXTENSIONS, 'nameConstraints=permitted;DNS:nowhere.example'],
    })
    const signer = await world.maker.issue({
      issuer: narrow,
      extensions: [...LEAF_EXTENSIONS, 'subjectAltName=DNS:elsewhere.example'],
    })
    return world.signed({ signer, trust: { stores: { 'ca:acme': [narrow] } } })
  }),
  accept('leaf: an unknown critical extension is not looked at', (world) =>
    leafOf(world, ...LEAF_EXTENSIONS, '1.3.6.1.4.1.99999.2=critical,DER:0500'),
  ),

  refuse('chain: the root left out', 'CHAIN_INVALID', async (world) => {
    const [leaf = Buffer.alloc(0)] = pemBlocks((await world.leaf()).chain)
    return world.signed({ chain: [leaf] })
  }),
  refuse('chain: the intermediate left out', 'CHAIN_INVALID', async (world) => {
    const middle = await world.leafWith({ kind: 'rsa2048', extensions: ROOT_EXTENSIONS })
    const signer = await world.maker.issue({ issuer: middle })
    const [leaf = Buffer.alloc(0), , root = Buffer.alloc(0)] = pemBlocks(signer.chain)
    return world.signed({ signer, chain: [leaf, root] })
  }),
  refuse('chain: intermediate and root exchanged', 'CHAIN_INVALID', async (world) => {
    const middle = await world.leafWith({ kind: 'rsa2048', extensions: ROOT_EXTENSIONS })
    const signer = await world.maker.issue({ issuer: middle })
    const [leaf = Buffer.alloc(0), issuer = Buffer.alloc(0), root = Buffer.alloc(0)] = pemBlocks(signer.chain)
    return world.signed({ signer, chain: [leaf, root, issuer] })
  }),
  refuse('chain: root first', 'ENVELOPE_MALFORMED', async (world) => {
    const chain = pemBlocks((await world.leaf()).chain).toReversed()
    return world.signed({ chain })
  }),
  refuse('chain: the root twice', 'CHAIN_INVALID', async (world) => {
    const [leaf = Buffer.alloc(0), root = Buffer.alloc(0)] = pemBlocks((await world.leaf()).chain)
    return world.signed({ chain: [leaf, root, root] })
  }),
  refuse('chain: a stranger’s root behind it', 'CHAIN_INVALID', async (world) => {
    const chain = [...pemBlocks((await world.leaf()).chain), ...pemBlocks((await world.stranger()).certificate)]
    return world.signed({ chain })
  }),
  refuse('chain: a leaf of that name by another authority', 'CHAIN_INVALID', async (world) => {
    const impostor = await world.maker.issue({ kind: 'rsa3072', subject: '/C=US/ST=WA/O=acme/CN=root' })
    const signer = await world.maker.issue({ issuer: impostor })
    const [leaf = Buffer.alloc(0)] = pemBlocks(signer.chain)
    return world.signed({ signer, chain: [leaf, ...pemBlocks((await world.root()).certificate)] })
  }),
  refuse('chain: more authorities than the root allows', 'CHAIN_INVALID', async (world) => {
    const strict = await world.maker.issue({
      kind: 'rsa2048',
      subject: '/C=US/ST=WA/O=strict/CN=root',
      extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=critical,keyCertSign'],
    })
    const middle = await world.maker.issue({ kind: 'p384', issuer: strict, extensions: ROOT_EXTENSIONS })
    const signer = await world.maker.issue({ issuer: middle })
    return world.signed({ signer, trust: { stores: { 'ca:acme': [strict] } } })
  }),
  refuse('chain: a leaf for an authority', 'CHAIN_INVALID', async (world) => {
    const signer = await world.maker.issue({ kind: 'p384', issuer: await world.leaf('rsa2048') })
    return world.signed({ kind: 'p384', signer })
  }),
  refuse('chain: an authority without key usage', 'CHAIN_INVALID', (world) =>
    below(world, 'basicConstraints=critical,CA:TRUE'),
  ),
  refuse('chain: an authority that may not sign certificates', 'CHAIN_INVALID', (world) =>
    below(world, 'basicConstraints=critical,CA:TRUE', 'keyUsage=critical,digitalSignature'),
  ),
  refuse('chain: an authority whose key usage is not critical', 'CHAIN_INVALID', (world) =>
    below(world, 'basicConstraints=critical,CA:TRUE', 'keyUsage=keyCertSign'),
  ),
  refuse(
    'chain: an authority whose basic constraints are not critical',
    'CHAIN_INVALID',
    (world) => below(world, 'basicConstraints=CA:TRUE', 'keyUsage=critical,keyCertSign'),
    'Signature specification, root and intermediate CA certificates: "The `basicConstraints` extension MUST be present and MUST be marked as critical." notation does not look at the mark.',
  ),
  refuse('chain: SHA-1 under the leaf', 'CHAIN_INVALID', async (world) => {
    const old = await world.kept('rsa root', () => ({ kind: 'rsa2048', subject: '/C=US/ST=WA/O=old/CN=root' }))
    const signer = await world.maker.issue({ issuer: old, digest: 'sha1' })
    return world.signed({ signer, trust: { stores: { 'ca:acme': [old] } } })
  }),
  refuse('chain: SHA-1 under the root', 'CHAIN_INVALID', async (world) => {
    const old = await world.maker.issue({ kind: 'rsa2048', subject: '/C=US/ST=WA/O=older/CN=root', digest: 'sha1' })
    const signer = await world.maker.issue({ issuer: old })
    return world.signed({ signer, trust: { stores: { 'ca:acme': [old] } } })
  }),
  refuse('leaf: an authority signs', 'CHAIN_INVALID', (world) =>
    leafOf(world, 'basicConstraints=critical,CA:TRUE', 'keyUsage=critical,digitalSignature,keyCertSign'),
  ),
  refuse('leaf: a root signs', 'CHAIN_INVALID', async (world) => {
    const root = await world.kept('lone root', () => ({ kind: 'p256', subject: '/C=US/ST=WA/O=lone/CN=root' }))
    return world.signed({ signer: root, trust: { stores: { 'ca:acme': [root] } } })
  }),
  refuse('leaf: no key usage', 'CHAIN_INVALID', (world) => leafOf(world, CA_FALSE, 'extendedKeyUsage=codeSigning')),
  refuse('leaf: key usage not critical', 'CHAIN_INVALID', (world) =>
    leafOf(world, CA_FALSE, 'keyUsage=digitalSignature', 'extendedKeyUsage=codeSigning'),
  ),
  refuse('leaf: key usage without signatures', 'CHAIN_INVALID', (world) =>
    leafOf(world, CA_FALSE, 'keyUsage=critical,nonRepudiation'),
  ),
  leafUsage('key usage with key encipherment', 'keyEncipherment'),
  leafUsage('key usage with data encipherment', 'dataEncipherment'),
  leafUsage('key usage with key agreement', 'keyAgreement'),
  leafUsage('key usage with CRL signing', 'cRLSign'),
  leafPurpose('for TLS servers', 'serverAuth'),
  leafPurpose('for TLS clients beside code', 'codeSigning,clientAuth'),
  leafPurpose('for e-mail', 'emailProtection'),
  leafPurpose('for timestamps', 'timeStamping'),
  leafPurpose('for OCSP answers', 'OCSPSigning'),
  leafPurpose(
    'for any purpose',
    'anyExtendedKeyUsage',
    'Signature specification, leaf certificates, for signing certificate: "MUST NOT contain `anyExtendedKeyUsage`, `serverAuth`, `clientAuth`, `emailProtection` and `timeStamping`". notation forgets the first.',
  ),
  refuse('leaf: RSA of 1024 bits', 'ALGORITHM_REFUSED', async (world) =>
    world.signed({ signer: await world.leafWith({ kind: 'rsa1024' }), header: { alg: 'PS256' } }),
  ),
  refuse('leaf: P-224', 'ALGORITHM_REFUSED', async (world) =>
    world.signed({ signer: await world.leafWith({ kind: 'p224' }), header: { alg: 'ES256' } }),
  ),
  accept('leaf: its RSA key, certified anew', (world) => signedBy(world, 'rsa2048', asItIs)),
  accept('leaf: its point, certified anew', (world) => signedBy(world, 'p256', asItIs)),
  respelledKey(
    'an RSA key with bytes behind it',
    'rsa2048',
    bytesBehind,
    'RFC 3279 §2.3.1: "The DER encoded RSAPublicKey is the value of the BIT STRING subjectPublicKey." notation passes over what follows it; here one key would count as two signers.',
  ),
  respelledKey('an RSA key with a padded modulus', 'rsa2048', paddedModulus),
  respelledKey('an RSA key whose length is written long', 'rsa2048', longLength),
  respelledKey('a compressed point', 'p256', compressed),
  respelledKey('a hybrid point', 'p256', hybrid),
]
