/** `revocation:` of policy.yaml: how a site takes what it learns, or does not learn, about revocations. */
import * as z from 'zod'
import { shapedList, type YamlDocument } from '../codec/index.ts'
import type { Reporter } from './finding.ts'

/** What is done about an artifact that is here and trusted no more. Only `remove` stops a pull by digest. */
export const MEASURES = ['report', 'retag', 'remove'] as const
export type Measure = (typeof MEASURES)[number]

export interface RevocationPolicy {
  measure: Measure
  /** Seconds that a list may be past its next update and still be gone by, named in each verdict; absent: none. */
  maxStaleness?: number
  /**
   * Issuers by the SHA-256 of their SubjectPublicKeyInfo, hex: what they issued is unknown, never good, without a list;
   * an OCSP answer is none.
   */
  mustHave: ReadonlySet<string>
  /** A trusted timestamp, too, may show that a signature is older than the day its key was lost. */
  timestampCounts: boolean
  /** What is in quarantine leaves it with the consent of a second person only. */
  releaseNeedsApproval: boolean
}

/** Without policy.yaml, or without the section in it. */
export const PLAIN_REVOCATION: RevocationPolicy = {
  measure: 'report',
  mustHave: new Set(),
  timestampCounts: false,
  releaseNeedsApproval: false,
}

const STALENESS = /^([1-9][0-9]{0,3})([dh])$/
const SECONDS = { d: 86_400, h: 3_600 } as const

export const REVOCATION_SHAPE = z.strictObject({
  measure: z.enum(MEASURES, 'a measure is report, retag or remove').default(PLAIN_REVOCATION.measure),
  maxStaleness: z.string().regex(STALENESS, 'a span is 1 to 9999 days or hours: 7d, 12h').optional(),
  mustHave: shapedList(
    z,
    z.string().regex(/^[0-9a-f]{64}$/, 'an issuer is the SHA-256 of its public key: 64 digits of lower-case hex'),
    { max: 1_000 },
  ).default([]),
  timestampCounts: z.boolean().default(PLAIN_REVOCATION.timestampCounts),
  releaseNeedsApproval: z.boolean().default(PLAIN_REVOCATION.releaseNeedsApproval),
})

function secondsOf(span: string): number {
  const [, count, unit] = STALENESS.exec(span) ?? []
  return Number(count) * SECONDS[unit as keyof typeof SECONDS]
}

/** The section of a shape that was read; every broken rule goes to `report`. */
export function readRevocation(
  from: z.output<typeof REVOCATION_SHAPE> | undefined,
  yaml: YamlDocument,
  report: Reporter,
): RevocationPolicy {
  if (from === undefined) return PLAIN_REVOCATION
  const { measure, maxStaleness, timestampCounts, releaseNeedsApproval } = from
  const mustHave = new Set<string>()
  for (const [i, issuer] of from.mustHave.entries()) {
    if (mustHave.has(issuer))
      report.error(yaml.placeOf(['revocation', 'mustHave', i]), 'this issuer stands there twice')
    mustHave.add(issuer)
  }
  return {
    measure,
    ...(maxStaleness === undefined ? {} : { maxStaleness: secondsOf(maxStaleness) }),
    mustHave,
    timestampCounts,
    releaseNeedsApproval,
  }
}
