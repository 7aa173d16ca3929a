/** The shapes of what was judged again, and of what hangs on what. */
import * as z from 'zod'
import { CODES, type Code } from '../src/index.ts'
import { DENIAL } from './revocation-schemas.ts'
import { count, digest, time } from './schema-words.ts'
import { HEALTH } from './site-schemas.ts'

const verdict = z.enum(['trusted', 'rejected', 'inconclusive'])

const measure = z.strictObject({
  measure: z.enum(['report', 'retag', 'remove']),
  outcome: z.enum(['done', 'impossible', 'failed']),
  detail: z.string(),
  reachable: z.boolean().describe('Whoever knows the digest can still pull it.'),
  tombstone: z
    .strictObject({ digest, signature: digest.nullable().describe('Null: it is unsigned.') })
    .optional()
    .describe('What its tags name now, where they were moved.'),
})

export const REJUDGED = z
  .strictObject({
    target: z.string(),
    known: count.describe('Artifacts that the site knows at this target; nobody was asked about the others.'),
    artifacts: z.array(
      z.strictObject({
        path: z.string(),
        digest,
        tags: z.array(z.string()),
        because: z.array(z.string()).describe('What changed; `verdict`: it was judged before, and nothing done yet.'),
        before: verdict,
        verdict: z
          .enum(['trusted', 'rejected', 'inconclusive', 'absent', 'unasked'])
          .describe('`absent`: it is not there any more. `unasked`: the next run asks the target for it.'),
        code: z.enum(Object.keys(CODES) as Code[]).optional(),
        why: z.string(),
        measure: measure.nullable().describe('Null where nothing had to be done.'),
      }),
    ),
    signatures: count.describe('That were opened for it.'),
    elsewhere: count.describe(
      'Artifacts at other targets that are touched: a run for each of these has to judge them.',
    ),
    complete: z.boolean().describe('False: something is left to the next run.'),
  })
  .describe('What lies at the target and was judged again.')

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const serial = z.string().regex(/^[0-9a-f]{1,40}$/)

const touched = z
  .array(z.strictObject({ target: z.string(), path: z.string(), digest, because: z.array(z.string()) }))
  .describe('What the change touches, as the state knows it.')

export const JUDGE_AGAIN = z.strictObject({
  site: z.string(),
  target: z.string(),
  touched,
  rejudged: REJUDGED.nullable().describe('Null in a dry run, and when there was nothing to look at.'),
  dryRun: z.boolean(),
})

export const SITE_DENY = z.strictObject({
  site: z.string(),
  denial: DENIAL,
  added: z.boolean().describe('False when it was denied before, as the denial here says.'),
  denials: count,
  unknown: z
    .enum(['artifact', 'signer'])
    .nullable()
    .describe('Nothing judged here has the digest, or no signature of the key was met on it.'),
  touched,
  rejudged: REJUDGED.nullable().describe('Null where no place was named, in a dry run, and when nothing changed.'),
  dryRun: z.boolean(),
})

const heldDenial = z.strictObject({
  artifact: digest,
  signer: sha256.nullable(),
  reason: z.string(),
  since: time,
  channel: z.string().nullable().describe('Null: it was denied here.'),
})

export const AFFECTED = z.strictObject({
  kind: z.enum(['certificate', 'issuer', 'artifact']),
  what: z.string(),
  certificates: z.array(
    z.strictObject({
      sha256,
      spki: sha256,
      issuer: sha256,
      serial,
      notAfter: time,
      subject: z.string(),
      crlUrls: z.array(z.string()),
      ocspUrls: z.array(z.string()),
      lists: HEALTH.shape.lists,
      revoked: time.nullable().describe('Since when, by what is in force here, whatever its age.'),
      missing: z.array(z.string()).describe('Addresses that it names and of which nothing is held.'),
    }),
  ),
  artifacts: z.array(
    z.strictObject({
      target: z.string(),
      path: z.string(),
      digest,
      tags: z.array(z.string()),
      verdict,
      lies: z
        .enum(['here', 'refused', 'quarantine', 'gone'])
        .describe('By what this site did, nobody asked. `refused`: at the door, and never let in.'),
    }),
  ),
  denials: z.array(heldDenial),
})

export const REVOCATION_STATUS = z.strictObject({
  site: z.string(),
  time,
  lists: z.array(
    HEALTH.shape.lists.element.extend({
      issuerName: z.string().nullable(),
      artifacts: count.describe('Whose chains hold a certificate that it speaks of.'),
      state: z.enum(['fresh', 'soon', 'stale']),
    }),
  ),
  missing: z.array(
    z.strictObject({
      issuer: sha256,
      issuerName: z.string().nullable(),
      url: z.string(),
      certificates: count,
      artifacts: count,
    }),
  ),
  denials: z.array(heldDenial),
  pending: z
    .strictObject({ lists: count, denials: count })
    .describe('That came, and by which nobody has judged again yet.'),
  unplaced: z
    .array(z.strictObject({ repository: z.string(), digest }))
    .describe('Let in before places were written down: nothing judges them again until they are imported once more.'),
  overdue: HEALTH.shape.channels,
  alarms: HEALTH.shape.alarms,
})
