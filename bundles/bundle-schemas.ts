/** The shapes of what reports say of a bundle's content. */
import * as z from 'zod'
import { CODES, type Code } from '../src/index.ts'
import { count, digest, time } from './schema-words.ts'

export const version = z.int().min(1)
export const movedTag = z.strictObject({
  repository: z.string(),
  tag: z.string(),
  old: digest.nullable(),
  new: digest,
  outcome: z.enum(['moved', 'kept']),
  takenFrom: z
    .string()
    .optional()
    .describe(
      'Another channel that is pinned here, which had brought what the tag named; of a kept one, until a run that was stopped.',
    ),
})

export const removedTags = z
  .array(z.string())
  .describe('Tags that an earlier bundle brought to one of the sites, and that the source has no more.')
export const tags = z.record(z.string(), digest).describe('Tag to digest.')

export const omission = z.strictObject({
  repository: z.string(),
  digest,
  mediaType: z.string(),
  size: count,
  of: digest.describe('The manifest that names it.'),
  why: z.enum(['platform', 'referrer', 'foreign-layer']),
  what: z.string().optional(),
})

const claim = {
  channel: z.string(),
  sequence: version,
  id: digest.describe('The id of its own bundle.'),
}
export const passengers = z.array(z.strictObject(claim)).describe('Bundles of other channels that ride along.')
export const judgedPassengers = z
  .array(
    z.strictObject({
      ...claim,
      purpose: z.enum(['trust', 'revocation']),
      created: time,
      validUntil: time,
      outcome: z
        .enum(['accepted', 'repeat', 'skipped', 'refused'])
        .describe('Skipped: not pinned here, or older than what the site has.'),
      code: z
        .enum(Object.keys(CODES) as [Code])
        .optional()
        .describe('Why it was skipped or refused.'),
      why: z.string().optional(),
    }),
  )
  .describe('Bundles of other channels that ride along, each judged alone.')

export const summary = {
  channel: z.string(),
  purpose: z.string(),
  sequence: version,
  id: digest.describe('The bundle id.'),
  audience: z.array(z.string()),
  created: time,
  validUntil: time,
  exporter: z.string(),
  manifests: count,
  blobs: count,
  bytes: count.describe('Of all blobs, manifests included.'),
  repositories: z.array(
    z.strictObject({
      name: z.string(),
      to: z.string(),
      complete: z.boolean(),
      tags,
      untagged: z.array(digest),
      signatureTags: tags,
      referrers: z.array(digest),
      removed: removedTags,
    }),
  ),
  omitted: z.array(omission),
  passengers,
}
