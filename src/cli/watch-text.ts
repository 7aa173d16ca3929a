/** A watched inbox, and what somebody has to look at, in words. Names come from others and pass through `plain`. */
import type { Alarm, WatchReport } from '../index.ts'
import { counted, plain } from './show.ts'

export function alarmLines({ alarms }: { alarms: readonly Alarm[] }): string[] {
  return alarms.map(({ code, subject, detail }) => `ALARM ${code} ${plain(subject)}: ${plain(detail)}`)
}

/** What became of bundles that did not end well, and what somebody has to look at. */
export function watchRefusal(report: WatchReport): string[] {
  const bundles = report.bundles.filter(({ exit }) => exit !== 0 && exit !== 3)
  return [
    ...bundles.map(
      ({ name, outcome, code, why }) =>
        `${outcome}  ${plain(name)}: ${[code, why && plain(why)].filter(Boolean).join(', ')}`,
    ),
    ...(report.status === null ? [] : alarmLines(report.status)),
  ]
}

export function watchText(report: WatchReport): string[] {
  const { imported, duplicate, rejected, waiting, bundles, others, strange, status, dryRun } = report
  const would = dryRun ? 'would be ' : ''
  return [
    ...bundles.map(({ name, at, outcome, code, why }) => {
      // Of a duplicate the word says all.
      const told = outcome === 'duplicate' || why === undefined ? [code] : [code, plain(why)]
      const reason = told.filter((word) => word !== undefined).join(', ')
      const became = outcome === 'imported' || outcome === 'rejected' ? `${would}${outcome}` : outcome
      return `${became.padEnd(would.length + 9)}  ${plain(name)}${name === at ? '' : ` → ${plain(at)}`}${reason === '' ? '' : `: ${reason}`}`
    }),
    ...others.map(({ name, what }) => `left alone  ${plain(name)}: ${what}`),
    ...(strange > others.length ? [`left alone  ${strange - others.length} more`] : []),
    `${counted(imported, 'bundle')} ${would}imported, ${duplicate} imported before, ${rejected} ${would}rejected, ${waiting} waiting`,
    ...(status === null ? [] : alarmLines(status)),
  ]
}
