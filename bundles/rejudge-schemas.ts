/** The shapes of what was judged again, and of what hangs on what. */
import { z } from 'zod'
import { CODES, type Code } from '../src/index.ts'
import { count, digest } from './schema-words.ts'

const verdict = z.enum(['trusted', 'rejected', 'inconclusive'])

const measure = z.strictObject({
  measure: z.enum(['report', 'retag', 'remove']),
  outcome: z.enum(['done', 'impossible', 'failed']),
  detail: z.string(),
  reachable: z.boolean().describe('Whoever knows the digest can still pull it.'),
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
