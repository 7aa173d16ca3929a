/** What became of the lists, answers and denials that a bundle brought, in words. */
import type { ImportReport } from '../index.ts'
import { counted, plain } from './show.ts'

type Intake = NonNullable<ImportReport['revocation']>
type List = Intake['lists'][number]

/** The JSON output has the rest. */
const SHOWN = 50

function listLine({ form, url, issuerName, number, serial, nextUpdate, stale, outcome, code }: List): string {
  const which = number === null ? `serial ${serial ?? ''}` : `number ${number}`
  const until = `${stale ? 'STALE since' : 'next update'} ${nextUpdate}`
  const named = `${plain(issuerName)} · ${form} ${plain(url)} · ${which} · ${until}`
  if (outcome === 'refused')
    return `  REFUSED   ${named}: ${code ?? ''}; nothing that hangs on it counts as good in this run`
  return outcome === 'older' ? `  left out  ${named}: ${code ?? 'older'}, a newer one stays` : `  in force  ${named}`
}

/**
 * Nothing where nothing was carried. What was held already is counted alone.
 * @param would - nothing is written by this run
 */
export function intakeLines(revocation: Intake | null, would: boolean): string[] {
  if (revocation === null) return []
  const { lists, denials } = revocation
  if (lists.length + denials.carried === 0) return []
  const of = (wanted: List['outcome']): List[] => lists.filter(({ outcome }) => outcome === wanted)
  const [taken, older, refused] = [of('taken'), of('older'), of('refused')]
  const told = [...refused, ...taken, ...older]
  return [
    `revocation: ${taken.length} of ${counted(lists.length, 'list')} and answers ${would ? 'would come' : 'came'} into force, ${of('held').length} held before, ${older.length} older and left out${refused.length === 0 ? '' : `, ${refused.length} REFUSED`}; ${denials.added} of ${counted(denials.carried, 'denial')} new`,
    ...told.slice(0, SHOWN).map(listLine),
    ...(told.length > SHOWN ? [`  and ${told.length - SHOWN} more, which --json names`] : []),
  ]
}
