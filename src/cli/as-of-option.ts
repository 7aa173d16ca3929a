/** The options that name another time than the clock's to judge by. */
import type { Argv } from 'yargs'
import type { AsOf, AsOfReport } from '../index.ts'
import { usage } from './context.ts'
import { plain } from './show.ts'

export interface AsOfArgs {
  'as-of': string | undefined
  'as-of-reason': string | undefined
}

export function withAsOf<T>(yargs: Argv<T>): Argv<T & AsOfArgs> {
  return yargs
    .option('as-of', {
      type: 'string',
      requiresArg: true,
      describe: "judge at this time instead of the clock's, never below what was seen signed",
    })
    .option('as-of-reason', { type: 'string', requiresArg: true, describe: 'why; goes into report and journal' })
}

const REASON_CAP = 500

/** What the options say; undefined without them. Throws USAGE for one without the other. */
export function asOfIn({ 'as-of': text, 'as-of-reason': reason }: AsOfArgs): AsOf | undefined {
  if (text === undefined && reason === undefined) return undefined
  if (text === undefined) throw usage('--as-of-reason', 'it goes with --as-of')
  const time = new Date(text)
  if (
    !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ||
    Number.isNaN(time.getTime()) ||
    !time.toISOString().startsWith(text.slice(0, 19))
  )
    throw usage('--as-of', 'a time is YYYY-MM-DDTHH:MM:SSZ')
  if (reason === undefined || reason.trim() === '' || reason.length > REASON_CAP)
    throw usage('--as-of-reason', `another time than the clock's needs a reason, of up to ${REASON_CAP} characters`)
  return { time, reason }
}

export function asOfText(report: { asOf?: AsOfReport | undefined }): string[] {
  return report.asOf === undefined ? [] : [`note: judged as of ${report.asOf.time}: ${plain(report.asOf.reason)}`]
}
