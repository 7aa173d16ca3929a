/** The options that name another time than the clock's to judge by. */
import type { Argv } from 'yargs'
import type { AsOf, AsOfReport } from '../index.ts'
import { usage } from './context.ts'
import { plain } from './show.ts'
import { secondOf } from './time-option.ts'

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
  const time = secondOf('--as-of', text)
  if (reason === undefined || reason.trim() === '' || reason.length > REASON_CAP)
    throw usage('--as-of-reason', `another time than the clock's needs a reason, of up to ${REASON_CAP} characters`)
  return { time, reason }
}

export function asOfText(report: { asOf?: AsOfReport | undefined }): string[] {
  return report.asOf === undefined ? [] : [`note: judged as of ${report.asOf.time}: ${plain(report.asOf.reason)}`]
}
