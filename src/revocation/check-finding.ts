/** What is found out about one certificate from one list or answer, and how findings add up. */

export type Finding =
  /** `excused`: it is revoked for good, and was signed before that counts. */
  | { status: 'good'; notes: readonly string[]; excused?: true }
  /** `forGood`: nothing that any other source says can take it back. */
  | { status: 'revoked'; forGood: boolean; detail: string }
  | { status: 'unknown'; detail: string }

export function good(...notes: string[]): Finding {
  return { status: 'good', notes }
}

export function unknown(detail: string): Finding {
  return { status: 'unknown', detail }
}

const WEIGHT = { good: 0, unknown: 1, revoked: 2 } as const

function weight(finding: Finding): number {
  return WEIGHT[finding.status] + (finding.status === 'revoked' && finding.forGood ? 1 : 0)
}

/** What all findings together say, each of which had to be good: the worst of them, or every note. */
export function together(findings: readonly Finding[]): Finding {
  const worst = findings.reduce<Finding>((most, one) => (weight(one) > weight(most) ? one : most), good())
  if (worst.status !== 'good') return worst
  return good(...new Set(findings.flatMap((finding) => (finding.status === 'good' ? finding.notes : []))))
}
