/** The shapes of what `--json` prints of quarantine and of tags: held, approved, released, put back, moved. */
import * as z from 'zod'
import { CODES, type Code } from '../src/index.ts'
import { count, digest, time } from './schema-words.ts'
import { VERDICT } from './verdict-schemas.ts'

const code = z.enum(Object.keys(CODES) as [Code])
const outcome = z.enum(['moved', 'kept', 'elsewhere', 'refused'])
const place = {
  target: z.string().describe('`host[:port]` or `oci:DIR`.'),
  path: z.string().describe("The repository's path there."),
} as const

export const QUARANTINE_LIST = z.strictObject({
  held: z.array(
    z.strictObject({
      ...place,
      digest,
      measure: z.enum(['report', 'retag', 'remove']),
      outcome: z.enum(['done', 'impossible', 'failed']),
      detail: z.string(),
      tags: z.array(z.string()).describe('That pointed at it before.'),
      at: z.string().nullable().describe('Where its copy is kept, `path@digest`.'),
      since: time,
      reachable: z.boolean().describe('Whoever knows its digest can still pull it from its place.'),
    }),
  ),
})

export const QUARANTINE_APPROVE = z.strictObject({
  ...place,
  digest,
  reason: z.string(),
  keyid: z.string().regex(/^[0-9a-f]{64}$/),
  output: z.string(),
  dryRun: z.boolean(),
})

export const QUARANTINE_RELEASE = z.strictObject({
  ...place,
  digest,
  reason: z.string(),
  by: z.array(z.string()).describe('Names as they were given, and the keys that approved.'),
  copied: z.boolean().describe('It came back from the quarantine.'),
  tags: z.array(
    z.strictObject({
      tag: z.string(),
      old: digest.nullable(),
      new: digest.nullable(),
      outcome: outcome.describe('`elsewhere`: it names something else since, and stays.'),
      code: code.optional(),
    }),
  ),
  verdict: z.strictObject(VERDICT).describe('Anything but trusted: it stays where it is.'),
  dryRun: z.boolean(),
})

export const RESTORE = z.strictObject({
  ...place,
  tag: z.string(),
  old: digest.nullable(),
  new: digest,
  reason: z.string(),
  outcome,
  others: z.array(z.string()).describe('Further tags of the repository that name what this one named.'),
  tagsListed: z.boolean().describe('False: the target does not list its tags, and some may name it unseen.'),
  verdict: z.strictObject(VERDICT),
  dryRun: z.boolean(),
})

export const TAG_MOVE = z.strictObject({
  n: count.describe('The row of the move.'),
  time,
  ...place,
  tag: z.string(),
  old: z.string().nullable(),
  new: z.string().nullable().describe('Null: it was taken away.'),
  cause: z.strictObject({
    by: z.enum(['import', 'measure', 'release', 'restore', 'unknown']),
    channel: z.string().optional(),
    sequence: count.optional(),
    bundle: z.string().optional(),
    reason: z.string().optional(),
  }),
  verdict: z.string().nullable().describe('What the site thought then of what the tag names since.'),
  signers: z.array(
    z.strictObject({
      certificate: z.string().describe('SHA-256, hex.'),
      subject: z.string().nullable(),
      statement: z.string(),
    }),
  ),
})
