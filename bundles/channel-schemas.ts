/** The shapes of what the `channel` verbs print with `--json`. */
import * as z from 'zod'
import { version } from './bundle-schemas.ts'
import { count, digest, time } from './schema-words.ts'

export const fingerprint = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/)
  .describe('The SHA-256 of a root file.')
export const keyid = z.string().regex(/^[0-9a-f]{64}$/)

const purpose = z.enum(['content', 'trust', 'revocation'])
const key = {
  role: z.enum(['root', 'targets', 'snapshot', 'timestamp']),
  holder: z.string(),
  file: z.string(),
}
const pin = {
  channel: z.string(),
  purpose,
  fingerprint,
  rootVersion: version,
  expires: time.describe('Of its newest root.'),
}
export const pinned = z.strictObject({
  ...pin,
  lastSequence: version.nullable(),
  lastId: digest.nullable(),
  everySeconds: count.nullable().describe('How often a bundle is expected; null: it is not.'),
  into: z.array(z.string()).nullable().describe('Where its content may go at any target; null: anywhere.'),
})

export const CHANNEL_INIT = z.strictObject({
  channel: z.string(),
  purpose,
  fingerprint: fingerprint.nullable().describe('Null in a dry run, which makes no root.'),
  root: z.string(),
  threshold: version,
  people: z.array(z.string()),
  keys: z.array(z.strictObject({ ...key, keyid })),
  rootExpires: time,
  dryRun: z.boolean(),
})

const signed = z.strictObject({ signed: count, threshold: version })

export const CHANNEL_ROTATE = z.strictObject({
  channel: z.string(),
  purpose,
  phase: z.enum(['planned', 'waiting', 'in force', 'was in force', 'abandoned']),
  version: version.describe('Of the new root.'),
  root: z.string().describe('Its file.'),
  first: fingerprint.describe('Of the first root, to which it leads back.'),
  follows: fingerprint.describe('Of the root that it replaces.'),
  id: digest.nullable().describe('Of what it says, whoever has signed it; null before its keys are made.'),
  fingerprint: fingerprint.nullable().describe('Null before it is in force: each signature changes it.'),
  rootExpires: time,
  threshold: version.describe('People who must approve a bundle.'),
  rootThreshold: version.describe('People who must sign the root after this one.'),
  people: z.array(z.string()),
  keys: z.array(
    z.strictObject({
      ...key,
      keyid: keyid.nullable().describe('Null before it is made.'),
      is: z
        .enum(['staying', 'new', 'retired'])
        .describe('Retired keys are good for nothing once the root is in force.'),
    }),
  ),
  signed: z
    .strictObject({ before: signed, own: signed })
    .nullable()
    .describe('By the root keys of the root before, and by its own; null in a plan.'),
  missing: z.array(z.string()).describe('Holders of root keys whose signature would still count.'),
  countersBeginAgain: z
    .boolean()
    .nullable()
    .describe('Whether sites begin to count anew; null when this run did not put it in force.'),
})

export const CHANNEL_PIN = z.strictObject({ ...pin, dryRun: z.boolean() })

export const CHANNEL_UNPIN = z.strictObject({ channel: z.string(), dryRun: z.boolean() })

export const CHANNEL_SHOW = z.strictObject({
  channels: z.array(pinned),
  folder: z
    .strictObject({
      dir: z.string(),
      channel: z.string(),
      purpose,
      fingerprint,
      rootVersion: version,
      expires: time,
      people: z.array(z.string()),
      threshold: version,
      waiting: z
        .union([version, z.literal('damaged')])
        .nullable()
        .describe('The version of the root that waits for signatures.'),
    })
    .optional(),
})
