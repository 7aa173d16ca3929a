/** What notation was given, in words. */
import type { RevocationSeedReport } from '../index.ts'
import { counted, plain } from './show.ts'

const SHOWN = 10

const PLANNED = new Map([
  ['written', 'would write'],
  ['replaced', 'would replace'],
  ['removed', 'would remove'],
])

/** What became of it, or in a dry run would. */
function done(outcome: string, dryRun: boolean): string {
  return (dryRun ? PLANNED.get(outcome) : undefined) ?? outcome
}

type List = RevocationSeedReport['lists'][number]

function listLine({ url, number, delta, until, outcome, fault }: List, dryRun: boolean): string {
  const which = number === null ? '' : ` list ${number}${delta === null ? '' : ` with delta ${delta}`}`
  const why = fault === null ? '' : outcome === 'newer' ? '' : `: ${fault}`
  return `  ${done(outcome, dryRun)}${why}${which}, ${plain(url)}${until === null ? '' : `, until ${until}`}`
}

export function seedText(report: RevocationSeedReport): string[] {
  const { cache, lists, blind, config, notes, dryRun } = report
  const given = lists.filter(({ outcome }) => outcome !== 'left out' && outcome !== 'removed')
  const ends = given.flatMap(({ until }) => (until === null ? [] : [until])).toSorted()
  const foreign = config.filter(({ outcome }) => outcome === 'foreign')
  return [
    `${dryRun ? 'notation could have' : 'notation has'} ${counted(given.length, 'list')} in ${plain(cache)}`,
    ...lists.map((list) => listLine(list, dryRun)),
    ...(ends[0] === undefined || dryRun
      ? []
      : [`Seed again before ${ends[0]}, and after every import: notation goes by these until then.`]),
    ...blind
      .slice(0, SHOWN)
      .map(({ subject, serial, why }) => `refused by notation: ${plain(subject)}, serial ${serial}: ${why}`),
    ...(blind.length > SHOWN ? [`… and ${blind.length - SHOWN} more certificates`] : []),
    ...config
      .filter(({ outcome }) => outcome !== 'unchanged')
      .map(({ file, outcome }) => `  ${done(outcome, dryRun)} ${plain(file)}`),
    ...(foreign.length === 0
      ? []
      : ['note: what is foreign in these stores notation trusts too, and this site does not']),
    ...notes.map((note) => `note: ${plain(note)}`),
  ]
}
