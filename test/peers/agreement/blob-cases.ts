/** Plain files: other content, other types and names, times, trust, and what a `trustpolicy.blob.json` may say. */
import { renameSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import type { Code } from '../../../src/errors/index.ts'
import {
  acceptFile,
  type BlobCase,
  type FileStatement,
  filePolicy,
  type FileTerms,
  refuseFile,
  signedFile,
} from './blob-case.ts'
import { BLOB_GOOD_CASES } from './blob-good-cases.ts'
import { FORMATS } from './case.ts'
import type { World } from './world.ts'

const OTHER = 'x509.subject: C=US, ST=WA, O=other'
const TYPED = 'text/plain; charset=utf-8'
const TWO: readonly FileStatement[] = [
  { name: 'all', global: true },
  { name: 'other', stores: ['ca:other'] },
]

function flip(content: Buffer, at: number): Buffer {
  const flipped = Buffer.from(content)
  flipped[at] = (flipped[at] ?? 0) ^ 1
  return flipped
}

/** In whole seconds, as envelopes have them. */
function ago(seconds: number): Date {
  return new Date((Math.floor(Date.now() / 1000) - seconds) * 1000)
}

const LEAF_WITH_LIST = [
  'basicConstraints=CA:FALSE',
  'keyUsage=critical,digitalSignature',
  'extendedKeyUsage=codeSigning',
  'crlDistributionPoints=URI:http://crl.invalid/acme.crl',
]

/** Signed by each side: `terms` may go by the format. */
function bothSides(make: (name: string, terms: FileTerms) => BlobCase): readonly BlobCase[] {
  return FORMATS.flatMap((format) =>
    (['us', 'notation'] as const).map((by) => make(`${format} signed by ${by}`, { format, by })),
  )
}

const CONTENT_CASES: readonly BlobCase[] = [
  ...bothSides((name, terms) =>
    refuseFile(`${name}: another file`, 'TARGET_MISMATCH', (world) =>
      signedFile(world, { ...terms, content: () => Buffer.from('another') }),
    ),
  ),
  ...bothSides((name, terms) =>
    refuseFile(`${name}: one bit`, 'TARGET_MISMATCH', (world) =>
      signedFile(world, { ...terms, content: (content) => flip(content, 1234) }),
    ),
  ),
  refuseFile('a byte more', 'TARGET_MISMATCH', (world) =>
    signedFile(world, { content: (content) => Buffer.concat([content, Buffer.of(0)]) }),
  ),
  refuseFile('cut short', 'TARGET_MISMATCH', (world) =>
    signedFile(world, { content: (content) => content.subarray(0, -1) }),
  ),
  refuseFile('emptied', 'TARGET_MISMATCH', (world) => signedFile(world, { content: () => Buffer.alloc(0) })),
  refuseFile('another size in the payload', 'TARGET_MISMATCH', (world) =>
    signedFile(world, { by: 'hand', target: (right) => ({ ...right, size: right.size + 1 }) }),
  ),
  ...(['p384', 'p521', 'rsa3072', 'rsa4096'] as const).map((kind) =>
    refuseFile(`a digest by SHA-256, and the key is ${kind}`, 'TARGET_MISMATCH', (world) =>
      signedFile(world, {
        by: 'hand',
        kind,
        target: (right) => ({ ...right, digest: `sha256:${'0'.repeat(64)}` }),
      }),
    ),
  ),
  refuseFile('no digest in the payload', 'ENVELOPE_MALFORMED', (world) =>
    signedFile(world, { by: 'hand', target: ({ mediaType, size }) => ({ mediaType, size }) }),
  ),
  acceptFile('made by hand, and right', (world) => signedFile(world, { by: 'hand', kind: 'p384', format: 'cose' })),
  ...FORMATS.map((format) =>
    refuseFile(`${format}: a signature of other bytes`, 'ENVELOPE_SIGNATURE', (world) =>
      signedFile(world, { by: 'hand', format, change: (parts) => (parts.signature = flip(parts.signature, 3)) }),
    ),
  ),
]

const TYPE_CASES: readonly BlobCase[] = [
  ...bothSides((name, terms) =>
    acceptFile(`${name}: the media type that was asked for`, (world) =>
      signedFile(world, { ...terms, mediaType: 'application/gzip', contentType: 'application/gzip' }),
    ),
  ),
  ...bothSides((name, terms) =>
    refuseFile(`${name}: another media type than was asked for`, 'TARGET_MISMATCH', (world) =>
      signedFile(world, { ...terms, mediaType: 'application/gzip', contentType: 'application/zip' }),
    ),
  ),
  ...bothSides((name, terms) =>
    acceptFile(`${name}: a media type with parameters`, (world) =>
      signedFile(world, { ...terms, mediaType: TYPED, contentType: TYPED }),
    ),
  ),
  refuseFile('the same media type without its parameters', 'TARGET_MISMATCH', (world) =>
    signedFile(world, { mediaType: TYPED, contentType: 'text/plain' }),
  ),
  refuseFile('parameters written in another way', 'TARGET_MISMATCH', (world) =>
    signedFile(world, { mediaType: TYPED, contentType: 'text/plain;charset=utf-8' }),
  ),
  refuseFile('a parameter twice is asked for', 'USAGE', (world) =>
    signedFile(world, { mediaType: TYPED, contentType: 'text/plain; charset=utf-8; charset=x' }),
  ),
  refuseFile(
    'signed as a type without a subtype',
    'ENVELOPE_MALFORMED',
    (world) => signedFile(world, { by: 'notation', mediaType: 'text' }),
    'Payload: "`mediaType` can be any arbitrary media type that the user chooses to describe the blob." RFC 6838 §4.2: one has a subtype. Go’s reader takes "text".',
  ),
]

const NAME_OF_FILE_CASES: readonly BlobCase[] = [
  refuseFile('a JWS envelope named .cose.sig', 'ENVELOPE_MALFORMED', (world) =>
    signedFile(world, { format: 'jws', ending: '.cose.sig' }),
  ),
  refuseFile('a COSE envelope named .jws.sig', 'ENVELOPE_MALFORMED', (world) =>
    signedFile(world, { format: 'cose', ending: '.jws.sig' }),
  ),
  acceptFile('another name before the ending', (world) => signedFile(world, { ending: '-of-june.jws.sig' })),
  refuseFile('a signature named .sig', 'USAGE', (world) => signedFile(world, { ending: '.sig' })),
  refuseFile('a signature named .JWS.sig', 'USAGE', (world) => signedFile(world, { ending: '.JWS.sig' })),
  ...FORMATS.map((format) =>
    acceptFile(
      `a signature named .sig.${format}`,
      (world) => signedFile(world, { format, ending: `.sig.${format}` }),
      'Blob signing workflow: "File extension should be the original blob file name plus `.sig.jws` for JWS signatures and `.sig.cose` for COSE signatures." notation writes and reads .jws.sig and .cose.sig, and so do we.',
    ),
  ),
  refuseFile(
    'a signature named .jws.bak',
    'USAGE',
    (world) => signedFile(world, { ending: '.jws.bak' }),
    'Detached signatures: "The file extension of the signature file, which can be either `jws` or `cose`, describes the signature envelope format." notation looks at the part before the last alone.',
  ),
]

const TIME_OF_FILE_CASES: readonly BlobCase[] = [
  ...bothSides((name, terms) =>
    acceptFile(`${name}: not yet expired`, (world) => signedFile(world, { ...terms, validDays: 1 })),
  ),
  ...FORMATS.map((format) =>
    refuseFile(`${format}: expired`, 'SIGNATURE_EXPIRED', (world) =>
      signedFile(world, {
        by: 'hand',
        format,
        header: { signingTime: ago(3000), expiry: ago(60) },
      }),
    ),
  ),
  acceptFile('expired, by a statement that only logs it', (world) =>
    signedFile(world, {
      by: 'hand',
      header: { signingTime: ago(3000), expiry: ago(60) },
      trust: { statements: [{ global: true, level: 'permissive' }] },
    }),
  ),
  refuseFile('by a leaf that has expired', 'CERTIFICATE_EXPIRED', async (world) =>
    signedFile(world, {
      by: 'hand',
      signer: await world.leafWith({ from: ago(7200), until: ago(60) }),
      header: { signingTime: ago(3600) },
    }),
  ),
  ...bothSides((name, terms) =>
    refuseFile(`${name}: revocation enforced, and the list is not at hand`, 'REVOCATION_UNKNOWN', async (world) =>
      signedFile(world, {
        ...terms,
        signer: await world.leafWith({ extensions: LEAF_WITH_LIST }),
        trust: { statements: [{ global: true, override: {} }] },
      }),
    ),
  ),
  ...(['permissive', 'audit'] as const).map((level) =>
    acceptFile(`revocation logged at level ${level}, and the list is not at hand`, async (world) =>
      signedFile(world, {
        signer: await world.leafWith({ extensions: LEAF_WITH_LIST }),
        trust: { statements: [{ global: true, level, override: {} }] },
      }),
    ),
  ),
]

const WHO_CASES: readonly BlobCase[] = [
  ...bothSides((name, terms) =>
    refuseFile(`${name}: by a stranger`, 'SIGNER_UNTRUSTED', async (world) =>
      signedFile(world, { ...terms, signer: await world.maker.issue({ issuer: await world.stranger() }) }),
    ),
  ),
  ...bothSides((name, terms) =>
    refuseFile(`${name}: by somebody whom the statement does not name`, 'IDENTITY_UNTRUSTED', (world) =>
      signedFile(world, { ...terms, trust: { statements: [{ global: true, identities: [OTHER] }] } }),
    ),
  ),
  ...bothSides((name, terms) =>
    acceptFile(`${name}: by somebody whom the statement names`, (world) =>
      signedFile(world, {
        ...terms,
        trust: { statements: [{ global: true, identities: ['x509.subject: C=US, ST=WA, O=acme'] }] },
      }),
    ),
  ),
  refuseFile('a store that is empty', 'SIGNER_UNTRUSTED', (world) => signedFile(world, { trust: { stores: {} } })),
  refuseFile('by a stranger, audited, and one bit of the file', 'TARGET_MISMATCH', async (world) =>
    signedFile(world, {
      signer: await world.maker.issue({ issuer: await world.stranger() }),
      content: (content) => flip(content, 0),
      trust: { statements: [{ global: true, level: 'audit' }] },
    }),
  ),
  acceptFile('by a stranger, audited', async (world) =>
    signedFile(world, {
      signer: await world.maker.issue({ issuer: await world.stranger() }),
      trust: { statements: [{ global: true, level: 'audit' }] },
    }),
  ),
  acceptFile('skipped by name, and one bit of the file', (world) =>
    signedFile(world, {
      statement: 'unlooked',
      content: (content) => flip(content, 0),
      trust: {
        statements: [
          { name: 'unlooked', level: 'skip' },
          { name: 'all', global: true },
        ],
      },
    }),
  ),
]

const STATEMENT_CASES: readonly BlobCase[] = [
  acceptFile('by the statement that is named', (world) =>
    signedFile(world, { statement: 'all', trust: { statements: TWO } }),
  ),
  ...bothSides((name, terms) =>
    refuseFile(`${name}: by the wrong statement`, 'SIGNER_UNTRUSTED', async (world) =>
      signedFile(world, {
        ...terms,
        statement: 'other',
        trust: {
          statements: TWO,
          stores: { 'ca:acme': [await world.root()], 'ca:other': [await world.stranger()] },
        },
      }),
    ),
  ),
  refuseFile('by a statement that is not there', 'POLICY_MISSING', (world) =>
    signedFile(world, { statement: 'none', trust: { statements: TWO } }),
  ),
  refuseFile('by a statement whose name differs by its case', 'POLICY_MISSING', (world) =>
    signedFile(world, { statement: 'ALL', trust: { statements: TWO } }),
  ),
  refuseFile('no statement named, and none is global', 'POLICY_MISSING', (world) =>
    signedFile(world, { trust: { statements: [{ name: 'all' }] } }),
  ),
  refuseFile('no statement named, and one is said not to be global', 'POLICY_MISSING', (world) =>
    signedFile(world, { trust: { statements: [{ name: 'all', global: false }] } }),
  ),
  refuseFile('no policy for files, but one for artifacts', 'POLICY_MISSING', (world) =>
    signedFile(world, { trust: { policy: null } }),
  ),
  refuseFile('a link to a policy', 'POLICY_MALFORMED', async (world: World) => {
    const situation = await signedFile(world)
    const path = join(situation.configDir, 'trustpolicy.blob.json')
    renameSync(path, join(situation.configDir, 'elsewhere.json'))
    symlinkSync('elsewhere.json', path)
    return situation
  }),
]

function policyCase(name: string, policy: string, code: Code = 'POLICY_MALFORMED', differs?: string): BlobCase {
  return refuseFile(`policy: ${name}`, code, (world) => signedFile(world, { trust: { policy } }), differs)
}

const POLICY_CASES: readonly BlobCase[] = [
  policyCase('two global statements', filePolicy([{ global: true }, { global: true }])),
  policyCase('two statements of one name', filePolicy([{ name: 'n', global: true }, { name: 'n' }])),
  policyCase('no statement', filePolicy([])),
  policyCase('another version', filePolicy([{ global: true }]).replace('"1.0"', '"1.1"')),
  policyCase('an unknown level', filePolicy([{ global: true }]).replace('"strict"', '"lenient"')),
  policyCase('integrity overridden', filePolicy([{ global: true, override: { integrity: 'log' } }])),
  policyCase('no store', filePolicy([{ global: true, stores: [] }])),
  policyCase('no identity', filePolicy([{ global: true, identities: [] }])),
  policyCase('a name that is empty', filePolicy([{ name: '', global: true }])),
  policyCase(
    'global as a word',
    filePolicy([{ global: true }]).replace('"globalPolicy":true', '"globalPolicy":"true"'),
  ),
  policyCase('not JSON', 'policy'),
  policyCase(
    'a global statement that skips',
    filePolicy([{ global: true, level: 'skip' }]),
    'POLICY_MALFORMED',
    'Trust policy, signature verification details: "Note that `skip` cannot be used with a global scope (`oci:*` or `blob:*`)." notation does not look.',
  ),
  policyCase(
    'scopes of artifacts',
    filePolicy([{ global: true }]).replace('"name"', '"registryScopes":["*"],"name"'),
    'POLICY_MALFORMED',
    'RFC 8259 §4 leaves it open what a reader does with further members; the schema of a statement for files has no "registryScopes". A statement that two readers take for two things is none: we refuse, Go passes over it.',
  ),
  policyCase(
    'global twice, the second true',
    filePolicy([{ global: true }]).replace('"globalPolicy":true', '"globalPolicy":false,"globalPolicy":true'),
    'POLICY_MALFORMED',
    'RFC 8259 §4: "The names within an object SHOULD be unique." Go takes the last.',
  ),
]

export const BLOB_GROUPS: Readonly<Record<string, readonly BlobCase[]>> = {
  'right signatures of files': BLOB_GOOD_CASES,
  content: CONTENT_CASES,
  'media types': TYPE_CASES,
  'names of signature files': NAME_OF_FILE_CASES,
  time: TIME_OF_FILE_CASES,
  'who signed': WHO_CASES,
  statements: STATEMENT_CASES,
  policies: POLICY_CASES,
}

export const BLOB_CASES = Object.values(BLOB_GROUPS).flat()
