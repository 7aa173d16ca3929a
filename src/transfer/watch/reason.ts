/** Why an import did not end well, for those who read of the bundle and not its report. */
import { exitOf, SallyportError, type Code } from '../../errors/index.ts'
import type { ImportReport } from '../import/terms.ts'
import { fallenOf } from '../rejudge/report.ts'

export interface Reason {
  code?: Code
  why: string
}

type Judged = Pick<ImportReport, 'artifacts' | 'passengers' | 'revocation' | 'rejudged'>

function reasonsOf({ artifacts, passengers, revocation, rejudged }: Judged): Reason[] {
  const refused = <T extends { outcome: string }>(all: readonly T[] = []): T[] =>
    all.filter(({ outcome }) => outcome === 'refused')
  return [
    ...(artifacts ?? [])
      .filter(({ verdict }) => verdict !== 'trusted')
      .map(
        ({ repository, digest, code = 'POLICY_UNMET', why }) =>
          ({ code, why: `${repository}@${digest}: ${why}` }) as const,
      ),
    ...refused(passengers).map(
      ({ channel, code = 'PURPOSE_MISMATCH', why }) =>
        ({ code, why: `passenger ${channel}: ${why ?? 'refused'}` }) as const,
    ),
    ...refused(revocation?.lists).map(
      ({ url, code = 'LIST_INVALID' }) => ({ code, why: `the list of ${url} was refused` }) as const,
    ),
    ...(rejudged === null ? [] : fallenOf(rejudged)).map(
      ({ path, digest, code = 'POLICY_UNMET', why }) =>
        ({ code, why: `${path}@${digest} lay here and is trusted no more: ${why}` }) as const,
    ),
    ...(rejudged?.artifacts ?? [])
      .filter(({ verdict, measure }) => verdict === 'unasked' || measure?.outcome === 'failed')
      .map(({ path, digest, why, measure }) => ({
        why: `${path}@${digest} lies here and is left to the next run: ${measure?.detail ?? why}`,
      })),
  ]
}

/** The first reason that brings this exit status, else the first of all; undefined where there is none. */
export function reasonOf(report: Judged, exit: number): Reason | undefined {
  const reasons = reasonsOf(report)
  const brings = ({ code }: Reason): boolean =>
    (code === undefined ? 21 : exitOf(new SallyportError(code, { side: 'bundle' }))) === exit
  return reasons.find(brings) ?? reasons[0]
}
