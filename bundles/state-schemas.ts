/** The shapes of what is said of a site's memory. */
import * as z from 'zod'
import { count, digest, time } from './schema-words.ts'

const dryRun = z.boolean()
const head = { state: z.string(), rows: count, dryRun }

export const STATE = {
  'state init': z.strictObject({ state: z.string(), site: z.string(), dryRun }),
  'state check': z.strictObject({
    rows: count,
    keys: count,
    differences: z.array(z.strictObject({ key: z.string(), what: z.enum(['missing', 'extra', 'altered']) })),
    count: count.describe('All differences; the list holds the first thousand.'),
    lists: z
      .array(
        z.strictObject({
          digest,
          what: z.enum(['missing', 'altered']),
          form: z.enum(['base', 'delta', 'answer']),
          url: z.string(),
        }),
      )
      .describe('Files behind revocation lists that are not what the journal says.'),
  }),
  'state rebuild': z.strictObject(head),
  'state backup': z.strictObject({ ...head, file: z.string(), head: z.string() }),
  'state forget': z.strictObject({
    site: z.string(),
    target: z.string(),
    reason: z.string(),
    added: z.boolean().describe('False when it was forgotten before.'),
    artifacts: count.describe('What the site knows to lie there, and looks after no more.'),
    pending: z.strictObject({ lists: count, denials: count }).describe('That wait to be judged by at other targets.'),
    dryRun,
  }),
  'state restore': z.strictObject({
    state: z.string(),
    from: z.strictObject({ n: count, hash: z.string() }),
    time,
    warning: z.string(),
    dryRun,
  }),
}
