/** A watched inbox, and what somebody has to look at, in words. Names come from others and pass through `plain`. */
import type { Alarm, ExpectReport, WatchReport } from '../index.ts'
import { counted, plain } from './show.ts'

export function alarmLines({ alarms }: { alarms: readonly Alarm[] }): string[] {
  return alarms.map(({ code, subject, detail }) => `ALARM ${code} ${plain(subject)}: ${plain(detail)}`)
}

export function watchText(report: WatchReport): string[] {
  const { imported, duplicate, rejected, waiting, bundles, others, strange, status } = report
  return [
    ...bundles.map(({ name, at, outcome, code, why }) => {
      const reason = code === undefined ? '' : `: ${code}${why === undefined ? '' : `, ${plain(why)}`}`
      return `${outcome.padEnd(9)}  ${plain(name)}${name === at ? '' : ` → ${plain(at)}`}${reason}`
    }),
    ...others.map(({ name, what }) => `left alone  ${plain(name)}: ${what}`),
    ...(strange > others.length ? [`left alone  ${strange - others.length} more`] : []),
    `${counted(imported, 'bundle')} imported, ${duplicate} imported before, ${rejected} rejected, ${waiting} waiting`,
    ...(status === null ? [] : alarmLines(status)),
  ]
}

export function expectText({ channel, everySeconds, last }: ExpectReport, dryRun: boolean): string[] {
  const would = dryRun ? 'would be' : 'is'
  if (everySeconds === null) return [`${channel} ${would} expected no more`]
  const hours = everySeconds / 3600
  const every = hours % 24 === 0 ? counted(hours / 24, 'day') : `${Number(hours.toFixed(2))} h`
  return [`${channel} ${would} expected every ${every}; the last bundle came ${last ?? 'never'}`]
}
