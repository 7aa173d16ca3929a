/** The shapes of what is said of revocation. */
import * as z from 'zod'
import { CODES, type Code } from '../src/index.ts'
import { count, digest, time } from './schema-words.ts'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const serial = z.string().regex(/^[0-9a-f]{1,40}$/)
const decimal = z.string().regex(/^[0-9]+$/)

export const PIECE = z
  .strictObject({
    repository: z.string(),
    tag: z.string(),
    digest,
    kind: z.enum(['list', 'delta', 'answer', 'denials']),
    url: z.string().nullable(),
    issuer: sha256.nullable().describe("SHA-256 of the issuer's SubjectPublicKeyInfo."),
    number: decimal.nullable(),
    deltaBase: decimal.nullable(),
    serial: serial.nullable(),
    thisUpdate: time.nullable(),
    nextUpdate: time.nullable(),
  })
  .describe('A revocation list, an OCSP answer or denials; null where the kind has no such thing.')

export const COLLECTED = z.strictObject({
  from: z.enum(['network', 'folder', 'none', 'kept']).describe('`kept`: from a stopped run or an approved head.'),
  certificates: z.array(
    z.strictObject({
      fingerprint: z.string().regex(/^sha256:[0-9a-f]{64}$/),
      subject: z.string(),
      serial,
      issuer: sha256.describe("SHA-256 of the issuer's SubjectPublicKeyInfo."),
      purposes: z.array(z.enum(['signing', 'timestamping'])),
      revocable: z.enum(['list', 'answer', 'both', 'none']),
      numbers: z.array(decimal).describe('Of the lists that are carried for it.'),
      nextUpdate: time.nullable(),
      staleBeforeNext: z.boolean().describe('Before the next planned bundle.'),
      revoked: time.nullable(),
    }),
  ),
  pieces: z.array(PIECE),
  lacking: z.array(
    z.strictObject({
      kind: z.enum(['list', 'delta', 'answer']),
      url: z.string(),
      issuer: sha256,
      code: z.enum(Object.keys(CODES) as Code[]),
      why: z.string(),
      accepted: z.enum(['by name', 'by its lists', 'by policy']),
    }),
  ),
  warnings: z.array(z.string()),
})

export const DENIAL = z.strictObject({
  artifact: digest,
  signer: sha256.optional().describe("SHA-256 of the signer's SubjectPublicKeyInfo; his signatures alone are denied."),
  reason: z.string(),
  since: time,
})

export const CARRIED = z.strictObject({ pieces: z.array(PIECE), denials: z.array(DENIAL) })

export const DENY = z.strictObject({
  channel: z.string(),
  denial: DENIAL,
  added: z.boolean().describe('False when it was denied before.'),
  denials: count,
  dryRun: z.boolean(),
})

const tags = z.array(z.string())
export const CHANGES = {
  changes: z.strictObject({ added: tags, renewed: tags, gone: tags }).describe('Tags, against the last bundle.'),
  heartbeat: z.boolean().describe('Nothing has changed.'),
  denials: count,
}

/** Beside it, for those who approve. */
export const TAGS_SINCE = z
  .strictObject({
    changed: z
      .array(
        z.strictObject({
          repository: z.string(),
          tag: z.string(),
          old: digest.nullable().describe('Null: the earlier one had no such tag.'),
          new: digest.nullable().describe('Null: it is not aboard any more.'),
        }),
      )
      .describe('The first thousand.'),
    count,
  })
  .describe('Tags that name something else than in the earlier bundle.')

export const REVOKED_SINCE = z.strictObject({
  since: z
    .strictObject({ bundle: z.string(), id: digest, sequence: count, approved: count, threshold: count })
    .nullable()
    .describe('What it was compared with; null: with nothing, so that all that is revoked is told.'),
  certificates: z.array(
    z.strictObject({
      issuer: sha256,
      issuerName: z.string(),
      serial,
      subject: z.string().nullable().describe('Where its certificate is aboard.'),
      reason: z.string(),
      revoked: time,
      url: z.string(),
    }),
  ),
  count: count.describe('How many there are in all.'),
  dropped: z
    .array(z.strictObject({ issuerName: z.string(), serial, url: z.string() }))
    .describe('That the earlier list of an address named, and this one does not; or what is absent, and nothing else.'),
  droppedCount: count.describe('How many there are in all.'),
  absent: z
    .array(
      z.strictObject({
        kind: z.enum(['list', 'delta', 'answer']),
        issuerName: z.string(),
        serial: serial.nullable().describe('Of the certificate that an answer is about.'),
        url: z.string(),
      }),
    )
    .describe('That were aboard the earlier one, and nothing of their issuer and address or serial number is now.'),
  absentCount: count.describe('How many there are in all.'),
  denials: z.array(DENIAL).describe('That the earlier one had not.'),
  droppedDenials: z.array(DENIAL).describe('That the earlier one had, and this one has not.'),
})
