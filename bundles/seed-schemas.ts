/** The shape of what `revocation seed` prints with `--json`. */
import * as z from 'zod'
import { time } from './schema-words.ts'

const spki = z.string().regex(/^[0-9a-f]{64}$/)

export const SEED = z.strictObject({
  state: z.string(),
  cache: z.string(),
  lists: z.array(
    z.strictObject({
      url: z.string(),
      issuer: spki.describe("SHA-256 of the issuer's SubjectPublicKeyInfo."),
      number: z.string().nullable(),
      delta: z.string().nullable().describe('Number of the delta that goes with it.'),
      until: time.nullable().describe('When notation stops to go by it; null when it does not.'),
      outcome: z.enum(['written', 'replaced', 'unchanged', 'newer', 'left out', 'removed']),
      fault: z
        .enum([
          'lost',
          'not of its issuer',
          'stale',
          'dated in the future',
          'without its delta',
          'with a stale delta',
          'forgets a certificate',
          'another issuer has the URL',
        ])
        .nullable(),
    }),
  ),
  blind: z
    .array(
      z.strictObject({
        subject: z.string(),
        serial: z.string(),
        issuer: spki,
        why: z.enum(['no list', 'answers alone']),
      }),
    )
    .describe('Certificates known here of which notation will find out nothing, and so refuse.'),
  config: z.array(
    z.strictObject({
      file: z.string().describe("Inside notation's configuration folder."),
      outcome: z.enum(['written', 'replaced', 'unchanged', 'removed', 'foreign']),
    }),
  ),
  notes: z.array(z.string()).describe('What notation goes by less strictly than this site.'),
  dryRun: z.boolean(),
})
