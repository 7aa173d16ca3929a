/** The shapes of how a site stands: what `status` and `watch` print, and the document that they leave for others. */
import * as z from 'zod'
import { CODES, type Code, type StatusDocument } from '../src/index.ts'
import { count, digest, time } from './schema-words.ts'

const code = z.enum(Object.keys(CODES) as [Code])
const name = z.string()
const seconds = z.int()
const sequence = z.int().min(1)

const channel = z.strictObject({
  channel: z.string(),
  purpose: z.enum(['content', 'trust', 'revocation']),
  rootExpires: time.describe('Of its newest root; from then on nothing of it is taken.'),
  sequence: sequence.nullable().describe('Of the last bundle that was accepted.'),
  id: digest.nullable(),
  accepted: time.nullable().describe('When, by the clock of then.'),
  ageSeconds: seconds.nullable(),
  everySeconds: count.nullable().describe('How often a bundle is expected; null when none is.'),
  due: time.nullable(),
  overdue: z.boolean(),
})

const list = z.strictObject({
  issuer: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .describe("SHA-256 of the issuer's SubjectPublicKeyInfo."),
  url: z.string(),
  form: z.enum(['base', 'delta', 'answer']),
  serial: z.string().nullable().describe('Of the certificate, hex; null for a list.'),
  number: z.string().nullable().describe('In decimal; null for an OCSP answer.'),
  thisUpdate: time,
  nextUpdate: time,
  neededUntil: time.nullable().describe('When the last known certificate that hangs on it expires; null for none.'),
  bytes: z
    .enum(['held', 'lost'])
    .describe('`lost`: a file of it in the state is missing or damaged; it counts as not held.'),
  ageSeconds: seconds,
  daysToBlind: z.number().describe('Until its next update; negative once it is stale.'),
  blind: z.boolean().describe('Stale or lost, and a certificate that is not expired hangs on it.'),
})

const health = {
  format: z.literal('sallyport-status/1'),
  time: time.describe('All ages are those of this time.'),
  site: z.string(),
  floor: time.nullable().describe('The newest signed time seen.'),
  rows: count.describe('Of the journal.'),
  channels: z.array(channel),
  lists: z.array(list),
  artifacts: z
    .strictObject({ trusted: count, rejected: count, inconclusive: count })
    .describe('By the newest verdict of each in its place.'),
  quarantined: count.describe('Artifacts that a measure was taken against and that were not released.'),
  alarms: z
    .array(z.strictObject({ code, subject: z.string(), detail: z.string() }))
    .describe('What somebody has to look at.'),
}

export const HEALTH = z.strictObject(health)

const bundle = z.strictObject({
  name: name.describe('In the inbox.'),
  at: name.describe('Where it lies now, below the inbox.'),
  outcome: z.enum(['imported', 'duplicate', 'rejected', 'waiting']).describe('What waits is tried again.'),
  exit: count.describe('As an import of it alone would have ended.'),
  code: z.union([code, z.literal('INTERNAL')]).optional(),
  why: z.string().optional(),
  waitsFor: name.optional().describe('The older bundle of its channel that comes first.'),
  channel: z.string().optional().describe('As its head says; of what was rejected that is a claim.'),
  sequence: sequence.optional(),
  time,
})

const run = {
  time: time.describe('Of the last look.'),
  imported: count.describe('Since the watch began, as the two that follow.'),
  duplicate: count,
  rejected: count,
  waiting: count.describe('In the inbox now.'),
  strange: count.describe('What lies in the inbox and is no bundle.'),
  last: bundle.nullable(),
}

export const WATCH = z.strictObject({
  ...run,
  inbox: z.string(),
  target: z.string(),
  bundles: z.array(bundle).describe('What was handled, then what waits: of each the first thousand.'),
  others: z
    .array(
      z.strictObject({
        name,
        what: z.enum([
          'directory',
          'symbolic link',
          'pipe',
          'socket',
          'device',
          'no bundle by its name',
          'copy that runs',
          'name not readable',
        ]),
      }),
    )
    .describe('What is left alone; the first hundred.'),
  status: HEALTH.nullable().describe('Null when the state could not be read.'),
  stopped: z.boolean(),
  dryRun: z.boolean(),
  exit: count,
})

/** The file of `--status`. */
export const STATUS_DOCUMENT = z.strictObject({
  ...health,
  watch: z.strictObject(run).nullable().describe('Null when it was written by `status`.'),
})

type Fits = StatusDocument extends z.input<typeof STATUS_DOCUMENT> ? true : never
export const FITS: Fits = true

export const EXPECT = z.strictObject({
  channel: z.string(),
  everySeconds: z.int().min(1).nullable().describe('Null: it is expected no more.'),
  last: time.nullable().describe('When the last bundle was accepted.'),
  dryRun: z.boolean(),
})

export const CONFINE = z.strictObject({
  channel: z.string(),
  into: z
    .array(z.string())
    .nullable()
    .describe('Paths at a target that its content may go to, or below; null: anywhere.'),
  dryRun: z.boolean(),
})

/** With `--as-of` alone. */
export const AS_OF = z
  .strictObject({ time, reason: z.string() })
  .optional()
  .describe('The time it was judged at, when that was not the time of the clock.')

export const ATTENTION = z
  .strictObject({
    pending: z
      .strictObject({ lists: count, denials: count })
      .describe('That came, and by which nobody has judged again yet.'),
    missing: count.describe('Lists that certificates name and that were never had.'),
    unplaced: count.describe('Artifacts let in before places were written down, which nothing judges again.'),
    quarantined: count.describe('Artifacts that a measure stands against.'),
    restored: z
      .strictObject({
        time,
        reason: z.string(),
        unheard: z
          .array(z.string())
          .describe('Pinned channels of which nothing was accepted since, and nothing known was brought again.'),
        policy: z.boolean().describe('The site judges artifacts by a policy, so that an import needs one.'),
      })
      .nullable()
      .describe('The state came back from a backup, and may not know what was accepted after it.'),
  })
  .describe('What of revocation waits for somebody.')
