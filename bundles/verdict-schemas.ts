/** The shapes of verdicts and signatures in what `--json` prints. */
import * as z from 'zod'
import { CODES, type Code } from '../src/index.ts'
import { count, digest, time } from './schema-words.ts'
import { AS_OF } from './site-schemas.ts'
import { INFORMATION } from './trust-schemas.ts'

const verdict = z.enum(['trusted', 'rejected', 'inconclusive']).describe('Only `trusted` counts as trusted.')
const code = z.enum(Object.keys(CODES) as [Code])
const targetDigest = z
  .string()
  .regex(/^(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})$/)
  .describe('Of a plain file, by the hash of the signing key.')
const algorithm = z.enum(['PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'])
const thumbprints = z.array(z.string().regex(/^[0-9a-f]{64}$/)).describe('SHA-256 of each certificate, leaf first.')

const check = z.strictObject({
  action: z.enum(['enforce', 'log', 'skip']),
  outcome: z.enum(['passed', 'failed', 'undecided', 'skipped', 'unreached']),
  ok: z.boolean(),
  code: code.optional(),
  detail: z.string().optional(),
  notes: z.array(z.string()).optional().describe('What is to be known about a check that passed.'),
})

const signature = z.strictObject({
  manifest: digest.describe('Of the signature manifest; of a detached signature itself.'),
  signer: z.string().optional(),
  thumbprints,
  signerKey: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional()
    .describe("SHA-256 of the signer's public key: what `revocation deny --signer` takes."),
  algorithm: algorithm.optional(),
  format: z.enum(['jws', 'cose']).optional(),
  signingTime: time.optional(),
  timestamp: time.optional(),
  timestampChain: thumbprints.optional().describe('Of the timestamp authority.'),
  expiry: time.optional(),
  deprecated: time.optional(),
  statement: z.string().optional(),
  checks: z.strictObject({
    integrity: check,
    authenticity: check,
    authenticTimestamp: check,
    expiry: check,
    revocation: check,
  }),
  verdict,
  code: code.optional(),
  why: z.string().optional(),
  under: z.array(
    z.strictObject({
      statement: z.string(),
      level: z.enum(['strict', 'permissive', 'audit', 'skip', 'trace']),
      verdict,
      code: code.optional(),
      why: z.string(),
    }),
  ),
})

/** The members of one artifact's verdict. */
export const VERDICT = {
  digest,
  scope: z.string().describe('What policies call the repository; for a plain file the statement asked for.'),
  verdict,
  code: code.optional(),
  why: z.string(),
  remedy: z.string().optional(),
  skipped: z.literal(true).optional(),
  statements: z.array(z.string()),
  missing: z.array(z.string()),
  signatures: z.array(signature),
  unjudged: count,
  policy: digest.describe('Of the trust material that judged.'),
} as const

/** What `verify` and `import` say of the artifacts. */
export const JUDGED = {
  asOf: AS_OF,
  verdict,
  artifacts: z
    .array(z.strictObject({ ...VERDICT, repository: z.string(), tags: z.array(z.string()) }))
    .nullable()
    .describe('Null when no policy was given: then only the channel was judged.'),
  information: z.array(INFORMATION).describe('What rides along to inform on trust; no policy judges it.'),
  revocation: z
    .strictObject({
      lists: z.array(
        z.strictObject({
          form: z.enum(['base', 'delta', 'answer']),
          url: z.string(),
          issuer: z.string().describe("SHA-256 of the issuer's SubjectPublicKeyInfo."),
          number: z.string().nullable().describe('In decimal; null for an OCSP answer.'),
          serial: z.string().nullable().describe('Of the certificate; null for a list.'),
          thisUpdate: time,
          nextUpdate: time,
          issuerName: z.string().describe('The subject of its certificate.'),
          outcome: z.enum(['taken', 'held', 'older', 'refused']),
          stale: z.boolean().describe('Past its next update when it came.'),
          code: code.optional(),
        }),
      ),
      denials: z.strictObject({ carried: count, added: count }),
    })
    .nullable()
    .describe('What became of the lists, answers and denials that are carried; null when there are none.'),
} as const

export const CHECK = z.union([
  z.strictObject({ ...VERDICT, repository: z.string(), tag: z.string().nullable(), asOf: AS_OF }),
  z
    .strictObject({
      ...VERDICT,
      digest: targetDigest,
      file: z.string(),
      size: count,
      signature: z.string().describe('The signature file.'),
      mediaType: z.string().nullable().describe('As it was demanded.'),
      asOf: AS_OF,
    })
    .describe('With --blob.'),
])

const signed = {
  format: z.enum(['jws', 'cose']),
  signer: z.string().nullable().describe('Null in a dry run with a device that makes whole envelopes.'),
  signerKey: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable()
    .describe("SHA-256 of the signer's public key; null as the signer."),
  thumbprints,
  signingTime: time,
  expiry: time.nullable(),
  timestamped: z.boolean(),
  dryRun: z.boolean(),
} as const

const signedArtifact = z.strictObject({
  repository: z.string(),
  tag: z.string().nullable(),
  artifact: digest,
  signature: digest.nullable().describe('Null in a dry run.'),
  algorithm: z.string().nullable(),
  referrers: z.enum(['api', 'fallback']).nullable(),
  ...signed,
})

const signedBlob = z
  .strictObject({
    file: z.string(),
    mediaType: z.string(),
    digest: targetDigest,
    size: count,
    output: z.string().describe('The signature file.'),
    signature: digest.nullable().describe('Of the signature file; null in a dry run.'),
    algorithm: z.string(),
    ...signed,
  })
  .describe('With --blob.')

export const SIGN = z.union([signedArtifact, signedBlob])
